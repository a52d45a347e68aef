import Foundation
import Support
import Tensors
import Vision
import Weights

/// The outputs of an encoder's frozen stages for every image, computed once and kept as F16 in a mapped file, so that
/// an epoch does not compute these stages again.
///
/// It has as many copies of each image as its ``Augmentation`` makes.
public final class FeatureCache {
    public let shape: [Int]
    public let count: Int
    public let copies: Int
    private let map: Data
    private let width: Int

    /// Opens the cache `name` in `folder`, or computes it.
    /// - Parameters:
    ///   - images: the images' files.
    ///   - key: identifies everything that the features depend on; a file with another key is computed again.
    ///   - front: the frozen stages, from images `[B, H, W, 3]` to features `[B, u, v, C]`.
    ///   - progress: called with the number of images done and of all images.
    public init(
        images: [URL], preprocessing: Preprocessing, augmentation: Augmentation, folder: URL, name: String, key: String,
        front: (Tensor) -> Tensor, progress: (Int, Int) -> Void
    ) throws {
        try AtomicFile.makeFolder(folder)
        let data = folder.appendingPathComponent("\(name).f16")
        let label = folder.appendingPathComponent("\(name).json")
        count = images.count
        copies = augmentation.copies
        struct Label: Codable, Equatable {
            var key: String
            var shape: [Int]
            var rows: Int
        }
        let rows = images.count * augmentation.copies
        if let old = try? JSONDecoder().decode(Label.self, from: Data(contentsOf: label)), old.key == key,
            old.rows == rows,
            let mapped = try? Data(contentsOf: data, options: .alwaysMapped),
            mapped.count == rows * old.shape.reduce(1, *) * 2
        {
            shape = old.shape
            width = old.shape.reduce(1, *)
            map = mapped
            return
        }
        let temporary = folder.appendingPathComponent("\(name).f16.part")
        try AtomicFile.write(Data(), to: temporary)
        let file = try FileHandle(forWritingTo: temporary)
        var isComplete = false
        defer {
            try? file.close()
            if !isComplete { try? FileManager.default.removeItem(at: temporary) }
        }
        var shape: [Int] = []
        let batch = 16
        for from in stride(from: 0, to: images.count, by: batch) {
            let part = Array(images[from..<min(images.count, from + batch)])
            let features = try Self.features(
                part, from: from, preprocessing: preprocessing, augmentation: augmentation, front: front)
            shape = Array(features.first?.shape.dropFirst() ?? [])
            for image in features { try file.write(contentsOf: Half.narrow(image)) }
            progress(min(images.count, from + batch), images.count)
        }
        try file.close()
        isComplete = true
        _ = try? FileManager.default.removeItem(at: data)
        try FileManager.default.moveItem(at: temporary, to: data)
        try AtomicFile.write(try JSON.file(Label(key: key, shape: shape, rows: rows)), to: label)
        self.shape = shape
        width = shape.reduce(1, *)
        map = try Data(contentsOf: data, options: .alwaysMapped)
    }

    /// Each image's features, `[copies, u, v, C]`. A thread computes a whole image, whose feature maps then stay in its
    /// processor's cache.
    /// - Parameter from: the first image's number.
    private static func features(
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
        map.withUnsafeBytes { bytes in
            Parallel.forEach(indices.count) { i in
                let row = indices[i] * copies + (chosen?[i] ?? 0)
                Half.widen(bytes, from: row * width, count: width, to: result.pointer + i * width)
            }
        }
        return result
    }
}

/// Sixteen-bit floats in memory.
enum Half {
    static func narrow(_ x: Tensor) -> Data {
        var data = Data(count: x.count * 2)
        data.withUnsafeMutableBytes { bytes in
            let output = bytes.assumingMemoryBound(to: Float16.self)
            var i = 0
            while i + 16 <= x.count {
                let v = UnsafeRawPointer(x.pointer + i).loadUnaligned(as: SIMD16<Float>.self)
                UnsafeMutableRawPointer(output.baseAddress! + i).storeBytes(
                    of: SIMD16<Float16>(v), as: SIMD16<Float16>.self)
                i += 16
            }
            while i < x.count {
                output[i] = Float16(x.pointer[i])
                i += 1
            }
        }
        return data
    }

    static func widen(_ bytes: UnsafeRawBufferPointer, from: Int, count: Int, to output: UnsafeMutablePointer<Float>) {
        guard let base = bytes.baseAddress else { return }
        let input = base + from * 2
        var i = 0
        while i + 16 <= count {
            let v = SIMD16<Float>((input + i * 2).loadUnaligned(as: SIMD16<Float16>.self))
            UnsafeMutableRawPointer(output + i).storeBytes(of: v, as: SIMD16<Float>.self)
            i += 16
        }
        while i < count {
            output[i] = Float((input + i * 2).loadUnaligned(as: Float16.self))
            i += 1
        }
    }
}
