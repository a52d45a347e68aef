import Vision

/// The localisation box of a map (weakly supervised localisation, Selvaraju et al. 2017, section 4.1): the box around
/// the largest connected segment of pixels with at least 15 % of the map's maximum.
public enum LocalisationBox {
    /// The threshold of the paper, as a part of the maximum.
    public static let standardThreshold: Float = 0.15

    /// Finds the box. Pixels are connected along their edges. Of several largest segments, the first in row order
    /// counts.
    /// - Parameters:
    ///   - map: of any values.
    ///   - threshold: part of the maximum, above 0.
    /// - Returns: the box in the map's pixels. It is nil if no value is positive.
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
