import ArgumentParser
import Foundation
import Language
import Tasks
import Vision

/// The questions that the model is measured with after each epoch.
struct DevQuestionOptions: ParsableArguments {
    @Option(help: ArgumentHelp("File of the dev questions, of the same format.", valueName: "file")) var dev: String?
    @Option(
        help: ArgumentHelp("Folder of the dev questions' images. Without it, that of --images.", valueName: "dir"))
    var devImages: String?
    @Option(
        help: ArgumentHelp("Without --dev, the questions about every n-th image are the dev questions.", valueName: "n")
    )
    var devEvery = 10

    func validate() throws {
        guard devEvery >= 2 else { throw ValidationError("--dev-every is at least 2") }
        if devImages != nil, dev == nil { throw ValidationError("--dev-images goes with --dev") }
    }
}

/// The VQA head in training, its vocabulary and its answers.
struct VQAHeadOptions: ParsableArguments {
    @Option(name: .customLong("answerer"), help: ArgumentHelp("VQA head.", valueName: "name"))
    var kind = VQAHeadConfiguration.Kind.stackedAttention
    @Option(help: ArgumentHelp("Width of the word embedding.", valueName: "n")) var embedding = 256
    @Flag(
        inversion: .prefixedNo,
        help: "Batch normalisation of the feature map's channels. (default: for deeper-lstm and bilinear-attention)")
    var normaliseImage: Bool?
    @Option(help: ArgumentHelp("Words that occur less often become <unknown>.", valueName: "count"))
    var minimumCount = 2
    @Option(help: ArgumentHelp("Answers to choose from: the most frequent ones.", valueName: "count"))
    var maximumAnswers = 1000

    func validate() throws {
        guard (1...1_000_000).contains(maximumAnswers) else { throw ValidationError("--maximum-answers is at least 1") }
    }
}

/// How a VQA model is trained.
struct VQATrainingScheduleOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Epochs of the VQA head on the encoder's features.", valueName: "n")) var epochs = 10
    @Option(help: ArgumentHelp("Learning rate of --epochs.", valueName: "rate")) var learningRate: Float = 1e-3
    @Option(help: ArgumentHelp("Images in a batch.", valueName: "count")) var batch = 32
    @Option(help: ArgumentHelp("Questions about each image in a batch.", valueName: "count"))
    var questionsPerPicture = 8
    @Option(help: ArgumentHelp("Label smoothing.", valueName: "part")) var smoothing: Float = 0
    @Option(
        help: ArgumentHelp(
            """
            Weight of the lesson where to look, from the questions' boxes. (default: 0.5 for bilinear-attention where \
            questions have boxes, otherwise 0)
            """, valueName: "weight"))
    var grounding: Float?
    @Flag(
        inversion: .prefixedNo,
        help: "Also train on mirrored images; left and right change places in questions and answers.")
    var flips = false

    func validate() throws {
        if let grounding, !(0...100).contains(grounding) { throw ValidationError("--grounding is in 0...100") }
        guard (1...1000).contains(questionsPerPicture) else {
            throw ValidationError("--questions-per-picture is in 1...1000")
        }
    }
}

struct TrainVQA: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vqa", abstract: "Train a VQA model on a folder of images and a file of questions.",
        usage: """
            mmx train vqa --images <dir> --questions <file> --output <dir>
                [<options>]
            """,
        discussion: """
              mmx train vqa --images DIR --questions questions.jsonl \\
                  --shared-encoder caption-flickr8k --output my-vqa
                  Train a VQA head on the shipped captioner's encoder.

            First the VQA head is trained on the features of the frozen encoder, which are computed once. Then, with \
            --tune-epochs, the encoder's stages from --tune-from on are trained too, at a smaller learning rate. \
            Without --encoder-weights, the encoder is trained from random weights. With --shared-encoder, the encoder \
            stays as it is, and the model that is written holds the VQA head alone and refers to the other model: keep \
            the two folders side by side. The weights with the best accuracy on the dev questions are kept.

            A checkpoint is written after each epoch. After an interruption, run the same command with --resume.
            """)

    @OptionGroup(title: HelpGroup.data) var data: QuestionOptions
    @OptionGroup(title: HelpGroup.data) var devData: DevQuestionOptions
    @OptionGroup(title: HelpGroup.model) var model: VQAHeadOptions
    @OptionGroup(title: HelpGroup.model) var encoder: EncoderOptions
    @OptionGroup(title: HelpGroup.training) var learning: VQATrainingScheduleOptions
    @OptionGroup(title: HelpGroup.training) var training: TrainingOptions
    @OptionGroup(title: HelpGroup.output) var output: TrainingOutputOptions

    func validate() throws {
        try training.check(encoder)
        try TrainingChecks.check(
            epochs: [learning.epochs, training.tuneEpochs],
            learningRates: [learning.learningRate, training.tuneLearningRate], batch: learning.batch,
            smoothing: learning.smoothing, embedding: model.embedding, minimumCount: model.minimumCount)
    }

    func run() throws {
        var options = VQATrainingOptions()
        let (train, held) = try questions()
        options.setDefaults(of: model.kind, hasBoxes: train.questions.contains { !$0.boxes.isEmpty })
        options.encoder = encoder.name
        (options.embedding, options.hidden, options.attention) = (model.embedding, encoder.hidden, encoder.attention)
        options.normalisesImage = model.normaliseImage ?? options.normalisesImage
        options.grounding = learning.grounding ?? options.grounding
        (options.minimumCount, options.maximumAnswers) = (model.minimumCount, model.maximumAnswers)
        options.seed = training.seed
        (options.batch, options.questionsPerPicture) = (learning.batch, learning.questionsPerPicture)
        (options.dropout, options.labelSmoothing) = (training.dropout, learning.smoothing)
        (options.flips, options.crops) = (learning.flips, training.crops)
        options.phases = TrainingPhase.course(
            epochs: learning.epochs, learningRate: learning.learningRate, isEncoderTrained: encoder.isEncoderTrained,
            tuneEpochs: training.tuneEpochs, tuneLearningRate: training.tuneLearningRate, tuneFrom: training.tuneFrom)
        let progress = Progress()
        let trainer = try VQATrainer(
            options: options, train: train, dev: held, encoderWeights: encoder.weights, sharedEncoder: encoder.shared,
            output: output.folder
        ) { TrainingReport.show($0, on: progress) }
        try trainer.run(resume: output.resume)
        try StandardOutput.print(output.output)
    }

    /// The questions to learn from and those to measure with.
    private func questions() throws -> (train: QuestionDataset, dev: QuestionDataset) {
        let all = try data.read()
        guard let dev = devData.dev else {
            return try QuestionDataset.splitting(
                all, every: devData.devEvery, images: data.folder, path: data.questions)
        }
        let images = devData.devImages.map { URL(fileURLWithPath: $0) } ?? data.folder
        return (
            try QuestionDataset(images: data.folder, questions: all, path: data.questions),
            try QuestionDataset(images: images, questions: try data.read(dev), path: dev)
        )
    }
}

extension VQAHeadConfiguration.Kind: ExpressibleByArgument {
    public init?(argument: String) {
        guard let kind = Self(rawValue: argument), kind.isTrainable else { return nil }
        self = kind
    }

    public static var allValueStrings: [String] { allCases.filter(\.isTrainable).map(\.rawValue) }

    public static var allValueDescriptions: [String: String] {
        [
            "deeper-lstm": "Product of the image's features and the LSTM's state (Lu et al. 2015).",
            "co-attention": "Attention over image and question at once (Lu et al. 2016).",
            "bilinear-attention":
                "Answers' scores that are a sum over the feature map's cells (after Kim et al. 2017).",
            "stacked-attention": "Two steps of attention over the feature map (Yang et al. 2016).",
            "question-only": "A reference that reads the question without the image.",
        ]
    }
}
