import Foundation
import Tasks
import Weights

/// What `mmx classify` is asked to do.
public struct ClassRequest: Sendable {
    public var photo: URL
    public var model: String
    /// What to explain; nothing is written where there is nothing.
    public var targets: [ClassTarget]
    public var method: ClassMethod
    /// Classes to name.
    public var top: Int
    public var layer: String?
    public var output: URL
    public var colorMap: ColorMap
    public var opacity: Float
    /// Cells of the square over whose mean maps are drawn, odd; nil draws the raw map.
    public var smoothing: Int?

    public init(
        photo: URL, model: String, targets: [ClassTarget] = [], method: ClassMethod = .gradCAM, top: Int = 5,
        layer: String? = nil, output: URL, colorMap: ColorMap = .turbo, opacity: Float = 0.6, smoothing: Int? = nil
    ) {
        self.photo = photo
        self.model = model
        self.targets = targets
        self.method = method
        self.top = top
        self.layer = layer
        self.output = output
        self.colorMap = colorMap
        self.opacity = opacity
        self.smoothing = smoothing
    }
}

/// From a photograph to its classes, their maps and the files that show them.
public enum ClassPipeline {
    /// - Throws: errors of the model, the photograph, a class's name or the output folder; nothing is written before
    ///   every map is there.
    public static func run(_ request: ClassRequest) throws -> ClassManifest {
        let photo = try PhotoFile(request.photo), folder = try ModelFolder.findClassifier(request.model)
        let classifier = try Classifier.load(folder), configuration = classifier.configuration
        let explainer = try ClassExplainer(classifier, layer: request.layer, method: request.method)
        // A class that is not there is told before the encoder runs.
        for target in request.targets { _ = try explainer.score(target, best: 0) }
        let seen = explainer.look(at: configuration.preprocessing.prepare(photo.image).tensor)
        let explanation = try explainer.explain(seen, targets: request.targets)
        try ModelError.check(explanation.ranking.map(\.logit), of: folder)
        let maps = MapFiles(
            drawing: MapDrawing(
                photo: photo.image, placement: configuration.preprocessing.placement(
                    originalWidth: photo.image.width, originalHeight: photo.image.height),
                style: DrawingStyle(colorMap: request.colorMap, opacity: request.opacity)),
            folder: request.output,
            smoothing: request.smoothing ?? 1)
        let weights = try Data(contentsOf: folder.appendingPathComponent("model.safetensors"), options: .alwaysMapped)
        var manifest = ClassManifest(
            tool: "mmx 0.1.0", task: "classification",
            model: .init(
                name: folder.lastPathComponent, path: folder.path, sha256: sha256(weights),
                encoder: configuration.encoder.name, classes: configuration.classes),
            photo: photo.description, preprocessing: configuration.preprocessing,
            classes: explanation.ranking.prefix(request.top).map {
                .init(
                    index: $0.index, name: classifier.classes.names[$0.index], logit: $0.logit,
                    probability: $0.probability)
            },
            method: request.method.rawValue, layer: explainer.layer, scores: [], rendering: maps.rendering,
            manifest: nil)
        if explanation.scores.isEmpty { return manifest }
        try AtomicFile.makeFolder(request.output)
        for explained in explanation.scores {
            let score = explained.score
            // The indices keep classes apart that have the same name.
            let indices = [score.index, score.against].compactMap { $0.map(String.init) }.joined(separator: "-")
            let (files, warnings) = try maps.write(
                explained.map, name: "\(photo.stem)-class-\(indices)-\(safeName(score.name))", label: score.name)
            manifest.scores.append(
                .init(
                    name: score.name, index: score.index, against: score.against, value: explained.value,
                    rank: explained.rank, probability: explained.probability, map: maps.summary(explained.map),
                    files: files, warnings: warnings.map { "'\(score.name)': \($0)" }))
        }
        let url = request.output.appendingPathComponent("\(photo.stem)-classes.json")
        manifest.manifest = url.path
        try AtomicFile.write(Data((try manifest.json() + "\n").utf8), to: url)
        return manifest
    }
}
