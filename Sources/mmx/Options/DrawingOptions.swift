import ArgumentParser
import Drawing
import Explain
import Foundation
import Tasks

/// How maps are drawn: what every explaining command takes. An option that was not given is nil, so that the command
/// can tell.
struct DrawingOptions: ParsableArguments {
    private static let usual = DrawingStyle.standard

    @Option(
        help: ArgumentHelp(
            "Colours of the map. (default: \(Self.usual.colors()), or \(Self.usual.colors(isAgainst: true)) where it "
                + "shows what speaks against)", valueName: "name"))
    var colorMap: ColorMap?
    @Option(
        help: ArgumentHelp(
            "How much the colours cover the photograph, 0 to 1. (default: \(Self.usual.opacity))", valueName: "part"))
    var opacity: Float?
    @Option(
        help: ArgumentHelp("Where the colours cover. (default: \(Self.usual.blend.rawValue))", valueName: "name"))
    var blend: Blend?
    @Option(
        help: ArgumentHelp(
            "Draw a line where the map has this part of its maximum, 0 to 1. Repeat it for several lines. (default: 0.5)",
            valueName: "part"))
    var contour: [Float] = []
    @Flag(help: "Draw no line.") var noContour = false
    @Flag(
        inversion: .prefixedNo,
        help: ArgumentHelp(
            "Draw the caption or the answer, its figures and a bar of the colours under each map. (default: --legend)"))
    var legend: Bool?
    @Option(
        help: ArgumentHelp(
            "What the map is divided by. (default: \(Self.usual.scale.kind.rawValue))", valueName: "name"))
    var scale: MapScale.Kind?
    @Option(help: ArgumentHelp("The number that --scale fixed divides by.", valueName: "value"))
    var scaleMaximum: Float?
    @Flag(help: "Draw one sheet of all maps: a row for each method, a column for each word, answer or class.")
    var sheet = false
    @Option(
        help: ArgumentHelp(
            """
            Draw the mean over squares of this many cells a side, an odd number; 1 draws the raw map. Without it, the \
            model's config.json decides for maps of a layer: \(ShippedDefaults.smoothing) for \
            \(ModelFolder.defaultCaptioner) and \(ModelFolder.defaultVQAModel), 1 for a model that names none. Maps of \
            pixels are drawn raw.
            """, valueName: "cells"))
    var smooth: Int?
    @Option(
        defaultAsFlag: LocalisationBox.standardThreshold,
        help: ArgumentHelp(
            "Draw a box around the largest segment above this part of the map's maximum.", valueName: "part"))
    var boxes: Float?
    @Flag(help: "Also write the map as it is drawn: one number for each pixel of the photograph (NAME-drawn.npy).")
    var drawnMap = false

    func validate() throws {
        if let opacity, !(0...1).contains(opacity) { throw ValidationError("--opacity is between 0 and 1") }
        guard contour.allSatisfy({ $0 > 0 && $0 <= 1 }) else {
            throw ValidationError("--contour is above 0 and at most 1")
        }
        if noContour, !contour.isEmpty { throw ValidationError("give --contour or --no-contour") }
        guard (scale == .fixed) == (scaleMaximum != nil) else {
            throw ValidationError("--scale fixed and --scale-maximum VALUE go together")
        }
        if let scaleMaximum, !(scaleMaximum > 0 && scaleMaximum.isFinite) {
            throw ValidationError("--scale-maximum is a number above 0")
        }
        if let boxes, !(boxes > 0 && boxes <= 1) { throw ValidationError("--boxes is above 0 and at most 1") }
        try Self.check(smooth: smooth)
    }

    static func check(smooth: Int?) throws {
        if let smooth, !MapConfiguration.isSide(smooth) { throw ValidationError("--smooth is an odd number in 1...99") }
    }

    /// For a request that draws no map.
    /// - Parameter option: what gives a map to draw.
    /// - Throws: `ValidationError` where an option was given that changes how maps are drawn.
    func checkUnused(add option: String) throws {
        guard !given.isEmpty else { return }
        let verb = given.count == 1 ? "changes" : "change"
        throw ValidationError(
            "\(given.joined(separator: ", ")) \(verb) how maps are drawn, but there is no map to draw: add \(option)")
    }

    /// The names of the options that were given.
    private var given: [String] {
        let options = [
            ("--color-map", colorMap != nil), ("--opacity", opacity != nil), ("--blend", blend != nil),
            ("--contour", !contour.isEmpty), ("--no-contour", noContour), ("--legend", legend != nil),
            ("--scale", scale != nil), ("--sheet", sheet),
            ("--smooth", smooth != nil), ("--boxes", boxes != nil), ("--drawn-map", drawnMap),
        ]
        return options.filter(\.1).map(\.0)
    }

    private var style: DrawingStyle {
        let usual = Self.usual
        let scales: [MapScale.Kind: MapScale] = [.evidence: .evidence, .each: .each, .shared: .shared]
        return DrawingStyle(
            colorMap: colorMap, opacity: opacity ?? usual.opacity, blend: blend ?? usual.blend,
            contours: noContour ? [] : contour.isEmpty ? usual.contours : contour, hasLegend: legend ?? usual.hasLegend,
            scale: scaleMaximum.map { .fixed($0) } ?? scale.flatMap { scales[$0] } ?? usual.scale)
    }

    func rendering(into folder: URL) -> RenderingOptions {
        RenderingOptions(
            folder: folder, style: style, hasSheet: sheet, smoothing: smooth, boxThreshold: boxes, hasDrawnMap: drawnMap
        )
    }
}

extension ColorMap: ExpressibleByArgument {
    public static var allValueDescriptions: [String: String] {
        [
            "warm": "Black, red, yellow in rising lightness, for what speaks for the target.",
            "cool": "Black, blue, cyan in rising lightness, for what speaks against it.",
            "jet": "Blue, cyan, yellow, red: the colours of most published figures.",
            "turbo": "The order of jet without its false edges.",
            "viridis": "Blue, green, yellow in even steps of lightness, also for colour-blind readers.",
            "magma": "Black, purple, pale yellow in even steps of lightness.",
            "inferno": "Black, red, pale yellow in even steps of lightness.",
            "gray": "Black to white.",
            "coolwarm": "Blue below zero, grey at zero, red above: also shows what speaks against the target.",
        ]
    }
}

extension Blend: ExpressibleByArgument {
    public static var allValueDescriptions: [String: String] {
        ["weighted": "More where the map is larger.", "even": "Everywhere alike, as in most published figures."]
    }
}

extension MapScale.Kind: ExpressibleByArgument {
    public static var allValueDescriptions: [String: String] {
        [
            "evidence": "Its own maximum, and drawn as strong as its evidence.",
            "each": "Its own maximum. Maps cannot be compared.",
            "shared": "The largest maximum of its method's maps in this run.",
            "fixed": "The number of --scale-maximum, the same in every run.",
        ]
    }
}
