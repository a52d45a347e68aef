import Tensors

/// XGrad-CAM (Fu et al. 2020, arXiv 2008.02312, eq. 8):
/// w_k = sum over i, j of (A_kij / sum over a, b of A_kab) dy / dA_kij;
/// map = ReLU(sum over k of w_k A_k), here before the ReLU.
public struct XGradCAM: LayerGradientMethod {
    public let name = "xgrad-cam"
    public let summary = "Grad-CAM with a mean weighted by the activations"
    public let paper = "Fu et al. 2020, arXiv 2008.02312"

    /// The method; it has no settings.
    public init() {}

    public static func maps(activations: Tensor, gradients: Tensor) -> Tensor {
        let totals = ChannelSums.totals(activations)
        let weights = ChannelSums.weights(activations, gradients) { a, g, k in
            // A silent channel has no weight and nothing to weigh; 1e-7 as in pytorch-grad-cam.
            a * g / (totals[k] + 1e-7)
        }
        return ChannelSums.weighted(activations, weights)
    }
}
