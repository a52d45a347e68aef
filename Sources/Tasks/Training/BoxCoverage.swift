import Foundation
import Vision

/// Where boxes in image files lie among the cells of the feature maps of the images' copies.
struct BoxCoverage {
    /// The part of each image that preprocessing keeps, in pixels of the image file.
    private let seen: [Rectangle]
    private let augmentation: Augmentation

    /// - Parameters:
    ///   - images: the data set's images, in its order.
    ///   - isNeeded: whether an image has boxes; the others are not read.
    /// - Throws: `ImageError`.
    init(
        _ images: [TrainingImage], preprocessing: Preprocessing, augmentation: Augmentation, isNeeded: (Int) -> Bool
    ) throws {
        self.augmentation = augmentation
        seen = try images.enumerated().map { index, image in
            guard isNeeded(index) else { return Rectangle(x0: 0, y0: 0, x1: 1, y1: 1) }
            let image = try Image.read(image.url)
            return preprocessing.placement(originalWidth: image.width, originalHeight: image.height).rectangle
        }
    }

    /// The part of each cell of `rows` x `columns` that lies in one of the boxes, `[rows * columns]`, in a copy of an
    /// image. Where several boxes overlap a cell, the largest part counts.
    func cells(of boxes: [Rectangle], image: Int, copy: Int, rows: Int, columns: Int) -> [Float] {
        let (frame, isMirrored) = augmentation.frame(ofCopy: copy, index: image, whole: seen[image])
        var covered = [Float](repeating: 0, count: rows * columns)
        let width = frame.width / Double(columns)
        let height = frame.height / Double(rows)
        for box in boxes {
            for row in 0..<rows {
                let top = frame.y0 + Double(row) * height
                let down = min(box.y1, top + height) - max(box.y0, top)
                if down <= 0 { continue }
                for column in 0..<columns {
                    let left = frame.x0 + Double(column) * width
                    let across = min(box.x1, left + width) - max(box.x0, left)
                    if across <= 0 { continue }
                    let cell = row * columns + (isMirrored ? columns - 1 - column : column)
                    covered[cell] = max(covered[cell], Float(down * across / (width * height)))
                }
            }
        }
        return covered
    }
}
