import Foundation
import Tensors
import Vision

/// The feature maps of a list of images, computed or read when they are asked for.
struct FeatureMaps {
    /// The number of images.
    let count: Int
    /// The feature maps `[n, u, v, K]` of a range of the images.
    let maps: (Range<Int>) throws -> Tensor

    /// Images whose maps are in memory together.
    static let together = 16

    init(count: Int, maps: @escaping (Range<Int>) throws -> Tensor) {
        self.count = count
        self.maps = maps
    }

    /// Of image files, each encoded whenever it is asked for.
    init(_ images: [URL], encoder: ModelEncoder) {
        self.init(count: images.count) { range in
            Self.joined(
                try FeatureCache.features(
                    Array(images[range]), from: range.lowerBound, preprocessing: encoder.identity.preprocessing,
                    augmentation: .none,
                    front: { image in Parallel.serially { encoder.network(Variable(image)).value } }))
        }
    }

    /// The maps `[1, u, v, K]` that `map` gives of the images of a range, each on one thread, as `[n, u, v, K]`.
    static func joined(_ range: Range<Int>, _ map: @escaping (Int) -> Tensor) -> Tensor {
        var parts = [Tensor?](repeating: nil, count: range.count)
        parts.withUnsafeMutableBufferPointer { parts in
            nonisolated(unsafe) let (parts, map) = (parts, map)
            // One thread also for a single image, whose numbers then do not depend on the number of threads.
            Parallel.forEach(range.count) { i in parts[i] = Parallel.serially { map(range.lowerBound + i) } }
        }
        return joined(parts.compactMap(\.self))
    }

    /// Maps `[1, u, v, K]` of one shape as `[n, u, v, K]`.
    static func joined(_ parts: [Tensor]) -> Tensor {
        let result = Tensor(uninitialized: [parts.count] + (parts.first?.shape.dropFirst() ?? []))
        for (i, part) in parts.enumerated() {
            (result.pointer + i * part.count).update(from: part.pointer, count: part.count)
            withExtendedLifetime(part) {}
        }
        return withExtendedLifetime(result) { result }
    }

    /// Calls `body` with all maps, some images at a time, and the number of the first of them.
    func eachBatch(progress: (Int, Int) -> Void = { _, _ in }, _ body: (Tensor, Int) throws -> Void) throws {
        for from in stride(from: 0, to: count, by: Self.together) {
            let range = from..<min(count, from + Self.together)
            try body(try maps(range), from)
            progress(range.upperBound, count)
        }
    }
}
