import Tasks

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
