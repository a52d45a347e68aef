import Foundation
import Tasks
import Vision
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
    public var layer: String?
    public var output: URL
    public var colorMap: ColorMap
    public var opacity: Float

    public init(
        photo: URL, model: String, questions: [AskedQuestion], targets: [AnswerTarget] = [.best], explainsQuestion: Bool = false,
        top: Int = 3, layer: String? = nil, output: URL, colorMap: ColorMap = .turbo, opacity: Float = 0.6
    ) {
        self.photo = photo
        self.model = model
        self.questions = questions
        self.targets = targets
        self.explainsQuestion = explainsQuestion
        self.top = top
        self.layer = layer
        self.output = output
        self.colorMap = colorMap
        self.opacity = opacity
    }
}

/// A question and where it came from.
public struct AskedQuestion: Equatable, Sendable {
    public var text: String
    /// "FILE, line N", for errors; nil for a question on the command line.
    public var source: String?

    public init(text: String, source: String? = nil) {
        self.text = text
        self.source = source
    }

    /// The questions of a file: UTF-8, one a line; blank lines are passed over.
    /// - Throws: `DatasetError` for a file that cannot be read, is larger than 1 MiB, or has no question.
    public static func read(_ url: URL) throws -> [AskedQuestion] {
        let limit = 1 << 20
        func refuse(_ problem: String, line: Int? = nil) -> DatasetError {
            DatasetError(path: url.path, line: line, problem: problem)
        }
        guard let handle = try? FileHandle(forReadingFrom: url), let data = try? handle.read(upToCount: limit + 1) ?? Data() else {
            throw refuse("is missing or not a readable file of questions")
        }
        guard data.count <= limit else { throw refuse("is larger than 1 MiB, which is no file of questions") }
        var questions: [AskedQuestion] = []
        for (index, bytes) in data.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            guard let line = String(validating: bytes, as: UTF8.self) else {
                throw refuse("is not valid UTF-8", line: index + 1)
            }
            let text = line.trimmingCharacters(in: .whitespaces.union(.newlines).union(CharacterSet(charactersIn: "\u{FEFF}")))
            if !text.isEmpty { questions.append(AskedQuestion(text: text, source: "\(url.path), line \(index + 1)")) }
        }
        if questions.isEmpty { throw refuse("has no questions") }
        return questions
    }
}

/// From a photograph and questions to answers, their maps and the files that show them.
public enum AnswerPipeline {
    /// The encoder runs once, whatever the number of questions.
    /// - Throws: errors of the model, the photograph, a question or the output folder; nothing is written before every
    ///   question is answered.
    public static func run(_ request: AnswerRequest) throws -> AnswerManifest {
        let bytes = try Image.readBytes(request.photo)
        let photo = try Image.decode(bytes, name: request.photo.path)
        let folder = try ModelFolder.find(request.model)
        let answerer = try Answerer.load(folder)
        let explainer = try AnswerExplainer(answerer, layer: request.layer)
        // What cannot be asked is refused before the encoder runs.
        let questions = try request.questions.map { asked in try naming(asked.source) { try explainer.read(asked.text) } }
        let picture = answerer.configuration.preprocessing.prepare(photo)
        let seen = explainer.look(at: picture.tensor)
        let explanations = try questions.map { read, warnings in
            var explanation = try explainer.explain(
                seen, question: read, targets: request.targets, explainsQuestion: request.explainsQuestion)
            explanation.warnings = warnings
            explanation.ranking = Array(explanation.ranking.prefix(request.top))
            return explanation
        }

        let maps = MapFiles(
            photo: photo, placement: picture.placement, folder: request.output, colorMap: request.colorMap, opacity: request.opacity)
        let weights = try Data(contentsOf: folder.appendingPathComponent("model.safetensors"), options: .alwaysMapped)
        var manifest = AnswerManifest(
            tool: "mmx 0.1.0", task: "question-answering",
            model: .init(
                name: folder.lastPathComponent, path: folder.path, sha256: sha256(weights),
                encoder: answerer.configuration.encoder.name, answerer: answerer.configuration.answerer.kind.rawValue),
            photo: .init(path: request.photo.path, sha256: sha256(bytes), width: photo.width, height: photo.height),
            preprocessing: answerer.configuration.preprocessing, method: "grad-cam",
            questionMethod: request.explainsQuestion ? "gradient-times-input" : nil, layer: explainer.layer, questions: [],
            rendering: maps.rendering, manifest: nil)
        try AtomicFile.makeFolder(request.output)
        let stem = safeName(request.photo.deletingPathExtension().lastPathComponent)
        var taken = Set<String>()
        for (index, explanation) in explanations.enumerated() {
            let number = index + 1
            var question = describe(explanation, asked: request.questions[index].text, number: number, answers: answerer.answers)
            for explained in explanation.scores {
                let prefix = "\(stem)-\(String(format: "%02d", number))-\(safeName(explained.score.name))"
                let name = unused(prefix, &taken)
                let (files, warnings) = try maps.write(explained.map, name: name)
                question.scores.append(
                    .init(
                        name: explained.score.name, answer: answerer.answers[explained.score.answer],
                        against: explained.score.against.map { answerer.answers[$0] }, value: explained.value, rank: explained.rank,
                        probability: explained.probability, map: maps.summary(explained.map), files: files,
                        words: explained.words.map { zip(explanation.question.tokens, $0).map { .init(word: $0, contribution: $1) } },
                        warnings: warnings.map { "question \(number), '\(explained.score.name)': \($0)" }))
            }
            manifest.questions.append(question)
        }
        let url = request.output.appendingPathComponent("\(stem)-answers.json")
        manifest.manifest = url.path
        try AtomicFile.write(Data((try manifest.json() + "\n").utf8), to: url)
        return manifest
    }

    private static func describe(
        _ explanation: AnswerExplanation, asked: String, number: Int, answers: [String]
    ) -> AnswerManifest.Question {
        .init(
            number: number, question: asked, words: explanation.question.tokens, unknownWords: explanation.question.unknown,
            answers: explanation.ranking.map {
                .init(answer: answers[$0.answer], logit: $0.logit, probability: $0.probability)
            },
            scores: [], warnings: explanation.warnings)
    }

    /// `name`, or with a number behind it where an answer of the same safe name came before. Case is not told apart:
    /// some file systems do not.
    private static func unused(_ name: String, _ taken: inout Set<String>) -> String {
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
