import Language

/// Everything that decides how an answerer is trained; saved with the checkpoints, so that a run can be resumed and repeated.
public struct VQATrainingOptions: TrainerOptions, Sendable {
    public var encoder = "efficientnet-lite2"
    public var kind = VQAHeadConfiguration.Kind.stackedAttention
    public var embedding = 256
    public var hidden = 512
    public var attention = 256
    /// Batch normalisation of the feature map's channels.
    public var normalisesImage = false
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
    public var phases = [TrainingPhase(epochs: 10, learningRate: 1e-3)]

    public init() {}
}
