import Language

/// Everything that decides how an answerer is trained; saved with the checkpoints, so that a run can be resumed and repeated.
public struct AnswerTrainingOptions: Codable, Equatable, Sendable {
    public var encoder = "efficientnet-lite2"
    public var kind = AnswererConfiguration.Kind.stackedAttention
    public var embedding = 256
    public var hidden = 512
    public var attention = 256
    /// Words seen less often than this in the training questions become `<unknown>`.
    public var minimumCount = 2
    /// The most frequent training answers that the model chooses among; questions of others are not trained on.
    public var maximumAnswers = 1000
    public var seed: UInt64 = 1
    /// Pictures in one batch, each with up to `questionsPerPicture` of its questions.
    public var batch = 32
    public var questionsPerPicture = 8
    public var maximumLength = 30
    public var dropout: Float = 0.4
    public var labelSmoothing: Float = 0
    public var clipNorm: Float = 5
    /// Decay of the running average of the weights, which is what is evaluated and kept.
    public var averageDecay: Float = 0.999
    /// Mirrored pictures too. Wrong for questions of left and right.
    public var flips = false
    /// Random crops of each picture that an epoch may show instead of the whole (see ``Augmentation``).
    public var crops = 0
    public var phases = [Phase(epochs: 10, learningRate: 1e-3)]

    /// A stretch of training.
    public struct Phase: Codable, Equatable, Sendable {
        public var epochs: Int
        /// At the start of the phase; falls to a twentieth along a half cosine.
        public var learningRate: Float
        /// First stage of the encoder that is trained too; nil trains the answerer alone.
        public var from: String?
        /// The encoder's learning rate as a part of the answerer's.
        public var encoderScale: Float

        public init(epochs: Int, learningRate: Float, from: String? = nil, encoderScale: Float = 0.2) {
            self.epochs = epochs
            self.learningRate = learningRate
            self.from = from
            self.encoderScale = encoderScale
        }
    }

    public init() {}

    public var epochs: Int { phases.reduce(0) { $0 + $1.epochs } }

    /// The phase of an epoch, and how far into it the epoch is.
    func phase(_ epoch: Int) -> (phase: Phase, index: Int, epoch: Int)? {
        var epoch = epoch
        for (index, phase) in phases.enumerated() {
            if epoch < phase.epochs { return (phase, index, epoch) }
            epoch -= phase.epochs
        }
        return nil
    }
}

/// One line of the training log.
public struct AnswerTrainingEpoch: Codable, Sendable {
    public var epoch: Int
    public var loss: Double
    /// The share of the dev questions answered right.
    public var devAccuracy: Double
    public var seconds: Double
    public var best: Bool
}
