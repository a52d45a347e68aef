import Tensors

/// One of the answers or classes that a model chooses from, at its place.
public struct RankedLogit: Equatable, Sendable {
    /// Of the answer or the class.
    public var index: Int
    /// Before the softmax.
    public var logit: Float
    public var probability: Float

    /// All of them, the likeliest first, those of equal scores in the model's order. logits `[1, A]`.
    static func ranking(_ logits: Tensor) -> [RankedLogit] {
        let values = logits.array, probabilities = Variable(logits).softmax().value.array
        // A total order even where a damaged model gives NaN.
        func key(_ index: Int) -> Float { values[index].isNaN ? -.infinity : values[index] }
        return values.indices.sorted { (key($1), $0) < (key($0), $1) }.map {
            RankedLogit(index: $0, logit: values[$0], probability: probabilities[$0])
        }
    }
}
