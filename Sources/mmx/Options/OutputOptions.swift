import ArgumentParser
import Foundation

/// Where the images and the manifest of an explanation go, and what is printed.
struct OutputOptions: ParsableArguments {
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "Folder for the images and the manifest, or for the results of many photographs. For one photograph, the "
                + "default is mmx-output.", valueName: "dir"))
    var output: String?
    @Flag(help: "Print the manifest (JSON) instead of text.") var json = false
    @Flag(
        help: ArgumentHelp(
            """
            Print where the time goes, in milliseconds: to standard error, with --json as timings in the JSON. Weights \
            are unpacked in the step that first needs them.
            """))
    var timings = false

    var folder: URL { URL(fileURLWithPath: output ?? "mmx-output") }
}

/// Whether results are printed as JSON.
struct JSONOption: ParsableArguments {
    @Flag(help: "Print JSON instead of text.") var json = false
}
