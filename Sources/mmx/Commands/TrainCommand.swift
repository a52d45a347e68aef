import ArgumentParser
import Foundation
import Language
import Tasks

struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train", abstract: "Train a model on your own pictures.",
        subcommands: [TrainCaption.self, TrainVQA.self])
}

struct TrainCaption: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "caption", abstract: "Train a captioner from a folder of images and a captions file.",
        discussion: """
            First the decoder is trained on features of the frozen encoder, computed once; then, with --tune-epochs, \
            the encoder's stages from --tune-from on are trained with it at a smaller step; then, with \
            --reward-epochs, the whole is trained on the CIDEr-D of its own sampled captions. The weights with the \
            best CIDEr-D on the dev split are kept. After each epoch a checkpoint is written; run the same command \
            with --resume to go on after an interruption.
            """)

    @Option(help: ArgumentHelp("Folder of the images.", valueName: "dir")) var images: String
    @Option(help: ArgumentHelp("CSV file 'image,caption', one line a caption.", valueName: "csv")) var captions: String
    @Option(help: ArgumentHelp("File with the names of the training images, one a line.", valueName: "txt"))
    var train: String
    @Option(help: ArgumentHelp("File with the names of the dev images, one a line.", valueName: "txt")) var dev: String
    @Option(
        help: ArgumentHelp(
            "Decoder: \(DecoderConfiguration.Kind.allCases.map(\.rawValue).joined(separator: ", ")).",
            valueName: "name"))
    var decoder = DecoderConfiguration.Kind.showAttendAndTell
    @Option(
        help: ArgumentHelp(
            "Side of the square that pictures are squashed to; the encoder's own by default.", valueName: "pixels"))
    var size: Int?
    @Option(help: "Width of the word embedding.") var embedding = 512
    @Option(help: ArgumentHelp("Words seen less often become <unknown>.", valueName: "count")) var minimumCount = 5
    @Option(help: "Epochs of the decoder on frozen features.") var epochs = 12
    @Option(help: "Learning rate of those epochs.") var learningRate: Float = 8e-4
    @Option(help: "Epochs on the reward of sampled captions (Rennie et al. 2017), from --tune-from on.")
    var rewardEpochs = 0
    @Option(help: "Learning rate of those epochs.") var rewardLearningRate: Float = 8e-5
    @Option(
        help: ArgumentHelp(
            "Phrases of the training captions with boxes, as for mmx data questions: teaches where things are.",
            valueName: "tsv"))
    var phrases: String?
    @Option(help: ArgumentHelp("Weight of what the phrases teach.", valueName: "weight")) var grounding: Float = 1
    @Option(
        help: ArgumentHelp(
            "Start from the decoder of this captioner, a folder or a name, of the same vocabulary and sizes.",
            valueName: "model"))
    var decoderWeights: String?
    @Option(help: "Pictures in a batch.") var batch = 26
    @Option(help: ArgumentHelp("Captions of each picture in a batch.", valueName: "count")) var captionsPerPicture = 5
    @Option(help: "Label smoothing.") var smoothing: Float = 0.1
    @Flag(inversion: .prefixedNo, help: "Show mirrored pictures too.") var flips = true
    @Option(help: ArgumentHelp("File name of the vocabulary, relative to the model folder.", valueName: "path"))
    var vocabularyFile = "vocabulary.txt"
    @OptionGroup var training: TrainingOptions

    func validate() throws {
        try TrainingChecks.check(
            epochs: [epochs, training.tuneEpochs, rewardEpochs],
            learningRates: [learningRate, training.tuneLearningRate, rewardLearningRate], batch: batch,
            smoothing: smoothing, embedding: embedding, minimumCount: minimumCount)
        guard (1...100).contains(captionsPerPicture) else {
            throw ValidationError("--captions-per-picture is in 1...100")
        }
        guard grounding > 0, grounding.isFinite else { throw ValidationError("--grounding is a positive number") }
        if let size, !(16...4096).contains(size) { throw ValidationError("--size is in 16...4096") }
        if size != nil, training.sharedEncoder != nil {
            throw ValidationError("--shared-encoder excludes --size: pictures are prepared as the other model does")
        }
    }

    func run() throws {
        var options = CaptionTrainingOptions()
        (options.encoder, options.decoder) = (training.encoderName, decoder)
        (options.embedding, options.hidden, options.attention) = (embedding, training.hidden, training.attention)
        (options.minimumCount, options.seed, options.batch) = (minimumCount, training.seed, batch)
        options.captionsPerPicture = captionsPerPicture
        (options.dropout, options.labelSmoothing) = (training.dropout, smoothing)
        (options.flips, options.crops) = (flips, training.crops)
        options.grounding = phrases == nil ? 0 : grounding
        options.phases = TrainingPhase.course(
            epochs: epochs, learningRate: learningRate, isEncoderTrained: training.isEncoderTrained,
            tuneEpochs: training.tuneEpochs, tuneLearningRate: training.tuneLearningRate, tuneFrom: training.tuneFrom,
            rewardEpochs: rewardEpochs, rewardLearningRate: rewardLearningRate)
        let folder = URL(fileURLWithPath: images), file = URL(fileURLWithPath: captions)
        func data(_ split: String) throws -> CaptionDataset {
            try CaptionDataset(images: folder, captions: file, split: URL(fileURLWithPath: split))
        }
        let progress = Progress()
        let trainer = try CaptionTrainer(
            options: options, train: data(train), dev: data(dev), encoderWeights: training.weights,
            sharedEncoder: training.shared, phrases: phrases.map { URL(fileURLWithPath: $0) },
            decoder: decoderWeights.map(ModelFolder.find), output: training.folder, vocabularyFile: vocabularyFile,
            size: size
        ) { TrainingReport.show($0, on: progress) }
        try trainer.run(resume: training.resume)
        print(training.output)
    }
}

extension DecoderConfiguration.Kind: ExpressibleByArgument {}
