import Drawing
import Foundation
import Language
import Support
import Tasks
import Vision
import Weights

/// What `mmx caption` is asked to do.
public struct CaptionRequest: RunRequest, Sendable {
    /// The photograph: PNG or JPEG.
    public var photo: URL
    /// A model folder, or the name of an installed model.
    public var model: String
    /// A caption of the user's own; nil lets the model write one.
    public var caption: String?
    /// What to explain; nothing is written where there is nothing to explain, no question and no sheet of words.
    public var targets: [CaptionTarget]
    /// Questions about the same photograph, each answered with the map of the best answer.
    public var questions: [QuestionText]
    /// The VQA model that answers them. Where it shares the captioner's encoder, that runs once for both.
    public var vqaModel: String
    /// Whether one contact sheet of every word is drawn.
    public var hasWordSheet: Bool
    /// Captions kept at once in the search; nil takes the model's own number.
    public var beam: Int?
    /// How targets become maps.
    public var options: ExplanationOptions
    /// How maps are drawn and where files go.
    public var rendering: RenderingOptions
    /// The largest photograph to read.
    public var limits: ImageLimits

    /// A request; only the photograph, the model and the rendering have no default.
    public init(
        photo: URL, model: String, caption: String? = nil, targets: [CaptionTarget] = [],
        questions: [QuestionText] = [], vqaModel: String = ModelFolder.defaultVQAModel, hasWordSheet: Bool = false,
        beam: Int? = nil, options: ExplanationOptions = ExplanationOptions(), rendering: RenderingOptions,
        limits: ImageLimits = .standard
    ) {
        self.photo = photo
        self.model = model
        self.caption = caption
        self.targets = targets
        self.questions = questions
        self.vqaModel = vqaModel
        self.hasWordSheet = hasWordSheet
        self.beam = beam
        self.options = options
        self.rendering = rendering
        self.limits = limits
    }

    /// What the questions ask of the VQA model, drawn and written as the caption's own maps are.
    fileprivate var vqa: VQARequest? { questions.isEmpty ? nil : vqaRequest }

    var vqaRequest: VQARequest {
        VQARequest(
            photo: photo, model: vqaModel, questions: questions, options: options, rendering: rendering, limits: limits)
    }

    /// What is explained one by one, and then every word where there is a sheet of them.
    fileprivate var requests: [CaptionTarget] { targets + (hasWordSheet ? [.everyWord] : []) }
}

/// From a photograph to its caption, its words' maps and the files that show them.
public enum CaptionRun {
    /// The manifest of a run whose files could all be written.
    /// - Parameters:
    ///   - request: what to explain, and how.
    ///   - progress: called with the model's runs done and to do, by methods that take many.
    /// - Throws: errors of the model, the photograph, the request or the output folder; nothing half-written is left.
    public static func run(
        _ request: CaptionRequest, progress: ((Int, Int) -> Void)? = nil
    ) throws -> CaptionManifest {
        try result(request, progress: progress).written()
    }

    /// The same, with the caption also where files could not be written.
    /// - Parameters:
    ///   - bytes: the photograph's file, where it was read already.
    ///   - progress: called with the model's runs done and to do.
    /// - Throws: errors of the model, the photograph or the request.
    public static func result(
        _ request: CaptionRequest, bytes: Data? = nil, progress: ((Int, Int) -> Void)? = nil
    ) throws -> RunResult<CaptionManifestBody> {
        let folder = try Timings.measure(.model) { try ModelFolder.find(request.model) },
            weights = FileHash(model: folder)
        let photo = try PhotoFile(request.photo, bytes: bytes, limits: request.limits)
        return try CaptioningModel(request, folder: folder, weights: weights).result(
            request, of: photo, progress: progress)
    }
}

/// A captioner, and the VQA model of its questions, loaded for any number of photographs.
struct CaptioningModel {
    private let running: RunningModel<Captioner>
    private let answering: AnsweringModel?
    private let questioned = QuestionedModel()

    /// - Throws: errors of the models, of the options and of the questions.
    init(_ request: CaptionRequest, folder: URL, weights: FileHash) throws {
        let running = try RunningModel(
            folder, weights: weights, options: request.options, load: { try Captioner.load($0) })
        self.running = running
        answering = try request.vqa.map { try AnsweringModel($0, sharing: running.model.modelEncoder) }
    }

    /// What the models say of one photograph, and its maps; nothing is written.
    private struct Explained {
        var explanation: Explanation<Captioner>
        var manifest: CaptionManifest
        var writer: ExplanationWriter
        var answers: (image: EncodedImage, explanations: [Explanation<VQAModel>])?
    }

    private func search(_ request: CaptionRequest) -> SearchOptions {
        var search = running.model.configuration.search
        if let beam = request.beam { search.beam = beam }
        return search
    }

    /// - Parameter found: the caption of the model's own; nil where the user gave one.
    private func explained(
        _ request: CaptionRequest, _ answering: AnsweringModel?, key: String, of photo: PhotoFile,
        _ image: EncodedImage, found: [Int]?, progress: ((Int, Int) -> Void)?
    ) throws -> Explained {
        let captioner = running.model, search = search(request)
        var (words, warnings) = try request.caption.map { try captioner.words(of: $0) } ?? (CaptionWords([]), [])
        if let found { words = CaptionWords(found) }
        if words.indices.isEmpty { warnings.append("the model has no words for this image") }
        let explanation = try running.explainer.explain(
            image, input: words, targets: request.requests, progress: progress)
        let output = explanation.output
        if request.hasWordSheet, let warning = Self.warning(of: explanation, from: request.targets.count) {
            warnings.append(warning)
        }
        try running.checkFinite(output.logProbabilities)
        let answers = try answering?.answers(photo, sharing: image, progress: progress)

        var writer = running.writer(request.rendering, photo, explanation.attributions)
        let header = try running.header(task: "captioning", request: key, photo, image, writer, warnings: warnings) {
            $0.sharedEncoder = captioner.configuration.sharedEncoder
            $0.decoder = captioner.configuration.decoder.kind.rawValue
        }
        writer.header = header
        let evidence = output.evidence.compactMap(\.evidence)
        let manifest = CaptionManifest(
            header,
            CaptionManifestBody(
                caption: sentence(output.words), captionGivenByUser: request.caption != nil,
                search: request.caption == nil ? search : nil,
                words: output.words.indices.map {
                    .init(
                        word: output.words[$0], logProbability: output.logProbabilities[$0],
                        probability: output.probabilities[$0], evidence: output.evidence[$0].evidence,
                        regions: output.evidence[$0].regions, language: output.evidence[$0].language,
                        known: output.isKnown[$0] ? nil : false)
                },
                endLogProbability: output.logProbabilities.last ?? 0,
                probability: output.probabilities.reduce(1) { $0 * Double($1) },
                evidence: evidence.isEmpty ? nil : evidence.reduce(0, +), wordScore: output.wordScore, scores: []))
        return Explained(explanation: explanation, manifest: manifest, writer: writer, answers: answers)
    }

    /// The result of a run of its own, with its files.
    func result(
        _ request: CaptionRequest, of photo: PhotoFile, progress: ((Int, Int) -> Void)?
    ) throws -> RunResult<CaptionManifestBody> {
        let image = running.encode(photo)
        let found =
            request.caption == nil
            ? Timings.measure(.beams) { running.explainer.caption(image, options: search(request)) } : nil
        let explained = try explained(
            request, answering, key: request.key, of: photo, image, found: found, progress: progress)
        var manifest = explained.manifest
        let answered = try explained.answers.flatMap { try answering?.write($0, of: photo) }
        manifest.body.answers = answered?.manifest
        if request.requests.isEmpty {
            return RunResult(manifest, folder: answered?.folder, failure: answered?.failure)
        }
        let own = try RunResult(
            manifest, into: request.rendering.folder, name: explained.writer.named("\(photo.stem)-explanation")
        ) {
            try Self.write(
                explained.explanation, chosen: request.targets.count, request, photo, explained.writer, to: $1,
                into: &$0)
        }
        return RunResult(
            own.manifest, folder: own.folder ?? answered?.folder, failure: answered?.failure ?? own.failure)
    }

    /// The same for some photographs of many. Their captions are searched together: the decoder's weights are read
    /// once for all.
    func outcomes(_ group: [PhotoTask<CaptionRequest>]) -> [Result<PhotoOutcome<CaptionColumns>, any Error>] {
        let images = group.map { running.encode($0.photo) }
        let searched = group.indices.filter { group[$0].request.caption == nil }
        let captions = running.explainer.captions(
            searched.map { images[$0] }, options: group.first.map { search($0.request) })
        let found = Dictionary(uniqueKeysWithValues: zip(searched, captions))
        return group.indices.map { index in
            Result { try outcome(group[index], images[index], found: found[index]) }
        }
    }

    private func outcome(
        _ task: PhotoTask<CaptionRequest>, _ image: EncodedImage, found: [Int]?
    ) throws -> PhotoOutcome<CaptionColumns> {
        let (photo, files) = (task.photo, task.files)
        var request = task.request
        request.photo = photo.url
        let answering = request.questions.isEmpty ? nil : try questioned.model(request, running, or: answering)
        let explained = try explained(request, answering, key: "", of: photo, image, found: found, progress: nil)
        var body = explained.manifest.body
        try Self.write(
            explained.explanation, chosen: request.targets.count, request, photo, explained.writer, to: files,
            into: &body)
        let answers = try explained.answers.flatMap { try answering?.outcome($0, of: photo, files: files) }
        let warnings = explained.manifest.header.warnings
        return PhotoOutcome(
            header: explained.manifest.header,
            warnings: warnings + body.warnings + (answers?.warnings ?? []).filter { !warnings.contains($0) },
            columns: CaptionColumns(body, questions: answers?.columns.questions),
            maps: explained.writer.written(explained.explanation.targets).map { ([$0.method], $0.maps) }
                + (answers?.maps ?? []))
    }

    /// The VQA model for questions of single photographs, loaded when the first of them has one.
    private final class QuestionedModel {
        private let lock = NSLock()
        private var kept: AnsweringModel?

        func model(
            _ request: CaptionRequest, _ running: RunningModel<Captioner>, or own: AnsweringModel?
        ) throws -> AnsweringModel? {
            if let own { return try own.asking(request.vqaRequest) }
            lock.lock()
            defer { lock.unlock() }
            let model = try kept ?? AnsweringModel(request.vqaRequest, sharing: running.model.modelEncoder)
            kept = model
            return try model.asking(request.vqaRequest)
        }
    }

    /// Names the words of the sheet that have one map at several places.
    private static func warning(of explanation: Explanation<Captioner>, from first: Int) -> String? {
        let words = explanation.targets.filter { target in
            target.request >= first && target.subject.sameMapAt?.allSatisfy { $0 > target.subject.positions[0] } == true
        }
        if words.isEmpty { return nil }
        return CaptionOutput.warning(
            ofOneMapFor: words.map { ($0.name, $0.subject.positions + ($0.subject.sameMapAt ?? [])) })
    }

    /// - Parameter chosen: requests below it are the user's; the one behind them asks for the sheet of every word,
    ///   whose words get no images of their own.
    private static func write(
        _ explanation: Explanation<Captioner>, chosen: Int, _ request: CaptionRequest, _ photo: PhotoFile,
        _ writer: ExplanationWriter, to results: ResultFiles?, into body: inout CaptionManifestBody
    ) throws {
        for target in explanation.targets {
            let position = String(format: "%02d", (target.subject.positions.first ?? 0) + 1)
            body.scores += try writer.write(
                target, name: "\(photo.stem)-\(position)-\(FileNames.safe(target.name))", to: results,
                images: target.request < chosen, text: text(of: target, explanation.output, body))
        }
        guard let results, results.hasImages else { return }
        let facts = wholeCaption(body) + writer.doubts
        let sentence = PictureText.sentence(
            explanation.output.words, unknown: unknown(explanation.output))
        let whole = body
        func described(_ target: ExplainedTarget<CaptionSubject>) -> TargetText {
            text(of: target, explanation.output, whole)
        }
        func detail(_ target: ExplainedTarget<CaptionSubject>) -> String {
            let evidence = target.evidence.evidence.map { String(format: "%+.1f nats", $0) }
            let first = target.subject.sameMapAt?.first { $0 < target.subject.positions[0] }
            return [
                probabilityFact(target.subject.probability), evidence, first.map { "map of word \($0 + 1)" },
            ].compactMap(\.self).joined(separator: ", ")
        }
        if request.hasWordSheet {
            let words = explanation.targets.filter { $0.request == chosen }
            let hasMethods = words.contains { $0.attributions.count > 1 }
            let sheet =
                hasMethods
                ? writer.sheet(words, sentence: sentence, facts: facts, text: described, detail: detail)
                : writer.contactSheet(words, sentence: sentence, facts: facts, text: described, detail: detail)
            body.sheet = try writer.write(
                sheet, PictureText(sentence: sentence, facts: facts), name: "\(photo.stem)-words", to: results)
        }
        if request.rendering.hasSheet {
            // Every word where none was chosen.
            let own = explanation.targets.filter { $0.request < chosen }
            let sheet = writer.sheet(
                own.isEmpty ? explanation.targets : own, sentence: sentence, facts: facts, text: described,
                detail: detail)
            body.methodSheet = try writer.write(
                sheet, PictureText(sentence: sentence, facts: facts), name: "\(photo.stem)-sheet", to: results)
        }
    }

    private static func unknown(_ output: CaptionOutput) -> Set<Int> {
        Set(output.isKnown.indices.filter { !output.isKnown[$0] })
    }

    /// What a sheet says of the caption as a whole.
    private static func wholeCaption(_ body: CaptionManifestBody) -> [String] {
        let facts = [
            "the whole caption: \(probabilityFact(body.probability))",
            Evidence(evidence: body.evidence).text(language: ""),
        ].filter { !$0.isEmpty }.joined(separator: ", ")
        return [facts] + (body.captionGivenByUser ? ["The caption is the user's own."] : [])
    }

    /// What the pictures of a target say beside its map.
    private static func text(
        of target: ExplainedTarget<CaptionSubject>, _ output: CaptionOutput, _ body: CaptionManifestBody
    ) -> TargetText {
        let explained = target.subject.inCaption ? Set(target.subject.positions) : []
        let score =
            switch body.wordScore {
            case .logProbability: "log p"
            case .logit: "score before the softmax"
            case .visual: "visual score"
            }
        let absent =
            target.subject.inCaption
            ? nil
            : "'\(target.name)' is not in the caption: it is tried as word "
                + "\((target.subject.positions.first ?? 0) + 1)"
        return TargetText(
            sentence: PictureText.sentence(output.words, explained: explained, unknown: unknown(output)),
            probability: target.subject.probability,
            language: .sentence(isFirst: target.subject.positions.first == 0), rival: target.subject.against,
            score: score,
            remarks: (body.captionGivenByUser ? ["The caption is the user's own"] : []) + (absent.map { [$0] } ?? []))
    }
}
