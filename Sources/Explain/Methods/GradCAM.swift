import Tensors

/// Grad-CAM (Selvaraju et al. 2017, arXiv 1610.02391, eq. 1-2):
/// alpha_k = mean over i, j of dy / dA_kij; map = ReLU(sum over k of alpha_k A_k).
public enum GradCAM {
    /// - Parameters:
    ///   - activations: A, `[1, u, v, K]`.
    ///   - gradients: dy_s / dA for S scores, `[S, 1, u, v, K]`.
    /// - Returns: `[S, u, v]`, raw and signed: the sum over k before the ReLU.
    public static func maps(activations: Tensor, gradients: Tensor) -> Tensor {
        let scores = gradients.shape[0], cells = activations.shape[1] * activations.shape[2],
            channels = activations.shape[3]
        let maps = Tensor(uninitialized: [scores, activations.shape[1], activations.shape[2]])
        for s in 0..<scores {
            var alpha = [Float](repeating: 0, count: channels)
            for cell in 0..<cells {
                let row = gradients.pointer + (s * cells + cell) * channels
                for k in 0..<channels { alpha[k] += row[k] }
            }
            for k in 0..<channels { alpha[k] /= Float(cells) }
            for cell in 0..<cells {
                let row = activations.pointer + cell * channels
                var sum: Float = 0
                for k in 0..<channels { sum += alpha[k] * row[k] }
                maps.pointer[s * cells + cell] = sum
            }
        }
        return maps
    }
}
