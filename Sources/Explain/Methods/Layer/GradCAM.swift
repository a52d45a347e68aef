import Tensors

/// Grad-CAM (Selvaraju et al. 2017, arXiv 1610.02391, eq. 1-2):
/// alpha_k = mean over i, j of dy / dA_kij; map = ReLU(sum over k of alpha_k A_k), here before the ReLU.
public struct GradCAM: LayerGradientMethod {
    public let name = "grad-cam"
    public let summary = "a layer's channels weighted by the score's mean gradient"
    public let paper = "Selvaraju et al. 2017, arXiv 1610.02391"
    public var takesMeanGradient: Bool { true }

    /// The method; it has no settings.
    public init() {}

    public static func maps(activations: Tensor, gradients: Tensor) -> Tensor {
        let cells = Float(activations.shape[1] * activations.shape[2])
        let sums = ChannelSums.weights(activations, gradients) { _, g, _ in g }
        return ChannelSums.weighted(activations, sums.map { $0.map { $0 / cells } })
    }
}
