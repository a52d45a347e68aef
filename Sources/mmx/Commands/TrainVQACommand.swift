import ArgumentParser
import Foundation
import Language
import Tasks

struct TrainVQA: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vqa",
        abstract: "Train a model that answers questions from a folder of images and a file of questions.",
        discussion: """
            The answerer is trained on features of the frozen encoder, computed once; then, with --tune-epochs, the \
            encoder's stages from --tune-from on are trained with it at a smaller step. Without --encoder-weights, \
            the encoder is trained from nothing. With --shared-encoder, the encoder is another model's and stays as \
            it is: the model that is written refers to that model and holds the answerer alone; keep the two side by \
            side. The weights with the best accuracy on the dev questions are kept. After each epoch a checkpoint is \
            written; run the same command with --resume to go on after an interruption.
            """)

    @OptionGroup var data: QuestionOptions
    @Option(help: ArgumentHelp("File of the dev questions, of the same format.", valueName: "file")) var dev: String?
    @Option(help: ArgumentHelp("Folder of the dev questions' images, where it is another.", valueName: "dir"))
    var devImages: String?
    @Option(help: ArgumentHelp("Without --dev: every n-th image's questions are kept for dev.", valueName: "n"))
    var devEvery = 10
    @Option(
        name: .customLong("answerer"),
        help: ArgumentHelp(
            "VQA head: \(VQAHeadConfiguration.Kind.allCases.map(\.rawValue).joined(separator: ", ")).",
            valueName: "name"))
    var kind = VQAHeadConfiguration.Kind.stackedAttention
    @Option(help: "Width of the word embedding.") var embedding = 256
    @Flag(
        inversion: .prefixedNo,
        help: "Batch normalisation of the feature map's channels; by default for deeper-lstm only.")
    var normaliseImage: Bool?
    @Option(help: ArgumentHelp("Words seen less often become <unknown>.", valueName: "count")) var minimumCount = 2
    @Option(help: ArgumentHelp("The most frequent answers to choose among.", valueName: "count"))
    var maximumAnswers = 1000
    @Option(help: "Epochs of the answerer on frozen features.") var epochs = 10
    @Option(help: "Learning rate of those epochs.") var learningRate: Float = 1e-3
    @Option(help: "Pictures in a batch.") var batch = 32
    @Option(help: ArgumentHelp("Questions of each picture in a batch.", valueName: "count")) var questionsPerPicture = 8
    @Option(help: "Label smoothing.") var smoothing: Float = 0
    @Flag(inversion: .prefixedNo, help: "Show mirrored pictures too (wrong for questions of left and right).")
    var flips = false
    @OptionGroup var training: TrainingOptions

    func validate() throws {
        try TrainingChecks.check(
            epochs: [epochs, training.tuneEpochs], learningRates: [learningRate, training.tuneLearningRate],
            batch: batch,
            smoothing: smoothing, embedding: embedding, minimumCount: minimumCount)
        guard (1...1000).contains(questionsPerPicture) else {
            throw ValidationError("--questions-per-picture is in 1...1000")
        }
        guard (1...1_000_000).contains(maximumAnswers) else { throw ValidationError("--maximum-answers is at least 1") }
        guard devEvery >= 2 else { throw ValidationError("--dev-every is at least 2") }
        if devImages != nil, dev == nil { throw ValidationError("--dev-images goes with --dev") }
    }

    func run() throws {
        var options = VQATrainingOptions()
        (options.encoder, options.kind) = (training.encoderName, kind)
        (options.embedding, options.hidden, options.attention) = (embedding, training.hidden, training.attention)
        options.normalisesImage = normaliseImage ?? (kind == .deeperLSTM)
        (options.minimumCount, options.maximumAnswers, options.seed) = (minimumCount, maximumAnswers, training.seed)
        (options.batch, options.questionsPerPicture) = (batch, questionsPerPicture)
        (options.dropout, options.labelSmoothing) = (training.dropout, smoothing)
        (options.flips, options.crops) = (flips, training.crops)
        options.phases = TrainingPhase.course(
            epochs: epochs, learningRate: learningRate, isEncoderTrained: training.isEncoderTrained,
            tuneEpochs: training.tuneEpochs, tuneLearningRate: training.tuneLearningRate, tuneFrom: training.tuneFrom)
        let (train, held) = try questions()
        let progress = Progress()
        let trainer = try VQATrainer(
            options: options, train: train, dev: held, encoderWeights: training.weights, sharedEncoder: training.shared,
            output: training.folder
        ) { TrainingReport.show($0, on: progress) }
        try trainer.run(resume: training.resume)
        print(training.output)
    }

    /// The questions to learn from and those to measure with.
    private func questions() throws -> (train: QuestionDataset, dev: QuestionDataset) {
        let all = try data.read()
        guard let dev else {
            return try QuestionDataset.splitting(all, every: devEvery, images: data.folder, path: data.questions)
        }
        return (
            try QuestionDataset(images: data.folder, questions: all, path: data.questions),
            try QuestionDataset(
                images: devImages.map { URL(fileURLWithPath: $0) } ?? data.folder, questions: try data.read(dev),
                path: dev)
        )
    }
}

extension VQAHeadConfiguration.Kind: ExpressibleByArgument {}
