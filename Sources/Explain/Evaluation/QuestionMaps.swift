import Foundation
import Tasks
import Tensors
import Vision

/// Maps of answers to questions, held against the boxes of the phrase that each question is about.
public struct QuestionMaps: RandomisableMaps {
    /// Each method by its name for the answer that the model gives, and with ":expected" for the one expected, whether
    /// or not it is given; then the model's own attention, where it has one.
    public let methods: [String]
    /// What was left out, in words.
    public let notes: [String]
    private var explainer: AnswerExplainer
    private let layer: String?
    /// The methods chosen, and the model's own attention last where it is there to be held against.
    private let recipe: MapRecipe
    /// How many of them were chosen.
    private let chosen: Int
    private let preparation: MapPreparation
    private let model: URL
    private let data: QuestionDataset
    private let path: String
    /// Answers that the model can give.
    private let answers: Set<String>

    /// Takes the questions with boxes that the model can read.
    /// - Parameters:
    ///   - model: the model's folder, for messages.
    ///   - layer: the layer that the maps are drawn over; nil for the encoder's last.
    ///   - recipe: the methods.
    ///   - images: the folder of the pictures.
    ///   - path: the questions' file, for messages.
    ///   - kinds: only these; all where it is empty.
    ///   - limit: only the first so many.
    ///   - smoothing: cells of the square over whose mean maps are drawn, odd; nil takes the model's own.
    /// - Throws: ``DatasetError`` where no question is left, a kind is not there, or a picture is missing.
    public init(
        _ answerer: VQAModel, layer: String? = nil, recipe: MapRecipe = MapRecipe(), model: URL, images: URL,
        questions: [Question], path: String, kinds: [String] = [], limit: Int? = nil, smoothing: Int? = nil
    ) throws {
        let explainer = try AnswerExplainer(answerer, layer: layer)
        self.explainer = explainer
        self.layer = layer
        let own = try explainer.methods(recipe)
        let kind = answerer.configuration.answerer.kind
        let attends =
            (kind == .stackedAttention || kind == .coAttention) && explainer.layer == answerer.encoder.lastLayer
        self.recipe = recipe.beside(own, attention: attends)
        chosen = own.count
        methods =
            own.flatMap { [$0.name, "\($0.name):expected"] } + self.recipe.methods.dropFirst(chosen).map(\.name)
        preparation = MapPreparation(smoothing: smoothing, own: explainer.answerer.configuration.maps)
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
        let explainer = explainer
        let picture = explainer.answerer.configuration.preprocessing.prepare(photo)
        let seen = explainer.look(at: picture.tensor, for: recipe.methods)
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
            let found = try explainer.explain(seen, question: read, targets: wanted, recipe: recipe)
            try ModelError.check(found.ranking.map(\.logit), of: model)
            let scores = stride(from: 0, to: found.scores.count, by: recipe.methods.count).map {
                found.scores[$0].score
            }
            let confidences = scores.map { score -> Confidence in
                { explainer.probabilities(of: score.index, asked: read, features: $0) }
            }
            return MapTarget(
                kind: question.kind, context: question.kind,
                fields: ["question": .text(question.text), "expected": .text(question.answer)], region: region,
                confidences: confidences, maps: maps(found))
        }
        return PictureMaps(
            input: picture.tensor, placement: picture.placement, preparation: preparation,
            wordBlind: ReferenceMaps.activity(seen.activations),
            features: { explainer.answerer.encoder(Variable($0)).value }, targets: targets)
    }

    /// In the order of ``methods``; of the expected answer where it was explained.
    private func maps(_ found: AnswerExplanation) -> [MapTarget.Map] {
        let count = recipe.methods.count
        func map(_ m: Int, answer: Int, _ suffix: String = "") -> MapTarget.Map? {
            guard answer * count + m < found.scores.count else { return nil }
            let score = found.scores[answer * count + m]
            return .init(
                method: score.method + suffix, score: answer, fields: ["answer": .text(score.score.name)],
                raw: score.map, isOfPixels: score.raw.isOfPixels)
        }
        let own = (0..<chosen).flatMap { [map($0, answer: 0), map($0, answer: 1, ":expected")] }
        return (own + (chosen..<count).map { map($0, answer: 0) }).compactMap { $0 }
    }

    // MARK: The same maps of other parameters

    public var fingerprint: String {
        let asked = data.entries.flatMap { entry in
            entry.questions.map { "\(entry.image) \($0.kind) \($0.text) \($0.answer) \($0.boxes)" }
        }
        let settings = ["questions", explainer.layer, "\(recipe)", "\(preparation)"]
        return ModelParameters.fingerprint(model, settings: settings + asked, files: [])
    }

    public func parameters() throws -> [String: Tensor] { try ModelParameters.read(model) }

    public func parameterOrder() throws -> [String] {
        let store = ParameterStore(strict: try parameters(), origin: model.path)
        _ = try answerer(store)
        return store.order
    }

    /// An encoder that the model shares with another keeps its parameters.
    public func with(parameters: [String: Tensor]) throws -> QuestionMaps {
        var changed = self
        let store = ParameterStore(strict: parameters, origin: model.path)
        changed.explainer = try AnswerExplainer(answerer(store), layer: layer)
        return changed
    }

    private func answerer(_ store: ParameterStore) throws -> VQAModel {
        let own = explainer.answerer
        let answerer = try VQAModel(
            configuration: own.configuration, vocabulary: own.vocabulary, answers: own.answers,
            encoder: own.configuration.sharedEncoder == nil ? nil : own.modelEncoder, parameters: store.scope())
        try store.checkComplete()
        return answerer
    }
}
