import Foundation
import Tensors

/// Epochs of training with one objective and one learning rate schedule.
public struct TrainingPhase: Codable, Equatable, Sendable {
    public enum Kind: String, Codable, Sendable {
        /// Cross-entropy of the reference captions' words, or of the reference answers.
        case words
        /// Self-critical sequence training (Rennie et al. 2017): the reward is the CIDEr-D of sampled captions, and the
        /// baseline is the mean reward of the image's other samples.
        case reward
    }
    public var kind: Kind
    public var epochs: Int
    /// The learning rate at the start of the phase. It decreases to a twentieth along a half cosine.
    public var learningRate: Float
    /// The first stage of the encoder that is trained too, or ``allStages``; nil for a frozen encoder.
    public var from: String?
    /// The value of ``from`` that trains all stages of any encoder.
    public static let allStages = "all"
    /// The encoder's learning rate as a multiple of the phase's.
    public var encoderScale: Float

    /// The learning rate of the decoder's visual term as a multiple of the phase's. Phrases with boxes train this term,
    /// and they need a higher rate than the reward does.
    public var visualScale: Float

    public init(
        kind: Kind = .words, epochs: Int, learningRate: Float, from: String? = nil, encoderScale: Float = 0.2,
        visualScale: Float = 1
    ) {
        self.kind = kind
        self.epochs = epochs
        self.learningRate = learningRate
        self.from = from
        self.encoderScale = encoderScale
        self.visualScale = visualScale
    }
}

extension TrainingPhase {
    /// The usual phases of a training: with the frozen encoder, then with the encoder's last stages, then on the reward
    /// with the same stages. Phases without epochs are left out.
    /// - Parameters:
    ///   - isEncoderTrained: whether the encoder has pretrained weights and is frozen in the first phase. Otherwise all
    ///     its stages are trained from the start.
    ///   - tuneFrom: the first stage that the later phases train.
    /// - Returns: phases in which the visual term keeps the learning rate of the first one.
    public static func course(
        epochs: Int, learningRate: Float, isEncoderTrained: Bool, tuneEpochs: Int, tuneLearningRate: Float,
        tuneFrom: String?, rewardEpochs: Int = 0, rewardLearningRate: Float = 1
    ) -> [TrainingPhase] {
        [
            TrainingPhase(
                epochs: epochs, learningRate: learningRate, from: isEncoderTrained ? nil : allStages, encoderScale: 1),
            TrainingPhase(epochs: tuneEpochs, learningRate: tuneLearningRate, from: tuneFrom),
            TrainingPhase(
                kind: .reward, epochs: rewardEpochs, learningRate: rewardLearningRate, from: tuneFrom,
                visualScale: learningRate / rewardLearningRate),
        ].filter { $0.epochs > 0 }
    }

    /// The learning rate of a step: a half cosine from ``learningRate`` to a twentieth of it over `total` steps, times
    /// a linear warm-up over the first hundred steps.
    func learningRate(step: Int, of total: Int) -> Float {
        let warmUp = min(1, Float(step + 1) / 100)
        return learningRate * warmUp * (0.05 + 0.95 * 0.5 * (1 + cos(Float(step) / Float(max(1, total)) * .pi)))
    }
}

/// An epoch and its position in the run.
struct RunningEpoch {
    /// Counted from 0 over all phases.
    let number: Int
    let phase: TrainingPhase
    /// Counted from 0 within the phase.
    let inPhase: Int
    /// The first epoch since the program started, which is not 0 in a resumed run.
    let first: Int
    /// The number of epochs of all phases.
    let total: Int

    /// The epoch's random numbers; they do not depend on interruptions of the run.
    func generator(seed: UInt64) -> SeededGenerator { SeededGenerator(seed: seed &* 1_000_003 &+ UInt64(number)) }
}
