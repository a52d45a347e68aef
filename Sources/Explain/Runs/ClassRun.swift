import Drawing
import Foundation
import Support
import Tasks
import Vision
import Weights

/// What `mmx classify` is asked to do.
public struct ClassRequest: RunRequest, Sendable {
    /// The photograph: PNG or JPEG.
    public var photo: URL
    /// A model folder, or the name of an installed model.
    public var model: String
    /// What to explain; nothing is written where there is nothing.
    public var targets: [ChoiceTarget]
    /// Classes to name.
    public var top: Int
    /// How targets become maps.
    public var options: ExplanationOptions
    /// How maps are drawn and where files go.
    public var rendering: RenderingOptions
    /// The largest photograph to read.
    public var limits: ImageLimits

    /// A request; only the photograph, the model and the rendering have no default.
    public init(
        photo: URL, model: String, targets: [ChoiceTarget] = [], top: Int = 5,
        options: ExplanationOptions = ExplanationOptions(), rendering: RenderingOptions,
        limits: ImageLimits = .standard
    ) {
        self.photo = photo
        self.model = model
        self.targets = targets
        self.top = top
        self.options = options
        self.rendering = rendering
        self.limits = limits
    }
}

/// From a photograph to its classes, their maps and the files that show them.
public enum ClassRun {
    /// The manifest of a run whose files could all be written.
    /// - Parameters:
    ///   - request: what to explain, and how.
    ///   - progress: called with the model's runs done and to do, by methods that take many.
    /// - Throws: errors of the model, the photograph, a class's name or the output folder; nothing is written before
    ///   every map is computed.
    public static func run(_ request: ClassRequest, progress: ((Int, Int) -> Void)? = nil) throws -> ClassManifest {
        try result(request, progress: progress).written()
    }

    /// The same, with the classes also where files could not be written.
    /// - Parameters:
    ///   - bytes: the photograph's file, where it was read already.
    ///   - progress: called with the model's runs done and to do.
    /// - Throws: errors of the model, the photograph or a class's name.
    public static func result(
        _ request: ClassRequest, bytes: Data? = nil, progress: ((Int, Int) -> Void)? = nil
    ) throws -> RunResult<ClassManifestBody> {
        let folder = try Timings.measure(.model) { try ModelFolder.findClassifier(request.model) }
        let weights = FileHash(model: folder)
        let photo = try PhotoFile(request.photo, bytes: bytes, limits: request.limits)
        return try ClassifyingModel(request, folder: folder, weights: weights).result(
            request, of: photo, progress: progress)
    }
}

/// A classifier, loaded for any number of photographs.
struct ClassifyingModel {
    private let running: RunningModel<Classifier>

    /// - Throws: errors of the model, of the options, and for a class that the model does not have.
    init(_ request: ClassRequest, folder: URL, weights: FileHash) throws {
        running = try RunningModel(folder, weights: weights, options: request.options, load: Classifier.load)
        try check(request)
    }

    /// A class that the model does not have is told before the encoder runs.
    private func check(_ request: ClassRequest) throws {
        for target in request.targets { _ = try running.model.choices(of: target) }
    }

    private struct Explained {
        var explanation: Explanation<Classifier>
        var manifest: ClassManifest
        var writer: ExplanationWriter
    }

    private func explained(
        _ request: ClassRequest, key: String, of photo: PhotoFile, progress: ((Int, Int) -> Void)?
    ) throws -> Explained {
        let classifier = running.model
        let image = running.encode(photo)
        let explanation = try running.explainer.explain(
            image, input: (), targets: request.targets, progress: progress)
        let ranking = explanation.output.ranking
        try running.checkFinite(ranking.map(\.logit))

        var writer = running.writer(request.rendering, photo, explanation.attributions)
        let header = try running.header(task: ClassifierConfiguration.task, request: key, photo, image, writer) {
            $0.classes = classifier.configuration.classes
        }
        writer.header = header
        let best = ranking.prefix(request.top).map {
            ClassManifestBody.Class(
                index: $0.index, name: classifier.classes.names[$0.index], logit: $0.logit,
                probability: $0.probability)
        }
        return Explained(
            explanation: explanation,
            manifest: ClassManifest(header, ClassManifestBody(classes: best, scores: [], methodSheet: nil)),
            writer: writer)
    }

    /// The result of a run of its own, with its files.
    func result(
        _ request: ClassRequest, of photo: PhotoFile, progress: ((Int, Int) -> Void)?
    ) throws -> RunResult<ClassManifestBody> {
        let explained = try explained(request, key: request.key, of: photo, progress: progress)
        let (explanation, manifest, writer) = (explained.explanation, explained.manifest, explained.writer)
        if explanation.targets.isEmpty { return RunResult(manifest) }
        let classes = running.model.classes
        return try RunResult(manifest, into: request.rendering.folder, name: writer.named("\(photo.stem)-classes")) {
            try Self.write(explanation, classes, request, photo, writer, to: $1, into: &$0)
        }
    }

    /// The same for one photograph of many.
    func outcome(_ task: PhotoTask<ClassRequest>) throws -> PhotoOutcome<ClassColumns> {
        let (photo, request, files) = (task.photo, task.request, task.files)
        try check(request)
        let explained = try explained(request, key: "", of: photo, progress: nil)
        var body = explained.manifest.body
        try Self.write(
            explained.explanation, running.model.classes, request, photo, explained.writer, to: files, into: &body)
        return PhotoOutcome(
            header: explained.manifest.header, warnings: explained.manifest.header.warnings + body.warnings,
            columns: ClassColumns(body),
            maps: explained.writer.written(explained.explanation.targets).map { ([$0.method], $0.maps) })
    }

    private static func write(
        _ explanation: Explanation<Classifier>, _ classes: ClassList, _ request: ClassRequest, _ photo: PhotoFile,
        _ writer: ExplanationWriter, to results: ResultFiles?, into body: inout ClassManifestBody
    ) throws {
        for target in explanation.targets {
            // The indices keep classes apart that have the same name.
            let indices = [target.subject.index, target.subject.against].compactMap { $0.map(String.init) }
            body.scores += try writer.write(
                target,
                name: "\(photo.stem)-class-\(indices.joined(separator: "-"))-\(FileNames.safe(target.name))",
                to: results, text: text(of: target, classes))
        }
        if let results, results.hasImages, request.rendering.hasSheet {
            let sentence = [PictureText.Part(body.classes.first?.name ?? "")]
            let sheet = writer.sheet(
                explanation.targets, sentence: sentence, facts: writer.doubts, text: { text(of: $0, classes) },
                detail: { probabilityFact($0.subject.probability) })
            body.methodSheet = try writer.write(
                sheet, PictureText(sentence: sentence), name: "\(photo.stem)-sheet", to: results)
        }
    }

    /// What the pictures of a class say beside its map.
    private static func text(of target: ExplainedTarget<ClassSubject>, _ classes: ClassList) -> TargetText {
        TargetText(
            sentence: [.init(target.name, .explained)], probability: target.subject.probability, language: nil,
            rival: target.subject.against.map(classes.shortName), score: "score before the softmax")
    }
}
