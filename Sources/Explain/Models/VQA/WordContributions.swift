import Tensors

/// Gradient times input (Shrikumar et al. 2016, arXiv 1605.01713, section 2.2): how much each word of a question
/// carried, to first order: the change of y when the word's vector shrinks towards zero.
public enum WordContributions {
    /// - Parameters:
    ///   - embedded: word vectors x of one question, `[T, 1, E]`.
    ///   - gradients: dy_s / dx for S scores, `[S, T, 1, E]`.
    /// - Returns: for each score a signed number a word, the sum over e of x_te dy_s / dx_te; `[S][T]`.
    public static func words(embedded: Tensor, gradients: Tensor) -> [[Float]] {
        let steps = embedded.shape[0], width = embedded.shape[2]
        let x = embedded.array, g = gradients.array
        return (0..<gradients.shape[0]).map { s in
            (0..<steps).map { t in
                (0..<width).reduce(0) { $0 + x[t * width + $1] * g[(s * steps + t) * width + $1] }
            }
        }
    }
}
