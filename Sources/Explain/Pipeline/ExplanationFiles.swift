import Foundation
import Tensors
import Vision
import Weights

/// Writes a caption's pictures, raw maps and manifest, each whole or not at all.
struct ExplanationFiles {
    let request: CaptionRequest
    /// What the files are called by.
    let stem: String
    let maps: MapFiles

    /// The first `wanted` maps are written as an overlay, a heat map and a raw map; the others, words of the sheet, as
    /// a raw map.
    func write(_ explanation: CaptionExplanation, wanted: Int, into manifest: inout CaptionManifest) throws {
        let folder = request.maps.output
        let namesMethods = Set(explanation.scores.map(\.method)).count > 1
        try AtomicFile.makeFolder(folder)
        for (index, explained) in explanation.scores.enumerated() {
            let positions = explained.score.positions
            let method = namesMethods ? [safeName(explained.method)] : []
            let place = String(format: "%02d", positions.lowerBound + 1)
            let name = ([stem, place, safeName(explained.score.name)] + method).joined(separator: "-")
            let (files, summary, warnings) = try maps.write(
                explained.map, method: explained.method, place: explained.place, name: name,
                pictures: index < wanted)
            manifest.scores.append(
                .init(
                    name: explained.score.name, positions: Array(positions),
                    inCaption: explained.score.replacing.isEmpty, value: explained.value,
                    logProbability: explained.logProbability, method: explained.method, place: explained.place,
                    map: summary, files: files,
                    warnings: explained.warnings + warnings.map { "'\(explained.score.name)': \($0)" }))
        }
        if request.sheet {
            let sheet = folder.appendingPathComponent("\(stem)-words.png")
            try drawSheet(
                Array(explanation.scores.dropFirst(wanted)), title: manifest.caption, namesMethods: namesMethods
            ).write(to: sheet)
            manifest.sheet = sheet.path
        }
        let url = folder.appendingPathComponent("\(stem)-explanation.json")
        manifest.manifest = url.path
        try AtomicFile.write(Data((try manifest.json() + "\n").utf8), to: url)
    }

    private func drawSheet(_ words: [ExplainedScore], title: String, namesMethods: Bool) -> Image {
        let photo = maps.photo, placement = maps.placement
        let size = ContactSheet.tileSize(width: photo.width, height: photo.height, count: words.count)
        let small = photo.resized(width: size.width, height: size.height, filter: .bilinear)
        let x = Double(size.width) / Double(photo.width), y = Double(size.height) / Double(photo.height)
        let seen = placement.rectangle
        let smallPlacement = Placement(
            originalWidth: size.width, originalHeight: size.height, modelWidth: placement.modelWidth,
            modelHeight: placement.modelHeight,
            rectangle: Rectangle(x0: seen.x0 * x, y0: seen.y0 * y, x1: seen.x1 * x, y1: seen.y1 * y))
        let tiles = words.map { word -> ContactSheet.Tile in
            let drawn = maps.drawn(word.map, place: word.place)
            let plane = smallPlacement.place(drawn.values, width: word.map.shape[1], height: word.map.shape[0])
            let image = Overlay.draw(
                small, map: plane.values, colorMap: request.maps.colorMap, opacity: request.maps.opacity,
                isSigned: drawn.isSigned,
                seen: smallPlacement.rectangle)
            let detail = String(format: "p = %.3g", exp(Double(word.logProbability)))
            return (word.score.name, namesMethods ? "\(word.method), \(detail)" : detail, image)
        }
        return ContactSheet.draw(photo: small, title: title, tiles: tiles, colorMap: request.maps.colorMap)
    }
}
