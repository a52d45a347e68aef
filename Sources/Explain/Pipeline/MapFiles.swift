import Foundation
import Support
import Tasks
import Tensors
import Vision
import Weights

/// Draws raw maps over their photograph and writes them, each file whole or not at all.
struct MapFiles {
    let drawing: MapDrawing
    private let request: MapRequest
    private let preparation: MapPreparation
    private var placement: Placement { drawing.placement }
    private var style: DrawingStyle { drawing.style }

    /// - Parameter own: what the model's configuration says of its maps.
    init(_ request: MapRequest, photo: Image, placement: Placement, own: MapConfiguration?) {
        self.request = request
        drawing = MapDrawing(photo: photo, placement: placement, style: request.style)
        preparation = MapPreparation(smoothing: request.smoothing, own: own)
    }

    /// What a manifest says about the drawing.
    var rendering: ManifestParts.Rendering {
        .init(
            smoothing: preparation.cells, normalisation: style.normalisation,
            resampling: (request.recipe.compatibility?.resampling ?? .bilinear).rawValue, colorMap: style.colorMap,
            opacity: style.opacity, blend: style.blend, contours: style.contours, scale: style.scale.kind,
            seen: placement.rectangle, boxThreshold: request.boxThreshold, compatibility: request.recipe.compatibility)
    }

    /// The map as it is written, `[u, v]`, and the numbers that are drawn of it, `[h, w]`: prepared, and cut at `limit`;
    /// or as another tool makes them.
    private func prepared(_ map: RawMap) -> (written: Tensor, numbers: Tensor, limit: Float?) {
        if let tool = request.recipe.compatibility {
            let raw = tool.raw(map.values, method: map.method)
            return (raw, tool.input(raw, height: placement.modelHeight, width: placement.modelWidth), nil)
        }
        let (drawn, limit) = preparation.drawn(map.values, isOfPixels: map.isOfPixels)
        return (map.values, drawn, limit)
    }

    /// What each of a run's maps is divided by, as the style's scale says.
    func maxima(of maps: [RawMap]) -> [Float?] {
        // By their own maxima, there is nothing to find.
        if style.scale == .each { return maps.map { _ in nil } }
        return style.scale.maxima(
            of: maps.map { ($0.method, prepared($0).numbers.array) }, isSigned: style.normalisation == .signed)
    }

    /// The map over a small photograph.
    /// - Parameter maximum: what it is divided by; nil: its own maximum.
    func tile(_ map: RawMap, maximum: Float?, over small: MapDrawing) -> Image {
        let numbers = prepared(map).numbers
        return small.tile(
            of: style.normalisation(numbers.array, maximum: maximum), width: numbers.shape[1], height: numbers.shape[0],
            name: map.name, box: box(numbers, small.placement))
    }

    /// The localisation box, where one was asked for, in the pixels of the picture. numbers `[h, w]`.
    private func box(_ numbers: Tensor, _ placement: Placement) -> Rectangle? {
        guard let threshold = request.boxThreshold else { return nil }
        let own = style.normalisation(numbers.array).values
        return LocalisationBox.find(
            in: placement.place(own, width: numbers.shape[1], height: numbers.shape[0]), threshold: threshold)
    }

    /// Writes NAME-map.npy and, with `pictures`, NAME-overlay.png and NAME-heatmap.png.
    /// - Parameter maximum: what the drawn map is divided by; nil: its own maximum.
    /// - Throws: `AtomicFileError`, `ImageError`.
    func write(
        _ map: RawMap, maximum: Float?, name: String, pictures: Bool = true
    ) throws -> (files: ManifestParts.Files, summary: ManifestParts.Map, warnings: [MapWarning]) {
        func url(_ ending: String) -> URL { request.output.appendingPathComponent("\(name)-\(ending)") }
        var files = ManifestParts.Files()
        let (written, numbers, limit) = prepared(map)
        if let tool = request.recipe.compatibility {
            let input = url("\(tool.rawValue).npy")
            try NumPyArray.write(numbers, to: input)
            files.toolMap = input.path
        }
        let raw = url("map.npy")
        try NumPyArray.write(written, to: raw)
        files.rawMap = raw.path
        let drawn = style.normalisation(numbers.array, maximum: maximum)
        let box = box(numbers, placement)
        if pictures {
            let pictures = drawing.pictures(
                of: drawn, width: numbers.shape[1], height: numbers.shape[0], name: map.name, box: box)
            let overlay = url("overlay.png")
            let heat = url("heatmap.png")
            try PictureFiles.write([(pictures.overlay, overlay), (pictures.heatMap, heat)])
            files.overlay = overlay.path
            files.heatMap = heat.path
        }
        var summary = summary(written, isOfPixels: map.isOfPixels)
        (summary.box, summary.drawnMaximum, summary.clippedAt) = (box, drawn.maximum, limit)
        return (files, summary, drawn.warnings)
    }

    /// map `[u, v]` in numbers; what is not finite counts as 0, as it is drawn.
    private func summary(_ map: Tensor, isOfPixels: Bool) -> ManifestParts.Map {
        let values = map.array.map { $0.isFinite ? $0 : 0 }
        let positive = values.reduce(0) { $0 + max(0, $1) }
        let all = values.reduce(0) { $0 + abs($1) }
        var peak: ManifestParts.Point?
        let seen = preparation.smooth(Tensor(map.shape, values), isOfPixels: isOfPixels).array
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
