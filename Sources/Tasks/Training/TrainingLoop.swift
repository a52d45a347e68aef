import Foundation
import Tensors

/// What every trainer does, epoch by epoch and batch by batch.
extension ModelInTraining {
    /// Runs the epochs that are left. Each phase starts from the best weights so far; after each epoch a checkpoint is written.
    /// - Parameters:
    ///   - next: the first epoch to run, counted from 0.
    ///   - train: runs an epoch and gives its mean loss.
    ///   - evaluate: given the epoch's loss and the time it began, logs it and says whether it is the best so far.
    ///   - checkpoint: writes the run's state, from which the given epoch is next.
    ///   - report: tells of the epoch logged last.
    func run(
        _ phases: [TrainingPhase], from next: Int, train: (RunningEpoch) throws -> Double,
        evaluate: (RunningEpoch, _ loss: Double, _ start: Date) throws -> Bool, checkpoint: (Int) throws -> Void, report: () -> Void
    ) throws {
        let total = phases.reduce(0) { $0 + $1.epochs }
        var number = 0
        for (index, phase) in phases.enumerated() {
            for inPhase in 0..<phase.epochs {
                defer { number += 1 }
                if number < next { continue }
                if inPhase == 0, index > 0 { try restartFromBest() }
                let epoch = RunningEpoch(number: number, phase: phase, inPhase: inPhase, first: next, total: total)
                let start = Date()
                if try evaluate(epoch, try train(epoch), start) { try keepBest() }
                try checkpoint(number + 1)
                report()
            }
        }
    }

    /// Steps over an epoch's batches of pictures, with one copy of each picture drawn at random; returns the mean loss.
    /// - Parameter step: given the pictures, their drawn copies and those's features at the phase's cut, takes a step and gives its loss.
    /// - Throws: ``ModelError`` when the loss is no longer a number.
    func steps(
        _ epoch: RunningEpoch, _ batches: [[Int]], _ cache: FeatureCache, using generator: inout SeededGenerator,
        step: (_ pictures: [Int], _ copies: [Int], _ input: Tensor, _ generator: inout SeededGenerator) throws -> Double
    ) throws -> Double {
        // The time left is reckoned without the making of the cache.
        if epoch.number == epoch.first { began = Date() }
        let phase = epoch.phase
        var lossSum = 0.0
        optimizer.scale = {
            $0.hasPrefix("encoder.") ? phase.encoderScale : $0.hasPrefix("decoder.visual.") ? phase.visualScale : 1
        }
        for (position, pictures) in batches.enumerated() {
            optimizer.learningRate = Self.learningRate(
                phase.learningRate, step: epoch.inPhase * batches.count + position, of: phase.epochs * batches.count)
            let copies = pictures.map { _ in Int(generator.next() % UInt64(cache.copies)) }
            let loss = try step(pictures, copies, cache.batch(pictures, copies: copies), &generator)
            guard loss.isFinite else {
                throw ModelError(
                    path: output.path,
                    problem: "training diverged in epoch \(epoch.number + 1) (loss \(loss)); use a smaller learning rate")
            }
            lossSum += loss
            let done = Double((epoch.number - epoch.first) * batches.count + position + 1)
            let all = Double((epoch.total - epoch.first) * batches.count)
            report(
                .step(
                    epoch: epoch.number + 1, of: epoch.total, batch: position + 1, batches: batches.count,
                    loss: lossSum / Double(position + 1), secondsLeft: Date().timeIntervalSince(began) / done * (all - done)))
        }
        return lossSum / Double(max(1, batches.count))
    }

    /// The random numbers of an epoch, the same whether the run was interrupted or not.
    static func generator(seed: UInt64, epoch: RunningEpoch) -> SeededGenerator {
        SeededGenerator(seed: seed &* 1_000_003 &+ UInt64(epoch.number))
    }
}
