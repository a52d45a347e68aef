import ArgumentParser
import Foundation
import Language
import Tasks
import Vision

struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train", abstract: "Train a model on your own images.",
        discussion: """
              mmx train caption --images DIR --captions captions.csv \\
                  --train train.txt --dev dev.txt --output my-captioner
                  Train a captioner.
              mmx train vqa --images DIR --questions questions.jsonl --output my-vqa
                  Train a VQA model.
            """, subcommands: [TrainCaption.self, TrainVQA.self])
}

/// Images with captions, and the two splits.
struct CaptionTrainingDataOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Folder of the images.", valueName: "dir")) var images: String
    @Option(help: ArgumentHelp("CSV file with a line 'image,caption' for each caption.", valueName: "csv"))
    var captions: String
    @Option(help: ArgumentHelp("File with the names of the training images, one a line.", valueName: "txt"))
    var train: String
    @Option(help: ArgumentHelp("File with the names of the dev images, one a line.", valueName: "txt")) var dev: String
    @Option(
        help: ArgumentHelp(
            """
            Phrases of the training captions with boxes, as for mmx data questions. They teach the decoder's visual \
            term where things are.
            """, valueName: "tsv"))
    var phrases: String?
    @Option(
        help: ArgumentHelp(
            """
            Captions of images that are not there, 'image,caption' as in --captions. Feature maps are made up for \
            them, so that the decoder learns words and sentences that no image shows. Needs --text-words, \
            --text-classifier and --phrases.
            """, valueName: "csv"))
    var text: String?
    @Option(
        help: ArgumentHelp(
            """
            Words and the encoder's classes that show them: a line 'words', tab, 'classes', as \
            vocab/imagenet-words.tsv.
            """, valueName: "tsv"))
    var textWords: String?
    @Option(
        help: ArgumentHelp("The encoder's checkpoint with its classifier, for --text-words.", valueName: "file"))
    var textClassifier: String?

    /// The files of captions without images.
    /// - Throws: `ValidationError` where some of them are missing.
    func captionText() throws -> CaptionText? {
        let files = [text, textWords, textClassifier].map { $0.map { URL(fileURLWithPath: $0) } }
        guard let captions = files[0], let words = files[1], let classifier = files[2] else {
            if files.allSatisfy({ $0 == nil }) { return nil }
            throw ValidationError("--text, --text-words and --text-classifier go together")
        }
        if phrases == nil { throw ValidationError("--text needs --phrases: the things of a text are placed in boxes") }
        return CaptionText(captions: captions, words: words, classifier: classifier)
    }
}

/// The decoder of a captioner in training, its vocabulary and its input.
struct DecoderOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Decoder.", valueName: "name")) var decoder = DecoderConfiguration.Kind.showAttendAndTell
    @Option(
        help: ArgumentHelp(
            """
            Start from the decoder of this captioner (a folder or a name), of the same sizes, whose words these \
            captions have. Of a decoder of another kind, what both have is taken.
            """,
            valueName: "model"))
    var decoderWeights: String?
    @Option(
        help: ArgumentHelp(
            "Side of the square that images are resized to. Without it, the encoder's own.", valueName: "pixels"))
    var size: Int?
    @Option(help: ArgumentHelp("Width of the word embedding.", valueName: "n")) var embedding = 512
    @Option(help: ArgumentHelp("Words that occur less often become <unknown>.", valueName: "count"))
    var minimumCount = 5
    @Option(
        help: ArgumentHelp(
            "Words of --text that occur at least so often are words of the vocabulary too.", valueName: "count"))
    var textMinimumCount = 50
    @Option(help: ArgumentHelp("File of the vocabulary, relative to the model folder.", valueName: "path"))
    var vocabularyFile = "vocabulary.txt"

    func validate() throws {
        guard textMinimumCount > 0 else { throw ValidationError("--text-minimum-count is at least 1") }
        if let size, !(16...4096).contains(size) { throw ValidationError("--size is in 16...4096") }
    }
}

/// How a captioner is trained.
struct CaptionTrainingScheduleOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Epochs of the decoder on the encoder's features.", valueName: "n")) var epochs = 12
    @Option(help: ArgumentHelp("Learning rate of --epochs.", valueName: "rate")) var learningRate: Float = 8e-4
    @Option(
        help: ArgumentHelp(
            "Last epochs, on the CIDEr-D of sampled captions (Rennie et al. 2017), from --tune-from on.", valueName: "n"
        ))
    var rewardEpochs = 0
    @Option(help: ArgumentHelp("Learning rate of --reward-epochs.", valueName: "rate"))
    var rewardLearningRate: Float = 8e-5
    @Option(help: ArgumentHelp("Weight of the loss on --phrases.", valueName: "weight")) var grounding: Float = 1
    @Option(
        help: ArgumentHelp(
            "Weight of the lesson where to look before the head word of one of the --phrases; 0 for none.",
            valueName: "weight"))
    var attentionGrounding: Float = 0
    @Option(help: ArgumentHelp("Images in a batch.", valueName: "count")) var batch = 26
    @Option(help: ArgumentHelp("Captions of each image in a batch.", valueName: "count")) var captionsPerPicture = 5
    @Option(help: ArgumentHelp("Label smoothing.", valueName: "part")) var smoothing: Float = 0.1
    @Option(
        help: ArgumentHelp("Images made up for --text in an epoch, as a multiple of the images.", valueName: "part"))
    var textShare: Float = 1
    @Option(
        help: ArgumentHelp(
            "Weight of the cross-entropy of --text in --reward-epochs, relative to the reward's loss.",
            valueName: "weight"))
    var textWeight: Float = 0.3
    @Flag(inversion: .prefixedNo, help: "Also train on mirrored images.") var flips = true

    func validate() throws {
        guard (1...100).contains(captionsPerPicture) else {
            throw ValidationError("--captions-per-picture is in 1...100")
        }
        guard grounding > 0, grounding.isFinite else { throw ValidationError("--grounding is a positive number") }
        guard (0...100).contains(textWeight) else { throw ValidationError("--text-weight is in 0...100") }
        guard (0.01...100).contains(textShare) else { throw ValidationError("--text-share is in 0.01...100") }
        guard (0...100).contains(attentionGrounding) else {
            throw ValidationError("--attention-grounding is in 0...100")
        }
    }
}

struct TrainCaption: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "caption", abstract: "Train a captioner on a folder of images and a file of captions.",
        usage: """
            mmx train caption --images <dir> --captions <csv> --train <txt>
                --dev <txt> --output <dir> [<options>]
            """,
        discussion: """
              mmx train caption --images DIR --captions captions.csv \\
                  --train train.txt --dev dev.txt --output my-captioner \\
                  --encoder-weights efficientnet-lite2.pth
                  Train a decoder on a pretrained encoder.

            First the decoder is trained on the features of the frozen encoder, which are computed once. Then, with \
            --tune-epochs, the encoder's stages from --tune-from on are trained too, at a smaller learning rate. Then, \
            with --reward-epochs, the model is trained on the CIDEr-D of captions that it samples. The weights with \
            the best CIDEr-D on the dev split are kept.

            A checkpoint is written after each epoch. After an interruption, run the same command with --resume.
            """)

    @OptionGroup(title: HelpGroup.data) var data: CaptionTrainingDataOptions
    @OptionGroup(title: HelpGroup.model) var model: DecoderOptions
    @OptionGroup(title: HelpGroup.model) var encoder: EncoderOptions
    @OptionGroup(title: HelpGroup.training) var learning: CaptionTrainingScheduleOptions
    @OptionGroup(title: HelpGroup.training) var training: TrainingOptions
    @OptionGroup(title: HelpGroup.output) var output: TrainingOutputOptions

    func validate() throws {
        try training.check(encoder)
        try TrainingChecks.check(
            epochs: [learning.epochs, training.tuneEpochs, learning.rewardEpochs],
            learningRates: [learning.learningRate, training.tuneLearningRate, learning.rewardLearningRate],
            batch: learning.batch, smoothing: learning.smoothing, embedding: model.embedding,
            minimumCount: model.minimumCount)
        if learning.attentionGrounding > 0, data.phrases == nil {
            throw ValidationError("--attention-grounding needs --phrases: their boxes are the lesson")
        }
        if try data.captionText() != nil, training.tuneFrom != nil {
            throw ValidationError("--text excludes --tune-from: its feature maps are those of a frozen encoder")
        }
        if model.size != nil, encoder.sharedEncoder != nil {
            throw ValidationError("--shared-encoder excludes --size: images are prepared as the other model does")
        }
    }

    func run() throws {
        var options = CaptionTrainingOptions()
        (options.encoder, options.decoder) = (encoder.name, model.decoder)
        (options.embedding, options.hidden, options.attention) = (model.embedding, encoder.hidden, encoder.attention)
        (options.minimumCount, options.seed, options.batch) = (model.minimumCount, training.seed, learning.batch)
        options.captionsPerPicture = learning.captionsPerPicture
        (options.textMinimumCount, options.textShare) = (model.textMinimumCount, learning.textShare)
        options.textWeight = learning.textWeight
        (options.dropout, options.labelSmoothing) = (training.dropout, learning.smoothing)
        (options.flips, options.crops) = (learning.flips, training.crops)
        options.grounding = data.phrases == nil ? 0 : learning.grounding
        options.attentionGrounding = learning.attentionGrounding
        options.phases = TrainingPhase.course(
            epochs: learning.epochs, learningRate: learning.learningRate, isEncoderTrained: encoder.isEncoderTrained,
            tuneEpochs: training.tuneEpochs, tuneLearningRate: training.tuneLearningRate, tuneFrom: training.tuneFrom,
            rewardEpochs: learning.rewardEpochs, rewardLearningRate: learning.rewardLearningRate)
        let folder = URL(fileURLWithPath: data.images)
        let file = URL(fileURLWithPath: data.captions)
        func dataset(_ split: String) throws -> CaptionDataset {
            try CaptionDataset(images: folder, captions: file, split: URL(fileURLWithPath: split))
        }
        let progress = Progress()
        let trainer = try CaptionTrainer(
            options: options, train: dataset(data.train), dev: dataset(data.dev), encoderWeights: encoder.weights,
            sharedEncoder: encoder.shared, phrases: data.phrases.map { URL(fileURLWithPath: $0) },
            text: data.captionText(),
            decoder: model.decoderWeights.map(ModelFolder.find), output: output.folder,
            vocabularyFile: model.vocabularyFile, size: model.size
        ) { TrainingReport.show($0, on: progress) }
        try trainer.run(resume: output.resume)
        try StandardOutput.print(output.output)
    }
}

extension DecoderConfiguration.Kind: ExpressibleByArgument {
    public init?(argument: String) {
        guard let kind = Self(rawValue: argument), kind.isTrainable else { return nil }
        self = kind
    }

    public static var allValueStrings: [String] { allCases.filter(\.isTrainable).map(\.rawValue) }

    public static var allValueDescriptions: [String: String] {
        [
            "show-and-tell": "An LSTM that sees the image once, at the start (Vinyals et al. 2015).",
            "show-attend-and-tell": "An LSTM with attention over the feature map (Xu et al. 2015).",
            "bilinear-attention":
                "An LSTM of the words, and scores that are a sum over the feature map's cells (after Kim et al. 2017).",
        ]
    }
}
