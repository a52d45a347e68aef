import Foundation
import Support
import Vision

/// What can be wrong with the argument that names a photograph, before it is read.
enum PhotoArgument {
    /// - Throws: `ImageError` for an address of the web, which is no file.
    static func check(_ path: String) throws {
        guard isAddress(path) else { return }
        throw ImageError(
            .missing, path,
            "it is an address of the web. Download the image first (curl -O \(ShellText.quoted(path))), then give its "
                + "file name")
    }

    /// The photograph's file; for "-", what standard input is called.
    static func url(_ argument: String) -> URL {
        URL(fileURLWithPath: argument == "-" ? "standard-input" : argument)
    }

    static func isAddress(_ path: String) -> Bool {
        ["http://", "https://", "ftp://"].contains { path.lowercased().hasPrefix($0) }
    }

    /// Whether the argument is a file, or is called as an image is.
    static func looksLikeFile(_ argument: String) -> Bool {
        isAddress(argument) || Image.isNamed(argument) || isPlainFile(argument)
    }

    private static func isPlainFile(_ path: String) -> Bool {
        var information = stat()
        return RawPath.withBytes(path) { stat($0, &information) } == 0 && information.st_mode & S_IFMT != S_IFDIR
    }
}
