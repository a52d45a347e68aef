import Foundation

/// Sparseness (Chalasani et al. 2020, arXiv 1810.06583, section 3): the Gini index of the magnitudes of a map's values,
/// as Quantus computes it. It is 0 if all values are equal, and near 1 if few values hold all. A sparse map names few
/// pixels; whether they are the right ones, it does not say.
public enum Sparseness {
    /// The index of `n` magnitudes `a_1 <= ... <= a_n`: the sum over i of (2 i - n - 1) a_i, over n times their sum.
    ///
    /// As in Quantus, the magnitudes are parts of the largest, and 1e-7 is added to each.
    /// - Returns: nil without values, or if all are 0 or one is not finite.
    public static func gini(_ values: [Float]) -> Double? {
        let magnitudes = values.lazy.map(abs).filter { $0 != 0 }.sorted()
        guard let largest = magnitudes.last, largest.isFinite, !values.contains(where: \.isNaN) else { return nil }
        let n = Double(values.count)
        // What is added cancels in the numerator. Zeros come first and add nothing.
        var weighted = 0.0
        var sum = 0.0
        for (k, magnitude) in magnitudes.enumerated() {
            let part = Double(magnitude) / Double(largest)
            weighted += (2 * Double(values.count - magnitudes.count + k + 1) - n - 1) * part
            sum += part
        }
        return weighted / (n * (sum + n * 1e-7))
    }
}

extension MapMetric {
    static let sparseness = MapMetric(
        name: "sparseness", title: "sparseness", isShare: false, table: .shape,
        measure: { $0.map.sparseness.map { Ratio($0) } }, chance: { _ in nil })
}
