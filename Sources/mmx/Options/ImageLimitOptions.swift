import ArgumentParser
import Vision

/// How large a photograph may be.
struct ImageLimitOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Read photographs of at most this many pixels, width times height.", valueName: "count"))
    var maxPixels = ImageLimits.standard.pixels

    func validate() throws {
        guard maxPixels >= 1 else { throw ValidationError("--max-pixels is at least 1") }
    }

    var limits: ImageLimits { ImageLimits(pixels: maxPixels) }
}
