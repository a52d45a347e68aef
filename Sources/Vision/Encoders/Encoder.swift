import Tensors

/// A CNN as a row of named stages, each from one feature map to the next.
///
/// A stage's name is the checkpoint's name of its last layer or block, and is what `--layer` takes. Cutting the row
/// gives the frozen front whose output is cached in training, and the back that is explained or fine-tuned.
public struct Encoder {
    public struct Stage {
        public let name: String
        /// Channels of the stage's output.
        public let channels: Int
        /// Pixels of the input for one of the output, along one side.
        public let stride: Int
        public let apply: (Variable) -> Variable

        public init(name: String, channels: Int, stride: Int, apply: @escaping (Variable) -> Variable) {
            self.name = name
            self.channels = channels
            self.stride = stride
            self.apply = apply
        }
    }

    public let stages: [Stage]

    public init(stages: [Stage]) {
        precondition(!stages.isEmpty)
        self.stages = stages
    }

    /// Channels of the feature map.
    public var channels: Int { stages[stages.count - 1].channels }
    /// The last convolutional layer: where maps are drawn unless another is asked for.
    public var lastLayer: String { stages[stages.count - 1].name }

    public func index(of layer: String) -> Int? { stages.firstIndex { $0.name == layer } }

    /// The stages of `range`, one after the other; x `[N, H, W, C]`.
    public func callAsFunction(_ x: Variable, stages range: Range<Int>? = nil) -> Variable {
        stages[range ?? 0..<stages.count].reduce(x) { $1.apply($0) }
    }
}

/// Which encoder a model has, as its `config.json` says.
public struct EncoderConfiguration: Codable, Equatable, Sendable {
    /// `efficientnet-lite0`, `efficientnet-lite1`, `efficientnet-lite2` or `tiny`.
    public var name: String
    /// True when batch normalisation is folded into the convolutions.
    public var folded: Bool

    public init(name: String, folded: Bool) {
        self.name = name
        self.folded = folded
    }

    public static let names = ["efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2", "tiny"]

    /// - Throws: ``UnknownEncoder``
    public func makeEncoder(_ p: Parameters) throws -> Encoder {
        if let variant = EfficientNetLite(name: name) { return variant.encoder(p, folded: folded) }
        if name == "tiny" { return TinyCNN.encoder(p, folded: folded) }
        throw UnknownEncoder(name: name)
    }

    /// (convolution, batch normalisation) pairs, and the epsilon, for folding a state dictionary of this encoder.
    public func normPairs() throws -> (pairs: [(convolution: String, norm: String)], epsilon: Float) {
        if let variant = EfficientNetLite(name: name) { return (variant.normPairs, EfficientNetLite.epsilon) }
        if name == "tiny" { return (TinyCNN.normPairs, TinyCNN.epsilon) }
        throw UnknownEncoder(name: name)
    }

    /// The input that the network was trained with.
    public func defaultPreprocessing() throws -> Preprocessing {
        if let variant = EfficientNetLite(name: name) { return variant.preprocessing }
        if name == "tiny" { return TinyCNN.preprocessing }
        throw UnknownEncoder(name: name)
    }
}

public struct UnknownEncoder: Error, CustomStringConvertible {
    public let name: String
    public var description: String {
        "there is no encoder called '\(name)'; this version has \(EncoderConfiguration.names.joined(separator: ", "))"
    }
}
