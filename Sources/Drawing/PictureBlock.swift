import Vision

/// The text and the legend under a picture.
struct PictureBlock {
    private let sentence: RichText
    private let facts: (font: Font, lines: [String])
    private let legend: LegendLayout
    private let details: (font: Font, lines: [String])
    private let pad: Int
    private let isAgainst: Bool

    /// A photograph whose longer side has fewer pixels than `smallest` is enlarged to `enlarged`.
    static let smallest = 400, enlarged = 480
    /// The size of the text under a picture, in pixels. It grows with the picture, but not with the length of a narrow
    /// one.
    static func textSize(width: Int, height: Int) -> Float {
        15 * max(1, Float(min(max(width, height), 3 * min(width, 1 << 24))) / 900)
    }
    /// The width of the canvas: the picture's, or wider under a narrow picture.
    static func width(under image: Image) -> Int {
        max(image.width, Int(32 * textSize(width: image.width, height: image.height)))
    }

    /// - Parameters:
    ///   - size: of the text, in pixels.
    ///   - width: of the block with its margins, in pixels.
    init(_ text: PictureText, legend: Legend, isAgainst: Bool, width: Int, size: Float) {
        func wrapped(_ lines: [String], _ size: Float) -> (font: Font, lines: [String]) {
            let font = Font(size: size)
            return (font, lines.flatMap { font.wrap(String($0.prefix(4000)), width: width - 2 * Int(size * 0.8)) })
        }
        pad = Int(size * 0.8)
        let inner = width - 2 * pad
        sentence = RichText(
            text.sentence, width: inner, size: size * 1.4, smallest: size, lines: 3)
        facts = wrapped(text.facts, size)
        self.legend = LegendLayout(legend, width: inner, size: size)
        details = wrapped(text.details.isEmpty ? [] : [text.details], size * 0.85)
        self.isAgainst = isAgainst
    }

    private func height(_ text: (font: Font, lines: [String])) -> Int { text.lines.count * text.font.lineHeight }

    /// The height in pixels, with its margins.
    var height: Int {
        let heights = [sentence.height, height(facts), legend.height, height(details)].filter { $0 > 0 }
        return 2 * pad + heights.reduce(0, +) + (heights.count - 1) * pad / 2
    }

    /// The picture with the block under it.
    static func under(
        _ image: Image, text: PictureText, legend: Legend, isAgainst: Bool
    ) -> Image {
        let width = width(under: image)
        let block = PictureBlock(
            text, legend: legend, isAgainst: isAgainst, width: width,
            size: textSize(width: image.width, height: image.height))
        var canvas = Image(width: width, height: image.height + block.height, color: (255, 255, 255))
        canvas.paste(image, x: 0, y: 0)
        block.draw(into: &canvas, y: image.height)
        return canvas
    }

    private func draw(into canvas: inout Image, y: Int) {
        var y = y + pad
        func draw(_ text: (font: Font, lines: [String]), _ color: (UInt8, UInt8, UInt8)) {
            for line in text.lines {
                canvas.draw(line, x: pad, y: y, font: text.font, color: color)
                y += text.font.lineHeight
            }
            if !text.lines.isEmpty { y += pad / 2 }
        }
        sentence.draw(into: &canvas, x: pad, y: y, isAgainst: isAgainst)
        if sentence.height > 0 { y += sentence.height + pad / 2 }
        draw(facts, SheetColors.ink)
        legend.draw(into: &canvas, x: pad, y: y)
        y += legend.height + pad / 2
        draw(details, SheetColors.soft)
    }
}
