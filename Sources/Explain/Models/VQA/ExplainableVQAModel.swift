import Foundation
import Support
import Tasks
import Tensors

/// A VQA model explains its answers: the input is a question as the model reads it.
extension VQAModel: ExplainableModel {
    /// The question, as the model reads it.
    public typealias Input = ReadQuestion
    /// Answers and contrasts of answers.
    public typealias Request = ChoiceTarget
    /// The question, and every answer with its logit and its probability.
    public typealias Output = AnswerOutput
    /// An answer and its rank.
    public typealias Subject = AnswerSubject

    /// `maps` of the model's `config.json`.
    public var mapConfiguration: MapConfiguration? { configuration.maps }

    /// The outputs are the logits of all answers, `[1, answers]`; the words of the question have contributions.
    public func read(
        _ question: ReadQuestion, features: Variable, on tape: Tape, options: ExplanationOptions
    ) -> HeadReading<VQAModel> {
        let embedded = tape.leaf(head.embed([question.words]).value)
        let logits = head.logits(
            features: features, embedded: embedded, lengths: [question.words.count], dropout: nil)
        let ranking = RankedChoice.ranking(logits.value)
        return HeadReading(
            output: AnswerOutput(question: question, ranking: ranking),
            head: modelHead(question, features: features.value),
            outputs: logits,
            wordContributions: { targets in
                let seed = LinearTarget.seeds(targets, width: logits.shape[1])
                let gradients = tape.gradients(of: logits, seed: seed, withRespectTo: [embedded])[0]
                return WordContributions.words(embedded: embedded.value, gradients: gradients)
            }, targets: { [try target($0, ranking: ranking)] })
    }

    /// The head that reads this question, for any feature maps.
    private func modelHead(_ question: ReadQuestion, features: Tensor) -> ModelHead {
        let head = head, length = question.words.count
        return ModelHead(
            name: configuration.answerer.kind.rawValue,
            attention: { _ in
                let embedded = head.embed([question.words]).value
                return head.attention(features: features, embedded: embedded, lengths: [length])?.row(0)
            },
            outputs: { features in
                let questions = Array(repeating: question.words, count: features.shape[0])
                return head.logits(
                    features: features, embedded: head.embed(questions), lengths: questions.map(\.count), dropout: nil)
            })
    }

    private func target(_ request: ChoiceTarget, ranking: [RankedChoice]) throws -> ResolvedTarget<AnswerSubject> {
        func answer(_ index: Int) -> String { answers[index] }
        let choices = try request.choices(.unknownAnswer, "answer", index: index(ofAnswer:), name: answer)
        return ranking.target(choices, name: answer) { choice, against, rank in
            AnswerSubject(
                answer: answer(choice.index), against: against.map(answer), rank: rank, probability: choice.probability)
        }
    }

    /// The index of an answer: as it stands in the model's list, or else without regard to case and outer spaces.
    /// - Throws: ``ExplanationError`` with the nearest answers for one that is not in the list.
    public func index(ofAnswer text: String) throws -> Int {
        if let index = answers.firstIndex(of: text) { return index }
        func plain(_ text: String) -> String { text.lowercased().trimmingCharacters(in: .whitespaces) }
        let wanted = plain(text)
        if let index = answers.firstIndex(where: { plain($0) == wanted }) { return index }
        let near = nearestNames(to: wanted, in: answers)
        let known =
            near.isEmpty
            ? "; it has \(answers.count) answers, none of them near"
            : "; the nearest it can give: \(near.joined(separator: ", "))"
        throw ExplanationError(
            kind: .unknownAnswer, description: "the model has no answer '\(text.prefix(80))'\(known)")
    }
}
