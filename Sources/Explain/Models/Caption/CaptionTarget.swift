/// What a person asks to have explained of a caption.
public enum CaptionTarget: Equatable, Sendable {
    /// A word, by its spelling; `occurrence` counts from 1.
    case word(String, occurrence: Int = 1)
    /// Several words in a row.
    case phrase(String, occurrence: Int = 1)
    /// The words at these positions, counted from 0, as one target.
    case span(Range<Int>)
    /// Every word of the caption, a target each.
    case everyWord
    /// The sum over the caption, its end included.
    case wholeCaption
    /// Why the first word rather than the second, at the first one's position.
    case contrast(String, against: String, occurrence: Int = 1)
}

/// What a target of a caption is about.
public struct CaptionSubject: Codable, Equatable, Sendable {
    /// Positions in the caption, from 0; the caption's end comes after its last word.
    public var positions: [Int]
    /// Whether the caption has the target's words at these positions.
    public var inCaption: Bool
    /// log p of the target's words, each given the words before it.
    public var logProbability: Float
    /// The probability of the target's words at the temperature that was fitted on dev, 0...1.
    public var probability: Float
    /// The word that it is compared with (`--contrast`).
    public var against: String?
    /// Other positions of the word where its map is the same, by methods that weigh whole channels: the visual part of
    /// a score (`WordScore.visual`) has the same weights for a word at every place. nil where there are none.
    public var sameMapAt: [Int]?
}
