import Tensors

/// A network that turns a feature map into words, one at a time. Training, search and explanation use this protocol
/// alone, so that decoders are interchangeable.
public protocol CaptionDecoder {
    /// Scores of every next word in a known caption.
    /// - Parameters:
    ///   - features: the encoder's feature map, `[M, u, v, K]`.
    ///   - words: N captions as word indices beginning with `<start>`, all padded to length T; caption n belongs to
    ///     image n / (N / M).
    ///   - dropout: nil outside training.
    /// - Returns: logits `[T, N, V]`; row (t, n) scores the word after `words[n][t]`.
    func logits(features: Variable, words: [[Int]], dropout: Dropout?) -> Variable

    /// The same without derivatives for images that were read before, from the state before the first word.
    /// - Parameters:
    ///   - state: as ``begin(features:rows:)`` gives it for M images, with one row each.
    ///   - words: as for ``logits(features:words:dropout:)``.
    /// - Returns: logits `[T, N, V]`.
    func logits(from state: DecoderState, words: [[Int]]) -> Tensor

    /// The state before the first word, for `rows` captions of each image. features `[M, u, v, K]`.
    func begin(features: Tensor, rows: Int) -> DecoderState

    /// Reads one word for each row.
    /// - Returns: logits `[N, V]` of the next word, and the state after it.
    func step(_ state: DecoderState, words: [Int]) -> (logits: Tensor, state: DecoderState)

    /// Where the decoder looks before every next word of known captions: weights of the regions that sum to 1,
    /// `[T, N, L]`, with derivatives; nil for a decoder without attention, or whose attention is not trained.
    /// - Parameter words: as for ``logits(features:words:dropout:)``.
    func attention(features: Variable, words: [[Int]], dropout: Dropout?) -> Variable?

    /// Where the decoder looks before every next word of known captions and what it sees there, from which boxes can
    /// teach both; nil for a decoder that gives neither.
    func looks(features: Variable, words: [[Int]], dropout: Dropout?) -> DecoderLooks?

    /// The part of the words' scores that is linear in the feature map; nil for a decoder without one.
    var visual: (any WordRegions)? { get }

    /// The scores of every next word, as ``logits(features:words:dropout:)`` gives them, and the visual term's part of
    /// them, both `[T, N, V]`; nil for a decoder without the term. Only the visual part has derivatives, and they are
    /// taken with attention and gate held constant: they tell how the regions' contents change the score, not how the
    /// attention changes it.
    func visualScores(features: Variable, words: [[Int]]) -> (logits: Variable, visual: Variable)?

    /// Each region's own part of the scores of one caption's next words, for a decoder whose scores are a sum over the
    /// regions and of what does not depend on the image; nil for another decoder.
    /// - Parameters:
    ///   - features: `[1, u, v, K]`.
    ///   - words: a caption, as for ``logits(features:words:dropout:)``.
    func regionScores(features: Tensor, words: [Int]) -> RegionScores?
}

extension CaptionDecoder {
    public var visual: (any WordRegions)? { nil }
    public func attention(features: Variable, words: [[Int]], dropout: Dropout?) -> Variable? { nil }
    public func looks(features: Variable, words: [[Int]], dropout: Dropout?) -> DecoderLooks? { nil }
    public func visualScores(features: Variable, words: [[Int]]) -> (logits: Variable, visual: Variable)? { nil }
    public func regionScores(features: Tensor, words: [Int]) -> RegionScores? { nil }
}

/// What single regions say of words: a region's vector r_l = U F_l + b, and word v's score words_v . r_l there. Phrases
/// with boxes can teach both.
public protocol WordRegions {
    /// U F_l + b for each region: features `[M, u, v, K] -> [M, L, W]`.
    func regions(of features: Variable, dropout: Dropout?) -> Variable
    /// The words' vectors `[V, W]`.
    var words: Embedding { get }
}

extension WordRegions {
    public func regions(of features: Variable) -> Variable { regions(of: features, dropout: nil) }
}

/// Where a decoder looks in M images before every next word of N known captions of T words, and what it sees there.
public struct DecoderLooks {
    /// The scores whose softmax over the regions is the attention, `[T, N, L]`.
    public let scores: Variable
    /// Each region's score of a word at a step, before the attention weighs the regions: for words `[M * P]`, P of each
    /// image, at the places t * N + n of ``scores``, `[M * P, L]`.
    public let regionScores: (_ places: [Int], _ words: [Int]) -> Variable
}

/// Each region's own part of the scores of one caption's next words: from R weighted sums of the scores, each of one
/// step, given as their steps `[R]` and their words' weights `[R, V]`, to the regions' parts `[R, L]`. Their sum over L
/// is the weighted sum of the image's part of the scores.
public typealias RegionScores = (_ steps: [Int], _ weights: Tensor) -> Tensor

/// A decoder's state between two words.
public struct DecoderState: Sendable {
    /// `[N, H]`
    public var h: Tensor
    public var c: Tensor
    /// Tensors of the image that stay the same at every step, `[M, ...]` each.
    public var memory: [Tensor] = []
    /// The last step's attention over regions, `[N, L]`, where the decoder has one.
    public var attention: Tensor?

    /// The state whose row i is row `rows[i]` of this one. Both rows belong to the same image.
    public func selecting(_ rows: [Int]) -> DecoderState {
        func gather(_ x: Tensor) -> Tensor {
            let width = x.shape[1]
            let result = Tensor(uninitialized: [rows.count, width])
            for (i, row) in rows.enumerated() {
                (result.pointer + i * width).update(from: x.pointer + row * width, count: width)
            }
            return result
        }
        return DecoderState(h: gather(h), c: gather(c), memory: memory, attention: attention.map(gather))
    }
}

/// Dropout's rate and its source of randomness, for one training step.
public final class Dropout {
    public let rate: Float
    private var generator: SeededGenerator

    public init(rate: Float, seed: UInt64) {
        self.rate = rate
        generator = SeededGenerator(seed: seed)
    }

    func callAsFunction(_ x: Variable) -> Variable { x.dropout(rate, using: &generator) }
}

/// The decoder of a captioner, as in its `config.json`.
public struct DecoderConfiguration: Codable, Equatable, Sendable {
    public enum Kind: String, Codable, Sendable, CaseIterable {
        case showAndTell = "show-and-tell"
        case showAttendAndTell = "show-attend-and-tell"
        /// ``SoftAttention``: the attention of captioners from elsewhere.
        case softAttention = "soft-attention"
        case upDown = "up-down"
        case merge
        /// ``BilinearDecoder``: scores that are a sum over the regions.
        case bilinearAttention = "bilinear-attention"

        /// Whether ``mmx train`` trains it; the others are imported.
        public var isTrainable: Bool {
            self == .showAndTell || self == .showAttendAndTell || self == .bilinearAttention
        }
        /// Whether it looks at the regions by attention, so that ``DecoderState/attention`` is there.
        public var attends: Bool { self != .showAndTell && self != .merge }
        /// Whether its scores have a part that is linear in the feature map (``CaptionDecoder/visual``), which phrases
        /// with boxes can train.
        public var hasVisualTerm: Bool { self == .showAttendAndTell || self == .bilinearAttention }
    }

    public var kind: Kind
    /// Channels of the encoder's feature map.
    public var features: Int
    public var vocabulary: Int
    public var embedding: Int
    public var hidden: Int
    /// Width of the attention's hidden layer; unused by Show and Tell.
    public var attention: Int
    /// Show and Tell: batch normalisation of the image's embedding.
    public var normalisesImage: Bool?
    /// Show, Attend and Tell: width of the ``VisualTerm``; nil for a decoder without one. ``BilinearDecoder``: width of
    /// a region's vector; nil for that of the LSTM's state.
    public var visual: Int?
    /// Whether the words' scores come from a layer of their own; nil for scores through the words' embedding.
    public var untied: Bool?
    /// Show and Tell: the number of LSTM layers; nil for one.
    public var layers: Int?
    /// The recurrent cell; nil for the LSTM's.
    public var cell: RecurrentCell?
    /// What stands between the encoder's feature map and the decoder; nil for nothing.
    public var neck: Neck?
    /// Show and Tell: whether a ReLU follows the image's embedding; nil for none.
    public var activatesImage: Bool?
    /// How ``SoftAttention`` and ``UpDown`` look at the regions.
    public var looks: AttentionOptions?
    /// ``MergeDecoder``: whether image and sentence are concatenated; nil for added.
    public var concatenates: Bool?
    /// ``MergeDecoder``: width of the image's vector; nil for that of the LSTM's state.
    public var imageWidth: Int?
    /// ``MergeDecoder``: whether the LSTM's gates are clip(s, 0, 1) of their sums s; nil for sigmoid(s).
    public var clipsGates: Bool?

    public init(
        kind: Kind, features: Int, vocabulary: Int, embedding: Int = 512, hidden: Int = 512, attention: Int = 256,
        normalisesImage: Bool? = nil, visual: Int? = nil
    ) {
        self.kind = kind
        self.features = features
        self.vocabulary = vocabulary
        self.embedding = embedding
        self.hidden = hidden
        self.attention = attention
        self.normalisesImage = normalisesImage
        self.visual = visual
    }

    /// The place of every decoder's bias of the words' scores, `[V]`, among its parameters.
    public static let outputBias = "output.words.bias"
    /// The place of the ``VisualTerm`` among a decoder's parameters.
    public static let visualTerm = "visual"

    public func makeDecoder(_ p: Parameters) -> any CaptionDecoder {
        switch kind {
        case .showAndTell: return ShowAndTell(p, self)
        case .showAttendAndTell: return ShowAttendAndTell(p, self)
        case .softAttention: return SoftAttention(p, self)
        case .upDown: return UpDown(p, self)
        case .merge: return MergeDecoder(p, self)
        case .bilinearAttention: return BilinearDecoder(p, self)
        }
    }
}

/// The words of N captions of T words each, time first, as the rows of embeddings `[T, N]` are ordered.
func timeFirst(_ words: [[Int]]) -> [Int] {
    guard let length = words.first?.count else { return [] }
    return (0..<length).flatMap { t in words.map { $0[t] } }
}
