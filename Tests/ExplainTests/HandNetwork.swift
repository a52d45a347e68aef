import Tensors
import Vision

@testable import Explain
@testable import Tasks

/// A network of a few numbers. The picture has 2x2 pixels x of three channels; the layer "front" gives each two channels
/// A = ReLU(x_0, x_1 - x_2); the score is a weighted sum over all of A's cells, so that dy / dA = g is known:
///
///     x  (1, 0, 0)  (0, 1, 0)      A  (1, 0)  (0, 1)      g  ( 1,  2)  (-1, 0)      g A  1  0
///        (2, 0, 0)  (1, 3, 1)         (2, 0)  (1, 2)         ( 3, -2)  (-1, 4)           6  7      y = 14
enum HandNetwork {
    static let picture = Tensor([1, 2, 2, 3], [1, 0, 0, 0, 1, 0, 2, 0, 0, 1, 3, 1])
    static let gradient: [Float] = [1, 2, -1, 0, 3, -2, -1, 4]

    /// - Parameters:
    ///   - attention: as ``ScoreHead/attention``.
    ///   - picture: another picture.
    /// - Returns: the scores y and 2 y.
    static func scores(
        picture: Tensor = picture, attention: @escaping (Int) -> Tensor? = { _ in nil }
    ) -> ExplainedScores {
        let front = Variable(Tensor([2, 3], [1, 0, 0, 0, 1, -1])), head = Variable(Tensor([1, 8], gradient))
        let encoder = Encoder(
            stages: [.init(name: "front", channels: 2, stride: 1) { linear($0, front).activated(.relu) }])
        return scores(encoder, picture: picture, head: ScoreHead(name: "sum", attention: attention) { features in
            linear(features.reshaped([features.shape[0], 8]), head)
        })
    }

    static func scores(_ encoder: Encoder, layers: [String] = [], picture: Tensor, head: ScoreHead) -> ExplainedScores {
        let identity = EncoderIdentity(
            encoder: EncoderConfiguration(name: "hand", folded: true),
            preprocessing: Preprocessing(
                width: picture.shape[2], height: picture.shape[1], fit: .squash, filter: .bilinear, mean: [8, 4, 2],
                std: [4, 4, 4]),
            weights: "")
        let names = layers.isEmpty ? [encoder.lastLayer] : layers
        let seen = SeenPicture(
            .init(encoder: identity, layers: names), encoder: encoder,
            stages: names.compactMap { encoder.index(of: $0) }, picture: picture)
        return ExplainedScores(
            seen, head: head,
            sums: [ScoreSum([.init(index: 0, weight: 1)]), ScoreSum([.init(index: 0, weight: 2)])])
    }
}
