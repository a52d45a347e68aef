import Tensors

/// Sums over the feature maps of the training images, from which their mean and their distribution are computed. Their
/// memory does not grow with the number of images.
struct FeatureStatistics {
    private var count = 0
    /// The shape of a feature map, `[u, v, K]`.
    private var shape: [Int] = []
    /// Of each element of the feature maps.
    private var maps: [Double] = []
    /// Of each channel of the images' descriptions (``FeatureDistribution``), and of its square.
    private var sums: [Double] = []
    private var squares: [Double] = []

    /// A part of the mean variance of all channels is added to each channel's variance.
    private static let shared = 0.01
    /// The smallest variance: it is above 0 where all images are the same.
    private static let smallest = 1e-6

    /// Adds images. features `[n, u, v, K]`, the same u, v, K in every call.
    mutating func add(_ features: Tensor) {
        let size = Array(features.shape.dropFirst())
        if count == 0 {
            shape = size
            maps = [Double](repeating: 0, count: size.reduce(1, *))
            sums = [Double](repeating: 0, count: size[2])
            squares = sums
        }
        precondition(size == shape, "the feature maps of an encoder have one shape")
        count += features.shape[0]
        for image in 0..<features.shape[0] {
            let input = features.pointer + image * maps.count
            for i in maps.indices { maps[i] += Double(input[i]) }
        }
        withExtendedLifetime(features) {}
        for x in FeatureDistribution.described(features) {
            for (k, value) in x.enumerated() {
                sums[k] += value
                squares[k] += value * value
            }
        }
    }

    /// The mean feature map, `[1, u, v, K]`.
    var meanMap: Tensor { Tensor([1] + shape, maps.map { Float($0 / Double(count)) }) }

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
