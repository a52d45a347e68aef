import Language
import Tasks
import Tensors

/// A caption's words on a tape, from which every score of the caption is read.
public struct ScoredCaption {
    /// Word indices without `<start>` and `<end>`.
    public let words: [Int]
    /// The words' scores before the softmax at every position, `[T, V]`, T = words + 1.
    public let logits: Variable
    /// log p of every word of the vocabulary at every position, `[T, V]`.
    public let logProbabilities: Variable
    /// What scores are sums of, `[T, V]`.
    let outputs: Variable
    private let end: Int

    /// Teacher-forces `words` through the captioner's decoder. features `[1, u, v, K]`.
    /// - Parameter outputs: what scores are sums of.
    init(_ captioner: Captioner, features: Variable, words: [Int], outputs own: WordOutputs) {
        self.words = words
        end = captioner.vocabulary.end
        let shape = [words.count + 1, -1]
        if own.kind == .visual {
            let found = own.visual(features, words: words)
            (logits, outputs) = (found.logits.reshaped(shape), found.visual.reshaped(shape))
            logProbabilities = logits.logSoftmax()
        } else {
            logits = WordOutputs.logits(captioner, features: features, words: words).reshaped(shape)
            logProbabilities = logits.logSoftmax()
            outputs = own.kind == .logit ? logits : logProbabilities
        }
    }

    /// The caption's own words, its end last.
    private var all: [Int] { words + [end] }

    /// log p of the caption's own word at each position, the end last.
    public var wordLogProbabilities: [Float] { all.enumerated().map { logProbabilities.value[$0.offset, $0.element] } }

    /// A score as a sum of outputs `[T, V]`, row-major.
    public func sum(_ score: CaptionScore) -> ScoreSum {
        let all = all, vocabulary = logits.shape[1]
        return ScoreSum(
            score.positions.flatMap { t -> [ScoreSum.Term] in
                let word = ScoreSum.Term(index: t * vocabulary + (score.replacing[t] ?? all[t]), weight: 1)
                return [word] + (score.against.map { [.init(index: t * vocabulary + $0, weight: -1)] } ?? [])
            })
    }

    /// log p of the score's own words.
    public func logProbability(of score: CaptionScore) -> Float {
        let all = all
        return score.positions.reduce(0) { $0 + logProbabilities.value[$1, score.replacing[$1] ?? all[$1]] }
    }
}
