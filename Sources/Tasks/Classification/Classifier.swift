import Foundation
import Tensors
import Vision
import Weights

/// A network that classifies images: an encoder, its head, and the classes' names.
public struct Classifier {
    public let configuration: ClassifierConfiguration
    /// The folder that it was read from; nil for a model that was made in memory.
    public private(set) var folder: URL?
    public let classes: ClassList
    public let modelEncoder: ModelEncoder
    public var encoder: Encoder { modelEncoder.network }
    /// From the feature map `[N, u, v, K]` to logits `[N, classes]`.
    public let head: (Variable) -> Variable
    /// Whether the head is global average pooling and one linear layer, so that CAM applies.
    public let endsInPooledLinear: Bool

    /// - Parameter p: the encoder's parameters are in `encoder`, the head's in `head`.
    /// - Throws: ``ModelError`` when the parts do not fit.
    public init(configuration: ClassifierConfiguration, classes: [String], parameters p: Parameters) throws {
        guard classes.count == configuration.classes else {
            throw ModelError(
                path: configuration.labels,
                problem: "names \(classes.count) classes, config.json says \(configuration.classes)")
        }
        self.configuration = configuration
        self.classes = ClassList(classes)
        let architecture = try configuration.encoder.architecture()
        modelEncoder = try ModelEncoder(
            configuration.encoder, preprocessing: configuration.preprocessing, parameters: p["encoder"])
        head = architecture.head(p["head"], classes: configuration.classes)
        endsInPooledLinear = architecture.camLayer != nil
    }

    /// Reads a model folder: `config.json`, `model.safetensors`, and the list of classes that the config names.
    /// - Throws: ``ModelError`` naming the file and what is wrong with it, or the readers' own errors.
    public static func load(_ folder: URL) throws -> Classifier {
        let files = ModelFiles(folder)
        let configuration = try files.configuration(
            ClassifierConfiguration.self, of: "a classifier", problem: \.problem)
        let (data, url) = try files.text(configuration.labels, what: "list of classes")
        let names = try ClassNames.read(data, name: url.path)
        var classifier = try files.loading { p in
            try Classifier(configuration: configuration, classes: names, parameters: p)
        }
        classifier.folder = folder
        return classifier
    }

    /// The feature map `[N, u, v, K]` of preprocessed images `[N, height, width, 3]`.
    public func features(_ images: Tensor) -> Tensor { encoder(Variable(images)).value }

    /// `[N, classes]`, before the softmax. features `[N, u, v, K]`.
    public func logits(features: Tensor) -> Tensor { head(Variable(features)).value }
}
