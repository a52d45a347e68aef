import Foundation
import Support
import Tensors
import Vision

/// Pictures written together: packing a large one takes longer than drawing it, and each has a thread of its own.
enum PictureFiles {
    /// - Throws: `ImageError` or `AtomicFileError` of the first that could not be written; each file is there whole or
    ///   not at all.
    static func write(_ pictures: [(image: Image, url: URL)]) throws {
        var errors = [Error?](repeating: nil, count: pictures.count)
        errors.withUnsafeMutableBufferPointer { errors in
            Parallel.forEach(pictures.count) { i in
                do { try pictures[i].image.write(to: pictures[i].url) } catch { errors[i] = error }
            }
        }
        if let error = errors.compactMap({ $0 }).first { throw error }
    }
}
