import Foundation
import Tasks
import Tensors
import Vision
import Weights

/// Draws raw maps over their photograph and writes them, each file whole or not at all.
struct MapFiles {
    let photo: Image
    let placement: Placement
    private let request: MapRequest
    /// Cells of the square over whose mean a map of a layer's cells is drawn, odd.
    private let smoothing: Int

    /// - Parameter own: what the model's configuration says of its maps.
    init(_ request: MapRequest, photo: Image, placement: Placement, own: MapConfiguration?) {
        self.request = request
        self.photo = photo
        self.placement = placement
        smoothing = request.smoothing ?? own?.smoothing ?? 1
    }

    /// What a manifest says about the drawing.
    var rendering: ManifestParts.Rendering {
        .init(
            smoothing: smoothing, normalisation: normalisation,
            resampling: (request.compatibility?.resampling ?? .bilinear).rawValue, colorMap: request.colorMap,
            opacity: request.opacity, seen: placement.rectangle, boxThreshold: request.boxThreshold,
            compatibility: request.compatibility)
    }

    /// The map as it is drawn, smoothed. Pixels are smoothed only where the user asks for it.
    private func smooth(_ map: Tensor, place: String) -> Tensor {
        smoothed(map, side: place == MapPlace.pixels.rawValue ? request.smoothing ?? 1 : smoothing)
    }

    private var normalisation: Normalisation { request.colorMap.isDiverging ? .signed : .unit }

    /// The map as it is drawn, smoothed: what speaks for the score, as a part of the largest value; with a diverging
    /// colour map, what speaks against it too.
    /// - Parameter place: the layers whose cells it has, or "pixels".
    func drawn(_ map: Tensor, place: String) -> NormalisedMap { normalisation(smooth(map, place: place).array) }

    /// Writes NAME-map.npy and, with `pictures`, NAME-overlay.png and NAME-heatmap.png.
    /// - Parameters:
    ///   - map: `[u, v]`, raw and signed.
    ///   - method: the name of the method that made it.
    ///   - place: the layers whose cells it has, or "pixels".
    /// - Throws: ``AtomicFileError``.
    func write(
        _ map: Tensor, method: String, place: String, name: String, pictures: Bool = true
    ) throws -> (files: ManifestParts.Files, summary: ManifestParts.Map, warnings: [MapWarning]) {
        let folder = request.output, colorMap = request.colorMap
        var files = ManifestParts.Files(), map = map
        var drawn = drawn(map, place: place), size = (height: map.shape[0], width: map.shape[1])
        if let tool = request.compatibility {
            map = tool.raw(map, method: method)
            size = (placement.modelHeight, placement.modelWidth)
            let input = tool.input(map, height: size.height, width: size.width)
            let url = folder.appendingPathComponent("\(name)-\(tool.rawValue).npy")
            try NumPyArray.write(input, to: url)
            files.toolMap = url.path
            drawn = normalisation(input.array)
        }
        let raw = folder.appendingPathComponent("\(name)-map.npy")
        try NumPyArray.write(map, to: raw)
        files.rawMap = raw.path
        guard pictures || request.boxThreshold != nil else {
            return (files, summary(map, place: place, box: nil), drawn.warnings)
        }
        let plane = placement.place(drawn.values, width: size.width, height: size.height)
        let box = request.boxThreshold.flatMap { LocalisationBox.find(in: plane, threshold: $0) }
        if pictures {
            let overlay = folder.appendingPathComponent("\(name)-overlay.png")
            let heat = folder.appendingPathComponent("\(name)-heatmap.png")
            var picture = Overlay.draw(
                photo, map: plane.values, colorMap: colorMap, opacity: request.opacity, isSigned: drawn.isSigned,
                seen: placement.rectangle)
            if let box { picture.outline(box) }
            try picture.write(to: overlay)
            try Overlay.heatMap(
                plane.values, width: photo.width, height: photo.height, colorMap: colorMap, isSigned: drawn.isSigned,
                seen: placement.rectangle
            ).write(to: heat)
            files.overlay = overlay.path
            files.heatMap = heat.path
        }
        return (files, summary(map, place: place, box: box), drawn.warnings)
    }

    /// map `[u, v]` in numbers; what is not finite counts as 0, as it is drawn.
    private func summary(_ map: Tensor, place: String, box: Rectangle?) -> ManifestParts.Map {
        let values = map.array.map { $0.isFinite ? $0 : 0 }
        let positive = values.reduce(0) { $0 + max(0, $1) }, all = values.reduce(0) { $0 + abs($1) }
        var peak: ManifestParts.Point?
        let seen = smooth(Tensor(map.shape, values), place: place).array
        if let best = seen.indices.max(by: { seen[$0] < seen[$1] }), seen[best] > 0 {
            let cell = placement.cell(
                column: best % map.shape[1], row: best / map.shape[1], columns: map.shape[1], rows: map.shape[0])
            peak = .init(x: (cell.x0 + cell.x1) / 2, y: (cell.y0 + cell.y1) / 2)
        }
        return .init(
            shape: map.shape, minimum: values.min() ?? 0, maximum: values.max() ?? 0, positiveMass: positive,
            positiveShare: all > 0 ? positive / all : 0, peak: peak, box: box)
    }
}
