import Vision

/// One picture that holds methods against each other: a row for each method, a column for each word, answer or class.
public enum MethodSheet {
    /// What stands over a column or beside a row: its name, and a smaller line.
    public typealias Heading = (label: String, detail: String)

    private static let margin = 24, gutter = 12
    /// Room for a method's name.
    private static let narrowest = 132

    /// The size at which a tile of a photograph of `width` x `height` is drawn on a sheet of so many columns and rows:
    /// the long side is 320 pixels, less where there are many columns, and less where the sheet would grow beyond all
    /// use.
    public static func tileSize(width: Int, height: Int, columns: Int, rows: Int) -> (width: Int, height: Int) {
        let w = Double(max(1, width))
        let h = Double(max(1, height))
        var long = max(180, min(320, 2600 / Double(columns + 1) * max(w, h) / w))
        let pixels = Double(columns + 1) * Double(rows + 1) * long * long * min(w / h, h / w)
        if pixels > 40e6 { long = max(48, long * (40e6 / pixels).squareRoot()) }
        let scale = long / max(w, h)
        return (max(1, Int((w * scale).rounded())), max(1, Int((h * scale).rounded())))
    }

    /// Draws the sheet: the photograph at the upper left, beside it the title and the legend, under them the columns'
    /// headings; then a row for each method, its name first.
    ///
    /// - Parameter tiles: `tiles[row][column]`, of any size, each shrunk to fit its place (see
    ///   ``tileSize(width:height:columns:rows:)``).
    public static func draw(
        photo: Image, title: String, columns: [Heading], rows: [Heading], tiles: [[Image]], legend: Legend
    ) -> Image {
        precondition(
            tiles.count == rows.count && tiles.allSatisfy { $0.count == columns.count },
            "a sheet of \(rows.count)x\(columns.count) needs as many tiles")
        let size = tileSize(width: photo.width, height: photo.height, columns: columns.count, rows: rows.count)
        let cell = max(size.width, narrowest)
        let step = cell + gutter
        // Never so narrow that the title and the legend have no room.
        let right = max(columns.count * step - gutter, 240)
        let heading = Font(size: 30).fit(title, width: right, lines: 4, smallest: 14)
        let layout = LegendLayout(legend, width: right)
        let tops = columns.map { TileCaption($0.label, $0.detail, width: cell) }
        let oneLine = tops.allSatisfy(\.fitsOneLine)
        let topsHeight = tops.map { $0.height(oneLine: oneLine) }.max() ?? 0
        let sides = rows.map { TileCaption($0.label, $0.detail, width: cell) }
        let headingHeight = heading.lines.isEmpty ? 0 : heading.lines.count * heading.font.lineHeight + gutter
        let band = max(size.height + gutter, headingHeight + layout.height + gutter + topsHeight)
        let heights = sides.map { max(size.height, $0.height(oneLine: false)) }

        var sheet = Image(
            width: 2 * margin + step + right,
            height: 2 * margin + band + heights.reduce(0) { $0 + $1 + gutter }, color: (255, 255, 255))
        sheet.paste(photo.fitted(size), x: margin, y: margin)
        var y = margin
        for line in heading.lines {
            sheet.draw(line, x: margin + step, y: y, font: heading.font, color: SheetColors.ink)
            y += heading.font.lineHeight
        }
        layout.draw(into: &sheet, x: margin + step, y: margin + headingHeight)
        for (column, caption) in tops.enumerated() {
            caption.draw(
                into: &sheet, x: margin + (column + 1) * step, bottom: margin + band, oneLine: oneLine)
        }
        y = margin + band
        for (row, side) in sides.enumerated() {
            side.draw(into: &sheet, x: margin, bottom: y + side.height(oneLine: false), oneLine: false)
            for (column, tile) in tiles[row].enumerated() {
                sheet.paste(tile.fitted(size), x: margin + (column + 1) * step, y: y)
            }
            y += heights[row] + gutter
        }
        return sheet
    }
}
