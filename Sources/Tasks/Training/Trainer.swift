import Foundation
import Support
import Tensors
import Vision

/// Trains the model of a task, epoch by epoch: on cached features of the encoder's frozen stages, with the optimiser, a
/// running average of the weights, checkpoints, and the best average by the first dev score kept.
final class Trainer<Task: TrainingTask> {
    let task: Task
    let model: ModelInTraining
    private(set) var log: [TrainingEpoch] = []
    /// Without the time that the feature cache takes.
    private var began = Date()

    init(_ task: Task, _ model: ModelInTraining) {
        self.task = task
        self.model = model
    }

    /// What a checkpoint keeps beside the tensors.
    private struct Run: Codable {
        var options: Task.Options
        var model: Task.Configuration
        var log: [TrainingEpoch]
    }

    /// Trains until the last epoch of the last phase, and writes the model folder. Each phase starts from the best
    /// weights so far; after each epoch a checkpoint is written.
    /// The folder is locked meanwhile.
    /// - Parameter resume: go on from the checkpoint in the model folder, if there is one.
    func run(resume: Bool) throws {
        let lock = try model.lockFolder()
        defer { lock.release() }
        let next = resume ? try restore() ?? 0 : 0
        let total = task.options.epochs
        if next > 0 { model.report(.note("resuming at epoch \(next + 1) of \(total)")) }
        var number = 0
        for (index, phase) in task.options.phases.enumerated() {
            for inPhase in 0..<phase.epochs {
                defer { number += 1 }
                if number < next { continue }
                if inPhase == 0, index > 0 { try model.restartFromBest() }
                let epoch = RunningEpoch(number: number, phase: phase, inPhase: inPhase, first: next, total: total)
                let start = Date()
                let loss = try train(epoch)
                let line = line(epoch, loss: loss, dev: try devScores(phase), since: start)
                if line.best { try model.keepBest(epoch: line.epoch) }
                log.append(line)
                let run = Run(options: task.options, model: task.configuration, log: log)
                try model.checkpoint(run, data: dataFingerprint, next: number + 1)
                model.report(.epoch(line))
            }
        }
        let (state, encoder) = try model.exported()
        try task.save(
            state, encoder: encoder, calibration: try calibration(state, encoder), to: model.output)
    }

    /// The calibration of the weights that are kept, which are the store's now. The images' features come from the
    /// caches of the last phase; where an epoch before it was the best, they may have to be computed again.
    private func calibration(_ state: [String: Tensor], _ encoder: EncoderConfiguration) throws -> Calibration {
        let cut = try model.cut(from: task.options.phases.last?.from)
        let (network, weights) = try model.exportedEncoder(state, encoder)
        func maps(_ images: [TrainingImage], _ augmentation: Augmentation, _ name: String) throws -> FeatureMaps {
            let cache = try model.cache(cut, images: images, augmentation: augmentation, name: name)
            return FeatureMaps(count: cache.count) { range in
                // Each image by itself on one thread: the numbers do not depend on the number of threads.
                FeatureMaps.joined(range) { image in
                    network(Variable(cache.batch([image])), stages: cut..<network.stages.count).value
                }
            }
        }
        let dev = try maps(task.devImages, .none, "dev")
        var calibration = try Calibration.fit(
            encoder: weights,
            train: try maps(task.trainImages, task.options.augmentation, "train"), dev: dev, names: task.dataNames,
            path: model.output.path, progress: { model.report(.calibrating(done: $0, of: $1)) })
        try task.calibrate(&calibration, model.store.scope(), dev: dev)
        return calibration
    }

    private func line(_ epoch: RunningEpoch, loss: Double, dev: [DevScore], since start: Date) -> TrainingEpoch {
        var line = TrainingEpoch(
            epoch: epoch.number + 1, phase: task.name(of: epoch.phase), loss: loss, dev: dev,
            seconds: Date().timeIntervalSince(start), best: false)
        line.best = line.devScore > (log.map(\.devScore).max() ?? -1)
        return line
    }

    private func restore() throws -> Int? {
        let found = try model.restore(
            Run.self, data: dataFingerprint, epochs: { $0.log.count },
            isSameRun: {
                // The phases may change: a run may be made longer.
                var compared = $0.options
                compared.phases = task.options.phases
                return compared == task.options
            }, isSameModel: { $0.model == task.configuration })
        if let found { log = found.run.log }
        return found?.next
    }

    private var dataFingerprint: String { Fingerprint(of: task.dataTexts).hexadecimal }

    // MARK: An epoch

    /// Steps over an epoch's batches, with one copy of each image drawn at random.
    /// - Returns: the mean of the numbers that the log shows.
    /// - Throws: ``ModelError`` when the loss is NaN or infinite.
    private func train(_ epoch: RunningEpoch) throws -> Double {
        let phase = epoch.phase
        let cut = try model.cut(from: phase.from)
        let cache = try model.cache(
            cut, images: task.trainImages, augmentation: task.options.augmentation, name: "train")
        var generator = epoch.generator(seed: task.options.seed)
        let batches = task.batches(using: &generator)
        task.begin(phase, model)
        if epoch.number == epoch.first { began = Date() }
        model.optimizer.scale = { [task] name in
            ModelInTraining.isOfEncoder(name) ? phase.encoderScale : task.learningRateScale(of: name, in: phase)
        }
        var sum = 0.0
        for (position, images) in batches.enumerated() {
            model.optimizer.learningRate = phase.learningRate(
                step: epoch.inPhase * batches.count + position, of: phase.epochs * batches.count)
            let (copies, input) = task.input(images, draws: images.map { _ in generator.next() }, from: cache)
            let loss = try step(phase, images, copies, input, cut: cut, using: &generator)
            guard loss.isFinite else {
                throw ModelError(
                    path: model.output.path,
                    problem:
                        "training diverged in epoch \(epoch.number + 1) (loss \(loss)); use a smaller learning rate")
            }
            sum += loss
            let done = Double((epoch.number - epoch.first) * batches.count + position + 1)
            let all = Double((epoch.total - epoch.first) * batches.count)
            model.report(
                .step(
                    epoch: epoch.number + 1, of: epoch.total, batch: position + 1, batches: batches.count,
                    loss: sum / Double(position + 1), secondsLeft: Date().timeIntervalSince(began) / done * (all - done)
                ))
        }
        return sum / Double(max(1, batches.count))
    }

    /// One step of the optimiser.
    /// - Parameter input: what the encoder's stages before `cut` make of the images, `[M, ...]`.
    private func step(
        _ phase: TrainingPhase, _ images: [Int], _ copies: [Int], _ input: Tensor, cut: Int,
        using generator: inout SeededGenerator
    ) throws -> Double {
        let tape = Tape()
        let parameters = model.store.scope(on: tape)
        let features = try model.features(input, parameters, cut: cut)
        let batch = TrainingBatch(
            images: images, copies: copies, features: features, parameters: parameters, constants: model.store.scope())
        let (loss, shown) = task.loss(batch, in: phase, using: &generator)
        model.step(loss, tape, clipNorm: task.options.clipNorm)
        return shown
    }

    private func devScores(_ phase: TrainingPhase) throws -> [DevScore] {
        let cut = try model.cut(from: phase.from)
        return try model.withAverage {
            let parameters = model.store.scope()
            let encoder = try model.makeEncoder(parameters)
            let cache = try model.cache(cut, images: task.devImages, augmentation: .none, name: "dev")
            return task.devScores(parameters) { range in
                encoder(Variable(cache.batch(Array(range))), stages: cut..<encoder.stages.count).value
            }
        }
    }
}
