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

    /// The first `wanted` scores get an overlay, a heat map and a raw map; the others, words of the sheet, their raw
    /// map.
    func write(_ explanation: CaptionExplanation, wanted: Int, into manifest: inout CaptionManifest) throws {
        let folder = request.output
        try AtomicFile.makeFolder(folder)
        for (index, explained) in explanation.scores.enumerated() {
            let positions = explained.score.positions
            let name = [stem, String(format: "%02d", positions.lowerBound + 1), safeName(explained.score.name)].joined(
                separator: "-")
            let (files, warnings) = try maps.write(explained.map, name: name, label: explained.score.name, pictures: index < wanted)
            manifest.scores.append(
                .init(
                    name: explained.score.name, positions: Array(positions),
                    inCaption: explained.score.replacing.isEmpty,
                    logProbability: explained.value, map: maps.summary(explained.map), files: files,
                    warnings: explained.warnings + warnings.map { "'\(explained.score.name)': \($0)" }))
        }
        if request.sheet {
            let sheet = folder.appendingPathComponent("\(stem)-words.png")
            try drawSheet(Array(explanation.scores.suffix(explanation.words.count)), title: manifest.caption).write(
                to: sheet)
            manifest.sheet = sheet.path
        }
        let url = folder.appendingPathComponent("\(stem)-explanation.json")
        manifest.manifest = url.path
        try AtomicFile.write(Data((try manifest.json() + "\n").utf8), to: url)
    }

    private func drawSheet(_ words: [ExplainedScore], title: String) -> Image {
        let photo = maps.drawing.photo
        let small = maps.drawing.resized(
            ContactSheet.tileSize(width: photo.width, height: photo.height, count: words.count))
        let tiles = words.map { word -> ContactSheet.Tile in
            let image = small.tile(
                of: maps.drawn(word.map), width: word.map.shape[1], height: word.map.shape[0], name: word.score.name)
            return (word.score.name, String(format: "p = %.3g", exp(Double(word.value))), image)
        }
        return ContactSheet.draw(
            photo: small.photo, title: title, tiles: tiles, legend: small.style.legend(maximum: nil))
    }
}
