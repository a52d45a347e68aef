import ArgumentParser
import Foundation
import Language
import Tasks
import Vision

struct TrainVQA: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vqa", abstract: "Train a model that answers questions from a folder of images and a file of questions.",
        discussion: """
            The answerer is trained on features of the frozen encoder, computed once; then, with --tune-epochs, the encoder's \
            stages from --tune-from on are trained with it at a smaller step. Without --encoder-weights, the encoder is trained \
            from nothing. With --shared-encoder, the encoder is another model's and stays as it is: the model that is written \
            refers to that model and holds the answerer alone; keep the two side by side. The weights with the best accuracy on \
            the dev questions are kept. After each epoch a checkpoint is written; run the same command with --resume to go on \
            after an interruption.
            """)

    @Option(help: ArgumentHelp("Folder of the images.", valueName: "dir")) var images: String
    @Option(help: ArgumentHelp("File of the training questions.", valueName: "file")) var questions: String
    @Option(help: ArgumentHelp("Their format: \(QuestionFormat.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "name"))
    var format = QuestionFormat.jsonl
    @Option(help: ArgumentHelp("File of the dev questions, of the same format.", valueName: "file")) var dev: String?
    @Option(help: ArgumentHelp("Folder of the dev questions' images, where it is another.", valueName: "dir")) var devImages: String?
    @Option(help: ArgumentHelp("Without --dev: every n-th image's questions are kept for dev.", valueName: "n")) var devEvery = 10
    @Flag(help: "Leave out the questions whose answer has several words.") var singleWord = false
    @Option(name: .shortAndLong, help: ArgumentHelp("Model folder to write.", valueName: "dir")) var output: String
    @Option(
        help: ArgumentHelp(
            "Encoder: \(EncoderConfiguration.names.joined(separator: ", ")); \(AnswerTrainingOptions().encoder) by default.",
            valueName: "name"))
    var encoder: String?
    @Option(
        help: ArgumentHelp(
            "The encoder's pretrained weights (.pth or .safetensors), or another model's model.safetensors; without, it is trained from nothing.",
            valueName: "file"))
    var encoderWeights: String?
    @Option(
        help: ArgumentHelp(
            "Use the encoder of this model (a folder, or the name of an installed one) as it is, and refer to it.", valueName: "model"))
    var sharedEncoder: String?
    @Option(
        name: .customLong("answerer"),
        help: ArgumentHelp("Answerer: \(AnswererConfiguration.Kind.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "name"))
    var kind = AnswererConfiguration.Kind.stackedAttention
    @Option(help: "Width of the word embedding.") var embedding = 256
    @Option(help: "Width of the LSTM.") var hidden = 512
    @Option(help: "Width of the attention.") var attention = 256
    @Option(help: ArgumentHelp("Words seen less often become <unknown>.", valueName: "count")) var minimumCount = 2
    @Option(help: ArgumentHelp("The most frequent answers to choose among.", valueName: "count")) var maximumAnswers = 1000
    @Option(help: "Epochs of the answerer on frozen features.") var epochs = 10
    @Option(help: "Learning rate of those epochs.") var learningRate: Float = 1e-3
    @Option(help: "Epochs with the encoder's last stages.") var tuneEpochs = 0
    @Option(help: ArgumentHelp("First stage that is trained then.", valueName: "stage")) var tuneFrom: String?
    @Option(help: "Learning rate of those epochs.") var tuneLearningRate: Float = 2e-4
    @Option(help: "Pictures in a batch.") var batch = 32
    @Option(help: ArgumentHelp("Questions of each picture in a batch.", valueName: "count")) var questionsPerPicture = 8
    @Option(help: "Dropout.") var dropout: Float = 0.4
    @Option(help: "Label smoothing.") var smoothing: Float = 0
    @Flag(inversion: .prefixedNo, help: "Show mirrored pictures too (wrong for questions of left and right).") var flips = false
    @Option(help: "Show random crops too: this many of each picture.") var crops = 0
    @Option(help: "Seed of every random choice.") var seed: UInt64 = 1
    @Flag(help: "Go on from the checkpoint in the output folder.") var resume = false

    func validate() throws {
        guard epochs >= 0, tuneEpochs >= 0, epochs + tuneEpochs > 0 else { throw ValidationError("there is no epoch to train") }
        guard (1...4096).contains(batch), (1...1000).contains(questionsPerPicture) else {
            throw ValidationError("--batch and --questions-per-picture must be at least 1")
        }
        guard (0...100).contains(crops) else { throw ValidationError("--crops is in 0...100") }
        guard (0..<1).contains(dropout), (0..<1).contains(smoothing) else {
            throw ValidationError("--dropout and --smoothing are in 0..<1")
        }
        guard [embedding, hidden, attention].allSatisfy({ (1...16_384).contains($0) }) else {
            throw ValidationError("--embedding, --hidden and --attention are in 1...16384")
        }
        guard (1...1_000_000).contains(maximumAnswers), minimumCount >= 1 else {
            throw ValidationError("--maximum-answers and --minimum-count must be at least 1")
        }
        guard devEvery >= 2 else { throw ValidationError("--dev-every is at least 2") }
        if sharedEncoder != nil {
            if encoder != nil || encoderWeights != nil {
                throw ValidationError("--shared-encoder excludes --encoder and --encoder-weights: the encoder is the other model's")
            }
            if tuneEpochs > 0 || tuneFrom != nil {
                throw ValidationError("--shared-encoder excludes --tune-epochs: an encoder that two models use is not trained again")
            }
        }
        if tuneEpochs > 0, tuneFrom == nil { throw ValidationError("--tune-epochs needs --tune-from STAGE") }
        if devImages != nil, dev == nil { throw ValidationError("--dev-images goes with --dev") }
    }

    func run() throws {
        var options = AnswerTrainingOptions()
        if let encoder { options.encoder = encoder }
        options.kind = kind
        (options.embedding, options.hidden, options.attention) = (embedding, hidden, attention)
        (options.minimumCount, options.maximumAnswers, options.seed) = (minimumCount, maximumAnswers, seed)
        (options.batch, options.questionsPerPicture) = (batch, questionsPerPicture)
        (options.dropout, options.labelSmoothing, options.flips, options.crops) = (dropout, smoothing, flips, crops)
        let isFrozen = encoderWeights != nil || sharedEncoder != nil
        let firstStage = encoder == "tiny" ? "conv1" : "_conv_stem"
        options.phases = [
            .init(epochs: epochs, learningRate: learningRate, from: isFrozen ? nil : firstStage, encoderScale: 1),
            .init(epochs: tuneEpochs, learningRate: tuneLearningRate, from: tuneFrom),
        ].filter { $0.epochs > 0 }
        let file = URL(fileURLWithPath: questions), folder = URL(fileURLWithPath: images)
        var training = try format.read(file, singleWordOnly: singleWord), held: [Question]
        var devFolder = folder, devPath = questions
        if let dev {
            held = try format.read(URL(fileURLWithPath: dev), singleWordOnly: singleWord)
            devPath = dev
            if let devImages { devFolder = URL(fileURLWithPath: devImages) }
        } else {
            (held, training) = QuestionDataset.split(training, every: devEvery)
            guard !held.isEmpty else {
                throw DatasetError(path: questions, problem: "has too few images to keep every \(devEvery)-th for dev; give --dev")
            }
        }
        let progress = Progress()
        let trainer = try AnswerTrainer(
            options: options, train: QuestionDataset(images: folder, questions: training, path: questions),
            dev: QuestionDataset(images: devFolder, questions: held, path: devPath),
            encoderWeights: encoderWeights.map { URL(fileURLWithPath: $0) },
            sharedEncoder: sharedEncoder.map { try ModelFolder.find($0) }, output: URL(fileURLWithPath: output)
        ) { TrainingReport.show($0, on: progress) }
        try trainer.run(resume: resume)
        print(output)
    }
}

extension QuestionFormat: ExpressibleByArgument {}
extension AnswererConfiguration.Kind: ExpressibleByArgument {}
