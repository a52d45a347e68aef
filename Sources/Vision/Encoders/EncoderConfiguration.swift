import Tensors

/// Which encoder a model has, as its `config.json` says.
public struct EncoderConfiguration: Codable, Equatable, Sendable {
    /// One of ``Architectures/names``.
    public var name: String
    /// True when batch normalisation is folded into the convolutions.
    public var folded: Bool

    public init(name: String, folded: Bool) {
        self.name = name
        self.folded = folded
    }

    public static var names: [String] { Architectures.names }

    /// - Throws: ``UnknownEncoder``
    public func architecture() throws -> any Architecture { try Architectures.named(name) }

    /// - Throws: ``UnknownEncoder``
    public func makeEncoder(_ p: Parameters) throws -> Encoder { try architecture().encoder(p, folded: folded) }

    /// (convolution, batch normalisation) pairs, and the epsilon, for folding a state dictionary of this encoder.
    /// - Throws: ``UnknownEncoder``
    public func normPairs() throws -> (pairs: [(convolution: String, norm: String)], epsilon: Float) {
        let architecture = try architecture()
        return (architecture.normPairs, architecture.epsilon)
    }

    /// The input that the network was trained with.
    /// - Throws: ``UnknownEncoder``
    public func defaultPreprocessing() throws -> Preprocessing { try architecture().preprocessing }
}
