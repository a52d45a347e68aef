import Tensors

/// A figure with its confidence interval.
public struct Estimate: Codable, Equatable, Sendable {
    /// The figure over all images.
    public var value: Double
    /// The lower bound of the 95 % interval.
    public var low: Double
    /// The upper bound of the 95 % interval.
    public var high: Double
}

/// Percentile intervals by resampling images with replacement (Efron & Tibshirani 1993, chapter 13).
///
/// Images are resampled, not questions or words, because the targets of one image are not independent. All figures of a
/// table have the same samples. The same seed gives the same numbers on every machine.
public struct Bootstrap: Sendable {
    /// The number of samples, at least 1.
    public var resamples: Int
    /// The seed of the samples.
    public var seed: UInt64

    /// - Parameters:
    ///   - resamples: the number of samples, at least 1.
    ///   - seed: of the samples.
    public init(resamples: Int = 1000, seed: UInt64 = 1) {
        precondition(resamples >= 1, "\(resamples) resamples")
        self.resamples = resamples
        self.seed = seed
    }

    /// The values and intervals of several figures.
    /// - Parameter columns: for each figure, the sum over each image's maps: `[figures][images]`. An image without maps
    ///   has weight 0.
    /// - Returns: an estimate for each figure. It is nil if the weights sum to 0.
    public func estimates(_ columns: [[Ratio]]) -> [Estimate?] {
        let images = columns.first?.count ?? 0
        precondition(columns.allSatisfy { $0.count == images }, "figures over different numbers of images")
        var generator = SeededGenerator(seed: seed)
        var samples = [[Double]](repeating: [], count: columns.count)
        for _ in 0..<resamples {
            let times = sample(images, using: &generator)
            for (index, column) in columns.enumerated() {
                var sum = Ratio(0, over: 0)
                for (n, ratio) in zip(times, column) {
                    sum.value += n * ratio.value
                    sum.weight += n * ratio.weight
                }
                // A sample without a map of this figure has no value.
                if sum.weight > 0 { samples[index].append(sum.value / sum.weight) }
            }
        }
        return zip(columns, samples).map { column, samples in
            let sum = column.reduce(Ratio(0, over: 0), +)
            guard sum.weight > 0 else { return nil }
            let value = sum.value / sum.weight
            let sorted = samples.sorted()
            let tail = sorted.count / 40
            guard !sorted.isEmpty else { return Estimate(value: value, low: value, high: value) }
            return Estimate(value: value, low: sorted[tail], high: sorted[sorted.count - 1 - tail])
        }
    }

    /// The value and the interval of a figure that is no quotient of sums.
    /// - Parameters:
    ///   - images: the number of images.
    ///   - figure: the figure, where each image counts so many times; nil where it has no value.
    /// - Returns: nil if the figure has no value for the images themselves.
    func estimate(images: Int, _ figure: (_ times: [Double]) -> Double?) -> Estimate? {
        guard let value = figure([Double](repeating: 1, count: images)) else { return nil }
        var generator = SeededGenerator(seed: seed)
        let samples = (0..<resamples).compactMap { _ in figure(sample(images, using: &generator)) }.sorted()
        let tail = samples.count / 40
        guard !samples.isEmpty else { return Estimate(value: value, low: value, high: value) }
        return Estimate(value: value, low: samples[tail], high: samples[samples.count - 1 - tail])
    }

    /// How often each image is in a sample.
    private func sample(_ images: Int, using generator: inout SeededGenerator) -> [Double] {
        var times = [Double](repeating: 0, count: images)
        for _ in 0..<images { times[Int(generator.next().multipliedFullWidth(by: UInt64(images)).high)] += 1 }
        return times
    }
}
