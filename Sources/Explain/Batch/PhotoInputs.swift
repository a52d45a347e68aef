import Foundation
import Support
import Vision

/// What the arguments of a command name, for its caller.
public enum PhotoInputs {
    /// Whether an argument may name several photographs: a folder, an archive, a list.
    public static func areMany(_ argument: String) -> Bool {
        let input = PhotoSources.Input(argument)
        if input == .standardInput { return !ListedPhotographs.standardInputIsPhotograph() }
        return input.isMany
    }

    /// Whether an argument is a list whose lines may ask something of each photograph.
    public static func isList(_ argument: String) -> Bool {
        switch PhotoSources.Input(argument) {
        case .list, .standardInput: true
        default: false
        }
    }

    /// The bytes of the photograph that comes over standard input.
    /// - Throws: `ImageError` for more bytes than are read.
    public static func standardInputPhotograph(_ limits: ImageLimits) throws -> Data {
        let bytes = LineReader.standardInput.rest(atMost: limits.bytes)
        guard bytes.count <= limits.bytes else {
            throw ImageError(.tooLarge, "standard input", "more than \(limits.bytes >> 20) MiB")
        }
        return bytes
    }
}
