import Foundation
import Tensors
import Vision

/// Reference maps, which do not depend on the target. A method has to be better than they are.
enum ReferenceMaps {
    /// The names of the reference maps in the order of the table. The word-blind map is `ActivationSum`.
    static let names = ["word-blind", "gaussian", "edges"]

    /// A Gaussian at the image's centre, `[height, width]`: exp(-(dx^2 / sx^2 + dy^2 / sy^2) / 2). The standard
    /// deviations sx and sy are a quarter of the width and of the height.
    static func gaussian(width: Int, height: Int) -> Plane {
        func bell(_ count: Int) -> [Float] {
            (0..<count).map { i in
                let d = (Double(i) + 0.5 - Double(count) / 2) / (Double(count) / 4)
                return Float(exp(-d * d / 2))
            }
        }
        let across = bell(width)
        return Plane(width: width, height: height, values: bell(height).flatMap { y in across.map { $0 * y } })
    }

    /// The magnitude of the luminance's gradient by Sobel's filters, `[height, width]`. Pixels beyond the image have
    /// the value of the nearest pixel.
    static func edges(of photo: Image) -> Plane {
        let width = photo.width
        let height = photo.height
        // Rec. 601 luma.
        let luma = (0..<width * height).map { i -> Float in
            let r = Float(photo.pixels[3 * i])
            let g = Float(photo.pixels[3 * i + 1])
            let b = Float(photo.pixels[3 * i + 2])
            return 0.299 * r + 0.587 * g + 0.114 * b
        }
        var values = [Float](repeating: 0, count: width * height)
        for y in 0..<height {
            let above = max(0, y - 1) * width
            let here = y * width
            let below = min(height - 1, y + 1) * width
            for x in 0..<width {
                let l = max(0, x - 1)
                let r = min(width - 1, x + 1)
                let right = luma[above + r] + 2 * luma[here + r] + luma[below + r]
                let left = luma[above + l] + 2 * luma[here + l] + luma[below + l]
                let down = luma[below + l] + 2 * luma[below + x] + luma[below + r]
                let up = luma[above + l] + 2 * luma[above + x] + luma[above + r]
                let dx = right - left
                let dy = down - up
                values[here + x] = (dx * dx + dy * dy).squareRoot()
            }
        }
        return Plane(width: width, height: height, values: values)
    }

    /// The edges, resized to the cells of a map, `[rows, columns]`. They have the resolution of the methods' maps.
    static func edges(of photo: Image, placement: Placement, columns: Int, rows: Int) -> Tensor {
        let cells = edges(of: photo).resized(
            width: columns, height: rows, filter: .bilinear, box: placement.rectangle)
        return Tensor([rows, columns], cells.values)
    }
}
