import Tasks
import Tensors

/// What the user asks to see of the answers to a question.
public enum AnswerTarget: Equatable, Sendable {
    /// The answer that the model holds likeliest.
    case best
    /// An answer, chosen or not.
    case answer(String)
    /// Why the first rather than the second.
    case contrast(String, against: String)
}

/// One score of an answer, its raw map, and the question's part in it.
public struct ExplainedAnswer: Sendable {
    public var score: LogitScore
    /// The score's value, before the softmax.
    public var value: Float
    /// How many answers are likelier than the score's own, plus 1.
    public var rank: Int
    /// Of the score's own answer.
    public var probability: Float
    /// The method's name.
    public var method: String
    /// The layers whose cells the map has, or "pixels".
    public var place: String
    /// `[u, v]`, signed, at the layer's or the picture's own resolution.
    public var map: Tensor
    /// Gradient times input, one signed number for each word of the question; nil where it was not asked for, and
    /// beside the maps of further methods.
    public var words: [Float]?
    public var warnings: [String]
}

/// The answers to one question, the likeliest first, and the maps that were asked for: of each score, one a method.
public struct AnswerExplanation: Sendable {
    public var question: ReadQuestion
    /// Every answer of the model, the likeliest first, those of equal scores in the model's order.
    public var ranking: [RankedLogit]
    public var layer: String
    public var scores: [ExplainedAnswer]
    public var warnings: [String]
}
