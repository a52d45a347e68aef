import Foundation
import Tensors
import Vision

/// One task's part of training; ``Trainer`` does everything else.
protocol TrainingTask: AnyObject {
    associatedtype Options: TrainerOptions
    /// The model's `config.json`.
    associatedtype Configuration: Codable & Equatable

    var options: Options { get }
    var configuration: Configuration { get }
    var trainImages: [TrainingImage] { get }
    var devImages: [TrainingImage] { get }
    /// Every text of the data set in its order: a checkpoint made from other texts is refused.
    var dataTexts: [String] { get }

    /// An epoch's batches: indices into ``trainImages``.
    func batches(using generator: inout SeededGenerator) -> [[Int]]

    /// What the encoder's stages that are not trained make of the images, `[M, ...]`, and the number of the copy of each
    /// (see ``Augmentation``).
    /// - Parameter draws: a random number for each image.
    func input(_ images: [Int], draws: [UInt64], from cache: FeatureCache) -> (copies: [Int], input: Tensor)

    /// Called before the first batch of an epoch.
    func begin(_ phase: TrainingPhase, _ model: ModelInTraining)

    /// The learning rate of a parameter behind the encoder as a multiple of the phase's.
    func learningRateScale(of parameter: String, in phase: TrainingPhase) -> Float

    /// The loss of a batch.
    /// - Returns: the loss to go down, and the number that the log shows, which is another one where a reward is
    ///   trained on.
    func loss(_ batch: TrainingBatch, in phase: TrainingPhase, using generator: inout SeededGenerator) -> (
        loss: Variable, shown: Double
    )

    /// The scores of the dev images, the one that decides which weights are kept first.
    /// - Parameters:
    ///   - parameters: the averaged ones.
    ///   - features: the feature maps `[n, u, v, K]` of a range of ``devImages``.
    func devScores(_ parameters: Parameters, features: (Range<Int>) -> Tensor) -> [DevScore]

    /// The name of a phase in the log; nil for a task whose phases all have one objective.
    func name(of phase: TrainingPhase) -> String?

    /// The names of the data sets' files.
    var dataNames: [String] { get }

    /// Adds to the model's calibration how sure its words or answers may be.
    /// - Parameters:
    ///   - parameters: those that are kept.
    ///   - dev: the feature maps of ``devImages``.
    func calibrate(_ calibration: inout Calibration, _ parameters: Parameters, dev: FeatureMaps) throws

    /// Writes the model folder.
    /// - Parameter encoder: the encoder as `state` holds it.
    func save(
        _ state: [String: Tensor], encoder: EncoderConfiguration, calibration: Calibration, to folder: URL) throws
}

extension TrainingTask {
    func input(_ images: [Int], draws: [UInt64], from cache: FeatureCache) -> (copies: [Int], input: Tensor) {
        cache.batch(images, draws: draws)
    }
    func begin(_ phase: TrainingPhase, _ model: ModelInTraining) {}
    func learningRateScale(of parameter: String, in phase: TrainingPhase) -> Float { 1 }
    func name(of phase: TrainingPhase) -> String? { nil }
}

/// The options that every task has.
protocol TrainerOptions: Codable, Equatable {
    var seed: UInt64 { get }
    var clipNorm: Float { get }
    var crops: Int { get }
    var flips: Bool { get }
    var phases: [TrainingPhase] { get set }
}

extension TrainerOptions {
    /// Of all phases.
    public var epochs: Int { phases.reduce(0) { $0 + $1.epochs } }
    var augmentation: Augmentation { Augmentation(crops: crops, flips: flips, seed: seed) }
}

/// An image of a data set: its name there, and its file.
typealias TrainingImage = (name: String, url: URL)

/// One batch of images on its way through the model.
struct TrainingBatch {
    /// Indices into ``TrainingTask/trainImages``.
    let images: [Int]
    /// For each image the number of its copy (see ``Augmentation``).
    let copies: [Int]
    /// `[M, u, v, K]`, recorded where the encoder is trained.
    let features: Variable
    /// All parameters as leaves of the step's tape.
    let parameters: Parameters
    /// The same parameters without a tape.
    let constants: Parameters
}

extension TrainingBatch {
    /// The images that `isChosen` takes, all or some; where it is some, the encoder is not trained.
    func choosing(_ isChosen: (Int) -> Bool) -> TrainingBatch {
        let rows = images.indices.filter { isChosen(images[$0]) }
        if rows.count == images.count { return self }
        let value = features.value
        let size = value.count / max(1, images.count)
        let chosen = Tensor(uninitialized: [rows.count] + value.shape.dropFirst())
        for (i, row) in rows.enumerated() {
            (chosen.pointer + i * size).update(from: value.pointer + row * size, count: size)
        }
        return TrainingBatch(
            images: rows.map { images[$0] }, copies: rows.map { copies[$0] },
            features: Variable(withExtendedLifetime(value) { chosen }), parameters: parameters, constants: constants)
    }
}

/// One score of the dev images, higher is better.
public struct DevScore: Codable, Equatable, Sendable {
    public enum Unit: String, Codable, Sendable { case number, share }

    public var name: String
    public var value: Double
    public var unit: Unit
}

/// One line of the training log.
public struct TrainingEpoch: Codable, Sendable {
    /// Counted from 1.
    public var epoch: Int
    /// The objective and the first stage trained; nil for a task whose phases all have one objective.
    public var phase: String?
    /// The mean over the epoch's batches, of the reward where one is trained on.
    public var loss: Double
    /// The first decides which weights are kept.
    public var dev: [DevScore]
    public var seconds: Double
    /// Whether no epoch before scored as high.
    public var best: Bool

    /// The score that decides.
    public var devScore: Double { dev.first?.value ?? 0 }
}

/// What a trainer tells while it works.
public enum TrainingEvent {
    case note(String)
    case caching(done: Int, of: Int)
    /// The images of the calibration, after the last epoch.
    case calibrating(done: Int, of: Int)
    case step(epoch: Int, of: Int, batch: Int, batches: Int, loss: Double, secondsLeft: Double)
    case epoch(TrainingEpoch)
}
