import Explain
import Tasks
import Tensors
import Vision

/// A network of a few numbers. The image has 2x2 pixels x of three channels; the layer "front" gives each two channels
/// A = ReLU(x_0, x_1 - x_2); the score is a weighted sum over all of A's cells, so that dy / dA = g is known:
///
///     x  (1, 0, 0)  (0, 1, 0)      A  (1, 0)  (0, 1)      g  ( 1,  2)  (-1, 0)      g A  1  0
///        (2, 0, 0)  (1, 3, 1)         (2, 0)  (1, 2)         ( 3, -2)  (-1, 4)           6  7      y = 14
enum HandNetwork {
    static let image = Tensor([1, 2, 2, 3], [1, 0, 0, 0, 1, 0, 2, 0, 0, 1, 3, 1])
    static let gradient: [Float] = [1, 2, -1, 0, 3, -2, -1, 4]

    static var encoder: Encoder {
        let front = Variable(Tensor([2, 3], [1, 0, 0, 0, 1, -1]))
        return Encoder(stages: [.init(name: "front", channels: 2, stride: 1) { linear($0, front).activated(.relu) }])
    }

    /// From the feature map `[N, 2, 2, 2]` to scores `[N, 1]`.
    static func score(_ features: Variable) -> Variable {
        linear(features.reshaped([features.shape[0], 8]), Variable(Tensor([1, 8], gradient)))
    }

    /// - Parameters:
    ///   - image: another image.
    ///   - attention: as `ModelHead.attention`.
    /// - Returns: the targets y and 2 y.
    static func context(
        image: Tensor = image, attention: @escaping (LinearTarget) -> Tensor? = { _ in nil }
    ) throws -> AttributionContext {
        try context(encoder, image: image, head: ModelHead(name: "sum", attention: attention, outputs: score))
    }

    static func context(
        _ encoder: Encoder, layers: [String] = [], image: Tensor, head: ModelHead
    ) throws -> AttributionContext {
        try AttributionContext(
            EncodedImage(image, by: modelEncoder(encoder, image: image), layers: layers), head: head,
            targets: [LinearTarget(output: 0), LinearTarget([.init(index: 0, weight: 2)])])
    }

    /// `encoder` with a preprocessing for which black is (-2, -1, -0.5).
    static func modelEncoder(_ encoder: Encoder = encoder, image: Tensor = image) -> ModelEncoder {
        let preprocessing = Preprocessing(
            width: image.shape[2], height: image.shape[1], fit: .squash, filter: .bilinear, mean: [8, 4, 2],
            std: [4, 4, 4])
        return ModelEncoder("hand", encoder, preprocessing: preprocessing)
    }
}
