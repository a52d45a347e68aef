import ArgumentParser
import Foundation
import Tasks
import Vision

/// What every training takes, whatever the task.
struct TrainingOptions: ParsableArguments {
    @Option(name: .shortAndLong, help: ArgumentHelp("Model folder to write.", valueName: "dir")) var output: String
    @Option(
        help: ArgumentHelp(
            """
            Encoder: \(EncoderConfiguration.names.joined(separator: ", ")); \(TrainingOptions.defaultEncoder) by \
            default.
            """, valueName: "name"))
    var encoder: String?
    @Option(
        help: ArgumentHelp(
            """
            The encoder's pretrained weights (.pth or .safetensors), or another model's model.safetensors; without, it \
            is trained from nothing.
            """, valueName: "file"))
    var encoderWeights: String?
    @Option(
        help: ArgumentHelp(
            "Use the encoder of this model (a folder, or the name of an installed one) as it is, and refer to it.",
            valueName: "model"))
    var sharedEncoder: String?
    @Option(help: "Width of the LSTM.") var hidden = 512
    @Option(help: "Width of the attention.") var attention = 256
    @Option(help: "Epochs with the encoder's last stages.") var tuneEpochs = 0
    @Option(help: ArgumentHelp("First stage that is trained then, or 'all'.", valueName: "stage"))
    var tuneFrom: String?
    @Option(help: "Learning rate of those epochs.") var tuneLearningRate: Float = 2e-4
    @Option(help: "Dropout.") var dropout: Float = 0.4
    @Option(help: "Show random crops too: this many of each picture.") var crops = 0
    @Option(help: "Seed of every random choice.") var seed: UInt64 = 1
    @Flag(help: "Go on from the checkpoint in the output folder.") var resume = false

    private static let defaultEncoder = CaptionTrainingOptions().encoder

    func validate() throws {
        guard !output.isEmpty else { throw ValidationError("--output is empty; give the model folder to write") }
        guard (0...100).contains(crops) else { throw ValidationError("--crops is in 0...100") }
        guard (0..<1).contains(dropout) else { throw ValidationError("--dropout is in 0..<1") }
        guard [hidden, attention].allSatisfy({ (1...16_384).contains($0) }) else {
            throw ValidationError("--hidden and --attention are in 1...16384")
        }
        if tuneEpochs > 0, tuneFrom == nil { throw ValidationError("--tune-epochs needs --tune-from STAGE") }
        guard sharedEncoder != nil else { return }
        if encoder != nil || encoderWeights != nil {
            throw ValidationError(
                "--shared-encoder excludes --encoder and --encoder-weights: the encoder is the other model's")
        }
        if tuneEpochs > 0 || tuneFrom != nil {
            throw ValidationError(
                "--shared-encoder excludes --tune-epochs: an encoder that two models use is not trained again")
        }
    }

    var encoderName: String { encoder ?? Self.defaultEncoder }
    /// Whether the encoder comes with weights.
    var isEncoderTrained: Bool { encoderWeights != nil || sharedEncoder != nil }
    /// The folder of the model whose encoder is used.
    var shared: URL? { get throws { try sharedEncoder.map { try ModelFolder.find($0) } } }
    var weights: URL? { encoderWeights.map { URL(fileURLWithPath: $0) } }
    var folder: URL { URL(fileURLWithPath: output) }
}

/// What is asked of the options whose defaults differ from task to task.
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
