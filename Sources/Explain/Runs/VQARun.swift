import Drawing
import Foundation
import Language
import Support
import Tasks
import Vision
import Weights

/// What `mmx vqa` is asked to do.
public struct VQARequest: RunRequest, Sendable {
    /// The photograph: PNG or JPEG.
    public var photo: URL
    /// A model folder, or the name of an installed model.
    public var model: String
    /// The questions, in the order of the answers.
    public var questions: [QuestionText]
    /// What to explain of each question.
    public var targets: [ChoiceTarget]
    /// Answers to name for each question.
    public var top: Int
    /// How targets become maps.
    public var options: ExplanationOptions
    /// How maps are drawn and where files go.
    public var rendering: RenderingOptions
    /// The largest photograph to read.
    public var limits: ImageLimits

    /// A request; only the photograph, the model, the questions and the rendering have no default.
    public init(
        photo: URL, model: String, questions: [QuestionText], targets: [ChoiceTarget] = [.best], top: Int = 3,
        options: ExplanationOptions = ExplanationOptions(), rendering: RenderingOptions,
        limits: ImageLimits = .standard
    ) {
        self.photo = photo
        self.model = model
        self.questions = questions
        self.targets = targets
        self.top = top
        self.options = options
        self.rendering = rendering
        self.limits = limits
    }
}

/// From a photograph and questions to answers, their maps and the files that show them.
public enum VQARun {
    /// The manifest of a run whose files could all be written. The encoder runs once, whatever the number of questions.
    /// - Parameters:
    ///   - request: what to explain, and how.
    ///   - progress: called with the model's runs done and to do, by methods that take many.
    /// - Throws: errors of the model, the photograph, a question or the output folder; nothing is written before every
    ///   question is answered.
    public static func run(_ request: VQARequest, progress: ((Int, Int) -> Void)? = nil) throws -> VQAManifest {
        try result(request, progress: progress).written()
    }

    /// The same, with the answers also where files could not be written.
    /// - Parameters:
    ///   - bytes: the photograph's file, where it was read already.
    ///   - progress: called with the model's runs done and to do.
    /// - Throws: errors of the model, the photograph or a question.
    public static func result(
        _ request: VQARequest, bytes: Data? = nil, progress: ((Int, Int) -> Void)? = nil
    ) throws -> RunResult<VQAManifestBody> {
        let folder = try Timings.measure(.model) { try ModelFolder.find(request.model) }
        // The hash starts when the photograph is decoded: two threads of one core would only hold each other up.
        let photo = try PhotoFile(request.photo, bytes: bytes, limits: request.limits),
            weights = FileHash(model: folder)
        let answering = try AnsweringModel(request, folder: folder, weights: weights)
        return try answering.write(answering.answers(photo, progress: progress), of: photo)
    }
}

/// A VQA model with the questions it is asked: the steps of a run, so that a caption's run can take them between its
/// own.
struct AnsweringModel {
    private let request: VQARequest
    private let running: RunningModel<VQAModel>
    private let questions: [(question: ReadQuestion, warnings: [String])]

    /// Loads the model and reads the questions: what cannot be asked is refused before an encoder runs.
    /// - Parameter encoder: that of a model already loaded, taken where it is this model's too.
    init(_ request: VQARequest, sharing encoder: ModelEncoder? = nil) throws {
        let folder = try Timings.measure(.model) { try ModelFolder.find(request.model) }
        try self.init(request, folder: folder, weights: FileHash(model: folder), sharing: encoder)
    }

    init(_ request: VQARequest, folder: URL, weights: FileHash, sharing encoder: ModelEncoder? = nil) throws {
        let running = try RunningModel(folder, weights: weights, options: request.options) {
            try VQAModel.load($0, sharing: encoder)
        }
        try self.init(request, running)
    }

    private init(_ request: VQARequest, _ running: RunningModel<VQAModel>) throws {
        self.request = request
        self.running = running
        questions = try request.questions.map { text in
            try text.locatingErrors { try running.model.question(text.text) }
        }
    }

    /// The same model with other questions.
    /// - Throws: errors of the questions.
    func asking(_ request: VQARequest) throws -> AnsweringModel {
        if request.questions == self.request.questions { return self }
        return try AnsweringModel(request, running)
    }

    /// One explanation for each question.
    /// - Parameter other: the photograph as another model's encoder saw it; where that encoder is another one, the
    ///   photograph is encoded again.
    func answers(
        _ photo: PhotoFile, sharing other: EncodedImage? = nil, progress: ((Int, Int) -> Void)?
    ) throws -> (image: EncodedImage, explanations: [Explanation<VQAModel>]) {
        let image = running.encode(photo, sharing: other)
        let explanations = try questions.map { question, _ in
            let explanation = try running.explainer.explain(
                image, input: question, targets: request.targets, progress: progress)
            try running.checkFinite(
                explanation.output.ranking.map(\.logit) + explanation.targets.flatMap { $0.words ?? [] })
            return explanation
        }
        return (image, explanations)
    }

    /// Writes the maps and the manifest.
    func write(
        _ answers: (image: EncodedImage, explanations: [Explanation<VQAModel>]), of photo: PhotoFile
    ) throws -> RunResult<VQAManifestBody> {
        let (manifest, writer) = try described(answers, key: request.key, of: photo)
        return try RunResult(manifest, into: request.rendering.folder, name: writer.named("\(photo.stem)-answers")) {
            body, results in
            body.questions = try written(answers.explanations, of: photo, writer, to: results)
        }
    }

    /// The manifest without its questions, and the writer of all maps.
    private func described(
        _ answers: (image: EncodedImage, explanations: [Explanation<VQAModel>]), key: String, of photo: PhotoFile
    ) throws -> (VQAManifest, ExplanationWriter) {
        // One writer for all questions, so that all maps can share a scale.
        var writer = running.writer(request.rendering, photo, answers.explanations.flatMap(\.attributions))
        let configuration = running.model.configuration
        let header = try running.header(task: "question-answering", request: key, photo, answers.image, writer) {
            $0.sharedEncoder = configuration.sharedEncoder
            $0.answerer = configuration.answerer.kind.rawValue
        }
        writer.header = header
        let questionMethod = request.options.explainsWords ? "gradient-times-input" : nil
        return (VQAManifest(header, .init(questionMethod: questionMethod, questions: [])), writer)
    }

    private func written(
        _ explanations: [Explanation<VQAModel>], of photo: PhotoFile, _ writer: ExplanationWriter,
        to results: ResultFiles?
    ) throws -> [VQAManifestBody.Question] {
        try explanations.enumerated().map { index, explanation in
            var question = describe(explanation, number: index + 1)
            try write(explanation, of: photo, writer, to: results, into: &question)
            return question
        }
    }

    /// What the manifest of one photograph of many says, with its maps.
    func outcome(
        _ answers: (image: EncodedImage, explanations: [Explanation<VQAModel>]), of photo: PhotoFile,
        files: ResultFiles?
    ) throws -> PhotoOutcome<VQAColumns> {
        var (manifest, writer) = try described(answers, key: "", of: photo)
        manifest.body.questions = try written(answers.explanations, of: photo, writer, to: files)
        return PhotoOutcome(
            header: manifest.header, warnings: manifest.allWarnings,
            columns: VQAColumns(questions: manifest.body.questions),
            maps: writer.written(answers.explanations.flatMap(\.targets)).map { (["answers", $0.method], $0.maps) })
    }

    /// The same for one photograph.
    func outcome(_ task: PhotoTask<VQARequest>) throws -> PhotoOutcome<VQAColumns> {
        let asking = try asking(task.request)
        return try asking.outcome(asking.answers(task.photo, progress: nil), of: task.photo, files: task.files)
    }

    private func write(
        _ explanation: Explanation<VQAModel>, of photo: PhotoFile, _ writer: ExplanationWriter,
        to results: ResultFiles?, into question: inout VQAManifestBody.Question
    ) throws {
        let prefix = "\(photo.stem)-\(String(format: "%02d", question.number))"
        for target in explanation.targets {
            question.scores += try writer.write(
                target, name: "\(prefix)-\(FileNames.safe(target.name))", to: results, words: question.words,
                unknown: Set(question.unknownWords), context: "question \(question.number), ",
                text: text(of: target, question))
        }
        if let results, results.hasImages, request.rendering.hasSheet {
            let sentence = sentence(question)
            func detail(_ target: ExplainedTarget<AnswerSubject>) -> String {
                let evidence = target.evidence.evidence.map { String(format: "%+.1f nats", $0) }
                return [probabilityFact(target.subject.probability), evidence].compactMap(\.self)
                    .joined(separator: ", ")
            }
            let sheet = writer.sheet(
                explanation.targets, sentence: sentence, facts: writer.doubts, text: { text(of: $0, question) },
                detail: detail)
            question.methodSheet = try writer.write(
                sheet, PictureText(sentence: sentence), name: "\(prefix)-sheet", to: results)
        }
    }

    /// The question as it was asked; words that the model does not know are marked.
    /// - Parameter evidence: of each of the question's words, in nats: words are shaded by it.
    private func sentence(
        _ question: VQAManifestBody.Question, evidence: [Float]? = nil
    ) -> [PictureText.Part] {
        let unknown = Set(question.unknownWords), tokenizer = CaptionTokenizer()
        let asked = question.question.split(whereSeparator: \.isWhitespace).map { word in
            (text: String(word), tokens: tokenizer.tokens(String(word)))
        }
        // A word with an apostrophe is two of the model's words.
        let isSplitAlike = asked.flatMap(\.tokens) == question.words
        let words = isSplitAlike ? asked : question.words.map { ($0, [$0]) }
        let largest = max(evidence?.map(abs).filter(\.isFinite).max() ?? 0, .leastNormalMagnitude)
        var left = (evidence ?? [])[...]
        return words.map { text, tokens in
            let own = left.prefix(tokens.count).reduce(0, +)
            left = left.dropFirst(tokens.count)
            return .init(
                text, tokens.contains(where: unknown.contains) ? .unknown : .plain, weight: own / largest)
        }
    }

    /// What the pictures of an answer say beside its map.
    private func text(
        of target: ExplainedTarget<AnswerSubject>, _ question: VQAManifestBody.Question
    ) -> TargetText {
        TargetText(
            sentence: sentence(question, evidence: target.wordEvidence) + [.init(target.subject.answer, .explained)],
            probability: target.subject.probability, language: .question, rival: target.subject.against,
            score: "score before the softmax",
            remarks: target.subject.rank == 1
                ? []
                : ["The model prefers \(target.subject.rank - 1) other answer\(target.subject.rank == 2 ? "" : "s")"]
        )
    }

    private func describe(_ explanation: Explanation<VQAModel>, number: Int) -> VQAManifestBody.Question {
        let question = explanation.output.question, answers = running.model.answers
        let kind = QuestionKind(tokens: question.tokens)
        let accuracy = running.model.calibration?.accuracy(of: kind)
        let doubts = AnswerDoubts.warnings(
            explanation.output.ranking,
            accuracy: accuracy.flatMap { $0.questions == 0 ? nil : Double($0.right) / Double($0.questions) }
        ) { answers[$0] }
        return .init(
            number: number, question: request.questions[number - 1].text, words: question.tokens,
            unknownWords: question.unknown,
            answers: explanation.output.ranking.prefix(request.top).map {
                .init(answer: answers[$0.index], logit: $0.logit, probability: $0.probability)
            },
            scores: [], methodSheet: nil,
            warnings: questions[number - 1].warnings + doubts.map { "question \(number): \($0)" })
    }
}
