import Foundation
import Language
import Tensors
import Vision

/// Visual question answering, as ``Trainer`` trains it.
final class VQATask: TrainingTask {
    let options: VQATrainingOptions
    let configuration: VQAConfiguration
    let vocabulary: Vocabulary
    let answers: [String]
    let trainImages: [TrainingImage]
    let devImages: [TrainingImage]
    let dataTexts: [String]
    let dataNames: [String]

    /// A training question: its words and its answer's number.
    private typealias Item = (words: [Int], answer: Int)
    /// By image; an image none of whose answers is known has none.
    private let items: [[Item]]
    /// By image: a dev question's words, and its answer.
    private let devItems: [[AnswerCalibration.Item]]

    /// The place of the head's parameters in the model.
    private static let place = "answerer"

    /// Makes the head's parameters in `model`.
    init(_ options: VQATrainingOptions, train: QuestionDataset, dev: QuestionDataset, model: ModelInTraining) {
        var options = options
        options.encoder = model.encoder.name
        self.options = options
        let tokenizer = CaptionTokenizer()
        let tokens = train.entries.map { $0.questions.map { tokenizer.tokens($0.text) } }
        let vocabulary = Vocabulary(tokens: tokens.flatMap { $0 }, minimumCount: options.minimumCount)
        self.vocabulary = vocabulary
        answers = answerList(train.questions, maximum: options.maximumAnswers)
        let numbers = Dictionary(uniqueKeysWithValues: answers.enumerated().map { ($1, $0) })
        items = zip(train.entries, tokens).map { entry, tokens in
            zip(entry.questions, tokens).compactMap { question, tokens in
                numbers[question.answer].map { (Array(vocabulary.encode(tokens).prefix(options.maximumLength)), $0) }
            }
        }
        devItems = dev.entries.map { entry in
            entry.questions.map { AnswerCalibration.Item($0, vocabulary: vocabulary) }
        }
        dataTexts = (train.questions + dev.questions).map { [$0.image, $0.text, $0.answer].joined(separator: "\n") }
        dataNames = train.names + dev.names
        (trainImages, devImages) = (train.trainingImages, dev.trainingImages)
        let head = VQAHeadConfiguration(
            kind: options.kind, features: model.channels, vocabulary: vocabulary.count, answers: answers.count,
            embedding: options.embedding, hidden: options.hidden, attention: options.attention,
            normalisesImage: options.normalisesImage && options.kind != .questionOnly ? true : nil)
        _ = head.makeHead(model.store.scope()[Self.place])
        configuration = VQAConfiguration(
            encoder: model.encoder, preprocessing: model.preprocessing, sharedEncoder: model.sharedEncoder,
            answerer: head, vocabulary: "vocabulary.txt", answers: "answers.txt")
    }

    /// The training questions whose answer is one of ``answers``.
    var questionCount: Int { items.reduce(0) { $0 + $1.count } }

    func batches(using generator: inout SeededGenerator) -> [[Int]] {
        let images = items.indices.filter { !items[$0].isEmpty }.shuffled(using: &generator)
        return stride(from: 0, to: images.count, by: options.batch).map {
            Array(images[$0..<min(images.count, $0 + options.batch)])
        }
    }

    func loss(_ batch: TrainingBatch, in phase: TrainingPhase, using generator: inout SeededGenerator) -> (
        loss: Variable, shown: Double
    ) {
        let head = configuration.answerer.makeHead(batch.parameters[Self.place])
        let (questions, weights) = Self.rows(
            batch.images.map { Array(items[$0].shuffled(using: &generator).prefix(options.questionsPerPicture)) })
        let dropout = Dropout(rate: options.dropout, seed: generator.next())
        let logits = head.logits(
            features: batch.features, embedded: head.embed(questions.map(\.words)),
            lengths: questions.map(\.words.count), dropout: dropout)
        let loss = crossEntropy(
            logits, targets: questions.map(\.answer), weights: weights, smoothing: options.labelSmoothing)
        return (loss, Double(loss.value.scalar))
    }

    /// As many rows for each image: where it has fewer questions, its first again, with weight 0. The weights of the
    /// questions sum to 1.
    static func rows<Question>(_ chosen: [[Question]]) -> (rows: [Question], weights: [Float]) {
        let most = chosen.map(\.count).max() ?? 0
        let asked = chosen.reduce(0) { $0 + $1.count }
        return (
            chosen.flatMap { $0 + [Question](repeating: $0[0], count: most - $0.count) },
            chosen.flatMap { questions in (0..<most).map { $0 < questions.count ? 1 / Float(asked) : 0 } }
        )
    }

    /// The share of the dev questions that are answered right.
    func devScores(_ parameters: Parameters, features: (Range<Int>) -> Tensor) -> [DevScore] {
        let head = configuration.answerer.makeHead(parameters[Self.place])
        var right = 0
        for from in stride(from: 0, to: devItems.count, by: 32) {
            let images = from..<min(devItems.count, from + 32)
            let rows = images.map { devItems[$0].count }.max() ?? 0
            let words = images.flatMap { image -> [[Int]] in
                devItems[image].map(\.words) + [[Int]](repeating: [], count: rows - devItems[image].count)
            }
            let logits = head.logits(
                features: Variable(features(images)), embedded: head.embed(words), lengths: words.map(\.count),
                dropout: nil
            ).value
            for (i, image) in images.enumerated() {
                for (n, question) in devItems[image].enumerated() {
                    let scores = logits.row(i * rows + n).array
                    let best = scores.indices.max { scores[$0] < scores[$1] } ?? 0
                    if answers[best] == question.answer { right += 1 }
                }
            }
        }
        let all = devItems.reduce(0) { $0 + $1.count }
        return [DevScore(name: "accuracy", value: Double(right) / Double(all), unit: .share)]
    }

    func calibrate(_ calibration: inout Calibration, _ parameters: Parameters, dev: FeatureMaps) throws {
        let found = try AnswerCalibration(
            configuration.answerer.makeHead(parameters[Self.place]), answers: answers, items: devItems, features: dev)
        (calibration.temperature, calibration.kinds) = (found.temperature, found.kinds)
    }

    func save(
        _ state: [String: Tensor], encoder: EncoderConfiguration, calibration: Calibration, to folder: URL
    ) throws {
        var configuration = configuration
        configuration.encoder = encoder
        try VQAModel.save(
            configuration: configuration, vocabulary: vocabulary, answers: answers, state: state, type: .f16,
            calibration: calibration, to: folder)
    }
}

extension QuestionDataset {
    fileprivate var trainingImages: [TrainingImage] { entries.map { ($0.image, imageURL($0.image)) } }
}
