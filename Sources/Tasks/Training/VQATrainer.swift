import Foundation
import Language
import Support
import Tensors
import Vision
import Weights

/// Trains an answerer from pictures and questions: on cached features of the encoder, then, if asked, with the
/// encoder's last stages. The best average of the weights by dev accuracy is what is kept.
public final class VQATrainer {
    public let options: VQATrainingOptions
    public let answers: [String]
    let train: QuestionDataset
    let dev: QuestionDataset
    let vocabulary: Vocabulary
    let configuration: VQAConfiguration
    let model: ModelInTraining
    let report: (TrainingEvent) -> Void
    private(set) var log: [VQATrainingEpoch] = []

    /// A training question: its words and its answer's number.
    private typealias Item = (words: [Int], answer: Int)
    /// By picture; pictures none of whose answers is known have none.
    private let items: [[Item]]

    /// - Parameters:
    ///   - encoderWeights: the encoder's own checkpoint (`.pth` or `.safetensors`); nil trains the encoder from
    ///     nothing.
    ///   - sharedEncoder: the folder of another model. The answerer is trained on its encoder as it is, and the model
    ///     that is written refers to it; `options.encoder`, `encoderWeights` and `preprocessing` have no part then.
    ///   - output: the model folder to write; checkpoints and caches go into `training` inside it.
    /// - Throws: ``ModelError`` for an encoder that does not fit, or the readers' own errors.
    public init(
        options: VQATrainingOptions, train: QuestionDataset, dev: QuestionDataset, encoderWeights: URL?,
        sharedEncoder: URL? = nil,
        output: URL, preprocessing: Preprocessing? = nil, report: @escaping (TrainingEvent) -> Void
    ) throws {
        model = try ModelInTraining(
            encoder: .init(shared: sharedEncoder, weights: encoderWeights, name: options.encoder),
            preprocessing: preprocessing, seed: options.seed, averageDecay: options.averageDecay,
            output: output,
            report: report)
        var options = options
        options.encoder = model.encoder.name
        self.options = options
        self.train = train
        self.dev = dev
        self.report = report
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
        let answerer = VQAHeadConfiguration(
            kind: options.kind, features: model.channels, vocabulary: vocabulary.count, answers: answers.count,
            embedding: options.embedding, hidden: options.hidden, attention: options.attention,
            normalisesImage: options.normalisesImage && options.kind != .questionOnly ? true : nil)
        _ = answerer.makeHead(model.store.scope()["answerer"])
        configuration = VQAConfiguration(
            encoder: model.encoder, preprocessing: model.preprocessing, sharedEncoder: model.sharedEncoder,
            answerer: answerer, vocabulary: "vocabulary.txt", answers: "answers.txt")
        let known = items.reduce(0) { $0 + $1.count }
        let parts = [
            "\(known) training questions about \(train.entries.count) pictures "
                + "(\(train.questions.count - known) left out: their answers are too rare)",
            "\(dev.questions.count) dev questions about \(dev.entries.count)", "\(answers.count) answers",
            "\(vocabulary.count) words", "\(model.parameterCount) parameters",
        ]
        report(.note(parts.joined(separator: ", ")))
        let learnt = Set(train.entries.map { train.imageURL($0.image).standardizedFileURL.path })
        let both = dev.entries.count { learnt.contains(dev.imageURL($0.image).standardizedFileURL.path) }
        if both > 0 {
            report(
                .note(
                    "warning: \(both) of the \(dev.entries.count) dev pictures are training pictures too; "
                        + "the dev accuracy says little about new ones"))
        }
    }

    // MARK: The loop

    /// Trains until the last epoch of the last phase.
    /// - Parameter resume: go on from the checkpoint in `output`, if there is one.
    public func run(resume: Bool) throws {
        try model.makeFolder()
        let next = resume ? try restore() ?? 0 : 0
        if next > 0 { report(.note("resuming at epoch \(next + 1) of \(options.epochs)")) }
        try model.run(
            options.phases, from: next, train: runEpoch,
            evaluate: { epoch, loss, start in
                let accuracy = try evaluate(epoch.phase)
                let best = accuracy > (log.map(\.devAccuracy).max() ?? -1)
                log.append(
                    VQATrainingEpoch(
                        epoch: epoch.number + 1, loss: loss, devAccuracy: accuracy,
                        seconds: Date().timeIntervalSince(start), best: best))
                return best
            },
            checkpoint: {
                try model.checkpoint(Run(options: options, model: configuration, log: log), data: dataHash, next: $0)
            },
            report: { if let last = log.last { report(.answerEpoch(last)) } })
        try export()
    }

    /// What a checkpoint keeps beside the tensors.
    private struct Run: Codable {
        var options: VQATrainingOptions
        var model: VQAConfiguration
        var log: [VQATrainingEpoch]
    }

    private func restore() throws -> Int? {
        let found = try model.restore(
            Run.self, data: dataHash,
            isSameRun: {
                // The stretches to train may change: a run may be made longer.
                var compared = $0.options
                compared.phases = options.phases
                return compared == options
            }, isSameModel: { $0.model == configuration })
        if let found { log = found.run.log }
        return found?.next
    }

    private var dataHash: String {
        Fingerprint(
            of: (train.questions + dev.questions).map { [$0.image, $0.text, $0.answer].joined(separator: "\n") }
        ).hexadecimal
    }

    private func runEpoch(_ epoch: RunningEpoch) throws -> Double {
        let cut = try model.cut(from: epoch.phase.from)
        let cache = try cache(cut, of: train, name: "train")
        var generator = ModelInTraining.generator(seed: options.seed, epoch: epoch)
        let pictures = items.indices.filter { !items[$0].isEmpty }.shuffled(using: &generator)
        let batches = stride(from: 0, to: pictures.count, by: options.batch).map {
            Array(pictures[$0..<min(pictures.count, $0 + options.batch)])
        }
        return try model.steps(epoch, batches, cache, using: &generator) { pictures, _, input, generator in
            try step(pictures, input, cut: cut, using: &generator)
        }
    }

    /// One step of the optimiser. input `[M, ...]`: the encoder's stage `cut` onwards is run on it.
    private func step(
        _ pictures: [Int], _ input: Tensor, cut: Int, using generator: inout SeededGenerator
    ) throws -> Double {
        let tape = Tape()
        let p = model.store.scope(on: tape)
        let features = try model.features(input, p, cut: cut)
        let answerer = configuration.answerer.makeHead(p["answerer"])
        let (batch, weights) = Self.rows(
            pictures.map { Array(items[$0].shuffled(using: &generator).prefix(options.questionsPerPicture)) })
        let dropout = Dropout(rate: options.dropout, seed: generator.next())
        let logits = answerer.logits(
            features: features, embedded: answerer.embed(batch.map(\.words)), lengths: batch.map(\.words.count),
            dropout: dropout)
        let loss = crossEntropy(
            logits, targets: batch.map(\.answer), weights: weights, smoothing: options.labelSmoothing)
        model.step(loss, tape, clipNorm: options.clipNorm)
        return Double(loss.value.scalar)
    }

    /// As many rows for each picture: where it has fewer questions, its first again, with weight 0. The weights of the
    /// questions sum to 1.
    static func rows<Question>(_ chosen: [[Question]]) -> (rows: [Question], weights: [Float]) {
        let most = chosen.map(\.count).max() ?? 0, asked = chosen.reduce(0) { $0 + $1.count }
        return (
            chosen.flatMap { $0 + [Question](repeating: $0[0], count: most - $0.count) },
            chosen.flatMap { questions in (0..<most).map { $0 < questions.count ? 1 / Float(asked) : 0 } }
        )
    }

    // MARK: Evaluation

    /// The share of the dev questions that the averaged weights answer right.
    private func evaluate(_ phase: TrainingPhase) throws -> Double {
        let cut = try model.cut(from: phase.from)
        return try model.withAverage {
            let encoder = try model.encoder.makeEncoder(model.store.scope()["encoder"])
            let answerer = configuration.answerer.makeHead(model.store.scope()["answerer"])
            let cache = try cache(cut, of: dev, name: "dev")
            let tokenizer = CaptionTokenizer()
            var right = 0
            for from in stride(from: 0, to: dev.entries.count, by: 32) {
                let entries = Array(from..<min(dev.entries.count, from + 32))
                let features = encoder(Variable(cache.batch(entries)), stages: cut..<encoder.stages.count)
                let rows = entries.map { dev.entries[$0].questions.count }.max() ?? 0
                let words = entries.flatMap { entry -> [[Int]] in
                    let questions = dev.entries[entry].questions.map { vocabulary.encode(tokenizer.tokens($0.text)) }
                    return questions + [[Int]](repeating: [], count: rows - questions.count)
                }
                let logits = answerer.logits(
                    features: features, embedded: answerer.embed(words), lengths: words.map(\.count), dropout: nil
                ).value
                for (i, entry) in entries.enumerated() {
                    for (n, question) in dev.entries[entry].questions.enumerated() {
                        let scores = logits.row(i * rows + n).array
                        let best = scores.indices.max { scores[$0] < scores[$1] } ?? 0
                        if answers[best] == question.answer { right += 1 }
                    }
                }
            }
            return Double(right) / Double(dev.questions.count)
        }
    }

    private func cache(_ cut: Int, of data: QuestionDataset, name: String) throws -> FeatureCache {
        try model.cache(
            cut, images: data.entries.map { ($0.image, data.imageURL($0.image)) },
            augmentation: data === train
                ? Augmentation(crops: options.crops, flips: options.flips, seed: options.seed) : .none, name: name)
    }

    /// Writes the model folder from the best weights.
    private func export() throws {
        var configuration = configuration
        let (state, encoder) = try model.exported()
        configuration.encoder = encoder
        try VQAModel.save(
            configuration: configuration, vocabulary: vocabulary, answers: answers, state: state, type: .f16,
            to: model.output)
    }
}
