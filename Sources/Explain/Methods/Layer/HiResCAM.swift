import Tensors

/// HiResCAM (Draelos & Carin 2020, arXiv 2011.08891, eq. 4): map_ij = sum over k of A_kij dy / dA_kij.
///
/// It is Grad-CAM without the mean: where the score is linear in A, the cells of the map add up to the score less its
/// constant.
public struct HiResCAM: LayerGradientMethod {
    public let name = "hirescam"
    public let summary = "a layer's channels times the score's gradient, cell by cell"
    public let paper = "Draelos & Carin 2020, arXiv 2011.08891"

    /// The method; it has no settings.
    public init() {}

    public static func maps(activations: Tensor, gradients: Tensor) -> Tensor {
        ChannelSums.elementwise(activations, gradients) { $0 * $1 }
    }
}
