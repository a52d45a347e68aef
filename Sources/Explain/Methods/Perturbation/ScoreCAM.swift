import Foundation
import Tensors

/// Score-CAM (Wang et al. 2020, arXiv 1910.01279, algorithm 1): each channel of the layer, enlarged to the image and
/// brought to 0...1, is a mask of the image; with y_k the score of the image under it, alpha = softmax over k of
/// (y_k - y of the empty image), and map = ReLU(sum over k of alpha_k A_k), here before the ReLU. A channel that is
/// the same everywhere masks all.
///
/// The empty image's score is the same for all channels and cancels in the softmax. What is masked becomes the
/// preprocessing's mean.
public struct ScoreCAM: ExplanationMethod {
    public let name = "score-cam"
    public let summary = "a layer's channels weighted by the score of the image seen through them"
    public let paper = "Wang et al. 2020, arXiv 1910.01279"
    public let support = MethodSupport.layer

    /// The method; it has no settings.
    public init() {}

    public func maps(of context: AttributionContext) -> Tensor {
        let activations = context.activations, channels = activations.shape[3]
        var values: [Float] = []
        context.inBatches(channels) { part in
            let masks = part.map { Self.mask(activations, channel: $0, like: context.pixels) }
            values += context.values(ofImages: context.pixels.masked(by: masks)).array
        }
        let weights = Variable(Tensor([channels, context.count], values)).permuted([1, 0]).softmax().value
        return ChannelSums.weighted(activations, (0..<context.count).map { weights.row($0).array })
    }

    /// One channel as a mask of the image `[1, H, W, 3]`, `[H * W]`, 0...1.
    static func mask(_ activations: Tensor, channel k: Int, like image: Tensor) -> [Float] {
        let values = stride(from: k, to: activations.count, by: activations.shape[3]).map { activations.pointer[$0] }
        let map = withExtendedLifetime(activations) { Tensor(Array(activations.shape[1...2]), values) }
        let enlarged = map.enlarged(height: image.shape[1], width: image.shape[2])
        let low = enlarged.min() ?? 0, range = (enlarged.max() ?? 0) - low
        return enlarged.map { range > 0 ? ($0 - low) / range : 0 }
    }
}

extension Tensor {
    /// An image `[1, H, W, C]` under N masks `[H * W]`: `[N, H, W, C]`. A mask of 0 leaves `fill`, 0 by default.
    func masked(by masks: [[Float]], fill: [Float]? = nil) -> Tensor {
        let channels = shape[3], result = Tensor(uninitialized: [masks.count] + shape.dropFirst())
        for (n, mask) in masks.enumerated() {
            for (pixel, weight) in mask.enumerated() {
                for c in 0..<channels {
                    let i = pixel * channels + c
                    result.pointer[n * count + i] = weight * pointer[i] + (1 - weight) * (fill?[c] ?? 0)
                }
            }
        }
        return withExtendedLifetime((self, result)) { result }
    }
}
