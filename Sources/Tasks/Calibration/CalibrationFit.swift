import Foundation
import Tensors

extension Calibration {
    /// Computes the mean feature map and the distribution of the training images, and the threshold from dev.
    /// - Parameters:
    ///   - encoder: the fingerprint of the encoder's weights.
    ///   - names: of the data sets' files; one that is there twice is kept once.
    ///   - path: the model's folder, for errors.
    /// - Throws: ``ModelError`` for features that are not finite, or what the feature maps throw.
    static func fit(
        encoder: String, train: FeatureMaps, dev: FeatureMaps, names: [String], path: String,
        progress: (Int, Int) -> Void = { _, _ in }
    ) throws -> Calibration {
        var statistics = FeatureStatistics()
        try train.eachBatch(progress: progress) { maps, _ in
            guard maps.isFinite else {
                throw ModelError(path: path, problem: "gives features that are no numbers; its weights are damaged")
            }
            statistics.add(maps)
        }
        var distribution = statistics.distribution
        distribution.setThreshold(try distribution.distances(dev))
        var known = Set<String>()
        return Calibration(
            encoder: encoder, meanFeatures: statistics.meanMap, distribution: distribution,
            data: CalibrationData(
                images: train.count, devImages: dev.count, names: names.filter { known.insert($0).inserted }))
    }
}
