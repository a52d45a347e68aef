import ArgumentParser
import Foundation
import Tasks
import Vision

/// The encoder of a model in training.
struct EncoderOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            Network of the encoder: \(EncoderConfiguration.names.joined(separator: ", ")). (default: \
            \(EncoderOptions.defaultEncoder))
            """, valueName: "name"))
    var encoder: String?
    @Option(
        help: ArgumentHelp(
            """
            The encoder's pretrained weights (.pth or .safetensors), or another model's model.safetensors. Without it, \
            the encoder is trained from random weights.
            """, valueName: "file"))
    var encoderWeights: String?
    @Option(
        help: ArgumentHelp(
            "Use the encoder of this model (a folder or a name) as it is, and refer to it.", valueName: "model"))
    var sharedEncoder: String?
    @Option(help: ArgumentHelp("Width of the LSTM.", valueName: "n")) var hidden = 512
    @Option(help: ArgumentHelp("Width of the attention.", valueName: "n")) var attention = 256

    private static let defaultEncoder = CaptionTrainingOptions().encoder

    func validate() throws {
        guard [hidden, attention].allSatisfy({ (1...16_384).contains($0) }) else {
            throw ValidationError("--hidden and --attention are in 1...16384")
        }
        guard sharedEncoder == nil || (encoder == nil && encoderWeights == nil) else {
            throw ValidationError(
                "--shared-encoder excludes --encoder and --encoder-weights: the encoder is the other model's")
        }
    }

    var name: String { encoder ?? Self.defaultEncoder }
    /// Whether the encoder comes with weights.
    var isEncoderTrained: Bool { encoderWeights != nil || sharedEncoder != nil }
    /// The folder of the model whose encoder is used.
    var shared: URL? { get throws { try sharedEncoder.map { try ModelFolder.find($0) } } }
    var weights: URL? { encoderWeights.map { URL(fileURLWithPath: $0) } }
}

/// How long and how a model is trained, whatever the task.
struct TrainingOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Further epochs, which train the encoder's last stages too.", valueName: "n"))
    var tuneEpochs = 0
    @Option(
        help: ArgumentHelp("The first of the encoder's stages that --tune-epochs train, or 'all'.", valueName: "stage"))
    var tuneFrom: String?
    @Option(help: ArgumentHelp("Learning rate of --tune-epochs.", valueName: "rate")) var tuneLearningRate: Float = 2e-4
    @Option(help: ArgumentHelp("Probability of dropout.", valueName: "part")) var dropout: Float = 0.4
    @Option(help: ArgumentHelp("Also train on this many random crops of each image.", valueName: "n")) var crops = 0
    @Option(help: "Seed of all random choices.") var seed: UInt64 = 1

    func validate() throws {
        guard (0...100).contains(crops) else { throw ValidationError("--crops is in 0...100") }
        guard (0..<1).contains(dropout) else { throw ValidationError("--dropout is in 0..<1") }
        if tuneEpochs > 0, tuneFrom == nil { throw ValidationError("--tune-epochs needs --tune-from STAGE") }
    }

    /// - Throws: `ValidationError` where an encoder that another model uses would be trained.
    func check(_ encoder: EncoderOptions) throws {
        if encoder.sharedEncoder != nil, tuneEpochs > 0 || tuneFrom != nil {
            throw ValidationError(
                "--shared-encoder excludes --tune-epochs: an encoder that two models use is not trained again")
        }
    }
}

/// Where a trained model goes.
struct TrainingOutputOptions: ParsableArguments {
    @Option(name: .shortAndLong, help: ArgumentHelp("Model folder to write.", valueName: "dir")) var output: String
    @Flag(help: "Continue from the checkpoint in the output folder.") var resume = false

    func validate() throws {
        guard !output.isEmpty else { throw ValidationError("--output is empty; give the model folder to write") }
    }

    var folder: URL { URL(fileURLWithPath: output) }
}

/// Checks of the options whose defaults differ from task to task.
enum TrainingChecks {
    static func check(
        epochs: [Int], learningRates: [Float], batch: Int, smoothing: Float, embedding: Int, minimumCount: Int
    ) throws {
        guard epochs.allSatisfy({ $0 >= 0 }), epochs.contains(where: { $0 > 0 }) else {
            throw ValidationError("there is no epoch to train")
        }
        guard learningRates.allSatisfy({ $0 > 0 && $0.isFinite }) else {
            throw ValidationError("a learning rate is a positive number")
        }
        guard (1...4096).contains(batch) else { throw ValidationError("--batch is in 1...4096") }
        guard (0..<1).contains(smoothing) else { throw ValidationError("--smoothing is in 0..<1") }
        guard (1...16_384).contains(embedding) else { throw ValidationError("--embedding is in 1...16384") }
        guard minimumCount >= 1 else { throw ValidationError("--minimum-count is at least 1") }
    }
}
