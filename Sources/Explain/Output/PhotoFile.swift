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
    /// Where it lies; for bytes that did not come from a file, their name.
    let url: URL

    /// - Parameter bytes: what the file holds, where it was read already.
    /// - Throws: `ImageError`.
    init(_ url: URL, bytes known: Data? = nil, limits: ImageLimits) throws {
        let bytes = try known ?? Timings.measure(.decoding) { try Image.readBytes(url, limits: limits) }
        try self.init(url, name: url.path, bytes: bytes, limits)
    }

    /// A photograph whose bytes were read already.
    /// - Parameter name: what errors, warnings and the manifest call it.
    /// - Throws: `ImageError`.
    init(_ url: URL, name: String, bytes: Data, _ limits: ImageLimits) throws {
        self.url = url
        let decoded = try Timings.measure(.decoding) {
            try DecodedImage(bytes, name: name, limits: limits)
        }
        image = decoded.image
        warnings = decoded.warnings
        description = .init(
            path: name, sha256: Timings.measure(.hashing) { sha256(bytes) }, width: image.width,
            height: image.height,
            fileWidth: decoded.isReduced ? decoded.fileWidth : nil,
            fileHeight: decoded.isReduced ? decoded.fileHeight : nil)
        stem = FileNames.stem(url.deletingPathExtension().lastPathComponent)
    }
}
