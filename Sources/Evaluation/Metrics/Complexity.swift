import Foundation

/// Complexity (Bhatt et al. 2020, arXiv 2005.00631, section 3.3): the entropy, in nats, of the parts that the pixels
/// have in the sum of the map's magnitudes, as Quantus computes it. It is 0 if one pixel holds all, and the logarithm
/// of the number of pixels if all are equal. Only maps of images of one size can be compared.
public enum Complexity {
    /// The entropy of |a_i| / sum of |a|.
    /// - Returns: nil without values, or if all are 0 or one is not finite.
    public static func entropy(_ values: [Float]) -> Double? {
        let sum = values.reduce(0.0) { $0 + Double(abs($1)) }
        guard sum > 0, sum.isFinite else { return nil }
        return values.reduce(0.0) { entropy, value in
            if value == 0 { return entropy }
            let part = Double(abs(value)) / sum
            return entropy - part * log(part)
        }
    }
}

extension MapMetric {
    static let complexity = MapMetric(
        name: "complexity", title: "complexity", isShare: false, table: .shape,
        measure: { $0.map.complexity.map { Ratio($0) } }, chance: { _ in nil })
}
