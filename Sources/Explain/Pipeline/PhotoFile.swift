import Foundation
import Vision

/// A photograph's file, read and decoded once for every model that looks at it.
struct PhotoFile {
    let image: Image
    /// What a manifest says of it.
    let description: ManifestParts.Photo
    /// What the files about it are called by.
    let stem: String

    /// - Throws: `ImageError`.
    init(_ url: URL) throws {
        let bytes = try Image.readBytes(url)
        image = try Image.decode(bytes, name: url.path)
        description = .init(path: url.path, sha256: sha256(bytes), width: image.width, height: image.height)
        stem = safeName(url.deletingPathExtension().lastPathComponent)
    }
}
