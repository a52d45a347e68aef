import Foundation
import Tasks

/// How far a photograph is from those that a model was trained on (`FeatureDistribution`).
public struct TrainingDistance: Codable, Equatable, Sendable {
    /// About 1 for photographs like those of the training.
    public var distance: Double
    /// Of the model's dev photographs, 5 % are farther away.
    public var limit: Double

    /// Whether the photograph is unlike those of the training.
    public var isUnlike: Bool { !(distance <= limit) }

    /// As pictures say it.
    static let remark = "The photograph is unlike those that the model was trained on: this may be made up."

    var warning: String? {
        guard isUnlike else { return nil }
        return "the photograph is unlike those that the model was trained on (distance "
            + String(format: "%.2f, limit %.2f", distance, limit) + "): what the model says of it may be made up"
    }
}

extension RunningModel {
    /// nil for a model without a calibration.
    func trainingDistance(of image: EncodedImage) -> TrainingDistance? {
        model.calibration?.distribution.map {
            TrainingDistance(distance: $0.distance(image.features), limit: $0.threshold)
        }
    }
}
