import Foundation
import Tensors
import Vision

/// A score's maps on a sheet, one a method, all scores' in the same order.
struct SheetColumn {
    let heading: MethodSheet.Heading
    /// Each with what it is divided by; nil: its own maximum.
    let maps: [(raw: RawMap, maximum: Float?)]

    /// Columns of `count` maps each, as explanations list them: a score's maps in a row.
    static func columns(
        _ maps: [RawMap], maxima: [Float?], count: Int, heading: (Int) -> MethodSheet.Heading
    ) -> [SheetColumn] {
        if maps.isEmpty { return [] }
        return stride(from: 0, to: maps.count, by: count).map { start in
            SheetColumn(heading: heading(start), maps: (start..<start + count).map { (maps[$0], maxima[$0]) })
        }
    }
}

extension MapFiles {
    /// Methods x scores on one sheet.
    func sheet(_ columns: [SheetColumn], title: String) -> Image {
        let rows = columns.first?.maps ?? []
        let photo = drawing.photo
        let scale = drawing.style.scale
        let small = drawing.resized(
            MethodSheet.tileSize(width: photo.width, height: photo.height, columns: columns.count, rows: rows.count))
        let headings = rows.map { row -> MethodSheet.Heading in
            // Methods share no scale with each other: what the end of the colours stands for is each one's own.
            let isOwn = scale == .shared && rows.count > 1
            return (row.raw.method, isOwn ? row.maximum.map { String(format: "1 = %.3g", $0) } ?? "" : "")
        }
        let tiles = rows.indices.map { row in
            columns.map { tile($0.maps[row].raw, maximum: $0.maps[row].maximum, over: small) }
        }
        return MethodSheet.draw(
            photo: small.photo, title: title, columns: columns.map(\.heading), rows: headings, tiles: tiles,
            legend: drawing.style.legend(maximum: common(rows.map(\.maximum))))
    }

    /// One method's maps of the words of a caption, in the order of reading.
    func contactSheet(_ columns: [SheetColumn], title: String) -> Image {
        let photo = drawing.photo
        let small = drawing.resized(
            ContactSheet.tileSize(width: photo.width, height: photo.height, count: columns.count))
        let maps = columns.compactMap(\.maps.first)
        let tiles = zip(columns, maps).map { column, map -> ContactSheet.Tile in
            (column.heading.label, column.heading.detail, tile(map.raw, maximum: map.maximum, over: small))
        }
        return ContactSheet.draw(
            photo: small.photo, title: title, tiles: tiles,
            legend: drawing.style.legend(maximum: common(maps.map(\.maximum))))
    }

    /// The number that all maps are divided by; nil where each has its own.
    private func common(_ maxima: [Float?]) -> Float? {
        Set(maxima).count == 1 ? maxima[0] : nil
    }
}
