import Foundation
import Language
import Tasks
import Tensors

/// Explains answers of one model: any answer or pair of answers with any method, all of a question's maps in one
/// backward sweep.
public struct AnswerExplainer {
    public let answerer: VQAModel
    /// The stages whose output the maps are drawn over.
    public var layer: String { cut.layers.joined(separator: " + ") }
    private let cut: EncoderCut
    /// Longer questions are refused: memory grows with the number of words.
    public static let maximumWords = 500

    /// - Throws: ``ExplanationError`` when the encoder has no such layer.
    public init(_ answerer: VQAModel, layer: String? = nil) throws {
        try self.init(answerer, layers: layer.map { [$0] } ?? [])
    }

    /// - Parameter layers: maps of several are fused (``LayerFusion``); the encoder's last where there is none.
    /// - Throws: ``ExplanationError`` when the encoder has no such layer.
    public init(_ answerer: VQAModel, layers: [String]) throws {
        self.answerer = answerer
        cut = try EncoderCut(answerer.modelEncoder, layers: layers)
    }

    /// The methods of `recipe`, or the model's own.
    /// - Throws: ``ExplanationError`` for a method that is not there, or does not apply to the layers.
    public func methods(_ recipe: MapRecipe) throws -> [any ExplanationMethod] {
        let methods = try recipe.methods(or: answerer.configuration.maps)
        try recipe.check(methods, cut: cut)
        return methods
    }

    public typealias Seen = SeenPicture

    /// Runs the encoder once. picture `[1, height, width, 3]`, prepared.
    /// - Parameter methods: what will be asked of the picture: the way back to the pixels is recorded where one of them goes
    ///   there, and need not be run again.
    public func look(at picture: Tensor, for methods: [any ExplanationMethod] = []) -> Seen {
        cut.look(at: picture, for: methods)
    }

    /// Whether this explainer or another of the same encoder (its weights and its input) and the same layer saw the
    /// picture, a captioner's too: only about such a picture questions may be answered and explained here.
    public func canExplain(_ seen: SeenPicture) -> Bool { seen.view == cut.view }

    /// A question as the model reads it, with a warning for each word that it does not know.
    /// - Throws: `QuestionError` for a question without words or of unknown words only; ``ExplanationError`` for one
    ///   that is too long.
    public func read(_ text: String) throws -> (question: ReadQuestion, warnings: [String]) {
        // No word is shorter than a character: what is far too long is refused before it is split.
        let limit = Self.maximumWords
        func tooLong(_ count: String) -> ExplanationError {
            ExplanationError(
                kind: .badQuestion,
                description: "the question '\(text.prefix(40))...' has \(count); at most \(limit) words can be read")
        }
        guard text.utf8.count <= 64 * limit else { throw tooLong("\(text.utf8.count) bytes") }
        let question = try answerer.read(text)
        guard question.tokens.count <= limit else { throw tooLong("\(question.tokens.count) words") }
        var named = Set<String>()
        let warnings = question.unknown.filter { named.insert($0).inserted }.map { word in
            let near = answerer.vocabulary.nearest(to: word, count: 3)
            let known = near.isEmpty ? "" : "; the nearest it knows: \(near.joined(separator: ", "))"
            return "the model does not know the word '\(word)'\(known); it reads it as an unknown word"
        }
        return (question, warnings)
    }

    /// The index of an answer: as it stands in the model's list, or else without regard to case and outer spaces.
    /// - Throws: ``ExplanationError`` with the nearest answers for one that is not in the list.
    public func index(ofAnswer text: String) throws -> Int {
        if let index = answerer.answers.firstIndex(of: text) { return index }
        func plain(_ text: String) -> String { text.lowercased().trimmingCharacters(in: .whitespaces) }
        let wanted = plain(text)
        if let index = answerer.answers.firstIndex(where: { plain($0) == wanted }) { return index }
        let near = nearestAnswers(to: wanted)
        let known =
            near.isEmpty
            ? "; it has \(answerer.answers.count) answers, none of them near"
            : "; the nearest it can give: \(near.joined(separator: ", "))"
        throw ExplanationError(
            kind: .unknownAnswer, description: "the model has no answer '\(text.prefix(80))'\(known)")
    }

    /// Answers that look like `text`, as words of a vocabulary whose spaces are underscores.
    private func nearestAnswers(to text: String) -> [String] {
        func word(_ text: String) -> String { text.split(whereSeparator: \.isWhitespace).joined(separator: "_") }
        var original: [String: String] = [:], counts: [String: Int] = [:]
        for (index, answer) in answerer.answers.enumerated() where original[word(answer)] == nil {
            original[word(answer)] = answer
            // The list starts with the commonest.
            counts[word(answer)] = answerer.answers.count - index
        }
        return Vocabulary(counts: counts, minimumCount: 1).nearest(to: word(text)).compactMap { original[$0] }
    }

    /// The answers to a question, and the maps of `targets`, all in one backward sweep.
    /// - Parameters:
    ///   - explainsQuestion: gradient times input for every word of the question as well.
    ///   - progress: called with the runs of the model done and to do, by methods that take many.
    /// - Throws: ``ExplanationError`` for an answer that the model does not have, or a method that does not apply.
    public func explain(
        _ seen: Seen, question: ReadQuestion, targets: [AnswerTarget], explainsQuestion: Bool = false,
        recipe: MapRecipe = MapRecipe(), progress: ((Int, Int) -> Void)? = nil
    ) throws -> AnswerExplanation {
        cut.checkView(of: seen)
        let methods = try methods(recipe)
        let tape = Tape()
        let features = tape.leaf(seen.features), embedded = tape.leaf(answerer.head.embed([question.words]).value)
        let logits = answerer.head.logits(
            features: features, embedded: embedded, lengths: [question.words.count], dropout: nil)
        let ranking = RankedLogit.ranking(logits.value)
        let chosen = try targets.map { try resolve($0, best: ranking[0].index) }
        var explained: [ExplainedAnswer] = []
        if !chosen.isEmpty {
            let own = chosen.map(\.sum)
            let scores = ExplainedScores(
                seen, head: head(question, features: seen.features), sums: recipe.sums(own),
                recorded: .init(tape: tape, features: features, outputs: logits), progress: progress)
            let found = try methods.map { try MethodMaps($0, of: scores, as: recipe.compatibility) }
            let words = explainsQuestion ? self.words(own, tape: tape, logits: logits, embedded: embedded) : nil
            for (k, score) in chosen.enumerated() {
                let rank = ranking.firstIndex { $0.index == score.index } ?? 0
                for (m, method) in found.enumerated() {
                    explained.append(
                        ExplainedAnswer(
                            score: score, value: score.value(logits.value), rank: rank + 1,
                            probability: ranking[rank].probability, method: method.method, place: method.place,
                            map: method.maps.row(k), words: m == 0 ? words?[k] : nil, warnings: method.warnings[k]))
                }
            }
        }
        return AnswerExplanation(question: question, ranking: ranking, layer: layer, scores: explained, warnings: [])
    }

    /// What each word of the question carried, `[S][T]`.
    private func words(_ sums: [ScoreSum], tape: Tape, logits: Variable, embedded: Variable) -> [[Float]] {
        let gradients = tape.gradients(
            of: logits, seed: ScoreSum.seeds(sums, width: logits.shape[1]), withRespectTo: [embedded])[0]
        return WordContributions.words(embedded: embedded.value, gradients: gradients)
    }

    /// The answerer that reads this question, for any pictures.
    private func head(_ question: ReadQuestion, features: Tensor) -> ScoreHead {
        let model = answerer.head, length = question.words.count
        return ScoreHead(
            name: answerer.configuration.answerer.kind.rawValue,
            attention: { _ in
                let embedded = model.embed([question.words]).value
                return model.attention(features: features, embedded: embedded, lengths: [length])?.row(0)
            }
        ) { features in
            let questions = Array(repeating: question.words, count: features.shape[0])
            return model.logits(
                features: features, embedded: model.embed(questions), lengths: questions.map(\.count), dropout: nil)
        }
    }

    private func resolve(_ target: AnswerTarget, best: Int) throws -> LogitScore {
        switch target {
        case .best: return LogitScore(name: answerer.answers[best], index: best)
        case .answer(let text):
            let index = try index(ofAnswer: text)
            return LogitScore(name: answerer.answers[index], index: index)
        case .contrast(let text, let other):
            let a = try index(ofAnswer: text), b = try index(ofAnswer: other)
            guard a != b else {
                throw ExplanationError(
                    kind: .unknownAnswer,
                    description: "the answer '\(answerer.answers[a])' cannot be held against itself")
            }
            return LogitScore(name: "\(answerer.answers[a]) rather than \(answerer.answers[b])", index: a, against: b)
        }
    }
}
