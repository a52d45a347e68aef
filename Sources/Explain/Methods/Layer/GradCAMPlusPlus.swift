import Tensors

/// Grad-CAM++ (Chattopadhay et al. 2018, arXiv 1710.11063, eq. 10 and 19): with g = dy / dA,
/// alpha_kij = g^2 / (2 g^2 + g^3 sum over a, b of A_kab), w_k = sum over i, j of alpha_kij ReLU(g_kij),
/// map = ReLU(sum over k of w_k A_k), here before the ReLU.
///
/// The paper's exp(y) before g is the same for all cells: it only scales the map, and is left out, as elsewhere.
public struct GradCAMPlusPlus: LayerGradientMethod {
    public let name = "grad-cam++"
    public let summary = "Grad-CAM with a mean that lets small and repeated objects count"
    public let paper = "Chattopadhay et al. 2018, arXiv 1710.11063"

    /// The method; it has no settings.
    public init() {}

    public static func maps(activations: Tensor, gradients: Tensor) -> Tensor {
        let totals = ChannelSums.totals(activations)
        let weights = ChannelSums.weights(activations, gradients) { _, g, k in
            guard g > 0 else { return 0 }
            // Keeps a vanishing denominator away from 0, as pytorch-grad-cam does.
            let epsilon: Float = 1e-6
            return g * g / (2 * g * g + totals[k] * g * g * g + epsilon) * g
        }
        return ChannelSums.weighted(activations, weights)
    }
}
