import Vision

/// A sentence with marked parts, broken into lines.
struct RichText {
    private struct Word {
        let text: String
        let style: PictureText.Style
        /// -1...1, for the ground.
        let weight: Float
        /// The index of its part. Words of one part share a ground and an underline.
        let part: Int
        let font: Font
        /// Pixels between it and the word before it.
        let gap: Int
        var width: Int { font.width(of: text) }
    }
    private typealias Line = [(word: Word, x: Int)]

    private let lines: [Line]
    private let font: Font
    /// The height of a line, with room for the ground and the underline.
    private var step: Int { font.lineHeight + Int(font.size * 0.2) }
    /// Pixels.
    var height: Int { lines.count * step }

    /// Finds the largest font for which the sentence has at most `count` lines without a broken word, from `size` down.
    /// At the smallest size, it has up to `most` lines, words are broken, and the end of a longer sentence is "...".
    /// - Parameters:
    ///   - width: of a line, in pixels.
    ///   - size: of the text, in pixels.
    ///   - smallest: likewise.
    init(
        _ parts: [PictureText.Part], width: Int, size: Float, smallest: Float, lines count: Int, most: Int = 40
    ) {
        var size = size
        var wrapped = Self.wrap(parts, width: width, size: size)
        while size > smallest && (wrapped.isBroken || wrapped.lines.count > count) {
            size = max(smallest, size - max(1, size / 20))
            wrapped = Self.wrap(parts, width: width, size: size)
        }
        font = Font(size: size)
        if wrapped.lines.count > most {
            wrapped.lines = Array(wrapped.lines.prefix(most))
            wrapped.lines[most - 1] = Self.ended(wrapped.lines[most - 1], width: width, font: font)
        }
        lines = wrapped.lines
    }

    private static func words(_ parts: [PictureText.Part], size: Float) -> [Word] {
        let space = Font(size: size).width(of: "i i") - 2 * Font(size: size).width(of: "i")
        // More is not legible in an image, and wrapping it takes time.
        var left = 4000
        var words: [Word] = []
        for (index, part) in parts.enumerated() {
            let font = Font(size: size, isBold: part.style.contains(.explained))
            for (place, text) in part.text.prefix(max(0, left)).split(whereSeparator: \.isWhitespace).enumerated() {
                let isGlued = place == 0 && text.first.map { ",.;:?!)".contains($0) } == true
                words.append(
                    Word(
                        text: String(text), style: part.style, weight: part.weight, part: index, font: font,
                        gap: words.isEmpty ? 0 : isGlued ? Int(size * 0.12) : space))
            }
            left -= part.text.count
        }
        return words
    }

    private static func wrap(
        _ parts: [PictureText.Part], width: Int, size: Float
    ) -> (lines: [Line], isBroken: Bool) {
        let words = words(parts, size: size)
        var lines: [Line] = []
        var line: Line = []
        var used = 0
        var isBroken = false
        for (index, word) in words.enumerated() {
            // Punctuation stays with its word.
            let next = index + 1 < words.count ? words[index + 1] : nil
            let tail = next.map { $0.gap < Int(size * 0.2) ? $0.gap + $0.width : 0 } ?? 0
            if !line.isEmpty && used + word.gap + word.width + tail > width {
                lines.append(line)
                (line, used) = ([], 0)
            }
            if word.width > width {
                isBroken = true
                let pieces = word.font.wrap(word.text, width: width)
                for (place, piece) in pieces.enumerated() {
                    let cut = Word(
                        text: piece, style: word.style, weight: word.weight, part: word.part, font: word.font, gap: 0)
                    line = [(cut, 0)]
                    used = cut.width
                    if place + 1 < pieces.count { lines.append(line) }
                }
                continue
            }
            let x = line.isEmpty ? 0 : used + word.gap
            line.append((word, x))
            used = x + word.width
        }
        if !line.isEmpty { lines.append(line) }
        return (lines, isBroken)
    }

    /// The line with dots behind its last word that leaves room for them.
    private static func ended(_ line: Line, width: Int, font: Font) -> Line {
        let dots = Word(text: "...", style: .plain, weight: 0, part: -1, font: font, gap: 0)
        var line = line
        while line.count > 1, let last = line.last, last.x + last.word.width + dots.width > width { line.removeLast() }
        return line + [(dots, min(max(0, width - dots.width), line.last.map { $0.x + $0.word.width } ?? 0))]
    }

    /// The ground of a word that carried so much; nil for what is hardly seen.
    private static func ground(_ weight: Float) -> (UInt8, UInt8, UInt8)? {
        let strength = min(1, abs(weight))
        guard strength >= 0.05 else { return nil }
        let full: (Float, Float, Float) = weight > 0 ? (255, 150, 90) : (110, 170, 255)
        func mixed(_ channel: Float) -> UInt8 { UInt8((255 + (channel - 255) * strength).rounded()) }
        return (mixed(full.0), mixed(full.1), mixed(full.2))
    }

    /// Draws the sentence with its upper left corner at (x, y).
    func draw(into image: inout Image, x: Int, y: Int, isAgainst: Bool) {
        let ground: (UInt8, UInt8, UInt8) = isAgainst ? (205, 229, 255) : (255, 228, 176)
        let line: (UInt8, UInt8, UInt8) = isAgainst ? (10, 80, 200) : (205, 70, 0)
        let thick = max(1, Int(font.size / 11))
        for (index, words) in lines.enumerated() {
            let top = y + index * step
            let under = top + font.ascent + max(2, Int(font.size * 0.12))
            for (place, item) in words.enumerated() {
                let word = item.word
                // From the end of the word before it, if both are of one part.
                let before = place > 0 && words[place - 1].word.part == word.part ? word.gap : 0
                let columns = x + item.x - before..<x + item.x + word.width
                if let ground = Self.ground(word.weight) { image.fill(columns, top..<under + thick, ground) }
                if word.style.contains(.explained) {
                    let pad = Int(font.size * 0.12)
                    image.fill(
                        max(0, columns.lowerBound - (before > 0 ? 0 : pad))..<columns.upperBound + pad,
                        top..<under + thick, ground)
                }
                image.draw(word.text, x: x + item.x, y: top, font: word.font, color: SheetColors.ink)
                if word.style.contains(.explained) { image.fill(columns, under..<under + thick, line) }
                if word.style.contains(.unknown) {
                    let dotTop = under + (word.style.contains(.explained) ? 2 * thick : 0)
                    for left in stride(from: columns.lowerBound, to: columns.upperBound, by: 3 * thick) {
                        image.fill(
                            left..<min(left + thick + thick / 2, columns.upperBound),
                            dotTop..<dotTop + thick + thick / 2,
                            SheetColors.ink)
                    }
                }
            }
        }
    }
}
