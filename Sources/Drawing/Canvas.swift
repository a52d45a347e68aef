import Vision

/// What can be drawn into a picture. Everything is clipped at its edges.
extension Image {
    /// Mixes `color` into one pixel; outside the picture, nothing. alpha 0...1.
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

    /// Fills the pixels of both ranges.
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

    /// Copies `other` with its upper left corner at (x, y).
    mutating func paste(_ other: Image, x: Int, y: Int) {
        let columns = max(0, -x)..<max(max(0, -x), min(other.width, width - x))
        for row in max(0, -y)..<max(max(0, -y), min(other.height, height - y)) where !columns.isEmpty {
            let from = (row * other.width + columns.lowerBound) * 3
            let to = ((y + row) * width + x + columns.lowerBound) * 3
            pixels.replaceSubrange(to..<to + columns.count * 3, with: other.pixels[from..<from + columns.count * 3])
        }
    }

    /// Outlines `rectangle`, in pixels: the line lies inside it, with a thin dark edge on both sides so that it
    /// shows on any picture.
    /// - Parameter thickness: pixels, at least 1; nil for one that suits the picture's size.
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

    /// A small cross at (x, y), in pixels, with a dark edge: marks a map's maximum.
    /// - Parameter radius: length of an arm in pixels; nil for one that suits the picture's size.
    public mutating func mark(
        x: Double, y: Double, color: (UInt8, UInt8, UInt8) = (255, 255, 255), radius: Int? = nil
    ) {
        guard x.isFinite, y.isFinite, abs(x) < 1e9, abs(y) < 1e9 else { return }
        let arm = max(2, radius ?? 3 * lineThickness + 2)
        let half = max(1, Double(arm) / 7)
        let cx = x + 0.5
        let cy = y + 0.5
        // White over black, both antialiased: the distance to the nearer of the two bars.
        for (color, grow) in [((UInt8(0), UInt8(0), UInt8(0)), half * 0.7), (color, 0)] {
            let reach = Double(arm) + half + grow + 1
            for py in Int(
                max(0, cy - reach))..<max(Int(max(0, cy - reach)), Int(min(Double(height), max(0, cy + reach))))
            {
                for px in Int(
                    max(0, cx - reach))..<max(Int(max(0, cx - reach)), Int(min(Double(width), max(0, cx + reach))))
                {
                    let dx = abs(Double(px) + 0.5 - cx)
                    let dy = abs(Double(py) + 0.5 - cy)
                    let across = max(dx - Double(arm), dy - half)
                    let down = max(dx - half, dy - Double(arm))
                    blend(px, py, color, alpha: Float(0.5 + grow - min(across, down)))
                }
            }
        }
    }

    /// 2 pixels up to 1000, 10 at 4000.
    var lineThickness: Int { max(2, (max(width, height) + 200) / 400) }
}

/// Where a map is at its highest.
public enum Peak {
    /// The pixel of the maximum; the middle of it where several in a row share it (an enlarged map is flat at its
    /// edges), nil for a map that is the same everywhere or not finite.
    /// - Parameter map: `[map.count / width, width]`.
    public static func find(_ map: [Float], width: Int) -> (x: Int, y: Int)? {
        var best = -Float.infinity
        var lowest = Float.infinity
        var at = 0
        for (i, value) in map.enumerated() where value.isFinite {
            if value > best { (best, at) = (value, i) }
            lowest = min(lowest, value)
        }
        guard width > 0, best > lowest else { return nil }
        let x = at % width
        let y = at / width
        let height = map.count / width
        var right = x
        var down = y
        while right + 1 < width && map[y * width + right + 1] == best { right += 1 }
        while down + 1 < height && map[(down + 1) * width + x] == best { down += 1 }
        return ((x + right) / 2, (y + down) / 2)
    }
}
