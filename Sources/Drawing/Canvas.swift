import Vision

/// Drawing into an image. All drawing is clipped to the image.
extension Image {
    /// Mixes `color` into a pixel. A pixel outside the image is ignored.
    /// - Parameter alpha: weight of `color`. Values above 1 count as 1. With 0 or less, nothing is drawn.
    mutating func blend(_ x: Int, _ y: Int, _ color: (UInt8, UInt8, UInt8), alpha: Float) {
        guard x >= 0, y >= 0, x < width, y < height, alpha > 0 else { return }
        let i = (y * width + x) * 3
        let alpha = min(alpha, 1)
        func mix(_ old: UInt8, _ new: UInt8) -> UInt8 {
            UInt8((Float(old) + (Float(new) - Float(old)) * alpha).rounded())
        }
        pixels[i] = mix(pixels[i], color.0)
        pixels[i + 1] = mix(pixels[i + 1], color.1)
        pixels[i + 2] = mix(pixels[i + 2], color.2)
    }

    /// Fills a rectangle of pixels.
    mutating func fill(_ columns: Range<Int>, _ rows: Range<Int>, _ color: (UInt8, UInt8, UInt8)) {
        let columns = columns.clamped(to: 0..<width)
        let rows = rows.clamped(to: 0..<height)
        for y in rows {
            for x in columns {
                let i = (y * width + x) * 3
                (pixels[i], pixels[i + 1], pixels[i + 2]) = color
            }
        }
    }

    /// Copies `other` into the image, with its upper left corner at (x, y).
    mutating func paste(_ other: Image, x: Int, y: Int) {
        let columns = max(0, -x)..<max(max(0, -x), min(other.width, width - x))
        for row in max(0, -y)..<max(max(0, -y), min(other.height, height - y)) where !columns.isEmpty {
            let from = (row * other.width + columns.lowerBound) * 3
            let to = ((y + row) * width + x + columns.lowerBound) * 3
            pixels.replaceSubrange(to..<to + columns.count * 3, with: other.pixels[from..<from + columns.count * 3])
        }
    }

    /// Draws the outline of a rectangle. The line is inside the rectangle and has a thin dark edge on both sides, so
    /// that it is visible on any image.
    /// - Parameters:
    ///   - rectangle: in pixels of the image.
    ///   - color: red, green and blue of the line.
    ///   - thickness: of the line, in pixels, at least 1. Without it, the image's size decides.
    public mutating func outline(
        _ rectangle: Rectangle, color: (UInt8, UInt8, UInt8) = (255, 255, 255), thickness: Int? = nil
    ) {
        func pixel(_ x: Double, _ limit: Int) -> Int { x > 0 ? Int(min(x, Double(limit)).rounded()) : 0 }
        let x0 = pixel(rectangle.x0, width)
        let x1 = pixel(rectangle.x1, width)
        let y0 = pixel(rectangle.y0, height)
        let y1 = pixel(rectangle.y1, height)
        guard x1 > x0, y1 > y0 else { return }
        let line = max(1, thickness ?? lineThickness)
        let edge = line >= 2 ? max(1, line / 3) : 0
        func frame(inset: Int, _ line: Int, _ color: (UInt8, UInt8, UInt8)) {
            let (l, r, t, b) = (x0 + inset, x1 - inset, y0 + inset, y1 - inset)
            guard r > l, b > t else { return }
            fill(l..<r, t..<min(t + line, b), color)
            fill(l..<r, max(b - line, t)..<b, color)
            fill(l..<min(l + line, r), t..<b, color)
            fill(max(r - line, l)..<r, t..<b, color)
        }
        if edge > 0 { frame(inset: 0, line + 2 * edge, (0, 0, 0)) }
        frame(inset: edge, line, color)
    }

    /// Thickness of lines in pixels: 2 for images of up to 1000 pixels a side, 10 for 4000.
    var lineThickness: Int { max(2, (max(width, height) + 200) / 400) }
}
