import Tasks
import Tensors

/// One differentiable number of an answerer: an answer's score before the softmax, or what sets two answers apart.
///
/// y = logit(answer), or y = logit(answer) - logit(against). Before the softmax, because a probability also grows when
/// the other answers' scores fall (Selvaraju et al. 2017, section 3: y^c is the score before the softmax).
public struct AnswerScore: Equatable, Sendable {
    /// What the user calls it.
    public var name: String
    /// Index of the answer.
    public var answer: Int
    /// Index of the answer that it is held against.
    public var against: Int?

    public init(name: String, answer: Int, against: Int? = nil) {
        self.name = name
        self.answer = answer
        self.against = against
    }

    /// The value of the score. logits `[1, A]`.
    public func value(_ logits: Tensor) -> Float { logits[0, answer] - (against.map { logits[0, $0] } ?? 0) }

    /// Seeds of `scores`, `[K, 1, A]`: row k holds the derivative of score k with respect to the logits.
    public static func seeds(_ scores: [AnswerScore], answers: Int) -> Tensor {
        var values = [Float](repeating: 0, count: scores.count * answers)
        for (k, score) in scores.enumerated() {
            values[k * answers + score.answer] += 1
            if let against = score.against { values[k * answers + against] -= 1 }
        }
        return Tensor([scores.count, 1, answers], values)
    }
}
