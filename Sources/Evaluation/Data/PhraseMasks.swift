import Foundation
import Tasks
import Vision

/// A folder with masks of phrases without boxes. The mask of a phrase of chain CHAIN in the image NAME.* is
/// `NAME-CHAIN.png` or `NAME-CHAIN.jpg`. It has the size of the image. The region is where the mask is white (green of
/// 128 or more).
struct PhraseMasks: Sendable {
    let folder: URL

    /// The file of a phrase's mask. It is nil if there is none.
    private func url(of phrase: Phrase) -> URL? {
        let name = (phrase.image as NSString).deletingPathExtension
        return ["png", "jpg"].map { folder.appendingPathComponent("\(name)-\(phrase.chain).\($0)") }.first {
            FileManager.default.fileExists(atPath: $0.path)
        }
    }

    /// Whether the phrase has a mask.
    func has(_ phrase: Phrase) -> Bool { url(of: phrase) != nil }

    /// The white pixels of a phrase's mask.
    /// - Throws: `ImageError` for a mask that cannot be read. `DatasetError` for a missing mask, a mask of another size
    ///   than the image, or a mask without a white pixel.
    func region(of phrase: Phrase, in photo: Image) throws -> Region {
        guard let url = url(of: phrase) else {
            throw DatasetError(
                path: folder.path,
                problem: "has no mask of \"\(phrase.words.joined(separator: " "))\" in \(phrase.image)")
        }
        // A mask has the size of its image, whose limit was the user's.
        var limits = ImageLimits.standard
        limits.pixels = max(limits.pixels, photo.width * photo.height)
        let mask = try Image.read(url, limits: limits)
        guard mask.width == photo.width, mask.height == photo.height else {
            throw DatasetError(
                path: url.path,
                problem: "has \(mask.width)x\(mask.height) pixels, the image \(phrase.image) has "
                    + "\(photo.width)x\(photo.height); a mask has the size of its image")
        }
        let inside = (0..<mask.width * mask.height).map { mask.pixels[3 * $0 + 1] >= 128 }
        guard let region = Region(mask: inside, width: mask.width) else {
            throw DatasetError(path: url.path, problem: "has no white pixel, so it marks no region")
        }
        return region
    }
}
