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
    private let end: Int

    /// Teacher-forces `words` through the captioner's decoder. features `[1, u, v, K]`.
    public init(_ captioner: Captioner, features: Variable, words: [Int]) {
        self.words = words
        end = captioner.vocabulary.end
        logits = Self.logits(captioner, features: features, words: words).reshaped([words.count + 1, -1])
        logProbabilities = logits.logSoftmax()
    }

    /// The same words of each of N pictures, `[N, u, v, K] -> [N, T, V]`, before the softmax.
    static func logits(_ captioner: Captioner, features: Variable, words: [Int]) -> Variable {
        let caption = [captioner.vocabulary.start] + words
        let captions = [[Int]](repeating: caption, count: features.shape[0])
        return captioner.decoder.logits(features: features, words: captions, dropout: nil).permuted([1, 0, 2])
    }

    /// What a kind of score is a sum of, `[T, V]`.
    func outputs(_ kind: WordScore) -> Variable { kind == .logit ? logits : logProbabilities }

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
