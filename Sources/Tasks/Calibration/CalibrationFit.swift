import Foundation
import Tensors

extension Calibration {
    /// Chooses typical training images and computes the distribution of the training images, and the threshold from dev.
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
        let compared = TypicalImages.compared(of: train.count), isCompared = Set(compared)
        var descriptions: [Float] = []
        try train.eachBatch(progress: progress) { maps, from in
            guard maps.isFinite else {
                throw ModelError(path: path, problem: "gives features that are no numbers; its weights are damaged")
            }
            for (i, x) in statistics.add(maps).enumerated() where isCompared.contains(from + i) {
                descriptions += x.map { Float($0) }
            }
        }
        let typical = TypicalImages.choose(
            Tensor([compared.count, descriptions.count / compared.count], descriptions))
        let maps = try typical.map { found in
            try train.maps(compared[found.row]..<compared[found.row] + 1)
        }
        var distribution = statistics.distribution
        distribution.setThreshold(try distribution.distances(dev))
        var known = Set<String>()
        return Calibration(
            encoder: encoder, typicalFeatures: FeatureMaps.joined(maps), typicalShares: typical.map(\.share),
            distribution: distribution,
            data: CalibrationData(
                images: train.count, devImages: dev.count, names: names.filter { known.insert($0).inserted }))
    }
}
