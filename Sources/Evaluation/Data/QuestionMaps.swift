import Explain
import Foundation
import Tasks
import Tensors
import Vision

/// Maps of answers to questions, compared with the boxes of the phrase that each question is about.
public struct QuestionMaps: RandomisableMaps {
    /// Each method by its name for the answer that the model gives, and with ":expected" for the right answer. The
    /// model's attention is last, if the model has it.
    public let methods: [String]
    /// Messages about questions that were left out.
    public let notes: [String]
    private var evaluated: EvaluatedModel<VQAModel>
    private let data: QuestionDataset
    /// The questions' file, for messages.
    private let path: String
    /// The answers that the model has.
    private let answers: Set<String>

    /// What follows a method's name where the map is of the expected answer.
    static let suffix = ":expected"

    /// Selects the questions that have boxes and that the model can read.
    /// - Parameters:
    ///   - vqaModel: the model.
    ///   - model: the model's folder.
    ///   - options: the methods and the layer.
    ///   - images: the folder of the images.
    ///   - questions: with their right answers, kinds and boxes.
    ///   - path: the questions' file, for messages.
    ///   - kinds: selects questions of these kinds. If it is empty, all are selected.
    ///   - limit: the largest number of questions with boxes.
    ///   - smoothing: side of the smoothing square, odd. Without it, the model's own.
    /// - Throws: `DatasetError` if no question is left, if no question has a kind, or if an image is missing.
    ///   `ExplanationError` for an unknown layer, or for a method that does not apply.
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
            throw DatasetError(path: path, problem: "has no question with boxes, so no map can be compared")
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

    /// The names of the images that have questions to measure.
    public var images: [String] { data.entries.map(\.image) }

    /// The file of an image.
    public func url(ofImage index: Int) -> URL { data.imageURL(data.entries[index].image) }

    /// The maps of one image.
    /// - Throws: `DatasetError` for boxes outside of the image, `ExplanationError` for a method that does not apply,
    ///   `ModelError` for a model whose scores are not finite.
    public func maps(ofImage index: Int, photo: Image) throws -> ImageMaps {
        let prepared = evaluated.prepare(photo)
        var found = try maps(ofImage: index, photo: photo, prepared)
        found.remade = { try maps(ofImage: index, photo: photo, ($0, prepared.placement)) }
        return found
    }

    /// - Parameter prepared: the photograph as the model takes it, or a changed one.
    private func maps(
        ofImage index: Int, photo: Image, _ prepared: (tensor: Tensor, placement: Placement)
    ) throws -> ImageMaps {
        let entry = data.entries[index], vqaModel = evaluated.model
        let image = evaluated.explainer.encode(prepared.tensor)
        let targets = try entry.questions.map { question -> MapTarget in
            guard let region = Region(boxes: question.boxes, width: photo.width, height: photo.height) else {
                throw DatasetError(
                    path: path,
                    problem: "the boxes of \"\(question.text)\" about \(entry.image) lie outside of the image, which "
                        + "has \(photo.width)x\(photo.height) pixels")
            }
            var wanted: [ChoiceTarget] = [.best]
            if answers.contains(question.answer) { wanted.append(.named(question.answer)) }
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
                fields: ["question": .text(question.text), "expected": .text(question.answer)].merging(
                    explanation.targets[0].evidence.evidence.map { ["evidence": .fraction(Double($0))] } ?? [:]
                ) { own, _ in own }, region: region,
                confidences: confidences,
                maps: evaluated.maps(explanation.targets[0], expected, suffix: Self.suffix) {
                    ["answer": .text($0.name)]
                })
        }
        return evaluated.imageMaps(prepared, image, targets: targets)
    }

    // MARK: Other parameters

    /// A hash of the model, the options and the questions.
    public var fingerprint: String {
        let asked = data.entries.flatMap { entry in
            entry.questions.map { "\(entry.image) \($0.kind) \($0.text) \($0.answer) \($0.boxes)" }
        }
        return evaluated.fingerprint(["questions"] + asked, files: [])
    }

    /// The values of the model's parameters by name, as the file has them.
    /// - Throws: `SafeTensorsError`.
    public func parameters() throws -> [String: Tensor] { try evaluated.parameters() }

    /// The names of the parameters in the order in which the model uses them.
    public func parameterOrder() throws -> [String] { try evaluated.parameterOrder() }

    /// The same questions and methods, with other values of the model's parameters.
    public func with(parameters: [String: Tensor]) throws -> QuestionMaps {
        var changed = self
        changed.evaluated = try evaluated.with(parameters: parameters)
        return changed
    }
}
