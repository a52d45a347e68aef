import Language
import Tasks
import Tensors

/// One differentiable number of a captioner: the log-probability of some of a caption's words, each in its context.
///
/// y = sum over the span of log p(w_t | w_<t, image): one word, a phrase, or (over all words and the end) the whole
/// caption.
public struct CaptionScore: Equatable, Sendable {
    /// What the user calls it.
    public var name: String
    /// Positions in the caption; `caption.count` is the position of the end.
    public var positions: Range<Int>
    /// A word other than the caption's own at a position, for a word that is not in the caption.
    public var replacing: [Int: Int] = [:]

    /// The word at `position`.
    public static func word(_ name: String, at position: Int) -> CaptionScore {
        CaptionScore(name: name, positions: position..<position + 1)
    }

    /// The caption from its first word to its end.
    public static func whole(_ words: [Int]) -> CaptionScore {
        CaptionScore(name: "caption", positions: 0..<words.count + 1)
    }
}

/// A caption's log-probabilities on a tape, from which every score of the caption is read.
public struct ScoredCaption {
    /// Word indices without `<start>` and `<end>`.
    public let words: [Int]
    /// log p of every word of the vocabulary at every position, `[T, V]`, T = words + 1.
    public let logProbabilities: Variable
    private let end: Int

    /// Teacher-forces `words` through the captioner's decoder. features `[1, u, v, K]`.
    public init(_ captioner: Captioner, features: Variable, words: [Int]) {
        self.words = words
        end = captioner.vocabulary.end
        let logits = captioner.decoder.logits(
            features: features, words: [[captioner.vocabulary.start] + words], dropout: nil)
        logProbabilities = logits.reshaped([words.count + 1, logits.shape[2]]).logSoftmax()
    }

    /// log p of the caption's own word at each position, the end last.
    public var wordLogProbabilities: [Float] {
        (words + [end]).enumerated().map { logProbabilities.value[$0.offset, $0.element] }
    }

    /// Seeds of `scores`, `[K, T, V]`: row k picks the terms of score k.
    public func seeds(_ scores: [CaptionScore]) -> Tensor {
        let vocabulary = logProbabilities.shape[1], size = logProbabilities.value.count
        let seeds = Tensor([scores.count] + logProbabilities.shape)
        let all = words + [end]
        for (k, score) in scores.enumerated() {
            for t in score.positions { seeds.pointer[k * size + t * vocabulary + (score.replacing[t] ?? all[t])] = 1 }
        }
        return seeds
    }

    /// The value of a score.
    public func value(of score: CaptionScore) -> Float {
        let all = words + [end]
        return score.positions.reduce(0) { $0 + logProbabilities.value[$1, score.replacing[$1] ?? all[$1]] }
    }
}
