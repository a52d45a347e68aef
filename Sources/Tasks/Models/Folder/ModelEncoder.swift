import Foundation
import Tensors
import Vision
import Weights

extension ModelFolder {
    /// The models that `make models` fetches and imports, as the Makefile lists them.
    public static let fetched = ["efficientnet-lite0", "resnet18", "vgg16-trunk", "alexnet-trunk", "mobilenet_v2"]
}

/// The identity of a model's encoder: encoders with equal identities make the same feature map of an image.
public struct EncoderIdentity: Codable, Equatable, Sendable {
    public var encoder: EncoderConfiguration
    public var preprocessing: Preprocessing
    /// The weights' ``Parameters/fingerprint``.
    public var weights: String
}

/// An encoder that several models can share, with its weights in memory once.
public struct ModelEncoder {
    public let network: Encoder
    public let identity: EncoderIdentity

    public init(network: Encoder, identity: EncoderIdentity) {
        self.network = network
        self.identity = identity
    }

    /// An encoder of your own, which no model folder holds. No other encoder is equal to it.
    /// - Parameters:
    ///   - name: for messages and manifests.
    ///   - preprocessing: how a photograph becomes the network's input.
    public init(_ name: String, _ network: Encoder, preprocessing: Preprocessing) {
        let configuration = EncoderConfiguration(name: name, folded: true)
        self.init(
            network: network,
            identity: EncoderIdentity(
                encoder: configuration, preprocessing: preprocessing, weights: UUID().uuidString))
    }

    /// - Parameter p: the encoder's own parameters.
    /// - Throws: `UnknownEncoder`, or `EncoderInputError` for a frame too small for the network.
    public init(_ encoder: EncoderConfiguration, preprocessing: Preprocessing, parameters p: Parameters) throws {
        try encoder.check(preprocessing)
        network = try encoder.makeEncoder(p)
        identity = EncoderIdentity(encoder: encoder, preprocessing: preprocessing, weights: p.fingerprint)
    }
}

/// A reference in `config.json` to the model whose encoder this model uses too.
public struct SharedEncoder: Codable, Equatable, Sendable {
    /// That model's folder: its path from this model's folder ("../caption-flickr8k"), or an absolute one.
    public var model: String
    /// The ``Parameters/fingerprint`` of the encoder's weights that this model was trained on.
    public var weights: String

    public init(model: String, weights: String) {
        self.model = model
        self.weights = weights
    }

    /// The path from `folder` to `model`: relative where they lie in one folder, so that the two can be moved and
    /// installed together; absolute elsewhere.
    static func path(from folder: URL, to model: URL) -> String {
        func parent(_ url: URL) -> String {
            url.standardizedFileURL.deletingLastPathComponent().resolvingSymlinksInPath().path
        }
        let model = model.standardizedFileURL
        return parent(folder) == parent(model) ? "../\(model.lastPathComponent)" : model.path
    }
}

extension ModelFiles {
    /// The encoder's part of a configuration of any task.
    private struct Owner: Decodable {
        var format: Int
        var encoder: EncoderConfiguration
        var preprocessing: Preprocessing
        var sharedEncoder: SharedEncoder?
    }

    /// The encoder in this folder, and the store that holds its weights under the encoder's own names. The rest of the
    /// model is not read.
    /// - Throws: ``ModelError`` for a model without an encoder of its own, or the readers' own errors.
    func encoder() throws -> (encoder: ModelEncoder, store: ParameterStore) {
        let owner = try configuration(Owner.self, of: "a model with an encoder") { owner in
            owner.format == 1
                ? owner.preprocessing.numbers.lazy.compactMap(\.problem).first
                : "has format \(owner.format); this version reads format 1"
        }
        if let other = owner.sharedEncoder {
            throw ModelError(
                path: folder.path,
                problem: "has no encoder of its own, it uses that of \(other.model); refer to that model instead")
        }
        let prefix = "encoder."
        let state = try SafeTensors.read(try weights()) { $0.hasPrefix(prefix) }
        let store = ParameterStore(
            strict: Dictionary(uniqueKeysWithValues: state.map { (String($0.key.dropFirst(prefix.count)), $0.value) }),
            origin: "the encoder in \(try weights().path)")
        let encoder = try ModelEncoder(owner.encoder, preprocessing: owner.preprocessing, parameters: store.scope())
        try store.checkComplete()
        return (encoder, store)
    }

    /// The encoder that this model shares with another.
    /// - Parameters:
    ///   - wanted: the encoder and the preprocessing that this model was trained with.
    ///   - given: an encoder in memory, which is used if it has the right identity.
    /// - Throws: ``ModelError`` when the other model is missing, or is not the one that this model was trained on.
    func encoder(
        _ shared: SharedEncoder, wanted: (encoder: EncoderConfiguration, preprocessing: Preprocessing),
        given: ModelEncoder?
    ) throws -> ModelEncoder {
        let identity = EncoderIdentity(
            encoder: wanted.encoder, preprocessing: wanted.preprocessing, weights: shared.weights)
        if let given, given.identity == identity { return given }
        let other = url(shared.model)
        func refused(_ problem: String) -> ModelError {
            ModelError(path: folder.path, problem: "uses the encoder of \(other.path), \(problem)")
        }
        guard ModelFolder.isModel(other) else {
            let name = other.lastPathComponent
            let remedy =
                ModelFolder.fetched.contains(name)
                ? "Run 'make models ENCODERS=\(name)' in mmx's source folder (then 'make install' again, if mmx is "
                    + "installed)"
                : "Put that model there, or change 'sharedEncoder' in config.json"
            throw refused("where there is no model: its config.json is missing. \(remedy)")
        }
        let (encoder, _) = try ModelFiles(other).encoder()
        let found = encoder.identity
        guard found.encoder == wanted.encoder else {
            throw refused("which is \(found.encoder.said); it was trained on \(wanted.encoder.said)")
        }
        guard found.preprocessing == wanted.preprocessing else {
            throw refused("which preprocesses images differently (compare 'preprocessing' in the two config.json)")
        }
        guard found.weights == shared.weights else {
            throw refused(
                "whose weights have changed since it was trained on them (\(found.weights), not \(shared.weights)); "
                    + "train it again")
        }
        return encoder
    }
}

extension EncoderConfiguration {
    fileprivate var said: String { folded ? name : "\(name) with its batch normalisation apart" }
}
