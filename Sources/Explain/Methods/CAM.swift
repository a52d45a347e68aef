import Tensors

/// Class activation maps (Zhou et al. 2016, arXiv 1512.04150, eq. 2): M_c(i, j) = sum over k of w_ck A_kij, for a head
/// of global average pooling and one linear layer, logit_c = sum over k of w_ck mean_ij A_kij + b_c.
///
/// The mean of M_c over its cells is logit_c - b_c. Grad-CAM's map of such a network is M_c divided by the number of
/// cells (Selvaraju et al. 2017, section 3.1).
public enum CAM {
    /// - Parameters:
    ///   - activations: A, the feature map that the head takes, `[1, u, v, K]`.
    ///   - head: from `[N, u, v, K]` to logits `[N, classes]`. Of a single cell its pooling is the cell itself.
    /// - Returns: `[S, u, v]`, raw and signed.
    public static func maps(activations: Tensor, scores: [LogitScore], head: (Variable) -> Variable) -> Tensor {
        let (rows, columns, channels) = (activations.shape[1], activations.shape[2], activations.shape[3])
        let cells = head(Variable(activations).reshaped([rows * columns, 1, 1, channels])).value
        let bias = head(Variable(Tensor([1, 1, 1, channels]))).value
        let maps = Tensor(uninitialized: [scores.count, rows, columns])
        for (s, score) in scores.enumerated() {
            for cell in 0..<rows * columns {
                var value = cells[cell, score.index] - bias[0, score.index]
                if let against = score.against { value -= cells[cell, against] - bias[0, against] }
                maps.pointer[s * rows * columns + cell] = value
            }
        }
        return withExtendedLifetime(maps) { maps }
    }
}
