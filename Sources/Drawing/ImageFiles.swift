import Foundation
import Tensors
import Vision

/// Images written together: packing a large one takes longer than drawing it, and each has a thread of its own.
public enum ImageFiles {
    /// - Throws: `ImageError` or `AtomicFileError` of the first that could not be written; each file is there whole or
    ///   not at all.
    public static func write(_ images: [(image: Image, url: URL)]) throws {
        var errors = [Error?](repeating: nil, count: images.count)
        errors.withUnsafeMutableBufferPointer { errors in
            Parallel.forEach(images.count) { i in
                do { try images[i].image.write(to: images[i].url) } catch { errors[i] = error }
            }
        }
        if let error = errors.compactMap({ $0 }).first { throw error }
    }
}
