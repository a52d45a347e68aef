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

    /// A training question.
    struct Item {
        var words: [Int]
        /// Its index among ``answers``.
        var answer: Int
        /// Words and answer for a mirror image, with left and right exchanged; nil where they are the same.
        var mirrored: (words: [Int], answer: Int)?
        /// In pixels of the image file.
        var boxes: [Rectangle]

        /// The question as it is asked about an image or about its mirror image.
        func shown(isMirrored: Bool) -> Item {
            guard isMirrored, let mirrored else { return self }
            return Item(words: mirrored.words, answer: mirrored.answer, mirrored: nil, boxes: boxes)
        }
    }
    /// By image; an image none of whose answers is known has none.
    private let items: [[Item]]
    /// Where the questions' boxes lie; nil where they are not learnt from.
    private var coverage: BoxCoverage?
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
                Self.item(question, tokens, vocabulary, numbers, longest: options.maximumLength)
            }
        }
        devItems = dev.entries.map { entry in
            entry.questions.map { AnswerCalibration.Item($0, vocabulary: vocabulary) }
        }
        dataTexts = (train.questions + dev.questions).map { question in
            let boxes = options.grounding > 0 ? question.boxes.map { "\($0)" } : []
            return ([question.image, question.text, question.answer] + boxes).joined(separator: "\n")
        }
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
            zip(batch.images, batch.copies).map { image, copy in
                items[image].shuffled(using: &generator).prefix(options.questionsPerPicture).map {
                    $0.shown(isMirrored: options.augmentation.isMirrored(copy: copy))
                }
            })
        let dropout = Dropout(rate: options.dropout, seed: generator.next())
        let (embedded, lengths) = (head.embed(questions.map(\.words)), questions.map(\.words.count))
        func loss(_ logits: Variable) -> Variable {
            crossEntropy(logits, targets: questions.map(\.answer), weights: weights, smoothing: options.labelSmoothing)
        }
        guard let coverage, let head = head as? any AttendingVQAHead else {
            let answered = loss(
                head.logits(features: batch.features, embedded: embedded, lengths: lengths, dropout: dropout))
            return (answered, Double(answered.value.scalar))
        }
        let looked = head.look(features: batch.features, embedded: embedded, lengths: lengths, dropout: dropout)
        let answered = loss(looked.logits)
        let shown = Double(answered.value.scalar)
        guard let scores = looked.scores else { return (answered, shown) }
        let places = Self.places(questions.map(\.boxes), weights: weights, batch, coverage)
        let lesson = (scores.logSoftmax() * Variable(places.reshaped(scores.shape))).sum()
        return (answered + lesson.scaled(by: -options.grounding), shown)
    }

    /// Reads where the training questions' boxes lie.
    /// - Throws: ``ModelError`` for a head that boxes cannot teach, ``DatasetError`` for questions without boxes.
    func readBoxes(of train: QuestionDataset, for output: URL) throws {
        guard options.grounding > 0 else { return }
        let scope = ParameterStore(seed: 1).scope()
        guard configuration.answerer.makeHead(scope) is any AttendingVQAHead else {
            throw ModelError(
                path: output.path,
                problem: "\(options.kind.rawValue) has no attention that boxes could teach; give a weight of grounding "
                    + "of 0, or take bilinear-attention")
        }
        guard items.contains(where: { $0.contains { !$0.boxes.isEmpty } }) else {
            throw DatasetError(
                path: train.names.last ?? "",
                problem: "no question has boxes, from which the attention could learn; give a weight of grounding of 0")
        }
        coverage = try BoxCoverage(
            trainImages, preprocessing: configuration.preprocessing, augmentation: options.augmentation,
            isNeeded: { items[$0].contains { !$0.boxes.isEmpty } })
    }

    /// For each question a distribution over the cells that is uniform over its boxes, `[N, L]`, divided by the number
    /// of questions with boxes; zeros for a question without boxes in this copy of its image.
    private static func places(
        _ boxes: [[Rectangle]], weights: [Float], _ batch: TrainingBatch, _ coverage: BoxCoverage
    ) -> Tensor {
        let (rows, columns) = (batch.features.shape[1], batch.features.shape[2])
        let (times, cells) = (boxes.count / max(1, batch.images.count), rows * columns)
        let places = Tensor([boxes.count, cells])
        var used = 0
        for (n, boxes) in boxes.enumerated() where !boxes.isEmpty && weights[n] > 0 {
            let covered = coverage.cells(
                of: boxes, image: batch.images[n / times], copy: batch.copies[n / times], rows: rows, columns: columns)
            let total = covered.reduce(0, +)
            if total < GroundingBatch.leastCover { continue }
            used += 1
            for (cell, part) in covered.enumerated() { places.pointer[n * cells + cell] = part / total }
        }
        return Variable(places).scaled(by: 1 / Float(max(1, used))).value
    }

    static func item(
        _ question: Question, _ tokens: [String], _ vocabulary: Vocabulary, _ numbers: [String: Int], longest: Int
    ) -> Item? {
        guard let answer = numbers[question.answer] else { return nil }
        func words(_ tokens: [String]) -> [Int] { Array(vocabulary.encode(tokens).prefix(longest)) }
        let sides = ["left": "right", "right": "left"]
        var mirrored: (words: [Int], answer: Int)?
        if tokens.contains(where: { sides[$0] != nil }) || sides[question.answer] != nil {
            let other = sides[question.answer] ?? question.answer
            mirrored = (words(tokens.map { sides[$0] ?? $0 }), numbers[other] ?? answer)
        }
        return Item(words: words(tokens), answer: answer, mirrored: mirrored, boxes: question.boxes)
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
