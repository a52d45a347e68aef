/// How a target is held against what is most like it (Finer-CAM, Zhang et al. 2025, arXiv 2501.11309, section 3):
/// y' = y - weight x the mean over `count` comparisons of their scores.
public struct TargetComparison: Codable, Equatable, Sendable {
    /// k, how many outputs each target is held against; all others where there are fewer. The paper's code has 3.
    public var count: Int
    /// gamma, how much of their mean is taken away; 0 leaves the target as it is. The paper's code has 0.6.
    public var weight: Float

    /// A comparison, by default that of the paper's code.
    public init(count: Int = 3, weight: Float = 0.6) { (self.count, self.weight) = (count, weight) }
}

extension LinearTarget {
    /// The target less its comparisons: each term w x output(i) becomes w x (output(i) - weight x the mean of the
    /// `count` outputs whose scores are nearest to output(i)).
    ///
    /// Comparisons compete with the term's output: they are in the same row of `choices` outputs (the words of one
    /// position, all classes, all answers). A row where the target has terms of both signs is a contrast, which names
    /// its own comparison, and stays as it is.
    /// - Parameters:
    ///   - comparison: how many outputs, and how much of their mean is taken away.
    ///   - outputs: the scores of one image, `[F]`.
    ///   - choices: outputs in a row, a divisor of F.
    func compared(_ comparison: TargetComparison, outputs: [Float], choices: Int) -> LinearTarget {
        LinearTarget(
            Dictionary(grouping: terms) { $0.index / choices }.sorted { $0.key < $1.key }.flatMap {
                row, own -> [Term] in
                if own.contains(where: { $0.weight > 0 }) && own.contains(where: { $0.weight < 0 }) { return own }
                let indices = Set(own.map(\.index))
                let others = (row * choices..<(row + 1) * choices).filter { !indices.contains($0) }
                return own.flatMap { term -> [Term] in
                    let nearest = Self.nearest(
                        others, to: outputs[term.index], count: comparison.count, outputs: outputs)
                    let share = -term.weight * comparison.weight / Float(nearest.count)
                    return [term] + nearest.map { Term(index: $0, weight: share) }
                }
            })
    }

    /// The outputs with the nearest scores, the nearest first; of equally near ones those that stand first.
    private static func nearest(_ indices: [Int], to score: Float, count: Int, outputs: [Float]) -> [Int] {
        let distances = indices.map { index -> (distance: Float, index: Int) in
            let distance = abs(outputs[index] - score)
            // A damaged model's NaN is far from everything, so that the order stays total.
            return (distance.isNaN ? .infinity : distance, index)
        }
        return distances.sorted { $0 < $1 }.prefix(count).map(\.index)
    }
}
