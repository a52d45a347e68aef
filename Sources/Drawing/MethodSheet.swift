import Vision

/// A sheet that compares methods: one image with a row for each method and a column for each target.
public enum MethodSheet {
    /// The heading of a column or a row: its name, and a smaller line of text.
    public typealias Heading = (label: String, detail: String)

    private static let margin = 24, gutter = 12
    /// The smallest width of a cell, so that the names of methods have room.
    private static let narrowest = 132

    /// The size of a sheet's tiles, in pixels. The long side is 320 pixels. It is shorter if there are many columns, or
    /// if the sheet would have more than 40 million pixels.
    /// - Parameters:
    ///   - width: of the photograph, in pixels.
    ///   - height: of the photograph, in pixels.
    ///   - columns: of tiles.
    ///   - rows: of tiles.
    public static func tileSize(width: Int, height: Int, columns: Int, rows: Int) -> (width: Int, height: Int) {
        let w = Double(max(1, width))
        let h = Double(max(1, height))
        var long = max(180, min(320, 2600 / Double(columns + 1) * max(w, h) / w))
        let pixels = Double(columns + 1) * Double(rows + 1) * long * long * min(w / h, h / w)
        if pixels > 40e6 { long = max(48, long * (40e6 / pixels).squareRoot()) }
        let scale = long / max(w, h)
        return (max(1, Int((w * scale).rounded())), max(1, Int((h * scale).rounded())))
    }

    /// Draws the sheet. The photograph is at the upper left, with the title and the legend beside it. The headings of
    /// the columns are under them. Then there is a row for each method, which begins with its name.
    ///
    /// With one method, the photograph is the first tile of its row, and the method's name is under the title.
    /// - Parameters:
    ///   - photo: of any size. It is resized to a tile and keeps its aspect ratio.
    ///   - title: a long title is set in smaller text.
    ///   - columns: a heading for each target.
    ///   - rows: a heading for each method.
    ///   - tiles: `tiles[row][column]`, of any size. Each is resized to fit (``tileSize(width:height:columns:rows:)``).
    ///   - legend: of the colours of all tiles.
    public static func draw(
        photo: Image, title: String, columns: [Heading], rows: [Heading], tiles: [[Image]], legend: Legend
    ) -> Image {
        draw(photo: photo, sentence: [.init(title)], columns: columns, rows: rows, tiles: tiles, legend: legend)
    }

    /// Draws the sheet with a title of marked parts.
    /// - Parameters:
    ///   - photo: of any size. It is resized to a tile and keeps its aspect ratio.
    ///   - sentence: the title. A long one is set in smaller text.
    ///   - facts: smaller lines under the title.
    ///   - columns: a heading for each target.
    ///   - rows: a heading for each method.
    ///   - tiles: `tiles[row][column]`, of any size. Each is resized to fit (``tileSize(width:height:columns:rows:)``).
    ///   - legend: of the colours of all tiles.
    ///   - isAgainst: whether the maps show what speaks against their targets.
    public static func draw(
        photo: Image, sentence: [PictureText.Part], facts: [String] = [], columns: [Heading], rows: [Heading],
        tiles: [[Image]], legend: Legend, isAgainst: Bool = false
    ) -> Image {
        precondition(
            tiles.count == rows.count && tiles.allSatisfy { $0.count == columns.count },
            "a sheet of \(rows.count)x\(columns.count) needs as many tiles")
        let size = tileSize(width: photo.width, height: photo.height, columns: columns.count, rows: rows.count)
        if let method = rows.first, rows.count == 1 {
            return row(
                of: tiles[0].map { $0.fitted(size) }, photo: photo.fitted(size), size: size,
                heading: { width in
                    let name = [method.label, method.detail].filter { !$0.isEmpty }.joined(separator: ", ")
                    return SheetHeading(sentence, facts: facts + [name], isAgainst: isAgainst, width: width)
                }, columns: columns, legend: legend)
        }
        let cell = max(size.width, narrowest)
        let step = cell + gutter
        // The title and the legend need some width.
        let right = max(columns.count * step - gutter, 240)
        let heading = SheetHeading(sentence, facts: facts, isAgainst: isAgainst, width: right)
        let layout = LegendLayout(legend, width: right)
        let tops = columns.map { TileCaption($0.label, $0.detail, width: cell) }
        let oneLine = tops.allSatisfy(\.fitsOneLine)
        let topsHeight = tops.map { $0.height(oneLine: oneLine) }.max() ?? 0
        let sides = rows.map { TileCaption($0.label, $0.detail, width: cell) }
        let headingHeight = heading.height > 0 ? heading.height + gutter : 0
        let band = max(size.height + gutter, headingHeight + layout.height + gutter + topsHeight)
        let heights = sides.map { max(size.height, $0.height(oneLine: false)) }

        var sheet = Image(
            width: 2 * margin + step + right,
            height: 2 * margin + band + heights.reduce(0) { $0 + $1 + gutter }, color: (255, 255, 255))
        sheet.paste(photo.fitted(size), x: margin, y: margin)
        heading.draw(into: &sheet, x: margin + step, y: margin)
        layout.draw(into: &sheet, x: margin + step, y: margin + headingHeight)
        for (column, caption) in tops.enumerated() {
            caption.draw(
                into: &sheet, x: margin + (column + 1) * step, bottom: margin + band, oneLine: oneLine)
        }
        var y = margin + band
        for (row, side) in sides.enumerated() {
            side.draw(into: &sheet, x: margin, bottom: y + side.height(oneLine: false), oneLine: false)
            for (column, tile) in tiles[row].enumerated() {
                sheet.paste(tile.fitted(size), x: margin + (column + 1) * step, y: y)
            }
            y += heights[row] + gutter
        }
        return sheet
    }

    /// The sheet of one method: the title and the legend, and a row of the photograph and the tiles under them.
    private static func row(
        of tiles: [Image], photo: Image, size: (width: Int, height: Int), heading: (Int) -> SheetHeading,
        columns: [Heading], legend: Legend
    ) -> Image {
        let cell = max(size.width, narrowest)
        let step = cell + gutter
        let inner = (columns.count + 1) * step - gutter
        let heading = heading(inner)
        let layout = LegendLayout(legend, width: inner)
        let captions = [TileCaption("photograph", "", width: cell)] + columns.map { TileCaption($0, $1, width: cell) }
        let oneLine = captions.allSatisfy(\.fitsOneLine)
        let captionHeight = captions.map { $0.height(oneLine: oneLine) }.max() ?? 0
        let top = margin + heading.height + 2 * gutter + captionHeight
        var sheet = Image(
            width: inner + 2 * margin, height: top + size.height + 2 * gutter + layout.height + margin,
            color: (255, 255, 255))
        heading.draw(into: &sheet, x: margin, y: margin)
        for (column, tile) in ([photo] + tiles).enumerated() {
            let x = margin + column * step
            captions[column].draw(
                into: &sheet, x: x, bottom: top, oneLine: oneLine, ink: column == 0 ? SheetColors.soft : SheetColors.ink
            )
            sheet.paste(tile, x: x, y: top)
        }
        layout.draw(into: &sheet, x: margin, y: top + size.height + 2 * gutter)
        return sheet
    }
}
