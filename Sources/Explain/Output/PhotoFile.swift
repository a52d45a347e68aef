import Foundation
import Support
import Vision

/// A photograph's file, read and decoded once for every model that looks at it.
struct PhotoFile {
    let image: Image
    /// What a manifest says of it.
    let description: ManifestPhoto
    /// The first part of the names of the files about it.
    let stem: String

    /// - Throws: `ImageError`.
    init(_ url: URL) throws {
        let bytes = try Image.readBytes(url)
        image = try Image.decode(bytes, name: url.path)
        description = .init(path: url.path, sha256: sha256(bytes), width: image.width, height: image.height)
        stem = FileNames.stem(url.deletingPathExtension().lastPathComponent)
    }
}
