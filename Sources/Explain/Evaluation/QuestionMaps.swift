import Foundation
import Tasks
import Tensors
import Vision

/// Maps of answers to questions, held against the boxes of the phrase that each question is about.
public struct QuestionMaps: MapSource {
    /// Of the answer that the model gives, and of the one expected, whether or not it is given.
    public static let given = "grad-cam", expected = "grad-cam:expected"

    public let methods = [given, expected]
    /// What was left out, in words.
    public let notes: [String]
    private let explainer: AnswerExplainer
    private let smoothing: Int
    private let model: URL
    private let data: QuestionDataset
    private let path: String
    /// Answers that the model can give.
    private let answers: Set<String>

    /// Takes the questions with boxes that the model can read.
    /// - Parameters:
    ///   - model: the model's folder, for messages.
    ///   - images: the folder of the pictures.
    ///   - path: the questions' file, for messages.
    ///   - kinds: only these; all where it is empty.
    ///   - limit: only the first so many.
    ///   - smoothing: cells of the square over whose mean maps are drawn, odd; nil takes the model's own.
    /// - Throws: ``DatasetError`` where no question is left, a kind is not there, or a picture is missing.
    public init(
        _ explainer: AnswerExplainer, model: URL, images: URL, questions: [Question], path: String,
        kinds: [String] = [], limit: Int? = nil, smoothing: Int? = nil
    ) throws {
        self.explainer = explainer
        self.smoothing = smoothing ?? explainer.answerer.configuration.maps?.smoothing ?? 1
        self.model = model
        self.path = path
        let answers = Set(explainer.answerer.answers)
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
        let read = first.filter { (try? explainer.read($0.text)) != nil }
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

    public func maps(ofImage index: Int, photo: Image) throws -> PictureMaps {
        let entry = data.entries[index]
        let picture = explainer.answerer.configuration.preprocessing.prepare(photo)
        let seen = explainer.look(at: picture.tensor)
        let targets = try entry.questions.map { question -> MapTarget in
            guard let region = Region(boxes: question.boxes, width: photo.width, height: photo.height) else {
                throw DatasetError(
                    path: path,
                    problem: "the boxes of \"\(question.text)\" about \(entry.image) lie outside of the picture, which "
                        + "has \(photo.width)x\(photo.height) pixels")
            }
            var wanted: [AnswerTarget] = [.best]
            if answers.contains(question.answer) { wanted.append(.answer(question.answer)) }
            let read = try explainer.read(question.text).question
            let found = try explainer.explain(seen, question: read, targets: wanted)
            try ModelError.check(found.ranking.map(\.logit), of: model)
            let maps = zip(methods, found.scores).map { method, score in
                MapTarget.Map(method: method, fields: ["answer": .text(score.score.name)], raw: score.map)
            }
            return MapTarget(
                kind: question.kind, context: question.kind,
                fields: ["question": .text(question.text), "expected": .text(question.answer)], region: region,
                maps: maps)
        }
        return PictureMaps(
            placement: picture.placement, smoothing: smoothing, wordBlind: ReferenceMaps.activity(seen.activations),
            targets: targets)
    }
}
