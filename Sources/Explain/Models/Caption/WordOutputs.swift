import Tasks
import Tensors

/// The outputs that targets of one word score are sums of: for given words, a number for every word of the vocabulary
/// at every position.
struct WordOutputs {
    let captioner: Captioner
    let kind: WordScore

    /// - Throws: ``ExplanationError`` for a model without such a score.
    init(_ captioner: Captioner, kind: WordScore) throws {
        guard kind != .visual || captioner.decoder.visual != nil else {
            throw ExplanationError(
                kind: .methodDoesNotApply,
                description: "the model's decoder has no visual term whose part of a word's score could be explained; "
                    + "take --score logit")
        }
        self.captioner = captioner
        self.kind = kind
    }

    /// The same words for each of N images, `[N, u, v, K] -> [N, T, V]`, T = words + 1.
    func callAsFunction(_ features: Variable, words: [Int]) -> Variable {
        switch kind {
        case .logProbability: return Self.logits(captioner, features: features, words: words).logSoftmax()
        case .logit: return Self.logits(captioner, features: features, words: words)
        case .visual: return visual(features, words: words).visual
        }
    }

    /// The scores before the softmax and the visual term's part of them, from one run, `[N, u, v, K] -> [N, T, V]`;
    /// only the part has derivatives.
    func visual(_ features: Variable, words: [Int]) -> (logits: Variable, visual: Variable) {
        let captions = Self.captions(captioner, words, of: features)
        guard let scores = captioner.decoder.visualScores(features: features, words: captions) else {
            preconditionFailure("a decoder with a visual term has its scores")
        }
        return (scores.logits.permuted([1, 0, 2]), scores.visual.permuted([1, 0, 2]))
    }

    /// The scores without the visual term's part, from both of ``visual(_:words:)``, `[N, T, V]`.
    func language(_ scores: (logits: Variable, visual: Variable)) -> Tensor {
        (scores.logits.detached - scores.visual.detached).value
    }

    /// Before the softmax, `[N, u, v, K] -> [N, T, V]`.
    static func logits(_ captioner: Captioner, features: Variable, words: [Int]) -> Variable {
        let captions = captions(captioner, words, of: features)
        return captioner.decoder.logits(features: features, words: captions, dropout: nil).permuted([1, 0, 2])
    }

    private static func captions(_ captioner: Captioner, _ words: [Int], of features: Variable) -> [[Int]] {
        [[Int]](repeating: [captioner.vocabulary.start] + words, count: features.shape[0])
    }
}
