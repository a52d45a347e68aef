import Vision

/// A round-pen sans serif of our own at any size, antialiased; the letters of Europe's Latin
/// alphabets, a box for everything else.
public struct Font: Sendable, Equatable {
    /// Pixels of an em: capitals are 0.7 of it, small letters 0.5.
    public var size: Float
    public var isBold: Bool

    /// - Parameter size: in pixels; between 4 and 400, other values are clipped.
    public init(size: Float, isBold: Bool = false) {
        self.size = size > 4 ? min(size, 400) : 4
        self.isBold = isBold
    }

    private var scale: Float { size / 20 }
    private var pen: Float { max((isBold ? 2.5 : 1.75) * scale, 0.95) }
    /// Pixels between the strokes of two glyphs, pen included.
    private var gap: Float { (isBold ? 4.1 : 3.5) * scale }

    /// Pixels from the top of a line to its baseline.
    public var ascent: Int { Int((17 * scale + pen + 0.5).rounded(.up)) }
    /// Pixels from one line's top to the next one's.
    public var lineHeight: Int { ascent + Int((5 * scale + pen / 2).rounded(.up)) }

    /// Pixels that `text` takes on one line.
    public func width(of text: String) -> Int {
        let advances = text.reduce(Float(0)) { $0 + advance($1) }
        return text.isEmpty ? 0 : Int((advances - gap + pen).rounded(.up)) + 1
    }

    private func advance(_ character: Character) -> Float { Glyph.of(character).width * scale + gap }

    /// Breaks `text` into lines of at most `width` pixels, between words; a word that is longer than a line is broken
    /// where it must be. Line breaks and tabs count as spaces.
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

    /// The longest beginning of `text` that fits, at least one character.
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

    /// The largest font, from this one down to `smallest` pixels, and the lines that put `text` into `limit` pixels and
    /// `count` lines without breaking a word; at the smallest size words are broken and the end is cut off with "...".
    public func fit(_ text: String, width limit: Int, lines count: Int, smallest: Float) -> (
        font: Font, lines: [String]
    ) {
        // Nothing longer can be read in a picture, and wrapping takes time.
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
        if lines.count > count {
            lines = Array(lines.prefix(max(1, count)))
            var last = lines.removeLast()
            while !last.isEmpty && font.width(of: last + "...") > limit { last.removeLast() }
            lines.append(last + "...")
        }
        return (font, lines)
    }

    /// Calls `body` with each pixel that `text` covers and how much of it, 0...1. (x, y) is the line's upper left
    /// corner.
    fileprivate func rasterise(_ text: String, x: Int, y: Int, _ body: (Int, Int, Float) -> Void) {
        let radius = pen / 2
        // A whole number of pixels, so that the line's horizontal strokes fall alike at every y.
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
            var low = first.0
            var high = first.0
            for (a, b) in segments {
                low = pointwiseMin(low, pointwiseMin(a, b))
                high = pointwiseMax(high, pointwiseMax(a, b))
            }
            for py in Int((low.y - radius - 1).rounded(.down))...Int((high.y + radius + 1).rounded(.up)) {
                for px in Int((low.x - radius - 1).rounded(.down))...Int((high.x + radius + 1).rounded(.up)) {
                    let centre = SIMD2(Float(px) + 0.5, Float(py) + 0.5)
                    let distance = segments.reduce(Float.infinity) {
                        min($0, Self.distance(centre, $1.0, $1.1, radius))
                    }
                    let coverage = min(1, 0.5 - distance)
                    if coverage > 0 { body(px, py, coverage) }
                }
            }
        }
    }

    /// Distance of p from the stroke a-b of a round pen; negative inside. A dot is drawn a third larger than the pen.
    private static func distance(_ p: SIMD2<Float>, _ a: SIMD2<Float>, _ b: SIMD2<Float>, _ radius: Float) -> Float {
        strokeDistance(p, a, b) - (a == b ? radius * 1.35 : radius)
    }
}

extension Image {
    /// Draws one line of text with its upper left corner at (x, y), clipped at the picture's edges.
    /// - Returns: the pixels it takes, as ``Font/width(of:)``.
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
