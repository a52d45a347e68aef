import Foundation
import Tensors

/// The distribution of the training images' features, and the distance beyond which an image is unlike them.
///
/// An image is described by x, its feature map's mean over the cells, scaled to a root mean square of 1 over the K
/// channels: which channels are active counts, and not how strongly, for contrast and sharpness change that too. Its
/// distance is that of Mahalanobis from the training images with a diagonal covariance (Lee et al. 2018,
/// arXiv 1807.03888, with one class for all images; the scaling as in Sun et al. 2022, arXiv 2204.06507):
///
///     distance = sqrt( 1/K sum_k (x_k - mean_k)^2 / deviation_k^2 )
///
/// It is about 1 for images like those of the training.
public struct FeatureDistribution: Sendable {
    /// The mean of the training images' x, `[K]`.
    public var mean: Tensor
    /// The standard deviation of each channel of x, `[K]`, with a share of all channels' added, so that a channel that
    /// is hardly ever active does not decide alone.
    public var deviation: Tensor
    /// Images farther away than this are unlike the training images.
    public var threshold: Double
    /// The share of the dev images beyond the threshold.
    public var devWarned: Double

    /// The share of the dev images that may be warned of.
    public static let warned = 0.05

    public init(mean: Tensor, deviation: Tensor, threshold: Double = 0, devWarned: Double = 0) {
        self.mean = mean
        self.deviation = deviation
        self.threshold = threshold
        self.devWarned = devWarned
    }

    /// The distance of an image from the training images; not finite where the features are not.
    /// - Parameter features: the feature map of one image, `[1, u, v, K]`.
    /// - Precondition: K is that of the distribution.
    public func distance(_ features: Tensor) -> Double {
        let x = Self.described(features)
        let (mean, deviation) = (mean.array, deviation.array)
        precondition(features.shape[0] == 1 && x[0].count == mean.count, "one image of \(mean.count) channels")
        var sum = 0.0
        for (k, value) in x[0].enumerated() {
            let part = (value - Double(mean[k])) / Double(deviation[k])
            sum += part * part
        }
        return (sum / Double(mean.count)).squareRoot()
    }

    /// Whether an image is unlike the training images. features `[1, u, v, K]`.
    public func isUnlike(_ features: Tensor) -> Bool { distance(features) > threshold }

    /// The distances of many images, in their order.
    func distances(_ images: FeatureMaps, progress: (Int, Int) -> Void = { _, _ in }) throws -> [Double] {
        var result: [Double] = []
        try images.eachBatch(progress: progress) { maps, _ in
            for i in 0..<maps.shape[0] { result.append(distance(maps.rows(i..<i + 1))) }
        }
        return result
    }

    /// Sets the threshold so that at most ``warned`` of the dev images are beyond it, and as many as possible.
    /// - Parameter distances: of the dev images, at least one.
    mutating func setThreshold(_ distances: [Double]) {
        let sorted = distances.sorted()
        let kept = Int((Double(sorted.count) * (1 - Self.warned)).rounded(.up))
        threshold = sorted[max(0, kept - 1)]
        devWarned = Double(sorted.count { $0 > threshold }) / Double(sorted.count)
    }

    /// The descriptions x of images. features `[n, u, v, K]`; an image without any active channel has zeros.
    static func described(_ features: Tensor) -> [[Double]] {
        let (images, cells, width) = (features.shape[0], features.shape[1] * features.shape[2], features.shape[3])
        return (0..<images).map { image in
            var sums = [Double](repeating: 0, count: width)
            let input = features.pointer + image * cells * width
            for cell in 0..<cells {
                for k in 0..<width { sums[k] += Double(input[cell * width + k]) }
            }
            let square = sums.reduce(0) { $0 + $1 * $1 } / Double(width)
            return withExtendedLifetime(features) {
                square == 0 ? sums : sums.map { $0 / square.squareRoot() }
            }
        }
    }
}
