import Vision

/// One picture that shows a whole caption: the photograph, then each word over its map.
public enum ContactSheet {
    /// One word: what it says, a small line of numbers, and its overlay.
    public typealias Tile = (label: String, detail: String, image: Image)

    /// The size at which a tile of a photograph of `width` x `height` is drawn on a sheet of `count` tiles: the long
    /// side is about 320 pixels, more for panoramas, less where the sheet would grow beyond all use. Overlays made at
    /// this size need no shrinking and little memory.
    public static func tileSize(width: Int, height: Int, count: Int) -> (width: Int, height: Int) {
        let w = Double(max(1, width))
        let h = Double(max(1, height))
        let aspect = max(w / h, h / w)
        // A 3:1 picture is 440 pixels long: its short side stays readable.
        var long = 320 * max(1, min(1.375, (aspect / 1.6).squareRoot()))
        let pixels = Double(count + 1) * long * long / aspect
        if pixels > 40e6 { long = max(48, long * (40e6 / pixels).squareRoot()) }
        let scale = long / max(w, h)
        return (max(1, Int((w * scale).rounded())), max(1, Int((h * scale).rounded())))
    }

    private static let margin = 24, gutter = 16
    private static let ink: (UInt8, UInt8, UInt8) = (24, 24, 28)
    private static let soft: (UInt8, UInt8, UInt8) = (104, 104, 112)

    /// Draws the sheet: `title` on top, `photo` first, then the tiles in their order, and a legend of the colours.
    ///
    /// - Parameters:
    ///   - photo: any size; shrunk to a tile, its shape kept.
    ///   - tiles: images of any size, each shrunk to fit its place (see ``tileSize(width:height:count:)``).
    ///   - ends: what the low and the high end of the colours mean; nil: "low" and "high", or "against" and "for" where
    ///     the colour map is a diverging one.
    ///   - note: a small line beside the legend.
    public static func draw(
        photo: Image, title: String, tiles: [Tile], colorMap: ColorMap, ends: (low: String, high: String)? = nil,
        note: String = ""
    ) -> Image {
        let size = tileSize(width: photo.width, height: photo.height, count: tiles.count)
        // Words need some room even over a very narrow picture.
        let cell = max(size.width, 112)
        let columns = columnCount(tiles.count + 1, cell: cell, height: size.height + 44)
        let inner = columns * cell + (columns - 1) * gutter
        let all = [(label: "photograph", detail: "", image: photo)] + tiles
        let captions = all.map { Caption($0.label, $0.detail, width: cell) }
        let oneLine = captions.allSatisfy(\.fitsOneLine)
        let heading = Font(size: 30).fit(title, width: inner, lines: 4, smallest: 14)
        let legend = Legend(colorMap, ends: ends, note: note, width: inner)

        let rows = stride(from: 0, to: all.count, by: columns).map { $0..<min($0 + columns, all.count) }
        let textHeights = rows.map { row in captions[row].map { $0.height(oneLine: oneLine) }.max() ?? 0 }
        let headingHeight = heading.lines.isEmpty ? 0 : heading.lines.count * heading.font.lineHeight + gutter
        let height =
            2 * margin + headingHeight + textHeights.reduce(0) { $0 + $1 + size.height + gutter + 4 } + legend.height
        var sheet = Image(width: inner + 2 * margin, height: height, color: (255, 255, 255))

        var y = margin
        for line in heading.lines {
            sheet.draw(line, x: margin, y: y, font: heading.font, color: ink)
            y += heading.font.lineHeight
        }
        if headingHeight > 0 { y += gutter }
        for (row, textHeight) in zip(rows, textHeights) {
            for (column, index) in row.enumerated() {
                let x = margin + column * (cell + gutter)
                captions[index].draw(
                    into: &sheet, x: x, bottom: y + textHeight, oneLine: oneLine, ink: index == 0 ? soft : ink,
                    soft: soft)
                sheet.paste(fitted(all[index].image, size), x: x, y: y + textHeight)
            }
            y += textHeight + size.height + gutter + 4
        }
        legend.draw(into: &sheet, x: margin, y: y, ink: soft)
        return sheet
    }

    /// The number of columns whose sheet is nearest to 3:2, never so many that a row stays empty.
    static func columnCount(_ count: Int, cell: Int, height: Int) -> Int {
        func badness(_ columns: Int) -> Double {
            let rows = (count + columns - 1) / columns
            let aspect = Double(columns * (cell + gutter)) / Double(rows * (height + gutter) + 100)
            let unused = Double(columns * rows - count) / Double(columns * rows)
            return max(aspect / 1.5, 1.5 / aspect) + 0.6 * unused
        }
        // Not wider than a screen's picture viewer shows legibly.
        let most = max(1, min(count, max(2, 2600 / (cell + gutter))))
        return (1...most).min { badness($0) < badness($1) } ?? 1
    }

    /// `image` in its own shape, as large as `size` allows.
    private static func fitted(_ image: Image, _ size: (width: Int, height: Int)) -> Image {
        if image.width == size.width && image.height == size.height { return image }
        let scale = min(Double(size.width) / Double(image.width), Double(size.height) / Double(image.height))
        return image.resized(
            width: max(1, min(size.width, Int((Double(image.width) * scale).rounded()))),
            height: max(1, min(size.height, Int((Double(image.height) * scale).rounded()))), filter: .bicubic)
    }
}

/// The text over one tile: a label, and its detail beside it or, where that does not fit every tile, under it.
private struct Caption {
    let label: (font: Font, lines: [String])
    let detail: (font: Font, lines: [String])
    let width: Int

    init(_ label: String, _ detail: String, width: Int) {
        self.label = Font(size: 20, isBold: true).fit(label, width: width, lines: 3, smallest: 11)
        self.detail = Font(size: 15).fit(detail, width: width, lines: 2, smallest: 10)
        self.width = width
    }

    /// A detail is set to the right of its label.
    var fitsOneLine: Bool {
        guard label.lines.count <= 1, detail.lines.count <= 1 else { return false }
        let used = label.font.width(of: label.lines.first ?? "") + detail.font.width(of: detail.lines.first ?? "")
        return used + 12 <= width
    }

    func height(oneLine: Bool) -> Int {
        let label = self.label.lines.count * self.label.font.lineHeight
        let detail = self.detail.lines.count * self.detail.font.lineHeight
        return (oneLine ? max(label, detail) : label + detail) + 4
    }

    func draw(
        into sheet: inout Image, x: Int, bottom: Int, oneLine: Bool, ink: (UInt8, UInt8, UInt8),
        soft: (UInt8, UInt8, UInt8)
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
                line, x: oneLine ? right : x, y: oneLine ? base - detail.font.ascent : y, font: detail.font, color: soft
            )
            y += detail.font.lineHeight
        }
    }
}

/// The bar of colours between the names of its ends, and a note at its right or, where there is no room, under it.
private struct Legend {
    let colorMap: ColorMap
    let low: (font: Font, lines: [String])
    let high: (font: Font, lines: [String])
    let note: (font: Font, lines: [String])
    let bar: Int
    let isNoteBelow: Bool
    static let thickness = 12

    init(_ colorMap: ColorMap, ends: (low: String, high: String)?, note: String, width: Int) {
        self.colorMap = colorMap
        let names = ends ?? (colorMap.isDiverging ? ("against", "for") : ("low", "high"))
        let font = Font(size: 15)
        bar = max(16, min(200, width / 3))
        let room = max(8, (width - bar - 16) / 2)
        low = font.fit(names.0, width: room, lines: 1, smallest: 8)
        high = font.fit(names.1, width: room, lines: 1, smallest: 8)
        let used = Self.width(low) + Self.width(high) + bar + 16
        let single = font.wrap(note, width: max(1, width - used - 32))
        isNoteBelow = single.count > 1 || width - used - 32 < 60
        self.note = isNoteBelow ? font.fit(note, width: width, lines: 4, smallest: 9) : (font, single)
    }

    private static func width(_ text: (font: Font, lines: [String])) -> Int {
        text.font.width(of: text.lines.first ?? "")
    }

    var height: Int {
        max(low.font.lineHeight, high.font.lineHeight) + (isNoteBelow ? note.lines.count * note.font.lineHeight + 4 : 0)
    }

    func draw(into sheet: inout Image, x: Int, y: Int, ink: (UInt8, UInt8, UInt8)) {
        let base = y + max(low.font.ascent, high.font.ascent)
        let start =
            x + sheet.draw(low.lines.first ?? "", x: x, y: base - low.font.ascent, font: low.font, color: ink) + 8
        let colors = colorMap.table
        // Between the baseline and the height of the capitals.
        let rows = base - Self.thickness..<base
        for i in 0..<bar { sheet.fill(start + i..<start + i + 1, rows, colors[i * 255 / (bar - 1)]) }
        let end = start + bar + 8
        let right =
            end + sheet.draw(high.lines.first ?? "", x: end, y: base - high.font.ascent, font: high.font, color: ink)
        var top = isNoteBelow ? y + max(low.font.lineHeight, high.font.lineHeight) + 4 : base - note.font.ascent
        for line in note.lines {
            sheet.draw(line, x: isNoteBelow ? x : right + 32, y: top, font: note.font, color: ink)
            top += note.font.lineHeight
        }
    }
}
