import ArgumentParser
import Foundation
import Language
import Tasks
import Vision

struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train", abstract: "Train a model on your own pictures.", subcommands: [TrainCaption.self, TrainVQA.self])
}

struct TrainCaption: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "caption", abstract: "Train a captioner from a folder of images and a captions file.",
        discussion: """
            First the decoder is trained on features of the frozen encoder, computed once; then, with --tune-epochs, the \
            encoder's stages from --tune-from on are trained with it at a smaller step; then, with --reward-epochs, the whole \
            is trained on the CIDEr-D of its own sampled captions. The weights with the best CIDEr-D on the dev split are kept. \
            After each epoch a checkpoint is written; run the same command with --resume to go on after an interruption.
            """)

    @Option(help: ArgumentHelp("Folder of the images.", valueName: "dir"))
    var images: String
    @Option(help: ArgumentHelp("CSV file 'image,caption', one line a caption.", valueName: "csv"))
    var captions: String
    @Option(help: ArgumentHelp("File with the names of the training images, one a line.", valueName: "txt"))
    var train: String
    @Option(help: ArgumentHelp("File with the names of the dev images, one a line.", valueName: "txt"))
    var dev: String
    @Option(name: .shortAndLong, help: ArgumentHelp("Model folder to write.", valueName: "dir"))
    var output: String
    @Option(help: ArgumentHelp("Encoder: \(EncoderConfiguration.names.joined(separator: ", ")).", valueName: "name"))
    var encoder = "efficientnet-lite2"
    @Option(
        help: ArgumentHelp(
            "The encoder's pretrained weights (.pth or .safetensors), or another model's model.safetensors; without, it is trained from nothing.",
            valueName: "file"))
    var encoderWeights: String?
    @Option(help: ArgumentHelp("Decoder: \(DecoderConfiguration.Kind.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "name"))
    var decoder = DecoderConfiguration.Kind.showAttendAndTell
    @Option(help: ArgumentHelp("Side of the square that pictures are squashed to; the encoder's own by default.", valueName: "pixels"))
    var size: Int?
    @Option(help: "Width of the word embedding.") var embedding = 512
    @Option(help: "Width of the LSTM.") var hidden = 512
    @Option(help: "Width of the attention.") var attention = 256
    @Option(help: ArgumentHelp("Words seen less often become <unknown>.", valueName: "count")) var minimumCount = 5
    @Option(help: "Epochs of the decoder on frozen features.") var epochs = 12
    @Option(help: "Learning rate of those epochs.") var learningRate: Float = 8e-4
    @Option(help: "Epochs with the encoder's last stages.") var tuneEpochs = 0
    @Option(help: ArgumentHelp("First stage that is trained then, and in the reward's epochs.", valueName: "stage"))
    var tuneFrom: String?
    @Option(help: "Learning rate of those epochs.") var tuneLearningRate: Float = 2e-4
    @Option(help: "Epochs on the reward of sampled captions (Rennie et al. 2017).") var rewardEpochs = 0
    @Option(help: "Learning rate of those epochs.") var rewardLearningRate: Float = 8e-5
    @Option(help: "Pictures in a batch.") var batch = 26
    @Option(help: ArgumentHelp("Captions of each picture in a batch.", valueName: "count")) var captionsPerPicture = 5
    @Option(help: "Dropout.") var dropout: Float = 0.4
    @Option(help: "Label smoothing.") var smoothing: Float = 0.1
    @Flag(inversion: .prefixedNo, help: "Show mirrored pictures too.") var flips = true
    @Option(help: "Show random crops too: this many of each picture.") var crops = 0
    @Option(help: ArgumentHelp("File name of the vocabulary, relative to the model folder.", valueName: "path"))
    var vocabularyFile = "vocabulary.txt"
    @Option(help: "Seed of every random choice.") var seed: UInt64 = 1
    @Flag(help: "Go on from the checkpoint in the output folder.") var resume = false

    func validate() throws {
        guard epochs >= 0, tuneEpochs >= 0, rewardEpochs >= 0, epochs + tuneEpochs + rewardEpochs > 0 else {
            throw ValidationError("there is no epoch to train")
        }
        guard (1...4096).contains(batch), (1...100).contains(captionsPerPicture) else {
            throw ValidationError("--batch and --captions-per-picture must be at least 1")
        }
        guard (0...100).contains(crops) else { throw ValidationError("--crops is in 0...100") }
        guard (0..<1).contains(dropout), (0..<1).contains(smoothing) else {
            throw ValidationError("--dropout and --smoothing are in 0..<1")
        }
        guard [embedding, hidden, attention].allSatisfy({ (1...16_384).contains($0) }) else {
            throw ValidationError("--embedding, --hidden and --attention are in 1...16384")
        }
        if let size, !(16...4096).contains(size) { throw ValidationError("--size is in 16...4096") }
        if tuneEpochs > 0, tuneFrom == nil { throw ValidationError("--tune-epochs needs --tune-from STAGE") }
    }

    func run() throws {
        var options = CaptionTrainingOptions()
        options.encoder = encoder
        options.decoder = decoder
        (options.embedding, options.hidden, options.attention) = (embedding, hidden, attention)
        (options.minimumCount, options.seed, options.batch) = (minimumCount, seed, batch)
        options.captionsPerPicture = captionsPerPicture
        (options.dropout, options.labelSmoothing, options.flips, options.crops) = (dropout, smoothing, flips, crops)
        options.phases = [
            .init(kind: .words, epochs: epochs, learningRate: learningRate, from: encoderWeights == nil ? firstStage : nil, encoderScale: 1),
            .init(kind: .words, epochs: tuneEpochs, learningRate: tuneLearningRate, from: tuneFrom),
            .init(kind: .reward, epochs: rewardEpochs, learningRate: rewardLearningRate, from: tuneFrom),
        ].filter { $0.epochs > 0 }
        var preprocessing: Preprocessing?
        if let size {
            let usual = try EncoderConfiguration(name: encoder, folded: true).defaultPreprocessing()
            preprocessing = Preprocessing(
                width: size, height: size, fit: .squash, filter: usual.filter, mean: usual.mean, std: usual.std)
        }
        let imageFolder = URL(fileURLWithPath: images), captionFile = URL(fileURLWithPath: captions)
        let progress = Progress()
        let trainer = try CaptionTrainer(
            options: options,
            train: CaptionDataset(images: imageFolder, captions: captionFile, split: URL(fileURLWithPath: train)),
            dev: CaptionDataset(images: imageFolder, captions: captionFile, split: URL(fileURLWithPath: dev)),
            encoderWeights: encoderWeights.map { URL(fileURLWithPath: $0) }, output: URL(fileURLWithPath: output),
            vocabularyFile: vocabularyFile, preprocessing: preprocessing
        ) { TrainingReport.show($0, on: progress) }
        try trainer.run(resume: resume)
        print(output)
    }

    private var firstStage: String { encoder == "tiny" ? "conv1" : "_conv_stem" }
}

extension DecoderConfiguration.Kind: ExpressibleByArgument {}
