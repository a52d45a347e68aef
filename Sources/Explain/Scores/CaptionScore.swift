import Language
import Tasks
import Tensors

/// One differentiable number of a captioner: what it holds of some of a caption's words, each in its context.
///
/// y = sum over the span of log p(w_t | w_<t, image), or of the words' scores before the softmax (``WordScore``): one
/// word, a phrase, or (over all words and the end) the whole caption. A contrast is a word's less another's at its
/// place, where the softmax cancels.
public struct CaptionScore: Equatable, Sendable {
    /// What the user calls it.
    public var name: String
    /// Positions in the caption; `caption.count` is the position of the end.
    public var positions: Range<Int>
    /// A word other than the caption's own at a position, for a word that is not in the caption.
    public var replacing: [Int: Int] = [:]
    /// The word that the score's words are held against.
    public var against: Int?

    /// The word at `position`.
    public static func word(_ name: String, at position: Int) -> CaptionScore {
        CaptionScore(name: name, positions: position..<position + 1)
    }

    /// The caption from its first word to its end.
    public static func whole(_ words: [Int]) -> CaptionScore {
        CaptionScore(name: "caption", positions: 0..<words.count + 1)
    }
}
