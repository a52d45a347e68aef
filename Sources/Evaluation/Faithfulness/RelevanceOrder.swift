import Tensors
import Vision

/// The model's confidence in a target for changed images: from their feature maps `[N, u, v, K]` to N probabilities.
/// The encoder is not part of it, so that several targets share the feature maps.
public typealias Confidence = (_ features: Tensor) -> [Double]

/// The order of an image's pixels, the most relevant first.
enum RelevanceOrder {
    /// The indices of the pixels in descending order of their values. Equal values are in row order.
    /// - Parameter map: one value for each pixel, row-major. NaN is the smallest value.
    static func pixels(_ map: [Float]) -> [Int] {
        func key(_ pixel: Int) -> Float { map[pixel].isNaN ? -.infinity : map[pixel] }
        return map.indices.sorted { (key($1), $0) < (key($0), $1) }
    }

    /// The number of pixels of the first `step` of `steps` equal steps over `count` pixels.
    static func taken(_ step: Int, of steps: Int, pixels count: Int) -> Int { count * step / steps }
}

extension Tensor {
    /// N images `[1, H, W, C]` as one tensor `[N, H, W, C]`.
    static func stacked(_ images: [Tensor]) -> Tensor {
        Tensor([images.count] + images[0].shape.dropFirst(), images.flatMap(\.array))
    }
}
