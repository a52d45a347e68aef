import ArgumentParser
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
        if let boxes, !(boxes > 0 && boxes <= 1) { throw ValidationError("--boxes is above 0 and at most 1") }
        try Self.check(smooth: smooth)
    }

    static func check(smooth: Int?) throws {
        if let smooth, !MapConfiguration.isSide(smooth) { throw ValidationError("--smooth is an odd number in 1...99") }
    }

    func request(_ recipe: MapRecipe) -> MapRequest {
        MapRequest(
            recipe: recipe, layers: layer, output: URL(fileURLWithPath: output), colorMap: colorMap, opacity: opacity,
            smoothing: smooth, boxThreshold: boxes, compatibility: compat)
    }

    /// What `--list-layers` prints.
    static func printLayers(of encoder: Encoder) {
        for stage in encoder.stages {
            let isDefault = stage.name == encoder.lastLayer
            print("\(stage.name)\t\(stage.channels) channels\t\(stage.stride) px\(isDefault ? "\tdefault" : "")")
        }
    }
}

extension ColorMap: ExpressibleByArgument {}
extension Compatibility: ExpressibleByArgument {}
