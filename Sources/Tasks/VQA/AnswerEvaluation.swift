import Foundation
import Language
import Support
import Tensors
import Vision

/// A model's answers to a set of questions, and their accuracy.
public struct AnswerEvaluation: Sendable {
    public struct Line: Codable, Sendable {
        public var image: String
        public var question: String
        public var answer: String
    }

    /// In the questions' order.
    public var answers: [Line]
    public var scores: AnswerScores
    /// What the reader of the images has to say of them.
    public var warnings: [String]

    /// The sizes of the encoder's and the head's batches.
    private static let imagesTogether = 8
    private static let questionsTogether = 64

    /// Answers `questions`; each image is encoded once. Questions without known words are answered too.
    /// - Parameters:
    ///   - images: the folder of the images.
    ///   - imageLimits: the largest image to read.
    ///   - progress: called with the number of answered questions and of all.
    /// - Throws: ``DatasetError`` for an image that is missing, `ImageError` for one that cannot be read,
    ///   ``ModelError`` for scores that are not finite.
    public static func run(
        _ answerer: VQAModel, images: URL, questions: [Question],
        imageLimits: ImageLimits = .standard, progress: (Int, Int) -> Void = { _, _ in }
    ) throws -> AnswerEvaluation {
        var order: [String] = []
        var about: [String: [Int]] = [:]
        for (index, question) in questions.enumerated() {
            if about[question.image] == nil { order.append(question.image) }
            about[question.image, default: []].append(index)
        }
        // A missing image is reported at once, not after an hour.
        for name in order where !FileManager.default.fileExists(atPath: images.appendingPathComponent(name).path) {
            throw DatasetError(path: images.path, problem: "the image '\(name)' is missing")
        }
        let preprocessing = answerer.configuration.preprocessing
        let imagesTogether = preprocessing.hasOneSize ? imagesTogether : 1
        var found = [String](repeating: "", count: questions.count)
        var done = 0
        var warnings: [String] = []
        for from in stride(from: 0, to: order.count, by: imagesTogether) {
            let part = Array(order[from..<min(order.count, from + imagesTogether)])
            let images = try part.map { name in
                let photo = try DecodedImage(
                    contentsOf: images.appendingPathComponent(name), limits: imageLimits)
                warnings += photo.warnings
                return preprocessing.prepare(photo.image).tensor
            }
            let features = answerer.features(FeatureMaps.joined(images))
            for (i, name) in part.enumerated() {
                let indices = about[name] ?? []
                for first in stride(from: 0, to: indices.count, by: questionsTogether) {
                    let batch = Array(indices[first..<min(indices.count, first + questionsTogether)])
                    let words = batch.map {
                        answerer.vocabulary.encode(
                            Array(answerer.tokens(of: questions[$0].text).prefix(VQAModel.maximumWords)))
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
        return AnswerEvaluation(answers: lines, scores: AnswerAccuracy.score(found, of: questions), warnings: warnings)
    }

    /// JSON Lines, one object for each question, keys sorted: `answer`, `image`, `question`.
    public func jsonLines() throws -> String {
        try JSON.lines(answers)
    }
}
