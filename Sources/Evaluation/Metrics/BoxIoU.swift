import Drawing
import Vision

/// How well a map's localisation box (``LocalisationBox``) fits the region's boxes.
public enum BoxIoU {
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
        measure: { Ratio(BoxIoU.score($0.map.box, $0.region)) }, chance: { _ in nil })
}
