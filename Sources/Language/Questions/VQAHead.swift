import Tensors

/// What turns a feature map and a question into scores of the answers. Answerers are interchangeable: training and
/// explanation know only this.
public protocol VQAHead {
    /// Word vectors of N questions, padded with 0 to the longest: `[T, N, E]` (T at least 1).
    func embed(_ questions: [[Int]]) -> Variable

    /// Scores of every answer to each question.
    /// - Parameters:
    ///   - features: the encoder's feature map, `[M, u, v, K]`; question n belongs to picture n / (N / M).
    ///   - embedded: the words as from ``embed(_:)``, `[T, N, E]`. What stands behind a question's end is not read. The
    ///     explainer differentiates with respect to it.
    ///   - lengths: the questions' numbers of words, `[N]`; a question without words is read as one word of zeros.
    ///   - dropout: nil outside training.
    /// - Returns: logits `[N, A]`, the answers' scores before the softmax.
    func logits(features: Variable, embedded: Variable, lengths: [Int], dropout: Dropout?) -> Variable

    /// Where the model looks in the picture for each question, as in ``logits(features:embedded:lengths:dropout:)``:
    /// weights of the regions that sum to 1, `[N, u, v]`; nil for a model without attention.
    func attention(features: Tensor, embedded: Tensor, lengths: [Int]) -> Tensor?
}

extension VQAHead {
    public func attention(features: Tensor, embedded: Tensor, lengths: [Int]) -> Tensor? { nil }

    /// Spread of new word vectors, PyTorch's own. An LSTM tells words apart by them from the first step on; with a
    /// twentieth of it, five epochs go by before questions of yes or no are more than guessed.
    static var wordDeviation: Float { 1 }
}

/// Which answerer a model has, as its `config.json` says.
public struct VQAHeadConfiguration: Codable, Equatable, Sendable {
    public enum Kind: String, Codable, Sendable, CaseIterable {
        case deeperLSTM = "deeper-lstm"
        case coAttention = "co-attention"
        case stackedAttention = "stacked-attention"
        /// The baseline: the question reader of `deeperLSTM`, without the picture.
        case questionOnly = "question-only"
    }

    public var kind: Kind
    /// Channels of the encoder's feature map.
    public var features: Int
    public var vocabulary: Int
    /// How many answers there are to choose from.
    public var answers: Int
    public var embedding: Int
    public var hidden: Int
    /// Width of the space in which attention compares; unused by the models without attention.
    public var attention: Int
    /// Batch normalisation of the feature map's channels. Some are strong everywhere and some rarely; without it, those
    /// that are rare take long to be heard. Not in the papers; nil is without.
    public var normalisesImage: Bool?
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
        case .questionOnly: return QuestionOnly(p, self)
        }
    }
}

/// A picture's regions, or their mean, in the space where they meet the question: each channel brought to mean 0 and
/// variance 1 where the model does so, a linear layer, tanh.
struct ImageEmbedding {
    let norm: BatchNorm?
    let linear: Linear

    init(_ p: Parameters, _ configuration: VQAHeadConfiguration, outputs: Int, bound: Float? = nil) {
        let channels = configuration.features, isNormalised = configuration.normalisesImage == true
        norm = isNormalised ? BatchNorm(p["image_norm"], channels: channels) : nil
        linear = Linear(p["image"], inputs: channels, outputs: outputs, bound: isNormalised ? nil : bound)
    }

    /// x `[..., K] -> [..., outputs]`
    func callAsFunction(_ x: Variable) -> Variable { linear(norm?(x) ?? x).activated(.tanh) }
}
