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

    /// The learning rate of the decoder's visual term as a part of the others': phrases with boxes teach it, whose lesson
    /// is learnt at another pace than the reward's.
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
}
