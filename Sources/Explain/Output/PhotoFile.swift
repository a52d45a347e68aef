import Foundation
import Support
import Vision

/// A photograph's file, read and decoded once for every model that looks at it.
struct PhotoFile {
    let image: Image
    /// What a manifest says of it.
    let description: ManifestPhoto
    /// What its reader has to say of it.
    let warnings: [String]
    /// The first part of the names of the files about it.
    let stem: String

    /// - Throws: `ImageError`.
    init(_ url: URL, limits: ImageLimits) throws {
        let (bytes, decoded) = try Timings.measure(.decoding) {
            let bytes = try Image.readBytes(url, limits: limits)
            return (bytes, try DecodedImage(bytes, name: url.path, limits: limits))
        }
        image = decoded.image
        warnings = decoded.warnings
        description = .init(
            path: url.path, sha256: Timings.measure(.hashing) { sha256(bytes) }, width: image.width,
            height: image.height,
            fileWidth: decoded.isReduced ? decoded.fileWidth : nil,
            fileHeight: decoded.isReduced ? decoded.fileHeight : nil)
        stem = FileNames.stem(url.deletingPathExtension().lastPathComponent)
    }
}
