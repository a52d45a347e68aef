import Foundation
import Tensors
import Vision
import Weights

/// Draws raw maps over their photograph and writes them, each file whole or not at all.
struct MapFiles {
    let photo: Image
    let placement: Placement
    let folder: URL
    let colorMap: ColorMap
    let opacity: Float
    /// Cells of the square over whose mean a map is drawn, odd.
    let smoothing: Int

    /// What a manifest says about the drawing.
    var rendering: ManifestParts.Rendering {
        .init(
            smoothing: smoothing, normalisation: normalisation, resampling: "bilinear", colorMap: colorMap,
            opacity: opacity,
            seen: placement.rectangle)
    }

    private var normalisation: Normalisation { colorMap.isDiverging ? .signed : .unit }

    /// The map as it is drawn, smoothed: what speaks for the score, as a part of the largest value; with a diverging
    /// colour map, what speaks against it too.
    func drawn(_ map: Tensor) -> NormalisedMap { normalisation(smoothed(map, side: smoothing).array) }

    /// Writes NAME-map.npy and, with `pictures`, NAME-overlay.png and NAME-heatmap.png. map `[u, v]`.
    /// - Throws: ``AtomicFileError``.
    func write(_ map: Tensor, name: String, pictures: Bool = true) throws -> (
        files: ManifestParts.Files, warnings: [MapWarning]
    ) {
        var files = ManifestParts.Files()
        let drawn = drawn(map)
        let raw = folder.appendingPathComponent("\(name)-map.npy")
        try NumPyArray.write(map, to: raw)
        files.rawMap = raw.path
        if pictures {
            let plane = placement.place(drawn.values, width: map.shape[1], height: map.shape[0])
            let overlay = folder.appendingPathComponent("\(name)-overlay.png")
            let heat = folder.appendingPathComponent("\(name)-heatmap.png")
            try Overlay.draw(
                photo, map: plane.values, colorMap: colorMap, opacity: opacity, isSigned: drawn.isSigned,
                seen: placement.rectangle
            ).write(to: overlay)
            try Overlay.heatMap(
                plane.values, width: photo.width, height: photo.height, colorMap: colorMap, isSigned: drawn.isSigned,
                seen: placement.rectangle
            ).write(to: heat)
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
            let cell = placement.cell(
                column: best % map.shape[1], row: best / map.shape[1], columns: map.shape[1], rows: map.shape[0])
            peak = .init(x: (cell.x0 + cell.x1) / 2, y: (cell.y0 + cell.y1) / 2)
        }
        return .init(
            shape: map.shape, minimum: values.min() ?? 0, maximum: values.max() ?? 0, positiveMass: positive,
            positiveShare: all > 0 ? positive / all : 0, peak: peak)
    }
}
