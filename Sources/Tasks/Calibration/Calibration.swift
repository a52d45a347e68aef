import Foundation
import Tensors

/// What a model folder knows of the images that the model was trained on, and how sure its words or answers may be.
///
/// It lies beside the weights, in `calibration.json` (numbers for people) and `calibration.safetensors` (tensors).
/// `mmx train` makes it, and `mmx model calibrate` adds it to a folder that lacks it.
public struct Calibration: Sendable {
    /// The encoder's weights (``EncoderIdentity/weights``) that the features were computed with.
    public var encoder: String
    /// The feature maps of a few typical training images, `[n, u, v, K]`: what a decoder or a VQA head reads for "no
    /// image". What it says without an image is the mean of what it says of these, each with its share.
    public var typicalFeatures: Tensor
    /// For each of them the share of the training images that it stands for; they add up to 1.
    public var typicalShares: [Float]
    /// The distribution of the training images' features; nil where it was not computed.
    public var distribution: FeatureDistribution?
    /// The temperature of words or answers that was fitted on dev; nil where it was not fitted.
    public var temperature: FittedTemperature?
    /// Of a model that answers questions: how often it is right in dev questions of each kind. Otherwise empty.
    public var kinds: [KindAccuracy]
    /// What it was computed from.
    public var data: CalibrationData

    public init(
        encoder: String, typicalFeatures: Tensor, typicalShares: [Float], distribution: FeatureDistribution? = nil,
        temperature: FittedTemperature? = nil, kinds: [KindAccuracy] = [], data: CalibrationData
    ) {
        self.encoder = encoder
        self.typicalFeatures = typicalFeatures
        self.typicalShares = typicalShares
        self.distribution = distribution
        self.temperature = temperature
        self.kinds = kinds
        self.data = data
    }

    /// The accuracy in questions of a kind; nil where dev had none.
    public func accuracy(of kind: QuestionKind) -> KindAccuracy? { kinds.first { $0.kind == kind } }
}

/// What a calibration was computed from.
public struct CalibrationData: Codable, Equatable, Sendable {
    /// The number of training images.
    public var images: Int
    /// The number of dev images.
    public var devImages: Int
    /// The names of the files and folders, without the folders that they lie in.
    public var names: [String]

    public init(images: Int, devImages: Int, names: [String]) {
        self.images = images
        self.devImages = devImages
        self.names = names
    }
}

/// How often a model is right in questions of a kind.
public struct KindAccuracy: Codable, Equatable, Sendable {
    public var kind: QuestionKind
    /// The number of questions of this kind.
    public var questions: Int
    /// How many of them were answered right.
    public var right: Int

    public init(kind: QuestionKind, questions: Int, right: Int) {
        self.kind = kind
        self.questions = questions
        self.right = right
    }

    /// Right answers in 100 questions, rounded.
    public var percent: Int { questions == 0 ? 0 : Int((100 * Double(right) / Double(questions)).rounded()) }
}
