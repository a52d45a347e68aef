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
        let ranking = RankedChoice.ranking(logits.value, calibration)
        return HeadReading(
            output: AnswerOutput(question: question, ranking: ranking),
            head: modelHead(question, features: features.value),
            outputs: logits,
            wordContributions: { targets in
                let seed = LinearTarget.seeds(targets, width: logits.shape[1])
                let gradients = tape.gradients(of: logits, seed: seed, withRespectTo: [embedded])[0]
                return WordContributions.words(embedded: embedded.value, gradients: gradients)
            },
            evidence: evidence(question, embedded: embedded.value, logits: logits.value),
            wordEvidence: { wordEvidence(of: $0, question, features: features.value, logits: logits.value) },
            targets: { [try target($0, ranking: ranking)] })
    }

    /// What the image says of the answers, and what the question alone says.
    private func evidence(_ question: ReadQuestion, embedded: Tensor, logits: Tensor) -> EvidenceReading {
        let lengths = [question.words.count]
        let noImage = calibration.map { calibration in
            let images = calibration.typicalFeatures.shape[0]
            return head.logits(
                features: Variable(calibration.typicalFeatures),
                embedded: head.embed([[Int]](repeating: question.words, count: images)),
                lengths: [Int](repeating: question.words.count, count: images), dropout: nil
            ).value
        }
        let language = head.questionScores(embedded: Variable(embedded), lengths: lengths)
        return EvidenceReading(
            width: logits.count, image: calibration.logProbabilities(of: logits),
            noImage: calibration.withoutImage(noImage),
            scores: logits, language: language?.value)
    }

    /// What each word of the question adds to targets, in nats: log p of the answer, or of a contrast, less that for
    /// the question without the word; `[S][T]`. All shorter questions run as one batch.
    private func wordEvidence(
        of targets: [LinearTarget], _ question: ReadQuestion, features: Tensor, logits: Tensor
    ) -> [[Float]] {
        let shorter = question.words.indices.map { without in
            question.words.enumerated().filter { $0.offset != without }.map(\.element)
        }
        let without = calibration.logProbabilities(of: scores(features: features, questions: shorter))
        let with = calibration.logProbabilities(of: logits)
        return targets.map { target in
            let value = target.values(with)[0]
            return target.values(without).map { value - $0 }
        }
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
            cellScores: { target in
                let embedded = head.embed([question.words]).value
                guard let scores = head.regionScores(features: features, embedded: embedded, lengths: [length]),
                    scores.shape[1] == features.shape[1] * features.shape[2]
                else { return nil }
                return Tensor(Array(features.shape[1...2]), target.values(scores.row(0)))
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
