import Tensors

/// The part of a word's score that is linear in the feature map: where the decoder looks with attention alpha_t, word v
/// gets gate_t sum over l of alpha_tl words_v . (U F_l + b), added to its score before the softmax.
///
/// Over the regions, words_v . U F_l is the word's class activation map (Zhou et al. 2016, arXiv 1512.04150, eq. 2), and
/// Grad-CAM of the term is that map up to a factor. Phrases with boxes can teach it where things are.
public struct VisualTerm {
    let regions: Linear
    public let words: Embedding
    let gate: Linear

    init(_ p: Parameters, features: Int, vocabulary: Int, hidden: Int, width: Int) {
        regions = Linear(p["regions"], inputs: features, outputs: width)
        // Nothing at first: a decoder that goes on from one without the term says what that one said.
        words = Embedding(p["words"], count: vocabulary, width: width, deviation: 0)
        gate = Linear(p["gate"], inputs: hidden, outputs: 1)
    }

    /// What each region says: features `[M, u, v, K] -> [M, L, W]`.
    public func regions(of features: Variable, dropout: Dropout? = nil) -> Variable {
        let x = regions(features.reshaped([features.shape[0], features.shape[1] * features.shape[2], features.shape[3]]))
        return dropout?(x) ?? x
    }

    /// Scores of all words.
    /// - Parameters:
    ///   - regions: `[M, L, W]`; attention `[T, N, L]`, row n looking at picture n / (N / M); states `[T, N, H]`.
    /// - Returns: `[T, N, V]`.
    func scores(regions: Variable, attention: Variable, states: Variable) -> Variable {
        let (pictures, count, width) = (regions.shape[0], regions.shape[1], regions.shape[2])
        let (steps, rows) = (attention.shape[0], attention.shape[1])
        let looks = attention.reshaped([steps, pictures, rows / pictures, count]).permuted([1, 0, 2, 3])
        let seen = batchedProduct(looks.reshaped([pictures, -1, count]), regions)
        let ordered = seen.reshaped([pictures, steps, rows / pictures, width]).permuted([1, 0, 2, 3])
        // The gate beside every channel.
        let open = linear(gate(states).activated(.sigmoid), Variable(Tensor([width, 1], repeating: 1)))
        return linear(ordered.reshaped([steps, rows, width]) * open, words.weight)
    }
}
