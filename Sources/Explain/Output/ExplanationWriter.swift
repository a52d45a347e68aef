import Drawing
import Foundation
import Tensors
import Vision
import Weights

/// Draws a run's attributions over their photograph and writes them, each file whole or not at all.
struct ExplanationWriter {
    let drawing: MapDrawing
    let options: RenderingOptions
    private let preparation: MapPreparation
    private let compatibility: Compatibility?
    /// What the maps of each method are divided by.
    let divisors: MapDivisors
    private var placement: Placement { drawing.placement }
    private var style: DrawingStyle { drawing.style }

    /// - Parameters:
    ///   - placement: where the model's frame lies in the photograph.
    ///   - smoothing: what the model's configuration says.
    ///   - attributions: all of the run, so that they can share a scale.
    init(
        _ options: RenderingOptions, photo: Image, placement: Placement, smoothing: Int?, compatibility: Compatibility?,
        attributions: [Attribution]
    ) {
        self.options = options
        self.compatibility = compatibility
        let preparation = MapPreparation(smoothing: options.smoothing, own: smoothing)
        self.preparation = preparation
        let style = options.style
        drawing = MapDrawing(photo: photo, placement: placement, style: style)
        // Other scales need no look at the maps.
        let maps = style.scale == .shared ? attributions : []
        divisors = style.scale.divisors(
            of: maps.map {
                ($0.method, Self.prepared($0, preparation, compatibility, placement).drawn.values.array)
            }, isSigned: style.normalisation == .signed)
    }

    /// What a manifest says about the drawing.
    var rendering: ManifestRendering {
        .init(
            smoothing: preparation.cellSmoothing, normalisation: style.normalisation,
            resampling: (compatibility?.resampling ?? .bilinear).rawValue, colorMap: style.colors(),
            opacity: style.opacity, blend: style.blend, contours: style.contours, scale: style.scale.kind,
            seen: placement.rectangle, boxThreshold: options.boxThreshold, compatibility: compatibility)
    }

    /// The map as it is written, `[u, v]`, and as it is drawn; with `compatibility`, as the tool makes both.
    private static func prepared(
        _ attribution: Attribution, _ preparation: MapPreparation, _ compatibility: Compatibility?,
        _ placement: Placement
    ) -> (written: Tensor, drawn: PreparedMap) {
        if let tool = compatibility {
            let raw = tool.raw(attribution.map, method: attribution.method)
            let input = tool.input(raw, height: placement.modelHeight, width: placement.modelWidth)
            return (raw, PreparedMap(values: input))
        }
        return (attribution.map, preparation(attribution.map, isOfPixels: attribution.support.isPixels))
    }

    private func prepared(_ attribution: Attribution) -> (written: Tensor, drawn: PreparedMap) {
        Self.prepared(attribution, preparation, compatibility, placement)
    }

    /// The localisation box, where one was asked for, in the pixels of the image that `placement` is about.
    private func box(_ map: PreparedMap, _ placement: Placement) -> Rectangle? {
        options.boxThreshold.flatMap { map.box(in: placement, threshold: $0, style.normalisation) }
    }

    // MARK: Files of a target

    /// Writes every attribution of a target: NAME-map.npy and, with `images`, NAME-overlay.png and NAME-heatmap.png.
    /// - Parameters:
    ///   - name: the files' common part; with several methods each one's name comes behind it.
    ///   - results: gives the files their names.
    ///   - words: of the input, for what each contributed.
    ///   - context: stands before the target's name in warnings.
    /// - Returns: what the manifest says of each attribution.
    /// - Throws: `AtomicFileError`, `ImageError`.
    func write<Subject>(
        _ target: ExplainedTarget<Subject>, name: String, to results: ResultFiles, images: Bool = true,
        words: [String] = [], context: String = ""
    ) throws -> [ManifestTarget<Subject>] {
        try target.attributions.enumerated().map { index, attribution in
            let method = target.attributions.count > 1 ? "-\(FileNames.safe(attribution.method))" : ""
            let (files, map, doubts) = try write(
                attribution, of: target.name, name: name + method, to: results, images: images)
            let contributions = index == 0 ? target.words : nil
            return ManifestTarget(
                name: target.name, value: target.value, method: attribution.method,
                support: attribution.support.description, map: map, files: files,
                words: contributions.map { zip(words, $0).map { .init(word: $0, contribution: $1) } },
                warnings: target.warnings
                    + (attribution.warnings + doubts.map(\.description)).map { "\(context)'\(target.name)': \($0)" },
                subject: target.subject)
        }
    }

    private func write(
        _ attribution: Attribution, of target: String, name: String, to results: ResultFiles, images: Bool
    ) throws -> (files: ManifestFiles, map: ManifestMap, warnings: [MapWarning]) {
        var files = ManifestFiles()
        let (written, drawn) = prepared(attribution)
        let toolEnding = compatibility.map { "-\($0.rawValue).npy" }
        let endings = ["-map.npy"] + (images ? ["-overlay.png", "-heatmap.png"] : []) + (toolEnding.map { [$0] } ?? [])
        let name = try results.name(name, endings: endings)
        func url(_ ending: String) -> URL { results.url(name + ending) }
        if let toolEnding {
            let input = url(toolEnding)
            try NumPyArray.write(drawn.values, to: input)
            files.toolMap = input.path
        }
        let raw = url("-map.npy")
        try NumPyArray.write(written, to: raw)
        files.rawMap = raw.path
        let normalised = drawn.normalised(style.normalisation, divisor: divisors[attribution.method])
        let box = box(drawn, placement)
        if images {
            let shape = drawn.values.shape
            let images = drawing.images(of: normalised, width: shape[1], height: shape[0], name: target, box: box)
            let overlay = url("-overlay.png"), heatMap = url("-heatmap.png")
            try ImageFiles.write([(images.overlay, overlay), (images.heatMap, heatMap)])
            files.overlay = overlay.path
            files.heatMap = heatMap.path
        }
        var summary = summary(written, isOfPixels: attribution.support.isPixels)
        (summary.box, summary.drawnMaximum, summary.clippedAt) = (box, normalised.maximum, drawn.limit)
        return (files, summary, normalised.warnings)
    }

    /// A written map `[u, v]` in numbers; what is not finite counts as 0, as it is drawn.
    private func summary(_ map: Tensor, isOfPixels: Bool) -> ManifestMap {
        let values = map.array.map { $0.isFinite ? $0 : 0 }
        let positive = values.reduce(0) { $0 + max(0, $1) }
        let all = values.reduce(0) { $0 + abs($1) }
        var peak: ManifestPoint?
        let smooth = preparation(Tensor(map.shape, values), isOfPixels: isOfPixels).smoothed.array
        if let best = smooth.indices.max(by: { smooth[$0] < smooth[$1] }), smooth[best] > 0 {
            let cell = placement.cell(
                column: best % map.shape[1], row: best / map.shape[1], columns: map.shape[1], rows: map.shape[0])
            peak = .init(x: (cell.x0 + cell.x1) / 2, y: (cell.y0 + cell.y1) / 2)
        }
        return .init(
            shape: map.shape, minimum: values.min() ?? 0, maximum: values.max() ?? 0, positiveMass: positive,
            positiveShare: all > 0 ? positive / all : 0, peak: peak)
    }

    // MARK: Sheets

    /// The map over a small photograph.
    private func tile(_ attribution: Attribution, of target: String, over small: MapDrawing) -> Image {
        let map = prepared(attribution).drawn, shape = map.values.shape
        return small.tile(
            of: map.normalised(style.normalisation, divisor: divisors[attribution.method]), width: shape[1],
            height: shape[0], name: target, box: box(map, small.placement))
    }

    /// Methods x targets on one sheet.
    /// - Parameter detail: a small line under each target's name.
    func sheet<Subject>(
        _ targets: [ExplainedTarget<Subject>], title: String, detail: (ExplainedTarget<Subject>) -> String
    ) -> Image {
        let methods = targets.first?.attributions.map(\.method) ?? []
        let photo = drawing.photo
        let small = drawing.resized(
            MethodSheet.tileSize(
                width: photo.width, height: photo.height, columns: targets.count, rows: methods.count))
        let rows = methods.map { method -> MethodSheet.Heading in
            // Methods share no scale with each other: what the end of the colours stands for is each one's own.
            let isOwn = style.scale == .shared && methods.count > 1
            return (method, isOwn ? divisors[method].map { String(format: "1 = %.3g", $0) } ?? "" : "")
        }
        let tiles = methods.indices.map { row in
            targets.map { tile($0.attributions[row], of: $0.name, over: small) }
        }
        return MethodSheet.draw(
            photo: small.photo, title: title, columns: targets.map { ($0.name, detail($0)) }, rows: rows, tiles: tiles,
            legend: style.legend(maximum: divisors.shared(by: methods)))
    }

    /// The first method's maps of the words of a caption, in the order of reading.
    func contactSheet<Subject>(
        _ targets: [ExplainedTarget<Subject>], title: String, detail: (ExplainedTarget<Subject>) -> String
    ) -> Image {
        let photo = drawing.photo
        let small = drawing.resized(
            ContactSheet.tileSize(width: photo.width, height: photo.height, count: targets.count))
        let tiles = targets.compactMap { target -> ContactSheet.Tile? in
            target.attributions.first.map { (target.name, detail(target), tile($0, of: target.name, over: small)) }
        }
        return ContactSheet.draw(
            photo: small.photo, title: title, tiles: tiles,
            legend: style.legend(maximum: divisors.shared(by: targets.flatMap { $0.attributions.map(\.method) })))
    }

    /// Writes a sheet, NAME.png, and gives its path.
    /// - Throws: `ImageError`, `AtomicFileError`.
    func write(_ sheet: Image, name: String, to results: ResultFiles) throws -> String {
        let url = results.url(try results.name(name, endings: [".png"]) + ".png")
        try sheet.write(to: url)
        return url.path
    }
}
