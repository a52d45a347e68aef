import Foundation
import Language
import Tasks
import Tensors

/// What the user asks to see of the answers to a question.
public enum AnswerTarget: Equatable, Sendable {
    /// The answer that the model holds likeliest.
    case best
    /// An answer, chosen or not.
    case answer(String)
    /// Why the first rather than the second.
    case contrast(String, against: String)
}

/// One score of an answer, its raw map, and the question's part in it.
public struct ExplainedAnswer: Sendable {
    public var score: LogitScore
    /// The score's value, before the softmax.
    public var value: Float
    /// How many answers are likelier than the score's own, plus 1.
    public var rank: Int
    /// Of the score's own answer.
    public var probability: Float
    /// `[u, v]`, signed, at the layer's own resolution.
    public var map: Tensor
    /// Gradient times input, one signed number for each word of the question; nil where it was not asked for.
    public var words: [Float]?
}

/// The answers to one question, the likeliest first, and the maps that were asked for.
public struct AnswerExplanation: Sendable {
    public var question: ReadQuestion
    /// Every answer of the model, the likeliest first, those of equal scores in the model's order.
    public var ranking: [RankedLogit]
    public var layer: String
    public var scores: [ExplainedAnswer]
    public var warnings: [String]
}

/// Explains answers of one model: any answer or pair of answers, all of a question's maps in one backward sweep.
public struct AnswerExplainer {
    public let answerer: Answerer
    /// The stage whose output the maps are drawn over.
    public var layer: String { cut.layer }
    private let cut: EncoderCut
    /// Longer questions are refused: memory grows with the number of words.
    public static let maximumWords = 500

    /// - Throws: ``ExplanationError`` when the encoder has no such layer.
    public init(_ answerer: Answerer, layer: String? = nil) throws {
        self.answerer = answerer
        cut = try EncoderCut(answerer.modelEncoder, layer: layer)
    }

    public typealias Seen = SeenPicture

    /// Runs the encoder once, for any number of questions. picture `[1, height, width, 3]`, prepared.
    public func look(at picture: Tensor) -> Seen { cut.look(at: picture) }

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
    /// - Parameter explainsQuestion: gradient times input for every word of the question as well.
    /// - Throws: ``ExplanationError`` for an answer that the model does not have.
    public func explain(
        _ seen: Seen, question: ReadQuestion, targets: [AnswerTarget], explainsQuestion: Bool = false
    ) throws -> AnswerExplanation {
        cut.checkView(of: seen)
        let tape = Tape()
        let features = tape.leaf(seen.features), embedded = tape.leaf(answerer.model.embed([question.words]).value)
        let logits = answerer.model.logits(
            features: features, embedded: embedded, lengths: [question.words.count], dropout: nil)
        let ranking = RankedLogit.ranking(logits.value)
        let scores = try targets.map { try resolve($0, best: ranking[0].index) }
        var explained: [ExplainedAnswer] = []
        if !scores.isEmpty {
            let gradients = tape.gradients(
                of: logits, seed: LogitScore.seeds(scores, count: answerer.answers.count),
                withRespectTo: explainsQuestion ? [features, embedded] : [features])
            let maps = GradCAM.maps(activations: seen.activations, gradients: seen.atLayer(gradients[0]))
            let words =
                explainsQuestion ? GradientTimesInput.words(embedded: embedded.value, gradients: gradients[1]) : nil
            explained = scores.enumerated().map { k, score in
                let rank = ranking.firstIndex { $0.index == score.index } ?? 0
                return ExplainedAnswer(
                    score: score, value: score.value(logits.value), rank: rank + 1,
                    probability: ranking[rank].probability,
                    map: maps.row(k), words: words?[k])
            }
        }
        return AnswerExplanation(question: question, ranking: ranking, layer: layer, scores: explained, warnings: [])
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
