import Foundation
import Language
import Support
import Tensors
import Vision

/// A model's answers to a set of questions, and how often they are right.
public struct AnswerEvaluation: Sendable {
    public struct Line: Codable, Sendable {
        public var image: String
        public var question: String
        public var answer: String
    }

    /// In the questions' order.
    public var answers: [Line]
    public var scores: AnswerScores

    /// Pictures that go through the encoder together, and questions through the answerer.
    private static let pictures = 8, together = 64
    /// Words behind these are not read: no question is that long.
    private static let maximumWords = 500

    /// Answers `questions`; the encoder sees each picture once. A question of unknown words, or of none, is answered
    /// all the same, as the model reads it.
    /// - Parameters:
    ///   - images: the folder of the pictures.
    ///   - progress: questions answered, of how many.
    /// - Throws: ``DatasetError`` for a picture that is missing, `ImageError` for one that cannot be read,
    ///   ``ModelError`` for a model that gives no numbers.
    public static func run(
        _ answerer: VQAModel, images: URL, questions: [Question], progress: (Int, Int) -> Void = { _, _ in }
    ) throws -> AnswerEvaluation {
        var order: [String] = [], about: [String: [Int]] = [:]
        for (index, question) in questions.enumerated() {
            if about[question.image] == nil { order.append(question.image) }
            about[question.image, default: []].append(index)
        }
        // A missing picture is told at once, not after an hour.
        for name in order where !FileManager.default.fileExists(atPath: images.appendingPathComponent(name).path) {
            throw DatasetError(path: images.path, problem: "the picture '\(name)' is missing")
        }
        let preprocessing = answerer.configuration.preprocessing
        let size = preprocessing.width * preprocessing.height * 3
        let tokenizer = CaptionTokenizer()
        var found = [String](repeating: "", count: questions.count)
        var done = 0
        for from in stride(from: 0, to: order.count, by: pictures) {
            let part = Array(order[from..<min(order.count, from + pictures)])
            let input = Tensor(uninitialized: [part.count, preprocessing.height, preprocessing.width, 3])
            for (i, name) in part.enumerated() {
                let picture = preprocessing.prepare(try Image.read(images.appendingPathComponent(name))).tensor
                (input.pointer + i * size).update(from: picture.pointer, count: size)
                withExtendedLifetime(picture) {}
            }
            let features = answerer.features(input)
            for (i, name) in part.enumerated() {
                let indices = about[name] ?? []
                for first in stride(from: 0, to: indices.count, by: together) {
                    let batch = Array(indices[first..<min(indices.count, first + together)])
                    let words = batch.map {
                        answerer.vocabulary.encode(Array(tokenizer.tokens(questions[$0].text).prefix(maximumWords)))
                    }
                    let scores = answerer.scores(features: features.rows(i..<i + 1), questions: words)
                    for (row, index) in batch.enumerated() {
                        let values = scores.row(row).array
                        try ModelError.check(values, of: answerer.folder, about: name)
                        let best = values.indices.max { values[$0] < values[$1] } ?? 0
                        found[index] = answerer.answers[best]
                    }
                    done += batch.count
                    progress(done, questions.count)
                }
            }
        }
        let lines = zip(questions, found).map { Line(image: $0.image, question: $0.text, answer: $1) }
        return AnswerEvaluation(answers: lines, scores: AnswerAccuracy.score(found, of: questions))
    }

    /// One JSON object a line, keys sorted: `answer`, `image`, `question`.
    public func jsonLines() throws -> String {
        try JSON.lines(answers)
    }
}
