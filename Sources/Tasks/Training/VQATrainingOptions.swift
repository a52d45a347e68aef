import Language

/// The options of a VQA model's training. They are saved with the checkpoints, so that a run can be resumed.
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
    /// The number of the most frequent training answers that the model chooses from. Questions with other answers are
    /// left out.
    public var maximumAnswers = 1000
    public var seed: UInt64 = 1
    /// Images in one batch, each with up to `questionsPerPicture` of its questions.
    public var batch = 32
    public var questionsPerPicture = 8
    public var maximumLength = 30
    /// The weight of the lesson where to look: the cross-entropy of the attention with the cells that a question's boxes
    /// cover. 0 for none.
    public var grounding: Float = 0
    public var dropout: Float = 0.4
    public var labelSmoothing: Float = 0
    public var clipNorm: Float = 5
    /// Decay of the running average of the weights, which is evaluated and kept.
    public var averageDecay: Float = 0.999
    /// Whether to train on mirror images too. In questions about them and in their answers, left and right change places.
    public var flips = false
    /// The number of random crops of each image that an epoch may show instead of the whole (see ``Augmentation``).
    public var crops = 0
    public var phases = [TrainingPhase(epochs: 10, learningRate: 1e-3)]

    public init() {}

    /// Takes what a head learns best with, where nothing else is asked for: normalised channels for the heads that
    /// multiply image and question, and the lesson where to look for bilinear attention.
    /// - Parameter hasBoxes: whether training questions have boxes.
    public mutating func setDefaults(of kind: VQAHeadConfiguration.Kind, hasBoxes: Bool) {
        self.kind = kind
        normalisesImage = kind == .deeperLSTM || kind == .bilinearAttention
        grounding = kind == .bilinearAttention && hasBoxes ? 0.5 : 0
    }
}
