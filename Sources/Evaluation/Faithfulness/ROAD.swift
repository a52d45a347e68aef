import Tensors

/// ROAD, remove and debias (Rong et al. 2022, arXiv 2202.00449): the model's confidence when the most, or the least,
/// relevant part of the pixels is imputed from the rest (``NoisyLinearImputation``), averaged over several parts.
///
/// A faithful map has a small figure with the most relevant removed first and a large one with the least.
enum ROAD {
    /// Parts of the pixels that are removed.
    static let parts = [0.2, 0.4, 0.6, 0.8]

    /// - Parameters:
    ///   - image: `[1, H, W, C]`, prepared.
    ///   - order: the pixels, those to be removed first in front.
    /// - Returns: a image for each part, `[parts, H, W, C]`; the figure is their mean confidence.
    static func images(
        _ image: Tensor, order: [Int], parts: [Double] = parts, noise: Float = NoisyLinearImputation.noise,
        seed: UInt64
    ) -> Tensor {
        .stacked(
            parts.map { part -> Tensor in
                var removed = [Bool](repeating: false, count: order.count)
                for pixel in order.prefix(Int((part * Double(order.count)).rounded())) { removed[pixel] = true }
                return NoisyLinearImputation.impute(image, removed: removed, noise: noise, seed: seed)
            })
    }
}
