import Foundation
import Language
import Tensors
import Vision
import Weights

/// Trains a captioner from images and captions: first the decoder on cached features, then with the encoder's last
/// stages, then, if asked, on the reward of its own captions. The best average of the weights by dev CIDEr-D is kept.
public final class CaptionTrainer {
    private let trainer: Trainer<CaptionTask>
    public var options: CaptionTrainingOptions { trainer.task.options }
    public var log: [TrainingEpoch] { trainer.log }
    var model: ModelInTraining { trainer.model }
    var vocabulary: Vocabulary { trainer.task.vocabulary }

    /// - Parameters:
    ///   - encoderWeights: the encoder's own checkpoint (`.pth` or `.safetensors`); nil trains the encoder from
    ///     nothing.
    ///   - sharedEncoder: the folder of another model. The decoder is trained on its encoder as it is, and the model
    ///     that is written refers to it; `options.encoder`, `encoderWeights` and `size` are not used then.
    ///   - phrases: phrases of the training captions with boxes, needed where ``CaptionTrainingOptions/grounding`` is
    ///     not 0.
    ///   - text: captions without images, for which feature maps are made up; only on a frozen encoder.
    ///   - decoder: the folder of a captioner of the same sizes, whose decoder this one starts from. Its words are words
    ///     of this one.
    ///   - output: the model folder to write; checkpoints and caches go into `training` inside it.
    ///   - size: side of the square that images are squashed to; nil for the encoder's own preprocessing.
    /// - Throws: ``ModelError``, ``DatasetError`` and the readers' own errors.
    public init(
        options: CaptionTrainingOptions, train: CaptionDataset, dev: CaptionDataset, encoderWeights: URL?,
        sharedEncoder: URL? = nil, phrases: URL? = nil, text: CaptionText? = nil, decoder start: URL? = nil,
        output: URL,
        vocabularyFile: String = "vocabulary.txt", size: Int? = nil, report: @escaping (TrainingEvent) -> Void
    ) throws {
        let model = try ModelInTraining(
            encoder: .init(shared: sharedEncoder, weights: encoderWeights, name: options.encoder), size: size,
            seed: options.seed, averageDecay: options.averageDecay, output: output, report: report)
        let task = try CaptionTask(
            options, train: train, dev: dev,
            text: text.map {
                try TextOnlyData(captions: $0.captions, words: $0.words, classifier: $0.classifier, model: model)
            }, model: model, vocabularyFile: vocabularyFile)
        if let start, let taken = try task.load(from: start, into: model.store) {
            report(
                .note(
                    "\(start.path) has a decoder of another kind; of it are \(taken.joined(separator: ", ")); the rest "
                        + "starts new"))
        }
        try task.readPhrases(phrases, of: train, for: output)
        trainer = Trainer(task, model)
        report(
            .note(
                "\(train.entries.count) training and \(dev.entries.count) dev images, "
                    + "\(task.vocabulary.count) words, \(model.parameterCount) parameters"))
        if let count = task.textCount { report(.note("\(count) texts without images name things that a class shows")) }
    }

    /// Trains until the last epoch of the last phase.
    /// - Parameter resume: go on from the checkpoint in `output`, if there is one.
    public func run(resume: Bool) throws { try trainer.run(resume: resume) }
}

/// Files from which a captioner learns words and sentences that no image shows (see ``TextOnlyImages``).
public struct CaptionText: Sendable {
    /// CSV with the header `image,caption`; the images need not be there.
    public var captions: URL
    /// Words and the classes that show them (see ``ClassWords``).
    public var words: URL
    /// The encoder's checkpoint with its classifier.
    public var classifier: URL

    public init(captions: URL, words: URL, classifier: URL) {
        (self.captions, self.words, self.classifier) = (captions, words, classifier)
    }
}
