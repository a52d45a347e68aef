import Drawing
import Vision

/// Intersection over union of a map's localisation box (`LocalisationBox`) and the region's boxes.
public enum BoxIoU {
    /// Intersection over union of two boxes, 0...1. It is 0 if both are empty.
    public static func iou(_ a: Rectangle, _ b: Rectangle) -> Double {
        let common = a.intersection(b)
        let both = common.width * common.height
        let all = a.width * a.height + b.width * b.height - both
        return all > 0 ? both / all : 0
    }

    /// The largest IoU of a map's box with one of the region's boxes.
    /// - Parameter box: in pixels of the image. Without a box, the score is 0.
    public static func score(_ box: Rectangle?, _ region: Region) -> Double {
        box.map { box in region.boxes.map { iou(box, $0) }.max() ?? 0 } ?? 0
    }
}

extension MapMetric {
    static let boxIoU = MapMetric(
        name: "boxIoU", title: "box IoU", isShare: true,
        measure: { Ratio(BoxIoU.score($0.map.box, $0.region)) }, chance: { _ in nil })
}
