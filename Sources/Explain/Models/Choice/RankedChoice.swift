import Foundation
import Tasks
import Tensors

/// One of the answers or classes that a model chooses from, at its rank.
public struct RankedChoice: Equatable, Sendable {
    /// Index of the answer or the class, in the order of the logits.
    public var index: Int
    /// The score before the softmax.
    public var logit: Float
    /// After the softmax, 0...1, at the temperature that was fitted on dev where there is one.
    public var probability: Float

    /// All choices, the likeliest first, those of equal scores in the model's order. logits `[1, A]`.
    static func ranking(_ logits: Tensor, _ calibration: Calibration? = nil) -> [RankedChoice] {
        let values = logits.array, probabilities = calibration.logProbabilities(of: logits).array.map { exp($0) }
        // A total order even where a damaged model gives NaN.
        func key(_ index: Int) -> Float { values[index].isNaN ? -.infinity : values[index] }
        return values.indices.sorted { (key($1), $0) < (key($0), $1) }.map {
            RankedChoice(index: $0, logit: values[$0], probability: probabilities[$0])
        }
    }
}

extension [RankedChoice] {
    /// A target about these choices, or about the likeliest where there are none.
    /// - Parameters:
    ///   - name: the short name of a choice.
    ///   - subject: made of the choice, the one it is compared with, and its rank: how many choices are likelier, plus 1.
    func target<Subject>(
        _ choices: (index: Int, against: Int?)?, name: (Int) -> String,
        subject: (_ choice: RankedChoice, _ against: Int?, _ rank: Int) -> Subject
    ) -> ResolvedTarget<Subject> {
        let index = choices?.index ?? self[0].index, against = choices?.against
        let position = firstIndex { $0.index == index } ?? 0
        return ResolvedTarget(
            name: against.map { "\(name(index)) rather than \(name($0))" } ?? name(index),
            subject: subject(self[position], against, position + 1),
            linear: LinearTarget(output: index, against: against))
    }
}
