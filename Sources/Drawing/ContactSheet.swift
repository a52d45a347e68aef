import Vision

/// A contact sheet: one image with the photograph and then a tile for each target, for example each word of a caption.
public enum ContactSheet {
    /// A tile: its label, a smaller line of text, and its overlay.
    public typealias Tile = (label: String, detail: String, image: Image)

    /// The size of a sheet's tiles, in pixels. The long side is about 320 pixels, longer for panoramas, and shorter if
    /// the sheet would have more than 40 million pixels. Overlays of this size need little memory and no resizing.
    /// - Parameters:
    ///   - width: of the photograph, in pixels.
    ///   - height: of the photograph, in pixels.
    ///   - count: tiles beside the photograph.
    public static func tileSize(width: Int, height: Int, count: Int) -> (width: Int, height: Int) {
        let w = Double(max(1, width))
        let h = Double(max(1, height))
        let aspect = max(w / h, h / w)
        // An image of 3:1 is 440 pixels long, so that its short side stays readable.
        var long = 320 * max(1, min(1.375, (aspect / 1.6).squareRoot()))
        let pixels = Double(count + 1) * long * long / aspect
        if pixels > 40e6 { long = max(48, long * (40e6 / pixels).squareRoot()) }
        let scale = long / max(w, h)
        return (max(1, Int((w * scale).rounded())), max(1, Int((h * scale).rounded())))
    }

    private static let margin = 24, gutter = 16

    /// Draws the sheet: the title at the top, then the photograph, the tiles in their order, and the legend.
    /// - Parameters:
    ///   - photo: of any size. It is resized to a tile and keeps its aspect ratio.
    ///   - title: a long title is set in smaller text.
    ///   - tiles: of any size. Each is resized to fit (``tileSize(width:height:count:)``).
    ///   - legend: of the colours of all tiles.
    public static func draw(photo: Image, title: String, tiles: [Tile], legend: Legend) -> Image {
        draw(photo: photo, sentence: [.init(title)], tiles: tiles, legend: legend)
    }

    /// Draws the sheet with a title of marked parts.
    /// - Parameters:
    ///   - photo: of any size. It is resized to a tile and keeps its aspect ratio.
    ///   - sentence: the title. A long one is set in smaller text.
    ///   - facts: smaller lines under the title.
    ///   - tiles: of any size. Each is resized to fit (``tileSize(width:height:count:)``).
    ///   - legend: of the colours of all tiles.
    ///   - isAgainst: whether the maps show what speaks against their targets.
    public static func draw(
        photo: Image, sentence: [PictureText.Part], facts: [String] = [], tiles: [Tile], legend: Legend,
        isAgainst: Bool = false
    ) -> Image {
        let size = tileSize(width: photo.width, height: photo.height, count: tiles.count)
        // Labels need some width, even above a very narrow image.
        let cell = max(size.width, 112)
        let columns = columnCount(tiles.count + 1, cell: cell, height: size.height + 44)
        let inner = columns * cell + (columns - 1) * gutter
        let all = [(label: "photograph", detail: "", image: photo)] + tiles
        let captions = all.map { TileCaption($0.label, $0.detail, width: cell) }
        let oneLine = captions.allSatisfy(\.fitsOneLine)
        let heading = SheetHeading(sentence, facts: facts, isAgainst: isAgainst, width: inner)
        let legend = LegendLayout(legend, width: inner)

        let rows = stride(from: 0, to: all.count, by: columns).map { $0..<min($0 + columns, all.count) }
        let textHeights = rows.map { row in captions[row].map { $0.height(oneLine: oneLine) }.max() ?? 0 }
        let headingHeight = heading.height > 0 ? heading.height + gutter : 0
        let height =
            2 * margin + headingHeight + textHeights.reduce(0) { $0 + $1 + size.height + gutter + 4 } + legend.height
        var sheet = Image(width: inner + 2 * margin, height: height, color: (255, 255, 255))

        heading.draw(into: &sheet, x: margin, y: margin)
        var y = margin + headingHeight
        for (row, textHeight) in zip(rows, textHeights) {
            for (column, index) in row.enumerated() {
                let x = margin + column * (cell + gutter)
                captions[index].draw(
                    into: &sheet, x: x, bottom: y + textHeight, oneLine: oneLine,
                    ink: index == 0 ? SheetColors.soft : SheetColors.ink)
                sheet.paste(all[index].image.fitted(size), x: x, y: y + textHeight)
            }
            y += textHeight + size.height + gutter + 4
        }
        legend.draw(into: &sheet, x: margin, y: y)
        return sheet
    }

    /// The number of columns for which the aspect ratio of the sheet is nearest to 3:2. Empty places count against it.
    static func columnCount(_ count: Int, cell: Int, height: Int) -> Int {
        func badness(_ columns: Int) -> Double {
            let rows = (count + columns - 1) / columns
            let aspect = Double(columns * (cell + gutter)) / Double(rows * (height + gutter) + 100)
            let unused = Double(columns * rows - count) / Double(columns * rows)
            return max(aspect / 1.5, 1.5 / aspect) + 2 * unused
        }
        // At most 2600 pixels, so that the sheet is legible on a screen.
        let most = max(1, min(count, max(2, 2600 / (cell + gutter))))
        return (1...most).min { badness($0) < badness($1) } ?? 1
    }
}
