import Foundation
import Tensors

/// Centred Grad-CAM, each cell times a power of the length of the score's gradient there:
/// map_ij = c_ij (|g_ij| / mean over i, j of |g_ij|)^p, with c the map of ``CentredGradCAM``, g_ij = dy / dA_ij and
/// p = ``power``.
///
/// Where a decoder looks at a step enters the gradient only: it is long in the cells that the step attends to.
/// ``CentredGradCAM`` takes the gradient's mean, so that a word which a caption has twice has one map. With p = 1, the
/// map points less well than without; a small power keeps the pointing, and tells the two places apart if the decoder was
/// taught where to look (docs/maps.md). It is mmx's own method, from no paper.
public struct GatedGradCAM: LayerGradientMethod {
    public let name = "gated-grad-cam"
    public let summary = "centred-grad-cam, each cell by a power of the gradient's length there"
    public let paper = "mmx, after Selvaraju et al. 2017, arXiv 1610.02391"

    /// p. On 4,000 phrases of Flickr8k's dev images, maps with 0.1, 0.2 and 0.3 point alike (75.4 to 75.5 %); on an
    /// earlier model, those with 0.5 and 1 pointed less well (74.6 and 72.8 %; with 0.1 and 0.25, 75.3 and 75.1 %).
    public static let power: Float = 0.2

    /// The method; it has no settings.
    public init() {}

    public static func maps(activations: Tensor, gradients: Tensor) -> Tensor {
        let maps = CentredGradCAM.maps(activations: activations, gradients: gradients)
        let cells = maps.shape[1] * maps.shape[2]
        let squares = ChannelSums.elementwise(activations, gradients) { _, g in g * g }
        for s in 0..<maps.shape[0] {
            let lengths = (0..<cells).map { squares.pointer[s * cells + $0].squareRoot() }
            let mean = lengths.reduce(0, +) / Float(cells)
            // No gradient, no map: it is 0 already.
            if mean == 0 { continue }
            for cell in 0..<cells { maps.pointer[s * cells + cell] *= pow(lengths[cell] / mean, power) }
        }
        return withExtendedLifetime((maps, squares)) { maps }
    }
}
