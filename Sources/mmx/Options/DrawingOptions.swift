import ArgumentParser
import Drawing
import Explain
import Foundation
import Tasks
import Vision

/// Over which layer maps are drawn, how, and where they go: what every explaining command takes.
struct DrawingOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            Layer over which the maps are drawn; those of several are fused. The encoder's last by default.
            """, valueName: "layer"))
    var layer: [String] = []
    @Flag(help: "List the model's layers, with channels and pixels per cell.") var listLayers = false
    @Option(name: .shortAndLong, help: ArgumentHelp("Folder for the pictures.", valueName: "dir"))
    var output = "mmx-output"
    @Option(
        help: ArgumentHelp(
            "Colours: \(ColorMap.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "name"))
    var colorMap = ColorMap.turbo
    @Option(help: ArgumentHelp("How much the colours cover, 0 to 1.", valueName: "part")) var opacity: Float = 0.6
    @Option(
        help: ArgumentHelp(
            "Colours cover the more, the larger the value (weighted), or everywhere alike (even).", valueName: "name"))
    var blend = Blend.weighted
    @Option(
        help: ArgumentHelp(
            "A line where the map has this part of its maximum, 0 to 1; may be given several times.", valueName: "part")
    )
    var contour: [Float] = []
    @Flag(help: "A bar of the colours with numbers under overlays and heat maps.") var legend = false
    @Option(
        help: ArgumentHelp(
            """
            What a map is divided by: each map's own maximum, the maximum of all maps of its method (shared), or \
            --scale-maximum (fixed).
            """, valueName: "name"))
    var scale = MapScale.Kind.each
    @Option(help: ArgumentHelp("What --scale fixed divides by.", valueName: "value")) var scaleMaximum: Float?
    @Flag(help: "One sheet of all maps: a row for each method, a column for each word, answer or class.")
    var sheet = false
    @Option(
        help: ArgumentHelp(
            "Draw means over squares of so many cells a side: 1 for the raw map, 3, 5...; the model's own by default.",
            valueName: "cells"))
    var smooth: Int?
    @Option(
        defaultAsFlag: LocalisationBox.standardThreshold,
        help: ArgumentHelp(
            "Box around the largest segment above this part of the map's maximum; 0.15 without a number.",
            valueName: "part"))
    var boxes: Float?
    @Option(
        help: ArgumentHelp(
            "Make the map as another tool does: \(Compatibility.allCases.map(\.rawValue).joined(separator: ", ")).",
            valueName: "tool"))
    var compat: Compatibility?
    @Flag(help: "Print the manifest instead of text.") var json = false

    func validate() throws {
        guard (0...1).contains(opacity) else { throw ValidationError("--opacity is between 0 and 1") }
        guard contour.allSatisfy({ $0 > 0 && $0 <= 1 }) else {
            throw ValidationError("--contour is above 0 and at most 1")
        }
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

    private var style: DrawingStyle {
        let scales: [MapScale.Kind: MapScale] = [.each: .each, .shared: .shared]
        return DrawingStyle(
            colorMap: colorMap, opacity: opacity, blend: blend, contours: contour, hasLegend: legend,
            scale: scaleMaximum.map { .fixed($0) } ?? scales[scale] ?? .each)
    }

    var outputOptions: OutputOptions {
        OutputOptions(
            folder: URL(fileURLWithPath: output), style: style, hasSheet: sheet, smoothing: smooth,
            boxThreshold: boxes)
    }

    /// The methods' options over these layers, made as `--compat` says.
    func explanationOptions(_ methods: MethodOptions) throws -> ExplanationOptions {
        var options = try methods.options(layers: layer)
        options.compatibility = compat
        return options
    }

    /// What `--list-layers` prints.
    static func printLayers(of encoder: Encoder) {
        for stage in encoder.stages {
            let isDefault = stage.name == encoder.lastLayer
            print("\(stage.name)\t\(stage.channels) channels\t\(stage.stride) px\(isDefault ? "\tdefault" : "")")
        }
    }
}

extension Blend: ExpressibleByArgument {}
extension ColorMap: ExpressibleByArgument {}
extension MapScale.Kind: ExpressibleByArgument {}
extension Compatibility: ExpressibleByArgument {}
