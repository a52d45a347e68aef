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

    /// Seeds of `scores`, `[K, 1, A]`: row k holds the derivative of score k with respect to the logits.
    /// - Parameter count: A.
    public static func seeds(_ scores: [LogitScore], count: Int) -> Tensor {
        var values = [Float](repeating: 0, count: scores.count * count)
        for (k, score) in scores.enumerated() {
            values[k * count + score.index] += 1
            if let against = score.against { values[k * count + against] -= 1 }
        }
        return Tensor([scores.count, 1, count], values)
    }
}
