import Tensors

/// LayerCAM (Jiang et al. 2021, IEEE TIP 30, eq. 5-6): map_ij = ReLU(sum over k of ReLU(dy / dA_kij) A_kij), here
/// before the outer ReLU. Made for earlier layers, whose maps are fine; of several layers, the maps are fused (eq. 7).
public struct LayerCAM: LayerGradientMethod {
    public let name = "layercam"
    public let summary = "a layer's channels times the positive part of the score's gradient, cell by cell"
    public let paper = "Jiang et al. 2021, IEEE TIP 30:5875"

    /// The method; it has no settings.
    public init() {}

    public static func maps(activations: Tensor, gradients: Tensor) -> Tensor {
        ChannelSums.elementwise(activations, gradients) { $0 * max(0, $1) }
    }
}
