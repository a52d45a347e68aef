import Tensors

/// A figure and how sure it is.
public struct Estimate: Codable, Equatable, Sendable {
    public var value: Double
    /// The bounds of the 95 % interval.
    public var low: Double
    public var high: Double
}

/// Percentile intervals by resampling images with replacement (Efron & Tibshirani 1993, chapter 13).
///
/// Images, not questions or words: what is said about one image goes up and down together. All figures of a table
/// are resampled with the same draws. The same seed gives the same numbers on every machine.
public struct Bootstrap: Sendable {
    public var resamples: Int
    public var seed: UInt64

    public init(resamples: Int = 1000, seed: UInt64 = 1) {
        precondition(resamples >= 1, "\(resamples) resamples")
        self.resamples = resamples
        self.seed = seed
    }

    /// - Parameter columns: for each figure, the sums over each image's maps: `[figures][images]`; a image
    ///   without any has weight 0.
    /// - Returns: for each figure its value and interval; nil where the weights sum to 0.
    public func estimates(_ columns: [[Ratio]]) -> [Estimate?] {
        let images = columns.first?.count ?? 0
        precondition(columns.allSatisfy { $0.count == images }, "figures over different numbers of images")
        var generator = SeededGenerator(seed: seed)
        var samples = [[Double]](repeating: [], count: columns.count)
        for _ in 0..<resamples {
            var times = [Double](repeating: 0, count: images)
            for _ in 0..<images {
                times[Int(generator.next().multipliedFullWidth(by: UInt64(images)).high)] += 1
            }
            for (index, column) in columns.enumerated() {
                var sum = Ratio(0, over: 0)
                for (n, ratio) in zip(times, column) {
                    sum.value += n * ratio.value
                    sum.weight += n * ratio.weight
                }
                // A draw without any map of this figure says nothing about it.
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
}
