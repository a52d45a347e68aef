import Tensors

/// Sums over the training images, from which their distribution is computed. Their memory does not grow with the number
/// of images.
struct FeatureStatistics {
    private var count = 0
    /// Of each channel of the images' descriptions (``FeatureDistribution``), and of its square.
    private var sums: [Double] = []
    private var squares: [Double] = []

    /// A part of the mean variance of all channels is added to each channel's variance.
    private static let shared = 0.01
    /// The smallest variance: it is above 0 where all images are the same.
    private static let smallest = 1e-6

    /// Adds images. features `[n, u, v, K]`, the same K in every call.
    /// - Returns: their descriptions (``FeatureDistribution``).
    @discardableResult
    mutating func add(_ features: Tensor) -> [[Double]] {
        let descriptions = FeatureDistribution.described(features)
        count += descriptions.count
        for x in descriptions {
            if sums.isEmpty {
                sums = [Double](repeating: 0, count: x.count)
                squares = sums
            }
            precondition(x.count == sums.count, "the feature maps of an encoder have one number of channels")
            for (k, value) in x.enumerated() {
                sums[k] += value
                squares[k] += value * value
            }
        }
        return descriptions
    }

    /// The distribution, without a threshold. Its numbers are halves, as they are stored, so that a threshold fits what
    /// is read later.
    var distribution: FeatureDistribution {
        let mean = sums.map { $0 / Double(count) }
        let variance = zip(squares, mean).map { max(0, $0 / Double(count) - $1 * $1) }
        let added = Self.shared * variance.reduce(0, +) / Double(max(1, variance.count)) + Self.smallest
        func halves(_ values: [Double]) -> Tensor { Tensor([values.count], values.map { Float(Float16($0)) }) }
        return FeatureDistribution(mean: halves(mean), deviation: halves(variance.map { ($0 + added).squareRoot() }))
    }
}
