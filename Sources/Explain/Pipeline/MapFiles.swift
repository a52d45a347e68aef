import Foundation
import Tensors
import Vision
import Weights

/// Draws raw maps over their photograph and writes them, each file whole or not at all.
struct MapFiles {
    let drawing: MapDrawing
    let folder: URL
    /// Cells of the square over whose mean a map is drawn, odd.
    let smoothing: Int

    /// What a manifest says about the drawing.
    var rendering: ManifestParts.Rendering {
        .init(
            smoothing: smoothing, normalisation: style.normalisation, resampling: "bilinear", colorMap: style.colorMap,
            opacity: style.opacity, blend: style.blend, contours: style.contours, scale: style.scale.kind,
            seen: drawing.placement.rectangle)
    }

    private var style: DrawingStyle { drawing.style }

    /// The map as it is drawn, smoothed: what speaks for the score; with a diverging colour map, what speaks against it
    /// too.
    /// - Parameter maximum: what it is divided by (see ``MapScale``); nil: its own maximum.
    func drawn(_ map: Tensor, maximum: Float? = nil) -> NormalisedMap {
        style.normalisation(smoothed(map, side: smoothing).array, maximum: maximum)
    }

    /// What each of a run's maps is divided by, as the style's scale says. maps `[u, v]`.
    func maxima(of maps: [(method: String, map: Tensor)]) -> [Float?] {
        style.scale.maxima(
            of: maps.map { ($0.method, smoothed($0.map, side: smoothing).array) },
            isSigned: style.normalisation == .signed)
    }

    /// Writes NAME-map.npy and, with `pictures`, NAME-overlay.png and NAME-heatmap.png. map `[u, v]`.
    /// - Parameter label: what is explained.
    /// - Throws: ``AtomicFileError``, `ImageError`.
    func write(
        _ map: Tensor, name: String, label: String, maximum: Float? = nil, pictures: Bool = true
    ) throws -> (files: ManifestParts.Files, warnings: [MapWarning]) {
        var files = ManifestParts.Files()
        let drawn = drawn(map, maximum: maximum)
        let raw = folder.appendingPathComponent("\(name)-map.npy")
        try NumPyArray.write(map, to: raw)
        files.rawMap = raw.path
        if pictures {
            let pictures = drawing.pictures(of: drawn, width: map.shape[1], height: map.shape[0], name: label)
            let overlay = folder.appendingPathComponent("\(name)-overlay.png")
            let heat = folder.appendingPathComponent("\(name)-heatmap.png")
            try PictureFiles.write([(pictures.overlay, overlay), (pictures.heatMap, heat)])
            files.overlay = overlay.path
            files.heatMap = heat.path
        }
        return (files, drawn.warnings)
    }

    /// map `[u, v]` in numbers; what is not finite counts as 0, as it is drawn.
    func summary(_ map: Tensor) -> ManifestParts.Map {
        let values = map.array.map { $0.isFinite ? $0 : 0 }
        let positive = values.reduce(0) { $0 + max(0, $1) }, all = values.reduce(0) { $0 + abs($1) }
        var peak: ManifestParts.Point?
        let seen = smoothed(Tensor(map.shape, values), side: smoothing).array
        if let best = seen.indices.max(by: { seen[$0] < seen[$1] }), seen[best] > 0 {
            let cell = drawing.placement.cell(
                column: best % map.shape[1], row: best / map.shape[1], columns: map.shape[1], rows: map.shape[0])
            peak = .init(x: (cell.x0 + cell.x1) / 2, y: (cell.y0 + cell.y1) / 2)
        }
        return .init(
            shape: map.shape, minimum: values.min() ?? 0, maximum: values.max() ?? 0, positiveMass: positive,
            positiveShare: all > 0 ? positive / all : 0, peak: peak)
    }
}
