import Foundation
import Support

/// The accuracy of answers, overall and by kind of question, as fractions.
public struct AnswerScores: Codable, Equatable, Sendable {
    public struct Score: Codable, Equatable, Sendable {
        public var questions: Int
        /// The share of the questions whose answer equals the expected one exactly.
        public var accuracy: Double
        /// ``VQAMetric`` averaged over the questions; nil where each question has only one given answer.
        public var vqa: Double?
    }

    public var overall: Score
    /// By ``Question/kind``; empty where the file has no kinds.
    public var kinds: [String: Score]

    /// One JSON object in one line, keys sorted.
    public func json() throws -> String {
        try JSON.line(self)
    }

    /// A table for a terminal: one line for each kind, then the whole; in per cent.
    public func table() -> String {
        let rows = kinds.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } + [("all", overall)]
        let width = max(12, (rows.map(\.0.count).max() ?? 0) + 2)
        func padded(_ text: String, _ width: Int) -> String {
            text.padding(toLength: width, withPad: " ", startingAt: 0)
        }
        let head = padded("kind", width) + padded("questions", 12) + "accuracy" + (overall.vqa == nil ? "" : "    VQA")
        let lines = rows.map { name, score in
            padded(name, width) + padded(String(score.questions), 12) + String(format: "%6.2f %%", score.accuracy * 100)
                + (score.vqa.map { String(format: "  %6.2f %%", $0 * 100) } ?? "")
        }
        return ([head] + lines).joined(separator: "\n")
    }
}

/// The scores of predicted answers.
public enum AnswerAccuracy {
    /// All scores are 0 for a set without questions.
    /// - Precondition: one prediction for each question, in their order.
    public static func score(_ predictions: [String], of questions: [Question]) -> AnswerScores {
        precondition(predictions.count == questions.count, "every question needs its prediction")
        var overall = Sum()
        var kinds: [String: Sum] = [:]
        for (prediction, question) in zip(predictions, questions) {
            let one = Sum(
                questions: 1, right: prediction == question.answer ? 1 : 0,
                vqa: VQAMetric.accuracy(prediction, answers: question.answers), several: question.answers.count > 1)
            overall.add(one)
            if !question.kind.isEmpty { kinds[question.kind, default: Sum()].add(one) }
        }
        return AnswerScores(overall: overall.score, kinds: kinds.mapValues(\.score))
    }

    private struct Sum {
        var questions = 0
        var right = 0
        var vqa = 0.0
        var several = false

        mutating func add(_ other: Sum) {
            questions += other.questions
            right += other.right
            vqa += other.vqa
            several = several || other.several
        }

        var score: AnswerScores.Score {
            let count = Double(max(1, questions))
            return .init(questions: questions, accuracy: Double(right) / count, vqa: several ? vqa / count : nil)
        }
    }
}
