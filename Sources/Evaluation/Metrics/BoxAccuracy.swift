import Vision

/// acc@0.5: the share of targets whose localisation box has an IoU of at least 0.5 with the target's box. If the target
/// has several boxes, it is the box around them, as for Flickr30k Entities (Plummer et al. 2015, arXiv 1505.04870,
/// section 5; Rohrbach et al. 2016, arXiv 1511.03745, section 4.1).
public enum BoxAccuracy {
    /// The least IoU of a hit.
    public static let threshold = 0.5

    /// 1 for a hit, 0 for a miss or a map without a box.
    /// - Parameter box: of the map, in pixels of the image.
    public static func score(_ box: Rectangle?, _ region: Region) -> Double {
        box.map { BoxIoU.iou($0, region.surroundingBox) >= threshold } == true ? 1 : 0
    }
}

extension MapMetric {
    static let boxAccuracy = MapMetric(
        name: "boxAccuracy", title: "acc@0.5", isShare: true,
        measure: { Ratio(BoxAccuracy.score($0.map.box, $0.region)) }, chance: { _ in nil })
}

extension Region {
    /// The smallest box around all boxes.
    public var surroundingBox: Rectangle {
        boxes.dropFirst().reduce(boxes[0]) { all, box in
            Rectangle(
                x0: min(all.x0, box.x0), y0: min(all.y0, box.y0), x1: max(all.x1, box.x1), y1: max(all.y1, box.y1))
        }
    }
}
