import Tensors

/// A part of a word's score that is linear in the feature map F. At step t, with the decoder's attention alpha_t over
/// the regions l, the term adds gate_t * sum over l of alpha_tl words_v . (U F_l + b) to the score of word v before the
/// softmax.
///
/// As a map over the regions, words_v . U F_l is the word's class activation map (Zhou et al. 2016, arXiv 1512.04150,
/// eq. 2), and Grad-CAM of the term is that map up to a factor. The term can be trained with phrases that have boxes,
/// so that the map shows where things are.
public struct VisualTerm: WordRegions {
    let regions: Linear
    public let words: Embedding
    let gate: Linear

    init(_ p: Parameters, features: Int, vocabulary: Int, hidden: Int, width: Int) {
        regions = Linear(p["regions"], inputs: features, outputs: width)
        // The term starts at 0: training that starts from a decoder without the term starts with the same scores.
        words = Embedding(p["words"], count: vocabulary, width: width, deviation: 0)
        gate = Linear(p["gate"], inputs: hidden, outputs: 1)
    }

    public func regions(of features: Variable, dropout: Dropout?) -> Variable {
        let x = regions(features.regions)
        return dropout?(x) ?? x
    }

    /// Scores of all words.
    /// - Parameters:
    ///   - regions: `[M, L, W]`; attention `[T, N, L]`, where row n belongs to image n / (N / M); states `[T, N, H]`.
    /// - Returns: `[T, N, V]`.
    func scores(regions: Variable, attention: Variable, states: Variable) -> Variable {
        let (images, count, width) = (regions.shape[0], regions.shape[1], regions.shape[2])
        let (steps, rows) = (attention.shape[0], attention.shape[1])
        let looks = attention.reshaped([steps, images, rows / images, count]).permuted([1, 0, 2, 3])
        let seen = batchedProduct(looks.reshaped([images, -1, count]), regions)
        let ordered = seen.reshaped([images, steps, rows / images, width]).permuted([1, 0, 2, 3])
        // The gate, repeated for every channel.
        let open = linear(gate(states).activated(.sigmoid), Variable(Tensor([width, 1], repeating: 1)))
        return linear(ordered.reshaped([steps, rows, width]) * open, words.weight)
    }
}
