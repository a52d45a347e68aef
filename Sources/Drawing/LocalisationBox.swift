import Vision

/// Weakly supervised localisation (Selvaraju et al. 2017, section 4.1): the box around the largest connected segment of
/// what reaches 15 % of the map's maximum.
public enum LocalisationBox {
    public static let standardThreshold: Float = 0.15

    /// Pixels are connected along their edges; of segments of equal size the first in row order counts.
    /// - Parameter threshold: part of the maximum, above 0.
    /// - Returns: in the map's pixels; nil when no value is positive.
    public static func find(in map: Plane, threshold: Float = standardThreshold) -> Rectangle? {
        guard let peak = map.peak else { return nil }
        let least = map.values[peak] * threshold
        var segments = Segments()
        map.values.withUnsafeBufferPointer { values in
            for y in 0..<map.height {
                segments.addRow(values[y * map.width..<(y + 1) * map.width], from: least)
            }
        }
        return segments.largestBox()
    }
}
