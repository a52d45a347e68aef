import Foundation
import Tasks

/// The progress of training as lines on standard error.
enum TrainingReport {
    static func show(_ event: TrainingEvent, on progress: Progress) {
        switch event {
        case .note(let text): progress.line(text)
        case .caching(let done, let of):
            progress.update("features of \(done)/\(of) images", fraction: Double(done) / Double(max(1, of)))
        case .step(let epoch, let of, let batch, let batches, let loss, let left):
            progress.update(
                "epoch \(epoch)/\(of) batch \(batch)/\(batches) \(String(format: "loss %.3f", loss)), "
                    + "\(Progress.duration(left)) left",
                fraction: Double(batch) / Double(max(1, batches)))
        case .answerEpoch(let e):
            progress.line(
                String(
                    format: "epoch %d: loss %.4f, dev accuracy %.2f %%, %@%@", e.epoch, e.loss, 100 * e.devAccuracy,
                    Progress.duration(e.seconds), e.best ? " *" : ""))
        case .epoch(let e):
            progress.line(
                String(
                    format: "epoch %d (%@): loss %.4f, dev CIDEr-D %.4f, BLEU-4 %.4f, %@%@", e.epoch, e.phase, e.loss,
                    e.devCIDEr, e.devBLEU4, Progress.duration(e.seconds), e.best ? " *" : ""))
        }
    }
}
