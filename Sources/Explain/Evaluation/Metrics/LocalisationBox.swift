import Vision

/// Weakly supervised localisation (Selvaraju et al. 2017, section 4.1): the box around the largest connected segment of
/// what reaches 15 % of the map's maximum.
public enum LocalisationBox {
    public static let standardThreshold: Float = 0.15

    /// Pixels are connected along their edges; of segments of equal size the first in row order counts.
    /// - Parameter threshold: part of the maximum, above 0.
    /// - Returns: in the map's pixels; nil when no value is positive.
    public static func find(in map: Plane, threshold: Float = standardThreshold) -> Rectangle? {
        guard let peak = PointingGame.peak(of: map) else { return nil }
        let least = map.values[peak.y * map.width + peak.x] * threshold
        var segments = Segments()
        map.values.withUnsafeBufferPointer { values in
            for y in 0..<map.height {
                segments.addRow(values[y * map.width..<(y + 1) * map.width], from: least)
            }
        }
        return segments.largestBox()
    }

    /// Intersection over union of two boxes.
    public static func iou(_ a: Rectangle, _ b: Rectangle) -> Double {
        let common = a.intersection(b)
        let both = common.width * common.height
        let all = a.width * a.height + b.width * b.height - both
        return all > 0 ? both / all : 0
    }

    /// IoU of a map's box with that of the region's boxes which it fits best; 0 without a box.
    public static func score(_ box: Rectangle?, _ region: Region) -> Double {
        box.map { box in region.boxes.map { iou(box, $0) }.max() ?? 0 } ?? 0
    }
}

extension MapMetric {
    static let boxIoU = MapMetric(
        name: "boxIoU", title: "box IoU", isShare: true,
        measure: { Ratio(LocalisationBox.score($0.map.box, $0.region)) }, chance: { _ in nil })
}
