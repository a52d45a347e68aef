import Foundation
import Support
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
        let raw = explanation.scores.map(\.raw)
        let maxima = maps.maxima(of: raw)
        let methods = Set(raw.map(\.method)).count
        try AtomicFile.makeFolder(folder)
        for (index, explained) in explanation.scores.enumerated() {
            let positions = explained.score.positions
            let method = methods > 1 ? [safeName(explained.method)] : []
            let place = String(format: "%02d", positions.lowerBound + 1)
            let name = ([stem, place, safeName(explained.score.name)] + method).joined(separator: "-")
            let (files, summary, warnings) = try maps.write(
                raw[index], maximum: maxima[index], name: name, pictures: index < wanted)
            manifest.scores.append(
                .init(
                    name: explained.score.name, positions: Array(positions),
                    inCaption: explained.score.replacing.isEmpty, value: explained.value,
                    logProbability: explained.logProbability, method: explained.method, place: explained.place,
                    map: summary, files: files,
                    warnings: explained.warnings + warnings.map { "'\(explained.score.name)': \($0)" }))
        }
        let columns = SheetColumn.columns(raw, maxima: maxima, count: methods) { index in
            let explained = explanation.scores[index]
            return (explained.score.name, String(format: "p = %.3g", exp(Double(explained.logProbability))))
        }
        let asked = wanted / max(1, methods)
        if request.sheet {
            let words = Array(columns.dropFirst(asked))
            let title = manifest.caption
            let sheet = methods > 1 ? maps.sheet(words, title: title) : maps.contactSheet(words, title: title)
            manifest.sheet = try write(sheet, "words")
        }
        if request.maps.hasSheet {
            // Every word where none was chosen.
            let chosen = asked > 0 ? Array(columns.prefix(asked)) : columns
            manifest.methodSheet = try write(maps.sheet(chosen, title: manifest.caption), "sheet")
        }
        let url = folder.appendingPathComponent("\(stem)-explanation.json")
        manifest.manifest = url.path
        try AtomicFile.write(Data((try manifest.json() + "\n").utf8), to: url)
    }

    private func write(_ sheet: Image, _ name: String) throws -> String {
        let url = request.maps.output.appendingPathComponent("\(stem)-\(name).png")
        try sheet.write(to: url)
        return url.path
    }
}
