extension LinearTarget {
    /// The target less its comparisons: each term w x output(i) becomes w x (output(i) - weight x the mean of the
    /// `count` outputs whose scores are nearest to output(i)), as in Finer-CAM (arXiv 2501.11309, section 3).
    ///
    /// Comparisons compete with the term's output: they are in the same row of `choices` outputs (the words of one
    /// position, all classes, all answers). A row where the target has terms of both signs is a contrast, which names
    /// its own comparison, and stays as it is.
    /// - Parameters:
    ///   - count: how many; all other outputs of the row where there are fewer.
    ///   - weight: how much of the comparisons' mean is taken away.
    ///   - outputs: the scores of one image, `[F]`.
    ///   - choices: outputs in a row, a divisor of F.
    func compared(with count: Int, weight: Float, outputs: [Float], choices: Int) -> LinearTarget {
        LinearTarget(
            Dictionary(grouping: terms) { $0.index / choices }.sorted { $0.key < $1.key }.flatMap {
                row, own -> [Term] in
                if own.contains(where: { $0.weight > 0 }) && own.contains(where: { $0.weight < 0 }) { return own }
                let indices = Set(own.map(\.index))
                let others = (row * choices..<(row + 1) * choices).filter { !indices.contains($0) }
                return own.flatMap { term -> [Term] in
                    let nearest = Self.nearest(others, to: outputs[term.index], count: count, outputs: outputs)
                    let share = -term.weight * weight / Float(nearest.count)
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
