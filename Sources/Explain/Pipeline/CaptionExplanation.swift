import Tasks
import Tensors

/// What the user asks to see.
public enum CaptionTarget: Equatable, Sendable {
    /// A word, by what it says; `occurrence` counts from 1.
    case word(String, occurrence: Int)
    /// Several words in a row.
    case phrase(String, occurrence: Int)
    /// The words at these positions, counted from 0, as one score.
    case span(Range<Int>)
    /// Every word of the caption, one map each.
    case everyWord
    /// The sum over the caption.
    case wholeCaption
    /// Why the first word rather than the second, at the first one's place.
    case contrast(String, against: String, occurrence: Int)
}

/// One score of a caption and its raw map.
public struct ExplainedScore: Sendable {
    public var score: CaptionScore
    /// The number explained.
    public var value: Float
    /// Of the score's own words.
    public var logProbability: Float
    /// The method's name.
    public var method: String
    /// The layers whose cells the map has, or "pixels".
    public var place: String
    /// `[u, v]`, signed, at the layer's or the picture's own resolution.
    public var map: Tensor
    public var warnings: [String]
}

/// A caption, what the model thought of its words, and the maps that were asked for: of each score, one a method.
public struct CaptionExplanation: Sendable {
    public var words: [String]
    /// log p of each word given those before it, and of the end last.
    public var logProbabilities: [Float]
    public var layer: String
    public var wordScore: WordScore
    public var scores: [ExplainedScore]
    public var warnings: [String]
}
