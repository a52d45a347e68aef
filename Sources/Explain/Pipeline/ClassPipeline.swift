import Foundation
import Support
import Tasks
import Weights

/// What `mmx classify` is asked to do.
public struct ClassRequest: Sendable {
    public var photo: URL
    public var model: String
    /// What to explain; nothing is written where there is nothing.
    public var targets: [ClassTarget]
    /// Classes to name.
    public var top: Int
    public var maps: MapRequest

    public init(photo: URL, model: String, targets: [ClassTarget] = [], top: Int = 5, maps: MapRequest) {
        self.photo = photo
        self.model = model
        self.targets = targets
        self.top = top
        self.maps = maps
    }
}

/// From a photograph to its classes, their maps and the files that show them.
public enum ClassPipeline {
    /// - Parameter progress: called with the runs of the model done and to do, by methods that take many.
    /// - Throws: errors of the model, the photograph, a class's name or the output folder; nothing is written before
    ///   every map is there.
    public static func run(
        _ request: ClassRequest, progress: ((Int, Int) -> Void)? = nil
    ) throws -> ClassManifest {
        let folder = try ModelFolder.findClassifier(request.model), weights = FileHash(model: folder)
        let photo = try PhotoFile(request.photo)
        let classifier = try Classifier.load(folder), configuration = classifier.configuration
        let explainer = try ClassExplainer(classifier, layers: request.maps.layers)
        let methods = try explainer.methods(request.maps.recipe)
        // A class that is not there is told before the encoder runs.
        for target in request.targets { _ = try explainer.score(target, best: 0) }
        let seen = explainer.look(
            at: configuration.preprocessing.prepare(photo.image).tensor, for: methods)
        let explanation = try explainer.explain(
            seen, targets: request.targets, recipe: request.maps.recipe, progress: progress)
        try ModelError.check(explanation.ranking.map(\.logit), of: folder)
        let maps = MapFiles(
            request.maps, photo: photo.image,
            placement: configuration.preprocessing.placement(
                originalWidth: photo.image.width, originalHeight: photo.image.height),
            own: nil)
        var manifest = ClassManifest(
            tool: "mmx 0.1.0", task: "classification",
            model: .init(
                name: folder.lastPathComponent, path: folder.path, sha256: try weights.value,
                encoder: configuration.encoder.name, classes: configuration.classes),
            photo: photo.description, preprocessing: configuration.preprocessing,
            classes: explanation.ranking.prefix(request.top).map {
                .init(
                    index: $0.index, name: classifier.classes.names[$0.index], logit: $0.logit,
                    probability: $0.probability)
            },
            layer: explainer.layer, isCounterfactual: request.maps.recipe.isCounterfactual, scores: [],
            rendering: maps.rendering, methodSheet: nil, manifest: nil)
        if explanation.scores.isEmpty { return manifest }
        try AtomicFile.makeFolder(request.maps.output)
        let raw = explanation.scores.map(\.raw), maxima = maps.maxima(of: raw)
        for (k, explained) in explanation.scores.enumerated() {
            let score = explained.score
            // The indices keep classes apart that have the same name.
            let indices = [score.index, score.against].compactMap { $0.map(String.init) }.joined(separator: "-")
            let method = methods.count > 1 ? "-\(safeName(explained.method))" : ""
            let (files, summary, warnings) = try maps.write(
                raw[k], maximum: maxima[k],
                name: "\(photo.stem)-class-\(indices)-\(safeName(score.name))\(method)")
            manifest.scores.append(
                .init(
                    name: score.name, index: score.index, against: score.against, value: explained.value,
                    rank: explained.rank, probability: explained.probability, method: explained.method,
                    place: explained.place, map: summary, files: files,
                    warnings: (explained.warnings + warnings.map(\.description)).map { "'\(score.name)': \($0)" }))
        }
        if request.maps.hasSheet {
            let columns = SheetColumn.columns(raw, maxima: maxima, count: methods.count) {
                (raw[$0].name, String(format: "p = %.3g", explanation.scores[$0].probability))
            }
            let sheet = request.maps.output.appendingPathComponent("\(photo.stem)-sheet.png")
            try maps.sheet(columns, title: manifest.classes.first?.name ?? "").write(to: sheet)
            manifest.methodSheet = sheet.path
        }
        let url = request.maps.output.appendingPathComponent("\(photo.stem)-classes.json")
        manifest.manifest = url.path
        try AtomicFile.write(Data((try manifest.json() + "\n").utf8), to: url)
        return manifest
    }
}
