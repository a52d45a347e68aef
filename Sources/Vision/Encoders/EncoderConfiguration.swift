import Support
import Tensors

/// The encoder of a model, as written in its `config.json`.
public struct EncoderConfiguration: Codable, Equatable, Sendable {
    /// One of ``Architectures/names``.
    public var name: String
    /// True if batch normalisation is folded into the convolutions.
    public var folded: Bool

    public init(name: String, folded: Bool) {
        self.name = name
        self.folded = folded
    }

    /// The names of all encoders.
    public static var names: [String] { Architectures.names }

    /// - Throws: ``UnknownEncoder``
    public func architecture() throws -> any Architecture { try Architectures.named(name) }

    /// - Throws: ``UnknownEncoder``
    public func makeEncoder(_ p: Parameters) throws -> Encoder { try architecture().encoder(p, folded: folded) }

    /// The (convolution, batch normalisation) pairs and the epsilon, for folding a state dictionary of this encoder.
    /// - Throws: ``UnknownEncoder``
    public func normPairs() throws -> (pairs: [(convolution: String, norm: String)], epsilon: Float) {
        let architecture = try architecture()
        return (architecture.normPairs, architecture.epsilon)
    }

    /// The preprocessing that the network was trained with.
    /// - Throws: ``UnknownEncoder``
    public func defaultPreprocessing() throws -> Preprocessing { try architecture().preprocessing }

    /// - Throws: ``UnknownEncoder``, or ``EncoderInputError`` for an input too small for the network's pools.
    public func check(_ preprocessing: Preprocessing) throws {
        let smallest = try architecture().smallestSide
        if min(preprocessing.width, preprocessing.height) < smallest {
            throw EncoderInputError(
                encoder: name, width: preprocessing.width, height: preprocessing.height, smallestSide: smallest)
        }
        if let least = preprocessing.nativeSmallest, least < smallest {
            throw EncoderNativeSizeError(encoder: name, nativeSmallest: least, smallestSide: smallest)
        }
    }
}

/// A preprocessing that would let through photographs that are too small for a network.
public struct EncoderNativeSizeError: UserFacingError {
    public static let failureCode = FailureCode.model
    public let encoder: String
    public let nativeSmallest: Int
    public let smallestSide: Int
    public var description: String {
        "\(encoder) needs an image of at least \(smallestSide)x\(smallestSide) pixels, and photographs keep their size"
            + " down to \(nativeSmallest); set 'preprocessing.nativeSmallest' in the model's config.json to"
            + " \(smallestSide) or more, and 'preprocessing.nativeLimit' no lower"
    }
}

/// An input image that is too small for a network.
public struct EncoderInputError: UserFacingError {
    public static let failureCode = FailureCode.model
    public let encoder: String
    public let width: Int
    public let height: Int
    public let smallestSide: Int
    public var description: String {
        "\(encoder) needs an image of at least \(smallestSide)x\(smallestSide) pixels, not \(width)x\(height);"
            + " change 'preprocessing' in the model's config.json, or the image size for training"
    }
}
