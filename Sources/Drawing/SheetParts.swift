import Vision

/// The colours of text on sheets and in legends.
enum SheetColors {
    /// Labels and titles.
    static let ink: (UInt8, UInt8, UInt8) = (24, 24, 28)
    /// Details and numbers.
    static let soft: (UInt8, UInt8, UInt8) = (104, 104, 112)
}

/// The title of a sheet: a sentence, and facts under it.
struct SheetHeading {
    private let sentence: RichText
    private let facts: (font: Font, lines: [String])
    private let isAgainst: Bool
    private static let gap = 6

    /// - Parameter width: in pixels.
    init(_ sentence: [PictureText.Part], facts: [String], isAgainst: Bool, width: Int) {
        self.sentence = RichText(sentence, width: width, size: 30, smallest: 16, lines: 3, most: 24)
        let font = Font(size: 17)
        self.facts = (font, Array(facts.flatMap { font.wrap(String($0.prefix(4000)), width: width) }))
        self.isAgainst = isAgainst
    }

    /// The height in pixels. It is 0 without any text.
    var height: Int {
        let facts = self.facts.lines.count * self.facts.font.lineHeight
        return sentence.height + facts + (sentence.height > 0 && facts > 0 ? Self.gap : 0)
    }

    func draw(into sheet: inout Image, x: Int, y: Int) {
        sentence.draw(into: &sheet, x: x, y: y, isAgainst: isAgainst)
        var y = y + sentence.height + (sentence.height > 0 ? Self.gap : 0)
        for line in facts.lines {
            sheet.draw(line, x: x, y: y, font: facts.font, color: SheetColors.soft)
            y += facts.font.lineHeight
        }
    }
}

/// The text above a tile: a label and a detail. The detail is at the right of the label, or under it if one of the
/// sheet's tiles has no room beside the label.
struct TileCaption {
    let label: (font: Font, lines: [String])
    let detail: (font: Font, lines: [String])
    let width: Int

    init(_ label: String, _ detail: String, width: Int) {
        self.label = Font(size: 20, isBold: true).fit(label, width: width, lines: 3, smallest: 12, most: 10)
        self.detail = Font(size: 15).fit(detail, width: width, lines: 3, smallest: 12, most: 10)
        self.width = width
    }

    /// Whether the label and the detail fit on one line.
    var fitsOneLine: Bool {
        guard label.lines.count <= 1, detail.lines.count <= 1 else { return false }
        let used = label.font.width(of: label.lines.first ?? "") + detail.font.width(of: detail.lines.first ?? "")
        return used + 12 <= width
    }

    /// The height in pixels, with the detail beside or under the label.
    func height(oneLine: Bool) -> Int {
        let label = self.label.lines.count * self.label.font.lineHeight
        let detail = self.detail.lines.count * self.detail.font.lineHeight
        return (oneLine ? max(label, detail) : label + detail) + 4
    }

    /// Draws the text.
    /// - Parameters:
    ///   - x: its left edge, in pixels.
    ///   - bottom: its lower edge, in pixels.
    ///   - oneLine: whether the detail is beside the label.
    func draw(
        into sheet: inout Image, x: Int, bottom: Int, oneLine: Bool, ink: (UInt8, UInt8, UInt8) = SheetColors.ink
    ) {
        var y = bottom - height(oneLine: oneLine)
        let base = y + label.font.ascent
        for line in label.lines {
            sheet.draw(line, x: x, y: y, font: label.font, color: ink)
            y += label.font.lineHeight
        }
        for line in detail.lines {
            let right = x + width - detail.font.width(of: line)
            sheet.draw(
                line, x: oneLine ? right : x, y: oneLine ? base - detail.font.ascent : y, font: detail.font,
                color: SheetColors.soft)
            y += detail.font.lineHeight
        }
    }
}

extension Image {
    /// The image with its own aspect ratio, as large as `size` (in pixels) allows.
    func fitted(_ size: (width: Int, height: Int)) -> Image {
        if width == size.width && height == size.height { return self }
        let scale = min(Double(size.width) / Double(width), Double(size.height) / Double(height))
        return resized(
            width: max(1, min(size.width, Int((Double(width) * scale).rounded()))),
            height: max(1, min(size.height, Int((Double(height) * scale).rounded()))), filter: .bicubic)
    }

    /// Writes text on a dark band across the middle of the image.
    mutating func note(_ text: String) {
        let size = max(11, Float(min(width, height)) / 12)
        let pad = Int(size / 2)
        let room = max(1, (height - 2 * pad) / Font(size: 9).lineHeight)
        let (font, lines) = Font(size: size).fit(
            text, width: max(1, width - 2 * pad), lines: 3, smallest: 9, most: max(3, room))
        let band = lines.count * font.lineHeight + 2 * pad
        var y = (height - band) / 2
        for row in y..<y + band { for x in 0..<width { blend(x, row, (0, 0, 0), alpha: 0.7) } }
        y += pad
        for line in lines {
            draw(line, x: (width - font.width(of: line)) / 2, y: y, font: font, color: (255, 255, 255))
            y += font.lineHeight
        }
    }
}
