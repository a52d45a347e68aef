import Tensors

/// One differentiable number of a model that chooses from a list, an answer or a class: one's score before the softmax,
/// or what sets two apart.
///
/// y = logit(index), or y = logit(index) - logit(against). Before the softmax, because a probability also grows when
/// the others' scores fall (Selvaraju et al. 2017, section 3: y^c is the score before the softmax).
public struct LogitScore: Equatable, Sendable {
    /// What the user calls it.
    public var name: String
    /// Of the answer or the class.
    public var index: Int
    /// Of what it is held against.
    public var against: Int?

    public init(name: String, index: Int, against: Int? = nil) {
        self.name = name
        self.index = index
        self.against = against
    }

    /// The value of the score. logits `[1, A]`.
    public func value(_ logits: Tensor) -> Float { logits[0, index] - (against.map { logits[0, $0] } ?? 0) }

    /// As a sum of the logits.
    public var sum: ScoreSum {
        ScoreSum([.init(index: index, weight: 1)] + (against.map { [.init(index: $0, weight: -1)] } ?? []))
    }
}
