import Support
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

    /// - Throws: ``UnknownEncoder``, or ``EncoderInputError`` for a frame in which the network's pools leave nothing.
    public func check(_ preprocessing: Preprocessing) throws {
        let smallest = try architecture().smallestSide
        if min(preprocessing.width, preprocessing.height) < smallest {
            throw EncoderInputError(
                encoder: name, width: preprocessing.width, height: preprocessing.height, smallestSide: smallest)
        }
    }
}

/// A picture too small for a network.
public struct EncoderInputError: UserFacingError {
    public static let failureCode = FailureCode.model
    public let encoder: String
    public let width: Int
    public let height: Int
    public let smallestSide: Int
    public var description: String {
        "\(encoder) needs a picture of at least \(smallestSide) pixels each way, not \(width)x\(height);"
            + " change 'preprocessing' in the model's config.json, or the size that is trained with"
    }
}
