import Foundation
import Tasks

/// The progress of training as lines on standard error.
enum TrainingReport {
    static func show(_ event: TrainingEvent, on progress: Progress) {
        switch event {
        case .note(let text): progress.line(text)
        case .caching(let done, let of):
            progress.update("features of \(done)/\(of) images", fraction: Double(done) / Double(max(1, of)))
        case .calibrating(let done, let of): progress.count(done, of: of, "images of the calibration")
        case .step(let epoch, let of, let batch, let batches, let loss, let left):
            progress.update(
                "epoch \(epoch)/\(of) batch \(batch)/\(batches) \(String(format: "loss %.3f", loss)), "
                    + "\(Progress.duration(left)) left",
                fraction: Double(batch) / Double(max(1, batches)))
        case .epoch(let e):
            let phase = e.phase.map { " (\($0))" } ?? ""
            let loss = String(format: "%.4f", e.loss)
            let dev = e.dev.map(text).joined(separator: ", ")
            progress.line(
                "epoch \(e.epoch)\(phase): loss \(loss), dev \(dev), \(Progress.duration(e.seconds))"
                    + (e.best ? " *" : ""))
        }
    }

    private static func text(_ score: DevScore) -> String {
        switch score.unit {
        case .number: "\(score.name) \(String(format: "%.4f", score.value))"
        case .share: "\(score.name) \(String(format: "%.2f %%", 100 * score.value))"
        }
    }
}
