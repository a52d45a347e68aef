import ArgumentParser
import Foundation

/// Where the images and the manifest of an explanation go, and what is printed.
struct OutputOptions: ParsableArguments {
    @Option(
        name: .shortAndLong, help: ArgumentHelp("Folder for the images and the manifest.", valueName: "dir"))
    var output = "mmx-output"
    @Flag(help: "Print the manifest (JSON) instead of text.") var json = false

    var folder: URL { URL(fileURLWithPath: output) }
}

/// Whether results are printed as JSON.
struct JSONOption: ParsableArguments {
    @Flag(help: "Print JSON instead of text.") var json = false
}
