import Tensors

/// One of the answers or classes that a model chooses from, at its rank.
public struct RankedChoice: Equatable, Sendable {
    /// Index of the answer or the class, in the order of the logits.
    public var index: Int
    /// The score before the softmax.
    public var logit: Float
    /// After the softmax, 0...1.
    public var probability: Float

    /// All choices, the likeliest first, those of equal scores in the model's order. logits `[1, A]`.
    static func ranking(_ logits: Tensor) -> [RankedChoice] {
        let values = logits.array, probabilities = Variable(logits).softmax().value.array
        // A total order even where a damaged model gives NaN.
        func key(_ index: Int) -> Float { values[index].isNaN ? -.infinity : values[index] }
        return values.indices.sorted { (key($1), $0) < (key($0), $1) }.map {
            RankedChoice(index: $0, logit: values[$0], probability: probabilities[$0])
        }
    }
}

extension [RankedChoice] {
    /// How many choices are likelier than this one, plus 1, and its probability.
    func rank(of index: Int) -> (rank: Int, probability: Float) {
        let place = firstIndex { $0.index == index } ?? 0
        return (place + 1, self[place].probability)
    }
}

// A target of a model that chooses from a list is one choice's score before the softmax, or the difference of two:
// y = logit(index), or y = logit(index) - logit(against). It is taken before the softmax because a probability also
// grows when the others' scores fall (Selvaraju et al. 2017, section 3: y^c is the score before the softmax).
