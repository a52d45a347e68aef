import Tensors
import Vision

/// What a score says of changed images: from their feature maps, `[N, u, v, K]`, to how sure the model is of each, a
/// probability. Several scores ask about the same images, so the encoder is not part of it.
public typealias Confidence = (_ features: Tensor) -> [Double]

/// The pixels of a image, the most relevant first.
enum RelevanceOrder {
    /// Equal values stand in row order.
    /// - Parameter map: one value a pixel, row-major; what is no number counts as the least.
    static func pixels(_ map: [Float]) -> [Int] {
        func key(_ pixel: Int) -> Float { map[pixel].isNaN ? -.infinity : map[pixel] }
        return map.indices.sorted { (key($1), $0) < (key($0), $1) }
    }

    /// How many of `count` pixels the first `step` of `steps` equal steps have.
    static func taken(_ step: Int, of steps: Int, pixels count: Int) -> Int { count * step / steps }
}

extension Tensor {
    /// Images `[1, H, W, C]` as one `[N, H, W, C]`.
    static func stacked(_ images: [Tensor]) -> Tensor {
        Tensor([images.count] + images[0].shape.dropFirst(), images.flatMap(\.array))
    }
}
