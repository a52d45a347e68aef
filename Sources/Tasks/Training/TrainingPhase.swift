import Foundation
import Tensors

/// A stretch of training with one objective.
public struct TrainingPhase: Codable, Equatable, Sendable {
    public enum Kind: String, Codable, Sendable {
        /// Cross-entropy of the reference captions' words, or of the reference answers.
        case words
        /// Self-critical sequence training (Rennie et al. 2017): the CIDEr-D of sampled captions, the other samples'
        /// mean as baseline.
        case reward
    }
    public var kind: Kind
    public var epochs: Int
    /// At the start of the phase; falls to a twentieth along a half cosine.
    public var learningRate: Float
    /// First stage of the encoder that is trained too, or ``allStages``; nil trains what stands behind the encoder
    /// alone.
    public var from: String?
    /// In place of the first stage's name, which differs from encoder to encoder.
    public static let allStages = "all"
    /// The encoder's learning rate as a part of the others'.
    public var encoderScale: Float

    /// The learning rate of the decoder's visual term as a multiple of the others'. Phrases with boxes train this term,
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
    /// The usual course of a training: epochs behind the frozen encoder, then epochs with the encoder's last stages,
    /// then epochs on the reward with the same stages. Phases of no epoch are left out.
    /// - Parameters:
    ///   - isEncoderTrained: whether the encoder comes with weights, and is frozen at first. Another one is trained
    ///     from the start.
    ///   - tuneFrom: the first stage that is trained later.
    /// - Returns: phases in which the visual term keeps the learning rate of the first.
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

    /// The learning rate of a step: a half cosine from the phase's own to a twentieth of it over `total` steps, times a
    /// warm-up over the first hundred.
    func learningRate(step: Int, of total: Int) -> Float {
        let warmUp = min(1, Float(step + 1) / 100)
        return learningRate * warmUp * (0.05 + 0.95 * 0.5 * (1 + cos(Float(step) / Float(max(1, total)) * .pi)))
    }
}

/// One epoch of a run, and where in it the epoch stands.
struct RunningEpoch {
    /// Counted from 0 over all phases.
    let number: Int
    let phase: TrainingPhase
    /// Counted from 0 within the phase.
    let inPhase: Int
    /// The first epoch since the program started, which is not 0 in a resumed run.
    let first: Int
    /// Epochs of all phases.
    let total: Int

    /// The random numbers of the epoch, the same whether the run was interrupted or not.
    func generator(seed: UInt64) -> SeededGenerator { SeededGenerator(seed: seed &* 1_000_003 &+ UInt64(number)) }
}
