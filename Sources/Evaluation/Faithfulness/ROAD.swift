import Tensors

/// ROAD, remove and debias (Rong et al. 2022, arXiv 2202.00449): the model's confidence when the most or the least
/// relevant pixels are imputed from the others (``NoisyLinearImputation``). The figure is the mean over several shares
/// of removed pixels.
///
/// A faithful map has a small figure if the most relevant pixels are removed, and a large one if the least relevant
/// are.
enum ROAD {
    /// The shares of the pixels that are removed.
    static let parts = [0.2, 0.4, 0.6, 0.8]

    /// The image with pixels removed, for each share.
    /// - Parameters:
    ///   - image: `[1, H, W, C]`, preprocessed.
    ///   - order: the indices of the pixels, in the order in which they are removed.
    ///   - parts: shares of removed pixels, 0...1.
    ///   - noise: standard deviation of the imputation's noise.
    ///   - seed: of the noise.
    /// - Returns: `[parts, H, W, C]`
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
