import Drawing
import Foundation
import Support
import Tensors
import Vision
import Weights

/// Draws a run's attributions over their photograph and writes them, each file whole or not at all.
struct ExplanationWriter {
    let drawing: MapDrawing
    let options: RenderingOptions
    private let preparation: MapPreparation
    private let compatibility: Compatibility?
    /// Stands behind the names of files about what speaks against the targets, so that nobody takes them for maps for
    /// them.
    private let suffix: String
    /// Whether the maps show what speaks against the targets.
    let isCounterfactual: Bool
    /// What the pictures say of the run; nil before it is known.
    var header: ManifestHeader?
    /// What the maps of each method are divided by.
    let divisors: MapDivisors
    private var placement: Placement { drawing.placement }
    private var style: DrawingStyle { drawing.style }

    /// - Parameters:
    ///   - placement: where the model's frame lies in the photograph.
    ///   - smoothing: what the model's configuration says.
    ///   - isCounterfactual: whether the maps show what speaks against the targets.
    ///   - attributions: all of the run, so that they can share a scale.
    init(
        _ options: RenderingOptions, photo: Image, placement: Placement, smoothing: Int?, compatibility: Compatibility?,
        isCounterfactual: Bool, attributions: [Attribution]
    ) {
        self.options = options
        self.compatibility = compatibility
        self.isCounterfactual = isCounterfactual
        suffix = isCounterfactual ? "-against" : ""
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
            resampling: (compatibility?.resampling ?? .bilinear).rawValue,
            colorMap: style.colors(isAgainst: isCounterfactual),
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

    /// The raw maps of targets, as they are written, by method: `[targets, u, v]`, in the order of the targets.
    func written<Subject>(_ targets: [ExplainedTarget<Subject>]) -> [(method: String, maps: Tensor)] {
        let methods = targets.first?.attributions.map(\.method) ?? []
        return methods.enumerated().map { index, method in
            let maps = targets.map { prepared($0.attributions[index]).written }
            return (method, Tensor([maps.count] + (maps.first?.shape ?? []), maps.flatMap(\.array)))
        }
    }

    private func prepared(_ attribution: Attribution) -> (written: Tensor, drawn: PreparedMap) {
        Self.prepared(attribution, preparation, compatibility, placement)
    }

    /// The localisation box, where one was asked for, in the pixels of the image that `placement` is about.
    private func box(_ map: PreparedMap, _ placement: Placement) -> Rectangle? {
        options.boxThreshold.flatMap { map.box(in: placement, threshold: $0, style.normalisation) }
    }

    // MARK: Files of a target

    /// The name of a file about targets, with what tells maps against them from maps for them.
    func named(_ name: String) -> String { name + suffix }

    /// Describes every attribution of a target and writes its files: NAME-map.npy, with `images` NAME-overlay.png and
    /// NAME-heatmap.png, and NAME-drawn.npy where it is asked for.
    /// - Parameters:
    ///   - name: the files' common part; with several methods each one's name comes behind it.
    ///   - results: gives the files their names; nil writes none.
    ///   - words: of the input, for what each contributed.
    ///   - unknown: those of them that the model does not know.
    ///   - context: stands before the target's name in warnings.
    ///   - text: what the pictures say beside the map.
    /// - Returns: what the manifest says of each attribution.
    /// - Throws: `AtomicFileError`, `ImageError`; nothing without `results`.
    func write<Subject>(
        _ target: ExplainedTarget<Subject>, name: String, to results: ResultFiles?, images: Bool = true,
        words: [String] = [], unknown: Set<String> = [], context: String = "", text: TargetText
    ) throws -> [ManifestTarget<Subject>] {
        try Timings.measure(.drawing) {
            try target.attributions.enumerated().map { index, attribution in
                let method = target.attributions.count > 1 ? "-\(FileNames.safe(attribution.method))" : ""
                let (files, map, doubts) = try write(
                    attribution, of: target, name: named(name + method), to: results, images: images, text: text)
                let contributions = index == 0 ? target.words : nil
                return ManifestTarget(
                    name: target.name, value: target.value, evidence: target.evidence, method: attribution.method,
                    support: attribution.support.description, map: map, files: files,
                    words: contributions.map {
                        zip(words, $0).enumerated().map { index, word in
                            .init(
                                word: word.0, contribution: word.1, evidence: target.wordEvidence?[index],
                                known: unknown.contains(word.0) ? false : nil)
                        }
                    },
                    warnings: target.warnings
                        + (attribution.warnings + doubts.map(\.description)).map { "\(context)'\(target.name)': \($0)" },
                    subject: target.subject)
            }
        }
    }

    private func write<Subject>(
        _ attribution: Attribution, of target: ExplainedTarget<Subject>, name: String, to results: ResultFiles?,
        images: Bool, text: TargetText
    ) throws -> (files: ManifestFiles, map: ManifestMap, warnings: [MapWarning]) {
        let (written, drawn) = prepared(attribution)
        let normalised = normalised(drawn, attribution)
        let evidence = evidence(target.evidence, text)
        let box = box(drawn, placement)
        var files = ManifestFiles()
        if let results {
            files = try write(
                (written, drawn, normalised, box, evidence), of: target.name, name: name, to: results,
                text: images && results.hasImages ? self.text(text, of: target, attribution) : nil)
        }
        var summary = summary(written, isOfPixels: attribution.support.isPixels)
        (summary.box, summary.drawnMaximum, summary.clippedAt) = (box, normalised.maximum, drawn.limit)
        summary.strength = style.scale == .evidence && target.evidence.evidence != nil ? evidence.strength : nil
        return (files, summary, normalised.warnings)
    }

    /// The map in the range of the colours: what pictures, sheets and NAME-drawn.npy show, before its evidence decides
    /// how strongly.
    private func normalised(_ map: PreparedMap, _ attribution: Attribution) -> NormalisedMap {
        map.normalised(style.normalisation, divisor: divisors[attribution.method])
    }

    private func evidence(_ evidence: Evidence, _ text: TargetText) -> MapEvidence {
        evidence.drawn(isAgainst: isCounterfactual, text.language, rival: text.rival)
    }

    /// - Parameter text: of the pictures; nil draws none.
    private func write(
        _ map: (
            written: Tensor, drawn: PreparedMap, normalised: NormalisedMap, box: Rectangle?, evidence: MapEvidence
        ), of target: String, name: String, to results: ResultFiles, text: PictureText?
    ) throws -> ManifestFiles {
        let toolEnding = compatibility.map { "-\($0.rawValue).npy" }
        let endings =
            (results.hasRawMaps ? ["-map.npy"] : []) + (text != nil ? ["-overlay.png", "-heatmap.png"] : [])
            + (options.hasDrawnMap ? ["-drawn.npy"] : []) + (toolEnding.map { [$0] } ?? [])
        if endings.isEmpty { return ManifestFiles() }
        let name = try results.name(name, endings: endings)
        func url(_ ending: String) -> URL { results.url(name + ending) }
        var files = ManifestFiles()
        if let toolEnding {
            try NumPyArray.write(map.drawn.values, to: url(toolEnding))
            files.toolMap = name + toolEnding
        }
        if results.hasRawMaps {
            try NumPyArray.write(map.written, to: url("-map.npy"))
            files.rawMap = name + "-map.npy"
        }
        let (height, width) = (map.drawn.values.shape[0], map.drawn.values.shape[1])
        if options.hasDrawnMap {
            let strength = style.scale == .evidence ? map.evidence.strength : 1
            let plane = placement.toOriginal(
                map.normalised.values.map { $0 * strength }, width: width, height: height)
            try NumPyArray.write(Tensor([plane.height, plane.width], plane.values), to: url("-drawn.npy"))
            files.drawnMap = name + "-drawn.npy"
        }
        if let text {
            let images = drawing.images(
                of: map.normalised, width: width, height: height, name: target, box: map.box, evidence: map.evidence,
                text: text)
            try ImageFiles.write(
                [(images.overlay, url("-overlay.png")), (images.heatMap, url("-heatmap.png"))],
                text: chunks(text, name: target))
            (files.overlay, files.heatMap) = (name + "-overlay.png", name + "-heatmap.png")
        }
        return files
    }

    /// A written map `[u, v]` in numbers; what is not finite counts as 0, as it is drawn.
    private func summary(_ map: Tensor, isOfPixels: Bool) -> ManifestMap {
        let values = map.array.map { $0.isFinite ? $0 : 0 }
        let positive = values.reduce(0) { $0 + max(0, $1) }
        var peak: ManifestPoint?
        let smooth = preparation(Tensor(map.shape, values), isOfPixels: isOfPixels).smoothed.array
        if let best = smooth.indices.max(by: { smooth[$0] < smooth[$1] }), smooth[best] > 0 {
            let cell = placement.cell(
                column: best % map.shape[1], row: best / map.shape[1], columns: map.shape[1], rows: map.shape[0])
            peak = .init(x: (cell.x0 + cell.x1) / 2, y: (cell.y0 + cell.y1) / 2)
        }
        return .init(
            shape: map.shape, minimum: values.min() ?? 0, maximum: values.max() ?? 0, positiveMass: positive,
            halfMassArea: ManifestMap.halfMassArea(smooth), peak: peak)
    }

    // MARK: Sheets

    /// What the legend of a sheet says of its maps.
    private func evidence<Subject>(of targets: [ExplainedTarget<Subject>]) -> MapEvidence {
        MapEvidence(
            isAgainst: isCounterfactual,
            isMeasured: !isCounterfactual && targets.contains { $0.evidence.evidence != nil })
    }

    /// The map over a small photograph.
    private func tile<Subject>(
        _ attribution: Attribution, of target: ExplainedTarget<Subject>, _ text: TargetText, over small: MapDrawing
    ) -> Image {
        let map = prepared(attribution).drawn, shape = map.values.shape
        return small.tile(
            of: normalised(map, attribution), width: shape[1], height: shape[0], name: target.name,
            box: box(map, small.placement), evidence: evidence(target.evidence, text))
    }

    /// Methods x targets on one sheet.
    /// - Parameters:
    ///   - sentence: the title.
    ///   - facts: smaller lines under it.
    ///   - text: what the pictures of a target say.
    ///   - detail: a small line under each target's name.
    func sheet<Subject>(
        _ targets: [ExplainedTarget<Subject>], sentence: [PictureText.Part], facts: [String],
        text: (ExplainedTarget<Subject>) -> TargetText, detail: (ExplainedTarget<Subject>) -> String
    ) -> Image {
        Timings.measure(.drawing) {
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
                targets.map { tile($0.attributions[row], of: $0, text($0), over: small) }
            }
            return MethodSheet.draw(
                photo: small.photo, sentence: sentence, facts: facts, columns: targets.map { ($0.name, detail($0)) },
                rows: rows, tiles: tiles,
                legend: style.legend(
                    maximum: divisors.shared(by: methods), evidence: evidence(of: targets)),
                isAgainst: isCounterfactual)
        }
    }

    /// The first method's maps of the words of a caption, in the order of reading.
    func contactSheet<Subject>(
        _ targets: [ExplainedTarget<Subject>], sentence: [PictureText.Part], facts: [String],
        text: (ExplainedTarget<Subject>) -> TargetText, detail: (ExplainedTarget<Subject>) -> String
    ) -> Image {
        Timings.measure(.drawing) {
            let photo = drawing.photo
            let small = drawing.resized(
                ContactSheet.tileSize(width: photo.width, height: photo.height, count: targets.count))
            let tiles = targets.compactMap { target -> ContactSheet.Tile? in
                target.attributions.first.map {
                    (target.name, detail(target), tile($0, of: target, text(target), over: small))
                }
            }
            return ContactSheet.draw(
                photo: small.photo, sentence: sentence, facts: facts, tiles: tiles,
                legend: style.legend(
                    maximum: divisors.shared(by: targets.flatMap { $0.attributions.map(\.method) }),
                    evidence: evidence(of: targets)), isAgainst: isCounterfactual)
        }
    }

    /// Writes a sheet, NAME.png, and gives the file's name.
    /// - Parameter text: what the sheet shows, for the file's text chunks.
    /// - Throws: `ImageError`, `AtomicFileError`.
    func write(_ sheet: Image, _ text: PictureText, name: String, to results: ResultFiles) throws -> String {
        let file = try results.name(named(name), endings: [".png"]) + ".png"
        try sheet.write(to: results.url(file), text: chunks(text, name: "each target"))
        return file
    }
}
