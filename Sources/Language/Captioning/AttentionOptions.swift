/// How a decoder from elsewhere looks at the image's regions; a part of ``DecoderConfiguration``.
public struct AttentionOptions: Codable, Equatable, Sendable {
    /// What a region's score is read off: f(key + query).
    public enum Compare: String, Codable, Sendable {
        case relu, tanh
        /// tanh(key) + tanh(query) (DeepRNN). The query's part is the same for all regions, so the attention is the
        /// same before every word.
        case separate
    }

    /// What the attended vector is multiplied with: sigmoid of a linear layer of h, one number or one for each channel.
    public enum Gate: String, Codable, Sendable {
        case scalar, channels
    }

    /// h and c before the first word.
    public enum Start: String, Codable, Sendable {
        case zeros
        /// A linear layer each from the mean of the regions.
        case linear
        /// Two linear layers each with tanh after the first, from the mean of the regions (DeepRNN).
        case twoLayers = "two-layers"
    }

    /// Where the attended vector enters.
    public enum Context: String, Codable, Sendable {
        /// It is an input of the cell, beside the word.
        case input
        /// It is added to the two halves that a maxout cell chooses from (att2in).
        case candidates
    }

    public var compare: Compare
    public var gate: Gate?
    public var start: Start
    public var context: Context
    /// Width of a region after a linear layer with ReLU; nil for the feature map's own channels.
    public var regions: Int?
    /// Whether a ReLU follows the words' embedding; nil for none.
    public var activatesWords: Bool?
    /// Width of the layer with tanh between `[h, attended vector, word]` and the words' scores (DeepRNN); nil where the
    /// scores are read off h alone.
    public var output: Int?
    public init(
        compare: Compare, gate: Gate? = nil, start: Start = .zeros, context: Context = .input, regions: Int? = nil,
        activatesWords: Bool? = nil, output: Int? = nil
    ) {
        self.compare = compare
        self.gate = gate
        self.start = start
        self.context = context
        self.regions = regions
        self.activatesWords = activatesWords
        self.output = output
    }
}
