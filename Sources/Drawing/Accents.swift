import Foundation

/// Letters with accents. Unicode's canonical decomposition gives the letter and its accents, and their glyphs are
/// joined.
extension Glyph {
    /// The glyph of a letter with accents. It is nil if the letter or an accent is not in the font.
    static func accented(_ character: Character) -> Glyph? {
        var scalars = String(character).decomposedStringWithCanonicalMapping.unicodeScalars[...]
        guard let first = scalars.popFirst(), !scalars.isEmpty else { return nil }
        let accents = scalars.compactMap { Self.accents[$0] }
        let isAbove = accents.contains { $0.isAbove }
        // An accent above the letter replaces its dot.
        let letter: Character = isAbove && first == "i" ? "ı" : isAbove && first == "j" ? "ȷ" : Character(first)
        guard accents.count == scalars.count, var glyph = drawn(letter) else { return nil }
        if scalars.first == "\u{30C}", ["d", "l", "t"].contains(letter) { return glyph.withApostrophe }
        if isAbove { glyph = glyph.lowered }
        for accent in accents { glyph = glyph.with(accent) }
        return glyph
    }

    private struct Accent {
        let isAbove: Bool
        /// Centred on x = 0. The origin of y is the lower edge of an accent above, or the baseline for one below.
        let glyph: Glyph
        /// The position of the accent on the letter's width, 0...1.
        let place: Float

        init(above text: Substring) { (isAbove, glyph, place) = (true, Glyph("0;" + text), 0.5) }
        init(below text: Substring, place: Float = 0.5) {
            (isAbove, glyph, self.place) = (false, Glyph("0;" + text), place)
        }
    }

    private static let accents: [Unicode.Scalar: Accent] = [
        "\u{300}": Accent(above: "-1.8,2.4 0.6,0.2"),
        "\u{301}": Accent(above: "1.8,2.4 -0.6,0.2"),
        "\u{302}": Accent(above: "-2.3,0 0,2.3 2.3,0"),
        "\u{303}": Accent(above: "-2.8,0.2 -2,1.5 -1,1.7 1,0.5 2,0.7 2.8,2"),
        "\u{304}": Accent(above: "-2.6,1 2.6,1"),
        "\u{306}": Accent(above: "@0,2.3,2.4,2.2,180,360"),
        "\u{307}": Accent(above: "0,1.2"),
        "\u{308}": Accent(above: "-2,1.2|2,1.2"),
        "\u{30A}": Accent(above: "@0,1.2,1.5,1.3,0,360"),
        "\u{30B}": Accent(above: "-1.8,0.2 -0.4,2.4|1.2,0.2 2.6,2.4"),
        "\u{30C}": Accent(above: "-2.3,2.3 0,0 2.3,2.3"),
        "\u{326}": Accent(below: "0.4,-2 0.2,-3 -0.6,-4"),
        "\u{327}": Accent(below: "0,0 0,-1.2 @-0.1,-2.5,1.4,1.3,80,-140"),
        "\u{328}": Accent(below: "0,0 @0.6,-2.2,1.6,1.8,150,310", place: 0.8),
    ]

    /// The largest y of the glyph.
    private var top: Float { segments.reduce(0) { max($0, max($1.0.y, $1.1.y)) } }

    /// The glyph with room for an accent above it: capitals and tall letters become lower.
    private var lowered: Glyph {
        let scale = min(1, 11.9 / max(top, 1))
        return scale > 0.95
            ? self
            : Glyph(width: width, segments: segments.map { ($0 * Point(1, scale), $1 * Point(1, scale)) })
    }

    /// The letter with an accent. It is as wide as the wider of the two.
    private func with(_ accent: Accent) -> Glyph {
        let reach = accent.glyph.segments.reduce(Float(0)) { max($0, max(abs($1.0.x), abs($1.1.x))) }
        let wide = accent.place == 0.5 ? max(width, 2 * reach) : width
        let shift = Point((wide - width) / 2, 0)
        let at = Point(wide * accent.place, accent.isAbove ? top + 2.7 : 0)
        return Glyph(
            width: wide,
            segments: segments.map { ($0 + shift, $1 + shift) } + accent.glyph.segments.map { ($0 + at, $1 + at) })
    }

    /// The letter with a caron drawn as an apostrophe, as d, l and t have it.
    private var withApostrophe: Glyph {
        let x = width + 1.6
        return Glyph(width: x + 0.6, segments: segments + [(Point(x + 0.6, 15), Point(x, 12))])
    }
}
