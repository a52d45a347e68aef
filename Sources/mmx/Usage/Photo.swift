import Foundation
import Vision

/// What can be wrong with the argument that names a photograph, before it is read.
enum Photo {
    /// - Throws: `ImageError` for an address of the web, which is no file.
    static func check(_ path: String) throws {
        guard isAddress(path) else { return }
        throw ImageError(
            .missing, path,
            "it is an address of the web. Download the image first (curl -O \(ShellText.quoted(path))), then give its "
                + "file name")
    }

    static func isAddress(_ path: String) -> Bool {
        ["http://", "https://", "ftp://"].contains { path.lowercased().hasPrefix($0) }
    }

    /// Whether the argument is a file, or is called as an image is.
    static func looksLikeFile(_ argument: String) -> Bool {
        let endings = [".jpg", ".jpeg", ".png"]
        var isFolder: ObjCBool = false
        return isAddress(argument) || endings.contains { argument.lowercased().hasSuffix($0) }
            || FileManager.default.fileExists(atPath: argument, isDirectory: &isFolder) && !isFolder.boolValue
    }
}
