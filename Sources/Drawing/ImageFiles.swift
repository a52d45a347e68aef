import Foundation
import Support
import Tensors
import Vision

/// Writes several image files at once, each on its own thread. Compressing a large image takes longer than drawing
/// it.
public enum ImageFiles {
    /// Writes the images. Each file is written completely or not at all.
    /// - Parameters:
    ///   - images: each with its file. The file's extension names the format.
    ///   - text: of every PNG, pairs of a keyword and a text (``Vision/PNG/encode(_:width:height:channels:text:)``). A
    ///     JPEG takes none.
    /// - Throws: `ImageError` or `AtomicFileError` of the first image that could not be written.
    public static func write(_ images: [(image: Image, url: URL)], text: [(keyword: String, text: String)] = []) throws
    {
        var errors = [Error?](repeating: nil, count: images.count)
        errors.withUnsafeMutableBufferPointer { errors in
            // The time in which this thread waits for the others counts as well.
            Timings.measure(.png) {
                Parallel.forEach(images.count) { i in
                    do { try images[i].image.write(to: images[i].url, text: text) } catch { errors[i] = error }
                }
            }
        }
        if let error = errors.compactMap({ $0 }).first { throw error }
    }
}
