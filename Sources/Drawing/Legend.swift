import Foundation
import Vision

/// The legend of a drawing: a bar of the colours, the names of its ends, numbers under it, and a note.
public struct Legend: Equatable, Sendable {
    /// The colours of the bar.
    public var colorMap: ColorMap
    /// The names of the bar's low and high end.
    public var low: String, high: String
    /// The numbers under the bar.
    public var numbers: [Number]
    /// The positions in the bar of the drawing's contour lines, 0...1.
    public var marks: [Float]
    /// Text beside or below the bar. It may be empty.
    public var note: String

    /// A number under the bar.
    public struct Number: Equatable, Sendable {
        /// The position in the bar, 0...1.
        public var position: Float
        /// The number as text.
        public var text: String
    }

    /// A legend of a colour map.
    /// - Parameters:
    ///   - maximum: the value at the high end. Without it, the numbers are parts of each map's own maximum.
    ///   - marks: levels of contour lines, as parts of the maximum. With a diverging colour map they are marked on both
    ///     sides of zero.
    ///   - note: text beside or below the bar.
    ///   - ends: names of the ends. Without them: "low" and "high", or "against" and "for" with a diverging colour map.
    public init(
        _ colorMap: ColorMap, maximum: Float? = nil, marks: [Float] = [], note: String = "",
        ends: (low: String, high: String)? = nil
    ) {
        self.colorMap = colorMap
        (low, high) = ends ?? (colorMap.isDiverging ? ("against", "for") : ("low", "high"))
        func text(_ part: Float) -> String {
            part == 0 ? "0" : String(format: "%.3g", Double(part) * Double(maximum ?? 1))
        }
        let parts: [Float] = colorMap.isDiverging ? [-1, 0, 1] : [0, 0.5, 1]
        func position(_ part: Float) -> Float { colorMap.isDiverging ? (part + 1) / 2 : part }
        numbers = parts.map { Number(position: position($0), text: text($0)) }
        self.marks = (colorMap.isDiverging ? marks.map { -$0 } + marks : marks).map(position)
        self.note = note
    }

    /// An image with the legend on white under it. The size of the text grows with the image.
    public func under(_ image: Image) -> Image {
        let size = 15 * max(1, Float(max(image.width, image.height)) / 900)
        let pad = Int(size * 0.6)
        let layout = LegendLayout(self, width: max(1, image.width - 2 * pad), size: size)
        var result = Image(
            width: image.width, height: image.height + layout.height + 2 * pad, color: (255, 255, 255))
        result.paste(image, x: 0, y: 0)
        layout.draw(into: &result, x: pad, y: image.height + pad)
        return result
    }
}

/// A legend for a given width: the bar between the names of its ends, the numbers under the bar, and the note at the
/// right. If there is no room at the right, the note is below.
struct LegendLayout {
    private let legend: Legend
    private let low, high, note: (font: Font, lines: [String])
    private let numbers: Font
    private let bar: Int
    private let isNoteBelow: Bool
    private let gap: Int
    private var thickness: Int { Int(low.font.size * 0.8) }

    /// - Parameters:
    ///   - width: of the legend, in pixels.
    ///   - size: of the text, in pixels.
    init(_ legend: Legend, width: Int, size: Float = 15) {
        self.legend = legend
        let font = Font(size: size)
        gap = Int(size / 2)
        numbers = Font(size: size * 0.85)
        bar = max(16, min(Int(size * 14), width / 2))
        let room = max(8, (width - bar - 2 * gap) / 2)
        // Both ends have the size that the longer name needs.
        let ends = [legend.low, legend.high].map { font.fit($0, width: room, lines: 1, smallest: 8).font.size }
        let endFont = Font(size: ends.min() ?? size)
        low = endFont.fit(legend.low, width: room, lines: 1, smallest: 8)
        high = endFont.fit(legend.high, width: room, lines: 1, smallest: 8)
        let left = width - Self.width(low) - Self.width(high) - bar - 5 * gap
        let single = font.wrap(legend.note, width: max(1, left))
        isNoteBelow = single.count > 1 || left < 4 * Int(size)
        note = isNoteBelow ? font.fit(legend.note, width: width, lines: 4, smallest: 9) : (font, single)
    }

    private static func width(_ text: (font: Font, lines: [String])) -> Int {
        text.font.width(of: text.lines.first ?? "")
    }

    private var barHeight: Int { max(low.font.lineHeight, high.font.lineHeight) }
    /// The height of the legend in pixels.
    var height: Int {
        barHeight + numbers.lineHeight + (isNoteBelow ? note.lines.count * note.font.lineHeight : 0)
    }

    /// Draws the legend with its upper left corner at (x, y).
    func draw(into sheet: inout Image, x: Int, y: Int) {
        let ink = SheetColors.ink
        let base = y + max(low.font.ascent, high.font.ascent)
        let start =
            x + sheet.draw(low.lines.first ?? "", x: x, y: base - low.font.ascent, font: low.font, color: ink) + gap
        let colors = legend.colorMap.table
        // From the height of the capitals to the baseline.
        let rows = base - thickness..<base
        for i in 0..<bar { sheet.fill(start + i..<start + i + 1, rows, colors[i * 255 / (bar - 1)]) }
        for mark in legend.marks {
            let at = start + Int((mark * Float(bar - 1)).rounded())
            let half = max(1, thickness / 12)
            sheet.fill(at - 2 * half..<at + 2 * half, rows, (0, 0, 0))
            sheet.fill(at - half..<at + half, rows, (255, 255, 255))
        }
        drawNumbers(into: &sheet, bar: start, y: y + barHeight)
        let end = start + bar + gap
        let right =
            end + sheet.draw(high.lines.first ?? "", x: end, y: base - high.font.ascent, font: high.font, color: ink)
        var top = isNoteBelow ? y + barHeight + numbers.lineHeight : base - note.font.ascent
        for line in note.lines {
            sheet.draw(line, x: isNoteBelow ? x : right + 3 * gap, y: top, font: note.font, color: ink)
            top += note.font.lineHeight
        }
    }

    /// Draws the numbers of the ends first. A number that would overlap another is left out.
    private func drawNumbers(into sheet: inout Image, bar start: Int, y: Int) {
        var taken: [Range<Int>] = []
        for number in legend.numbers.sorted(by: { abs($0.position - 0.5) > abs($1.position - 0.5) }) {
            let width = numbers.width(of: number.text)
            let centre = start + Int((number.position * Float(bar - 1)).rounded())
            let left = max(start, min(start + bar - width, centre - width / 2))
            let room = left - gap..<left + width + gap
            if taken.contains(where: { $0.overlaps(room) }) { continue }
            taken.append(left..<left + width)
            sheet.draw(number.text, x: left, y: y, font: numbers, color: SheetColors.soft)
        }
    }
}
