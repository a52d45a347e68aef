import Foundation
import Support
import Tasks
import Weights

/// What `mmx vqa` is asked to do.
public struct AnswerRequest: Sendable {
    public var photo: URL
    public var model: String
    public var questions: [AskedQuestion]
    /// What to explain of each question.
    public var targets: [AnswerTarget]
    /// How much each word of the question carried.
    public var explainsQuestion: Bool
    /// Answers to name for each question.
    public var top: Int
    public var maps: MapRequest

    public init(
        photo: URL, model: String, questions: [AskedQuestion], targets: [AnswerTarget] = [.best],
        explainsQuestion: Bool = false, top: Int = 3, maps: MapRequest
    ) {
        self.photo = photo
        self.model = model
        self.questions = questions
        self.targets = targets
        self.explainsQuestion = explainsQuestion
        self.top = top
        self.maps = maps
    }
}

/// From a photograph and questions to answers, their maps and the files that show them.
public enum AnswerPipeline {
    /// The encoder runs once, whatever the number of questions.
    /// - Parameter progress: called with the runs of the model done and to do, by methods that take many.
    /// - Throws: errors of the model, the photograph, a question or the output folder; nothing is written before every
    ///   question is answered.
    public static func run(
        _ request: AnswerRequest, progress: ((Int, Int) -> Void)? = nil
    ) throws -> AnswerManifest {
        let photo = try PhotoFile(request.photo)
        let run = try AnswerRun(request)
        return try run.write(run.answers(photo, seen: nil, progress: progress), of: photo)
    }
}

/// The steps of a pipeline that answers, apart, so that another pipeline can take them between its own.
struct AnswerRun {
    let request: AnswerRequest
    private let folder: URL
    private let weights: FileHash
    private let explainer: AnswerExplainer
    private var answerer: VQAModel { explainer.answerer }
    private let methods: [any ExplanationMethod]
    private let questions: [(question: ReadQuestion, warnings: [String])]

    /// Loads the model and reads the questions: what cannot be asked is refused before an encoder runs.
    /// - Parameter encoder: that of a model already loaded, taken where it is this model's too.
    init(_ request: AnswerRequest, sharing encoder: ModelEncoder? = nil) throws {
        self.request = request
        folder = try ModelFolder.find(request.model)
        weights = FileHash(model: folder)
        let explainer = try AnswerExplainer(VQAModel.load(folder, sharing: encoder), layers: request.maps.layers)
        methods = try explainer.methods(request.maps.recipe)
        self.explainer = explainer
        questions = try request.questions.map { asked in
            try Self.naming(asked.source) { try explainer.read(asked.text) }
        }
    }

    /// - Parameter seen: the photograph as another model saw it; it is looked at again where that model's encoder is
    ///   another.
    func answers(
        _ photo: PhotoFile, seen: SeenPicture?, progress: ((Int, Int) -> Void)?
    ) throws -> [AnswerExplanation] {
        let seen =
            if let seen, explainer.canExplain(seen) { seen } else {
                explainer.look(at: answerer.configuration.preprocessing.prepare(photo.image).tensor, for: methods)
            }
        return try questions.map { read, warnings in
            var explanation = try explainer.explain(
                seen, question: read, targets: request.targets, explainsQuestion: request.explainsQuestion,
                recipe: request.maps.recipe, progress: progress)
            try ModelError.check(
                explanation.ranking.map(\.logit) + explanation.scores.flatMap { $0.words ?? [] }, of: folder)
            explanation.warnings = warnings
            explanation.ranking = Array(explanation.ranking.prefix(request.top))
            return explanation
        }
    }

    /// Writes the maps and the manifest.
    func write(_ explanations: [AnswerExplanation], of photo: PhotoFile) throws -> AnswerManifest {
        let configuration = answerer.configuration
        let maps = MapFiles(
            request.maps, photo: photo.image,
            placement: configuration.preprocessing.placement(
                originalWidth: photo.image.width, originalHeight: photo.image.height),
            own: configuration.maps)
        var manifest = AnswerManifest(
            tool: "mmx 0.1.0", task: "question-answering",
            model: .init(
                name: folder.lastPathComponent, path: folder.path, sha256: try weights.value,
                encoder: configuration.encoder.name,
                sharedEncoder: configuration.sharedEncoder, answerer: configuration.answerer.kind.rawValue),
            photo: photo.description, preprocessing: configuration.preprocessing,
            questionMethod: request.explainsQuestion ? "gradient-times-input" : nil, layer: explainer.layer,
            isCounterfactual: request.maps.recipe.isCounterfactual, questions: [],
            rendering: maps.rendering, manifest: nil)
        try AtomicFile.makeFolder(request.maps.output)
        var taken = Set<String>()
        // Over all questions, so that one scale can be all maps'.
        let maxima = maps.maxima(of: explanations.flatMap { $0.scores.map(\.raw) })
        var first = 0
        for (index, explanation) in explanations.enumerated() {
            let number = index + 1
            var question = describe(explanation, asked: request.questions[index].text, number: number)
            let raw = explanation.scores.map(\.raw), own = Array(maxima[first..<first + raw.count])
            first += raw.count
            let methods = Set(raw.map(\.method)).count
            for (k, explained) in explanation.scores.enumerated() {
                let prefix = "\(photo.stem)-\(String(format: "%02d", number))-\(safeName(explained.score.name))"
                let method = methods > 1 ? "-\(safeName(explained.method))" : ""
                let (files, summary, warnings) = try maps.write(
                    raw[k], maximum: own[k], name: unused(prefix + method, &taken))
                question.scores.append(
                    .init(
                        name: explained.score.name, answer: answerer.answers[explained.score.index],
                        against: explained.score.against.map { answerer.answers[$0] }, value: explained.value,
                        rank: explained.rank,
                        probability: explained.probability, method: explained.method, place: explained.place,
                        map: summary, files: files,
                        words: explained.words.map {
                            zip(explanation.question.tokens, $0).map { .init(word: $0, contribution: $1) }
                        },
                        warnings: (explained.warnings + warnings.map(\.description)).map {
                            "question \(number), '\(explained.score.name)': \($0)"
                        }))
            }
            if request.maps.hasSheet {
                let columns = SheetColumn.columns(raw, maxima: own, count: methods) {
                    (raw[$0].name, String(format: "p = %.3g", explanation.scores[$0].probability))
                }
                let name = "\(photo.stem)-\(String(format: "%02d", number))-sheet.png"
                let sheet = request.maps.output.appendingPathComponent(name)
                try maps.sheet(columns, title: question.question).write(to: sheet)
                question.methodSheet = sheet.path
            }
            manifest.questions.append(question)
        }
        let url = request.maps.output.appendingPathComponent("\(photo.stem)-answers.json")
        manifest.manifest = url.path
        try AtomicFile.write(Data((try manifest.json() + "\n").utf8), to: url)
        return manifest
    }

    private func describe(_ explanation: AnswerExplanation, asked: String, number: Int) -> AnswerManifest.Question {
        .init(
            number: number, question: asked, words: explanation.question.tokens,
            unknownWords: explanation.question.unknown,
            answers: explanation.ranking.map {
                .init(answer: answerer.answers[$0.index], logit: $0.logit, probability: $0.probability)
            },
            scores: [], methodSheet: nil, warnings: explanation.warnings)
    }

    /// `name`, or with a number behind it where an answer of the same safe name came before. Case is not told apart:
    /// some file systems do not.
    private func unused(_ name: String, _ taken: inout Set<String>) -> String {
        var candidate = name, count = 1
        while !taken.insert(candidate.lowercased()).inserted {
            count += 1
            candidate = "\(name)-\(count)"
        }
        return candidate
    }

    /// Errors of a question in a file say where it stands.
    private static func naming<T>(_ source: String?, _ body: () throws -> T) throws -> T {
        guard let source else { return try body() }
        do { return try body() } catch let error as QuestionError {
            throw ExplanationError(kind: .badQuestion, description: "\(source): \(error)")
        } catch let error as ExplanationError {
            throw ExplanationError(kind: error.kind, description: "\(source): \(error)")
        }
    }
}
