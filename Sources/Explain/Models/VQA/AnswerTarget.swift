import Tasks

/// What a person asks to have explained of the answers to a question. The number that is explained is an answer's score
/// before the softmax, or the difference of two: a probability also grows when the other answers' scores fall
/// (Selvaraju et al. 2017, section 3).
public enum AnswerTarget: Equatable, Sendable {
    /// The likeliest answer.
    case best
    /// An answer, chosen or not.
    case answer(String)
    /// Why the first rather than the second.
    case contrast(String, against: String)
}

/// What a target of a question is about.
public struct AnswerSubject: Codable, Equatable, Sendable {
    /// The answer that is explained.
    public var answer: String
    /// The answer that it is compared with (`--contrast`).
    public var against: String?
    /// How many answers are likelier than `answer`, plus 1.
    public var rank: Int
    /// The probability of `answer`.
    public var probability: Float
}

/// What a VQA model says of an image and a question.
public struct AnswerOutput: Sendable {
    /// The question, as the model reads it.
    public var question: ReadQuestion
    /// Every answer of the model, the likeliest first, those of equal scores in the model's order.
    public var ranking: [RankedChoice]
}
