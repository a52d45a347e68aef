import Foundation

/// Correlation coefficients of two maps as lists of numbers.
enum Correlation {
    /// Pearson's correlation, -1...1. It is nil if all values of a list are equal.
    static func pearson(_ a: [Double], _ b: [Double]) -> Double? {
        precondition(a.count == b.count, "lists of \(a.count) and \(b.count) values")
        let meanA = a.reduce(0, +) / Double(max(1, a.count))
        let meanB = b.reduce(0, +) / Double(max(1, b.count))
        var (both, squaresA, squaresB) = (0.0, 0.0, 0.0)
        for (x, y) in zip(a, b) {
            both += (x - meanA) * (y - meanB)
            squaresA += (x - meanA) * (x - meanA)
            squaresB += (y - meanB) * (y - meanB)
        }
        guard squaresA > 0, squaresB > 0 else { return nil }
        return both / (squaresA * squaresB).squareRoot()
    }

    /// Spearman's rank correlation: Pearson's correlation of the ranks. It is nil if all values of a list are equal.
    static func spearman(_ a: [Double], _ b: [Double]) -> Double? { pearson(ranks(a), ranks(b)) }

    /// The ranks of the values, 1 for the smallest. Equal values have the mean of their ranks.
    static func ranks(_ values: [Double]) -> [Double] {
        let order = values.indices.sorted { values[$0] < values[$1] }
        var ranks = [Double](repeating: 0, count: values.count)
        var first = 0
        while first < order.count {
            var last = first
            while last + 1 < order.count, values[order[last + 1]] == values[order[first]] { last += 1 }
            for place in first...last { ranks[order[place]] = Double(first + last) / 2 + 1 }
            first = last + 1
        }
        return ranks
    }
}
