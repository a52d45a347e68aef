import Foundation
import Language
import Tensors
import Vision

/// Trains a VQA model from images and questions: on cached features of the encoder, then, if asked, with the encoder's
/// last stages. The best average of the weights by dev accuracy is kept.
public final class VQATrainer {
    private let trainer: Trainer<VQATask>
    public var options: VQATrainingOptions { trainer.task.options }
    /// What the model chooses among, in the order of its logits.
    public var answers: [String] { trainer.task.answers }
    public var log: [TrainingEpoch] { trainer.log }

    /// - Parameters:
    ///   - encoderWeights: the encoder's own checkpoint (`.pth` or `.safetensors`); nil trains the encoder from
    ///     nothing.
    ///   - sharedEncoder: the folder of another model. The VQA head is trained on its encoder as it is, and the model
    ///     that is written refers to it; `options.encoder` and `encoderWeights` are not used then.
    ///   - output: the model folder to write; checkpoints and caches go into `training` inside it.
    /// - Throws: ``ModelError`` for an encoder that does not fit, or the readers' own errors.
    public init(
        options: VQATrainingOptions, train: QuestionDataset, dev: QuestionDataset, encoderWeights: URL?,
        sharedEncoder: URL? = nil, output: URL, report: @escaping (TrainingEvent) -> Void
    ) throws {
        let model = try ModelInTraining(
            encoder: .init(shared: sharedEncoder, weights: encoderWeights, name: options.encoder),
            seed: options.seed, averageDecay: options.averageDecay, output: output, report: report)
        let task = VQATask(options, train: train, dev: dev, model: model)
        try task.readBoxes(of: train, for: output)
        trainer = Trainer(task, model)
        let known = task.questionCount
        let parts = [
            "\(known) training questions about \(train.entries.count) images "
                + "(\(train.questions.count - known) left out: their answers are too rare)",
            "\(dev.questions.count) dev questions about \(dev.entries.count)", "\(task.answers.count) answers",
            "\(task.vocabulary.count) words", "\(model.parameterCount) parameters",
        ]
        report(.note(parts.joined(separator: ", ")))
        let faulty = Set(train.questions.map(\.answer).filter { AnswerFile.fault(of: $0) != nil }).sorted()
        if let first = faulty.first {
            let example = "\(DatasetFile.quoted(first)) (it \(AnswerFile.fault(of: first) ?? ""))"
            report(.note("warning: \(faulty.count) answers are no lines of text and were left out, as \(example)"))
        }
        let learnt = Set(train.entries.map { train.imageURL($0.image).standardizedFileURL.path })
        let both = dev.entries.count { learnt.contains(dev.imageURL($0.image).standardizedFileURL.path) }
        if both > 0 {
            report(
                .note(
                    "warning: \(both) of the \(dev.entries.count) dev images are training images too; "
                        + "the dev accuracy says little about new ones"))
        }
    }

    /// Trains until the last epoch of the last phase.
    /// - Parameter resume: go on from the checkpoint in `output`, if there is one.
    public func run(resume: Bool) throws { try trainer.run(resume: resume) }
}
