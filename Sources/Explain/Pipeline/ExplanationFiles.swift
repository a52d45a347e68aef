import Foundation
import Tensors
import Vision
import Weights

/// Writes an explanation's pictures, raw maps and manifest, each whole or not at all.
struct ExplanationFiles {
    let photo: Image
    let request: CaptionRequest
    let placement: Placement

    private var stem: String { safeName(request.photo.deletingPathExtension().lastPathComponent) }

    /// The first `wanted` scores get an overlay, a heat map and a raw map; the others, words of the sheet, their raw map.
    func write(_ explanation: CaptionExplanation, wanted: Int, into manifest: inout CaptionManifest) throws {
        let folder = request.output
        try AtomicFile.makeFolder(folder)
        for (index, explained) in explanation.scores.enumerated() {
            let positions = explained.score.positions
            let name = [stem, String(format: "%02d", positions.lowerBound + 1), safeName(explained.score.name)].joined(separator: "-")
            var files = CaptionManifest.Files()
            let drawn = drawn(explained.map)
            let raw = folder.appendingPathComponent("\(name)-map.npy")
            try NumPyArray.write(explained.map, to: raw)
            files.rawMap = raw.path
            if index < wanted {
                let plane = placement.place(drawn.values, width: explained.map.shape[1], height: explained.map.shape[0])
                let overlay = folder.appendingPathComponent("\(name)-overlay.png")
                let heat = folder.appendingPathComponent("\(name)-heatmap.png")
                try Overlay.draw(
                    photo, map: plane.values, colorMap: request.colorMap, opacity: request.opacity, isSigned: drawn.isSigned,
                    seen: placement.rectangle
                ).write(to: overlay)
                try Overlay.heatMap(
                    plane.values, width: photo.width, height: photo.height, colorMap: request.colorMap, isSigned: drawn.isSigned,
                    seen: placement.rectangle
                ).write(to: heat)
                files.overlay = overlay.path
                files.heatMap = heat.path
            }
            manifest.scores.append(
                .init(
                    name: explained.score.name, positions: Array(positions), inCaption: explained.score.replacing.isEmpty,
                    logProbability: explained.value, map: summary(explained.map), files: files,
                    warnings: explained.warnings + drawn.warnings.map { "'\(explained.score.name)': \($0)" }))
        }
        if request.sheet {
            let sheet = folder.appendingPathComponent("\(stem)-words.png")
            try drawSheet(Array(explanation.scores.suffix(explanation.words.count)), title: manifest.caption).write(to: sheet)
            manifest.sheet = sheet.path
        }
        let url = folder.appendingPathComponent("\(stem)-explanation.json")
        manifest.manifest = url.path
        try AtomicFile.write(Data((try manifest.json() + "\n").utf8), to: url)
    }

    /// The map as it is drawn: what speaks for the score, as a part of the largest value; with a diverging colour map, what speaks against it too.
    private func drawn(_ map: Tensor) -> NormalisedMap { normalisation(map.array) }

    private var normalisation: Normalisation { request.colorMap.isDiverging ? .signed : .unit }

    private func drawSheet(_ words: [ExplainedScore], title: String) -> Image {
        let size = ContactSheet.tileSize(width: photo.width, height: photo.height, count: words.count)
        let small = photo.resized(width: size.width, height: size.height, filter: .bilinear)
        let x = Double(size.width) / Double(photo.width), y = Double(size.height) / Double(photo.height)
        let seen = placement.rectangle
        let smallPlacement = Placement(
            originalWidth: size.width, originalHeight: size.height, modelWidth: placement.modelWidth, modelHeight: placement.modelHeight,
            rectangle: Rectangle(x0: seen.x0 * x, y0: seen.y0 * y, x1: seen.x1 * x, y1: seen.y1 * y))
        let tiles = words.map { word -> ContactSheet.Tile in
            let drawn = drawn(word.map)
            let plane = smallPlacement.place(drawn.values, width: word.map.shape[1], height: word.map.shape[0])
            let image = Overlay.draw(
                small, map: plane.values, colorMap: request.colorMap, opacity: request.opacity, isSigned: drawn.isSigned,
                seen: smallPlacement.rectangle)
            return (word.score.name, String(format: "p = %.3g", exp(Double(word.value))), image)
        }
        return ContactSheet.draw(photo: small, title: title, tiles: tiles, colorMap: request.colorMap)
    }

    private func summary(_ map: Tensor) -> CaptionManifest.Map {
        let values = map.array
        let positive = values.reduce(0) { $0 + max(0, $1) }, all = values.reduce(0) { $0 + abs($1) }
        var peak: CaptionManifest.Point?
        if let best = values.indices.max(by: { values[$0] < values[$1] }), values[best] > 0 {
            let cell = placement.cell(
                column: best % map.shape[1], row: best / map.shape[1], columns: map.shape[1], rows: map.shape[0])
            peak = .init(x: (cell.x0 + cell.x1) / 2, y: (cell.y0 + cell.y1) / 2)
        }
        return .init(
            shape: map.shape, minimum: values.min() ?? 0, maximum: values.max() ?? 0, positiveMass: positive,
            positiveShare: all > 0 ? positive / all : 0, peak: peak)
    }
}
