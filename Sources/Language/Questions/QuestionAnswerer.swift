import Tensors

/// What turns a feature map and a question into scores of the answers. Answerers are interchangeable: training and
/// explanation know only this.
public protocol QuestionAnswerer {
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
}

/// Which answerer a model has, as its `config.json` says.
public struct AnswererConfiguration: Codable, Equatable, Sendable {
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

    public init(
        kind: Kind, features: Int, vocabulary: Int, answers: Int, embedding: Int = 300, hidden: Int = 512,
        attention: Int = 256
    ) {
        self.kind = kind
        self.features = features
        self.vocabulary = vocabulary
        self.answers = answers
        self.embedding = embedding
        self.hidden = hidden
        self.attention = attention
    }

    public func makeAnswerer(_ p: Parameters) -> any QuestionAnswerer {
        switch kind {
        case .deeperLSTM: return DeeperLSTM(p, self)
        case .coAttention: return CoAttention(p, self)
        case .stackedAttention: return StackedAttention(p, self)
        case .questionOnly: return QuestionOnly(p, self)
        }
    }
}
