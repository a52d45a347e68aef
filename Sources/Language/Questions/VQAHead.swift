import Tensors

/// A network that turns a feature map and a question into scores of the answers. Training and explanation use this
/// protocol alone, so that heads are interchangeable.
public protocol VQAHead {
    /// Word vectors of N questions, padded with 0 to the longest: `[T, N, E]` (T at least 1).
    func embed(_ questions: [[Int]]) -> Variable

    /// Scores of every answer to each question.
    /// - Parameters:
    ///   - features: the encoder's feature map, `[M, u, v, K]`; question n belongs to image n / (N / M).
    ///   - embedded: the words as from ``embed(_:)``, `[T, N, E]`. Padding after a question's end is not read.
    ///     Explanations differentiate with respect to this tensor.
    ///   - lengths: the questions' numbers of words, `[N]`; a question without words is read as one word of zeros.
    ///   - dropout: nil outside training.
    /// - Returns: logits `[N, A]`, the answers' scores before the softmax.
    func logits(features: Variable, embedded: Variable, lengths: [Int], dropout: Dropout?) -> Variable

    /// The attention of each question in ``logits(features:embedded:lengths:dropout:)``: weights of the regions that
    /// sum to 1, `[N, u, v]`; nil for a head without attention.
    func attention(features: Tensor, embedded: Tensor, lengths: [Int]) -> Tensor?

    /// The question's part of the answers' scores, `[N, A]`, where they are the sum of this part and of one that is
    /// read off the image's regions; nil for a head whose scores are no such sum.
    func questionScores(embedded: Variable, lengths: [Int]) -> Variable?

    /// Each region's part of the answers' scores, `[N, L, A]`: summed over the regions, and with
    /// ``questionScores(embedded:lengths:)``, they are the logits. nil for a head whose scores are no such sum.
    func regionScores(features: Tensor, embedded: Tensor, lengths: [Int]) -> Tensor?
}

extension VQAHead {
    public func attention(features: Tensor, embedded: Tensor, lengths: [Int]) -> Tensor? { nil }
    public func questionScores(embedded: Variable, lengths: [Int]) -> Variable? { nil }
    public func regionScores(features: Tensor, embedded: Tensor, lengths: [Int]) -> Tensor? { nil }

    /// Standard deviation of new word vectors, PyTorch's own. With a twentieth of it, the accuracy on yes/no questions
    /// stays at chance for the first five epochs.
    static var wordDeviation: Float { 1 }
}

/// The head of a VQA model, as in its `config.json`.
public struct VQAHeadConfiguration: Codable, Equatable, Sendable {
    public enum Kind: String, Codable, Sendable, CaseIterable {
        case deeperLSTM = "deeper-lstm"
        case coAttention = "co-attention"
        case stackedAttention = "stacked-attention"
        /// ``BilinearAttention``
        case bilinearAttention = "bilinear-attention"
        /// The baseline: the question's part of `deeperLSTM`, without the image.
        case questionOnly = "question-only"
        /// ``TwoGlimpses``
        case twoGlimpses = "two-glimpses"
        /// ``JoinedLSTM``
        case joinedLSTM = "joined-lstm"

        /// Whether ``mmx train-vqa`` trains it; the others are imported.
        public var isTrainable: Bool { self != .twoGlimpses && self != .joinedLSTM }
    }

    public var kind: Kind
    /// Channels of the encoder's feature map.
    public var features: Int
    public var vocabulary: Int
    /// The number of answers.
    public var answers: Int
    public var embedding: Int
    public var hidden: Int
    /// Width of the attention's hidden layer; unused by heads without attention.
    public var attention: Int
    /// Batch normalisation of the feature map's channels; nil for none. Some channels are large everywhere, others are
    /// large rarely, and the head learns the rare ones slowly without it. It is not in the papers.
    public var normalisesImage: Bool?
    /// Bilinear attention, two glimpses and joined LSTM: width of the layer that image and question meet in; nil for
    /// `hidden`.
    public var joint: Int?
    /// Joined LSTM: the number of LSTM layers; nil for two.
    public var layers: Int?
    /// Joined LSTM: the number of words that questions are padded to.
    public var paddedTo: Int?
    /// Joined LSTM: whether derivatives hold the image vector's length constant, as the original's do; nil for the true
    /// derivative.
    public var detachesNorm: Bool?
    /// What stands between the encoder's feature map and the head; nil for nothing.
    public var neck: Neck?

    public init(
        kind: Kind, features: Int, vocabulary: Int, answers: Int, embedding: Int = 300, hidden: Int = 512,
        attention: Int = 256, normalisesImage: Bool? = nil
    ) {
        self.kind = kind
        self.features = features
        self.vocabulary = vocabulary
        self.answers = answers
        self.embedding = embedding
        self.hidden = hidden
        self.attention = attention
        self.normalisesImage = normalisesImage
    }

    public func makeHead(_ p: Parameters) -> any VQAHead {
        switch kind {
        case .deeperLSTM: return DeeperLSTM(p, self)
        case .coAttention: return CoAttention(p, self)
        case .stackedAttention: return StackedAttention(p, self)
        case .bilinearAttention: return BilinearAttention(p, self)
        case .questionOnly: return QuestionOnly(p, self)
        case .twoGlimpses: return TwoGlimpses(p, self)
        case .joinedLSTM: return JoinedLSTM(p, self)
        }
    }
}

/// Maps an image's regions, or their mean, into the space of the question: batch normalisation where the configuration
/// says so, a linear layer, tanh.
struct ImageEmbedding {
    let norm: BatchNorm?
    let linear: Linear

    init(_ p: Parameters, _ configuration: VQAHeadConfiguration, outputs: Int, bound: Float? = nil) {
        let channels = configuration.features
        let isNormalised = configuration.normalisesImage == true
        norm = isNormalised ? BatchNorm(p["image_norm"], channels: channels) : nil
        linear = Linear(p["image"], inputs: channels, outputs: outputs, bound: isNormalised ? nil : bound)
    }

    /// x `[..., K] -> [..., outputs]`
    func callAsFunction(_ x: Variable) -> Variable { linear(norm?(x) ?? x).activated(.tanh) }
}
