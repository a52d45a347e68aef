import Explain
import Foundation
import Tasks
import Tensors
import Vision

/// Maps of answers to questions, compared with the boxes of the phrase that each question is about.
public struct QuestionMaps: RandomisableMaps {
    /// Each method by its name for the answer that the model gives, and with ":expected" for the one expected, whether
    /// or not it is given; then the model's own attention, where it has one.
    public let methods: [String]
    /// What was left out, in words.
    public let notes: [String]
    private var evaluated: EvaluatedModel<VQAModel>
    private let data: QuestionDataset
    private let path: String
    /// Answers that the model can give.
    private let answers: Set<String>

    private static let suffix = ":expected"

    /// Takes the questions with boxes that the model can read.
    /// - Parameters:
    ///   - model: the model's folder.
    ///   - options: the methods and the layer.
    ///   - images: the folder of the images.
    ///   - path: the questions' file, for messages.
    ///   - kinds: only these; all where it is empty.
    ///   - limit: only the first so many.
    ///   - smoothing: side of the smoothing square, odd; nil takes the model's own.
    /// - Throws: ``DatasetError`` where no question is left, a kind is not there, or an image is missing.
    public init(
        _ vqaModel: VQAModel, model: URL, options: ExplanationOptions = ExplanationOptions(), images: URL,
        questions: [Question], path: String, kinds: [String] = [], limit: Int? = nil, smoothing: Int? = nil
    ) throws {
        evaluated = try EvaluatedModel(vqaModel, folder: model, options: options, smoothing: smoothing)
        methods = evaluated.methods(Self.suffix)
        self.path = path
        let answers = Set(vqaModel.answers)
        self.answers = answers
        var notes: [String] = []
        for kind in kinds where !questions.contains(where: { $0.kind == kind }) {
            let known = Set(questions.map(\.kind)).filter { !$0.isEmpty }.sorted()
            let there = known.isEmpty ? "it names no kinds" : "it has \(known.joined(separator: ", "))"
            throw DatasetError(path: path, problem: "has no questions of the kind '\(kind)'; \(there)")
        }
        let wanted = questions.filter { kinds.isEmpty || kinds.contains($0.kind) }
        let boxed = wanted.filter { !$0.boxes.isEmpty }
        guard !boxed.isEmpty else {
            throw DatasetError(path: path, problem: "has no question with boxes: nothing says where a map should be")
        }
        func note(_ count: Int, _ one: String, _ several: String) {
            if count > 0 { notes.append("\(count) \(count == 1 ? one : several)") }
        }
        note(wanted.count - boxed.count, "question without boxes left out", "questions without boxes left out")
        let first = Array(boxed.prefix(limit ?? boxed.count))
        let read = first.filter { (try? vqaModel.question($0.text)) != nil }
        let unread = "that the model cannot read left out (no word that it knows, or too many)"
        note(first.count - read.count, "question \(unread)", "questions \(unread)")
        guard !read.isEmpty else { throw DatasetError(path: path, problem: "has no question that the model can read") }
        let strange = read.count { !answers.contains($0.answer) }
        let unknown = "an answer that the model does not have: no map of the expected answer"
        note(strange, "question expects \(unknown)", "questions expect \(unknown)")
        self.notes = notes
        data = try QuestionDataset(images: images, questions: read, path: path)
    }

    public var images: [String] { data.entries.map(\.image) }

    public func url(ofImage index: Int) -> URL { data.imageURL(data.entries[index].image) }

    public func maps(ofImage index: Int, photo: Image) throws -> ImageMaps {
        let entry = data.entries[index], vqaModel = evaluated.model
        let prepared = evaluated.prepare(photo), image = evaluated.explainer.encode(prepared.tensor)
        let targets = try entry.questions.map { question -> MapTarget in
            guard let region = Region(boxes: question.boxes, width: photo.width, height: photo.height) else {
                throw DatasetError(
                    path: path,
                    problem: "the boxes of \"\(question.text)\" about \(entry.image) lie outside of the image, which "
                        + "has \(photo.width)x\(photo.height) pixels")
            }
            var wanted: [AnswerTarget] = [.best]
            if answers.contains(question.answer) { wanted.append(.answer(question.answer)) }
            let read = try vqaModel.question(question.text).question
            let explanation = try evaluated.explainer.explain(image, input: read, targets: wanted)
            try ModelError.check(explanation.output.ranking.map(\.logit), of: evaluated.folder)
            let confidences = try explanation.targets.map { target -> Confidence in
                let index = try vqaModel.index(ofAnswer: target.subject.answer)
                return { vqaModel.probabilities(of: index, asked: read, features: $0) }
            }
            let expected = explanation.targets.dropFirst().first
            return MapTarget(
                kind: question.kind, context: question.kind,
                fields: ["question": .text(question.text), "expected": .text(question.answer)], region: region,
                confidences: confidences,
                maps: evaluated.maps(explanation.targets[0], expected, suffix: Self.suffix) {
                    ["answer": .text($0.name)]
                })
        }
        return evaluated.imageMaps(prepared, image, targets: targets)
    }

    // MARK: The same maps of other parameters

    public var fingerprint: String {
        let asked = data.entries.flatMap { entry in
            entry.questions.map { "\(entry.image) \($0.kind) \($0.text) \($0.answer) \($0.boxes)" }
        }
        return evaluated.fingerprint(["questions"] + asked, files: [])
    }

    public func parameters() throws -> [String: Tensor] { try evaluated.parameters() }

    public func parameterOrder() throws -> [String] { try evaluated.parameterOrder() }

    public func with(parameters: [String: Tensor]) throws -> QuestionMaps {
        var changed = self
        changed.evaluated = try evaluated.with(parameters: parameters)
        return changed
    }
}
