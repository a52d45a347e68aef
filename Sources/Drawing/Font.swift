import Vision

/// An antialiased sans-serif stroke font of any size. It has the letters of Europe's Latin alphabets. Any other
/// character is a box.
public struct Font: Sendable, Equatable {
    /// The em in pixels. Capitals are 0.7 em high, small letters 0.5 em.
    public var size: Float
    /// Whether the strokes are thicker.
    public var isBold: Bool

    /// - Parameters:
    ///   - size: the em in pixels. Values outside of 4...400 are clipped to it, and NaN is 4.
    ///   - isBold: whether the strokes are thicker.
    public init(size: Float, isBold: Bool = false) {
        self.size = size > 4 ? min(size, 400) : 4
        self.isBold = isBold
    }

    private var scale: Float { size / 20 }
    /// The width of the pen in pixels.
    private var pen: Float { max((isBold ? 2.5 : 1.75) * scale, 0.95) }
    /// Pixels between the middles of two glyphs' nearest strokes.
    private var gap: Float { (isBold ? 4.1 : 3.5) * scale }

    /// Pixels from the top of a line to its baseline.
    public var ascent: Int { Int((17 * scale + pen + 0.5).rounded(.up)) }
    /// Pixels from the top of a line to the top of the next.
    public var lineHeight: Int { ascent + Int((5 * scale + pen / 2).rounded(.up)) }

    /// The width of `text` on one line, in pixels.
    public func width(of text: String) -> Int {
        let advances = text.reduce(Float(0)) { $0 + advance($1) }
        return text.isEmpty ? 0 : Int((advances - gap + pen).rounded(.up)) + 1
    }

    private func advance(_ character: Character) -> Float { Glyph.of(character).width * scale + gap }

    /// Breaks text into lines between words. A word that is wider than a line is broken. Line breaks and tabs count as
    /// spaces.
    /// - Parameter limit: the largest width of a line, in pixels. A line has at least one character.
    public func wrap(_ text: String, width limit: Int) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in text.split(whereSeparator: \.isWhitespace).map(String.init) {
            let longer = line.isEmpty ? word : line + " " + word
            if width(of: longer) <= limit {
                line = longer
                continue
            }
            if !line.isEmpty { lines.append(line) }
            line = word
            while width(of: line) > limit && line.count > 1 {
                let head = longestPrefix(of: line, width: limit)
                lines.append(head)
                line = String(line.dropFirst(head.count))
            }
        }
        if !line.isEmpty { lines.append(line) }
        return lines
    }

    /// The longest prefix of `text` that fits, of at least one character.
    private func longestPrefix(of text: String, width limit: Int) -> String {
        var used = pen + 2 - gap
        var count = 0
        for character in text {
            used += advance(character)
            if used > Float(limit) { break }
            count += 1
        }
        return String(text.prefix(max(1, count)))
    }

    /// Finds the largest font for which text fits without a broken word, from this font's size down. If there is none,
    /// words are broken at the smallest size, and the end of a text of more than `most` lines is replaced by "...".
    /// - Parameters:
    ///   - text: at most 4000 characters of it are used.
    ///   - limit: the largest width of a line, in pixels.
    ///   - count: the largest number of lines.
    ///   - smallest: the smallest size, in pixels.
    ///   - most: the largest number of lines at the smallest size. Without it, it is `count`.
    /// - Returns: the font and the lines of the text.
    public func fit(_ text: String, width limit: Int, lines count: Int, smallest: Float, most: Int? = nil) -> (
        font: Font, lines: [String]
    ) {
        // Longer text is not legible in an image, and wrapping it takes time.
        let text = String(text.prefix(4000))
        let words = text.split(whereSeparator: \.isWhitespace).map(String.init)
        var font = self
        while font.size > smallest {
            if words.allSatisfy({ font.width(of: $0) <= limit }) {
                let lines = font.wrap(text, width: limit)
                if lines.count <= count { return (font, lines) }
            }
            font = Font(size: max(smallest, font.size - 1), isBold: isBold)
        }
        var lines = font.wrap(text, width: limit)
        let most = max(1, most ?? count)
        if lines.count > most {
            lines = Array(lines.prefix(most))
            var last = lines.removeLast()
            while !last.isEmpty && font.width(of: last + "...") > limit { last.removeLast() }
            lines.append(last + "...")
        }
        return (font, lines)
    }

    /// Calls `body` with the column, the row and the coverage (0...1) of each pixel that the text covers.
    /// - Parameters:
    ///   - x: column of the line's upper left corner.
    ///   - y: row of the line's upper left corner.
    fileprivate func rasterise(_ text: String, x: Int, y: Int, _ body: (Int, Int, Float) -> Void) {
        let radius = pen / 2
        // A whole number of pixels, so that horizontal strokes look the same at every y.
        let baseline = Float(y + ascent)
        var left = Float(x) + radius + 0.5
        for character in text {
            let glyph = Glyph.of(character)
            let segments = glyph.segments.map { a, b in
                (
                    SIMD2(left + a.x * scale, baseline - radius - a.y * scale),
                    SIMD2(left + b.x * scale, baseline - radius - b.y * scale)
                )
            }
            left += advance(character)
            guard let first = segments.first else { continue }
            let reach = radius * 1.35 + 1
            var low = first.0
            var high = first.0
            for (a, b) in segments {
                low = pointwiseMin(low, pointwiseMin(a, b))
                high = pointwiseMax(high, pointwiseMax(a, b))
            }
            func pixels(_ low: Float, _ high: Float) -> ClosedRange<Int> {
                Int((low - reach).rounded(.down))...Int((high + reach).rounded(.up))
            }
            let columns = pixels(low.x, high.x), rows = pixels(low.y, high.y)
            // The coverage of each pixel of the glyph's box. Each stroke changes only the pixels around it.
            var covered = [Float](repeating: 0, count: columns.count * rows.count)
            for (a, b) in segments {
                for py in pixels(min(a.y, b.y), max(a.y, b.y)) {
                    for px in pixels(min(a.x, b.x), max(a.x, b.x)) {
                        let centre = SIMD2(Float(px) + 0.5, Float(py) + 0.5)
                        let at = (py - rows.lowerBound) * columns.count + px - columns.lowerBound
                        covered[at] = max(covered[at], min(1, 0.5 - Self.distance(centre, a, b, radius)))
                    }
                }
            }
            for (at, coverage) in covered.enumerated() where coverage > 0 {
                body(columns.lowerBound + at % columns.count, rows.lowerBound + at / columns.count, coverage)
            }
        }
    }

    /// The distance of the point p from the stroke of a round pen from a to b. It is negative inside. A dot is a third
    /// larger than the pen.
    private static func distance(_ p: SIMD2<Float>, _ a: SIMD2<Float>, _ b: SIMD2<Float>, _ radius: Float) -> Float {
        strokeDistance(p, a, b) - (a == b ? radius * 1.35 : radius)
    }
}

extension Image {
    /// Draws one line of text, clipped to the image.
    /// - Parameters:
    ///   - x: column of the line's upper left corner.
    ///   - y: row of the line's upper left corner.
    ///   - color: red, green and blue of the text.
    /// - Returns: the width of the text in pixels (``Font/width(of:)``).
    @discardableResult
    public mutating func draw(_ text: String, x: Int, y: Int, font: Font, color: (UInt8, UInt8, UInt8) = (0, 0, 0))
        -> Int
    {
        var covered: [(Int, Int, Float)] = []
        font.rasterise(text, x: x, y: y) { covered.append(($0, $1, $2)) }
        for (px, py, alpha) in covered { blend(px, py, color, alpha: alpha) }
        return font.width(of: text)
    }
}
