/// What a target of a classification is about.
public struct ClassSubject: Codable, Equatable, Sendable {
    /// The class's index, from 0.
    public var index: Int
    /// Index of the class that it is compared with (`--contrast`).
    public var against: Int?
    /// How many classes are likelier than this one, plus 1.
    public var rank: Int
    /// The class's probability.
    public var probability: Float
}

/// What a classifier says of an image.
public struct ClassOutput: Sendable {
    /// Every class, the likeliest first, those of equal scores in the model's order.
    public var ranking: [RankedChoice]
}
