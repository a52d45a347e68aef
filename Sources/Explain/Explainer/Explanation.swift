/// What a model says of one image and one input, and the targets that were explained.
public struct Explanation<Model: ExplainableModel>: Sendable {
    /// What the model says of the image and the input.
    public var output: Model.Output
    /// In the order of the requests.
    public var targets: [ExplainedTarget<Model.Subject>]

    /// Every attribution of every target.
    public var attributions: [Attribution] { targets.flatMap(\.attributions) }
}

/// One target with its attributions.
public struct ExplainedTarget<Subject: Sendable>: Sendable {
    /// Index of the request that asked for it.
    public var request: Int
    /// What a person calls it.
    public var name: String
    /// What the target is about: positions in a caption, an answer and its rank.
    public var subject: Subject
    /// The number that is explained, y.
    public var value: Float
    /// What the image says of the target.
    public var evidence: Evidence
    /// What a person has to know about how the target was found.
    public var warnings: [String]
    /// What each word of the input contributed to y; nil where it was not asked for.
    public var words: [Float]?
    /// What each word of the input adds to the target's log-probability, in nats; nil where it was not asked for.
    public var wordEvidence: [Float]?
    /// One for each method, in the methods' order.
    public var attributions: [Attribution]

    /// The attribution of the method of that name.
    public func attribution(by method: String) -> Attribution? { attributions.first { $0.method == method } }
}
