import Foundation
import Support
import Tensors
import Vision
import Weights

/// The outputs of an encoder's frozen stages for every image, computed once and kept as F16 in a mapped file, so that
/// an epoch does not compute these stages again.
///
/// It has as many copies of each image as its ``Augmentation`` makes. The file begins with a ``Header`` that says what
/// it holds, and gets its name when it is complete: there is no moment at which a header vouches for other features.
public final class FeatureCache {
    public let shape: [Int]
    public let count: Int
    public let copies: Int
    private let map: Data
    private let width: Int

    /// The first 128 bytes of a cache's file: `mmxfeat1`, SHA-256 of the key in hexadecimal, and as 64-bit
    /// little-endian numbers the rows and the three axes of a row; then zeros. The rows of F16 follow.
    private struct Header {
        static let size = 128
        static let magic = Data("mmxfeat1".utf8)
        /// SHA-256, in hexadecimal.
        let key: String
        let rows: Int
        let shape: [Int]

        var data: Data {
            var data = Self.magic + Data(key.utf8)
            for number in [rows] + shape {
                withUnsafeBytes(of: UInt64(number).littleEndian) { data.append(contentsOf: $0) }
            }
            return data + Data(count: Self.size - data.count)
        }

        /// Of a cache's file; nil where it is none, or not as long as its header says.
        init?(of file: Data) {
            guard file.count >= Self.size, file.prefix(8) == Self.magic else { return nil }
            key = String(decoding: file[8..<72], as: UTF8.self)
            let numbers = file.withUnsafeBytes { bytes in
                (0..<4).map { UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 72 + 8 * $0, as: UInt64.self)) }
            }
            var bytes: UInt64 = 2
            for number in numbers {
                let (product, overflow) = bytes.multipliedReportingOverflow(by: number)
                if number == 0 || overflow { return nil }
                bytes = product
            }
            guard bytes == UInt64(file.count - Self.size) else { return nil }
            (rows, shape) = (Int(numbers[0]), numbers[1...].map { Int($0) })
        }

        init(key: String, rows: Int, shape: [Int]) { (self.key, self.rows, self.shape) = (key, rows, shape) }
    }

    /// Opens the cache `name` in `folder`, or computes it.
    /// - Parameters:
    ///   - images: the images' files, at least one.
    ///   - key: identifies everything that the features depend on; a file with another key is computed again, and so
    ///     is one that is damaged.
    ///   - front: the frozen stages, from images `[B, H, W, 3]` to features `[B, u, v, C]`.
    ///   - check: called when everything is computed; it throws where the features must not be kept.
    ///   - progress: called with the number of images done and of all images.
    public init(
        images: [URL], preprocessing: Preprocessing, augmentation: Augmentation, folder: URL, name: String, key: String,
        front: (Tensor) -> Tensor, check: () throws -> Void = {}, progress: (Int, Int) -> Void
    ) throws {
        precondition(!images.isEmpty, "a cache has images")
        try AtomicFile.makeFolder(folder)
        let url = folder.appendingPathComponent("\(name).f16")
        let (count, copies) = (images.count, augmentation.copies)
        let (rows, hash) = (count * copies, sha256(Data(key.utf8)))
        /// The file, if it is the cache that is asked for.
        func open() -> (map: Data, shape: [Int])? {
            guard let map = try? Data(contentsOf: url, options: .alwaysMapped), let header = Header(of: map),
                header.key == hash, header.rows == rows
            else { return nil }
            return (map, header.shape)
        }
        var found = open()
        if found == nil {
            try AtomicFile.write(to: url, durable: true) { file in
                let batch = 16
                for from in stride(from: 0, to: count, by: batch) {
                    let part = Array(images[from..<min(count, from + batch)])
                    let features = try Self.features(
                        part, from: from, preprocessing: preprocessing, augmentation: augmentation, front: front)
                    if from == 0 {
                        let shape = Array(features.first?.shape.dropFirst() ?? [])
                        try file.write(Header(key: hash, rows: rows, shape: shape).data)
                    }
                    for image in features { try file.write(halves(image)) }
                    progress(min(count, from + batch), count)
                }
                try check()
            }
            found = open()
        }
        guard let found else {
            throw AtomicFileError(path: url.path, problem: "another program has changed the file; train again")
        }
        (self.count, self.copies) = (count, copies)
        (map, shape) = found
        width = shape.reduce(1, *)
    }

    /// Each image's features, `[copies, u, v, C]`. A thread computes a whole image, whose feature maps then stay in its
    /// processor's cache.
    /// - Parameter from: the first image's number.
    static func features(
        _ images: [URL], from: Int, preprocessing: Preprocessing, augmentation: Augmentation, front: (Tensor) -> Tensor
    ) throws -> [Tensor] {
        var results = [Result<Tensor, Error>?](repeating: nil, count: images.count)
        results.withUnsafeMutableBufferPointer { results in
            nonisolated(unsafe) let results = results
            Parallel.forEach(images.count) { i in
                results[i] = Result {
                    front(augmentation.inputs(try Image.read(images[i]), index: from + i, preprocessing))
                }
            }
        }
        return try results.compactMap { try $0?.get() }
    }

    /// The features of one copy of each given image, `[B, u, v, C]`; copy 0 is the whole frame.
    public func batch(_ indices: [Int], copies chosen: [Int]? = nil) -> Tensor {
        let result = Tensor(uninitialized: [indices.count] + shape)
        precondition(indices.allSatisfy { (0..<count).contains($0) }, "there are \(count) images")
        precondition(chosen?.allSatisfy { (0..<copies).contains($0) } ?? true, "there are \(copies) copies")
        map.withUnsafeBytes { file in
            let bytes = UnsafeRawBufferPointer(rebasing: file[Header.size...])
            Parallel.forEach(indices.count) { i in
                let row = indices[i] * copies + (chosen?[i] ?? 0)
                guard let base = bytes.baseAddress else { return }
                Half.widen(base + 2 * row * width, width, into: result.pointer + i * width)
            }
        }
        return result
    }
}

extension FeatureCache {
    /// The features of one copy of each given image, `[B, u, v, C]`, and the copies' numbers.
    /// - Parameter draws: a random number for each image, which decides its copy.
    func batch(_ images: [Int], draws: [UInt64]) -> (copies: [Int], input: Tensor) {
        let chosen = draws.map { Int($0 % UInt64(copies)) }
        return (chosen, batch(images, copies: chosen))
    }
}

/// The elements of a tensor as halves, in memory order.
private func halves(_ x: Tensor) -> Data {
    var data = Data(count: x.count * 2)
    data.withUnsafeMutableBytes { bytes in
        let output = bytes.assumingMemoryBound(to: Float16.self)
        for i in 0..<x.count { output[i] = Float16(x.pointer[i]) }
    }
    return withExtendedLifetime(x) { data }
}
