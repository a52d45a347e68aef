import Vision

/// Weakly supervised localisation (Selvaraju et al. 2017, section 4.1): the box around the largest connected segment of
/// what reaches 15 % of the map's maximum.
public enum LocalisationBox {
    public static let standardThreshold: Float = 0.15

    /// Pixels are connected along their edges; of segments of equal size the first in row order counts.
    /// - Parameter threshold: part of the maximum, above 0.
    /// - Returns: in the map's pixels; nil when no value is positive.
    public static func find(in map: Plane, threshold: Float = standardThreshold) -> Rectangle? {
        let width = map.width
        let height = map.height
        guard let peak = map.values.max(), peak > 0 else { return nil }
        let least = peak * threshold
        // 1 where a pixel is above the threshold and in no segment yet.
        var open = map.values.map { $0 >= least }
        var stack: [Int] = []
        var best = 0
        var box: Rectangle?
        for start in open.indices where open[start] {
            var size = 0
            var left = width
            var right = 0
            var top = height
            var bottom = 0
            open[start] = false
            stack.append(start)
            while let pixel = stack.popLast() {
                let x = pixel % width
                let y = pixel / width
                size += 1
                (left, right, top, bottom) = (min(left, x), max(right, x), min(top, y), max(bottom, y))
                func visit(_ next: Int) {
                    if open[next] {
                        open[next] = false
                        stack.append(next)
                    }
                }
                if x > 0 { visit(pixel - 1) }
                if x + 1 < width { visit(pixel + 1) }
                if y > 0 { visit(pixel - width) }
                if y + 1 < height { visit(pixel + width) }
            }
            if size > best {
                best = size
                box = Rectangle(x0: Double(left), y0: Double(top), x1: Double(right + 1), y1: Double(bottom + 1))
            }
        }
        return box
    }

    /// Intersection over union of two boxes.
    public static func iou(_ a: Rectangle, _ b: Rectangle) -> Double {
        let common = a.intersection(b)
        let both = common.width * common.height
        let all = a.width * a.height + b.width * b.height - both
        return all > 0 ? both / all : 0
    }

    /// IoU of the map's box with that of the region's boxes which it fits best; 0 when no value is positive.
    public static func score(_ map: Plane, _ region: Region) -> Double {
        find(in: map).map { box in region.boxes.map { iou(box, $0) }.max() ?? 0 } ?? 0
    }
}

extension MapMetric {
    static let boxIoU = MapMetric(
        name: "boxIoU", title: "box IoU", isShare: true,
        measure: { Ratio(LocalisationBox.score($0, $1)) }, chance: { _ in nil })
}
