/// The expected calibration error (Guo et al. 2017, arXiv 1706.04599): the predictions are sorted into 15 bins of equal
/// width by their probability; in each bin the mean probability is compared with the share of right predictions; the
/// result is the mean of the differences, weighed by the bins' numbers of predictions. 0 is best; 0.1 means that
/// probabilities are off by ten points.
public struct CalibrationError: Equatable, Sendable {
    private static let bins = 15
    private var count = [Int](repeating: 0, count: bins)
    private var right = [Int](repeating: 0, count: bins)
    private var probability = [Double](repeating: 0, count: bins)

    public init() {}

    /// Adds the likeliest word or answer.
    /// - Parameters:
    ///   - p: its probability, 0...1.
    ///   - isRight: whether it is the true one.
    public mutating func add(_ p: Double, isRight: Bool) {
        // Bins are open below and closed above, as in the paper; 0 is in the first, and so is what is no number.
        let place = (p * Double(Self.bins)).rounded(.up)
        let bin = place > 1 ? Int(min(place, Double(Self.bins))) - 1 : 0
        count[bin] += 1
        right[bin] += isRight ? 1 : 0
        probability[bin] += p
    }

    /// The error, 0...1; 0 where nothing was added.
    public var value: Double {
        let all = count.reduce(0, +)
        let off = zip(probability, right).reduce(0) { $0 + abs($1.0 - Double($1.1)) }
        return all == 0 ? 0 : off / Double(all)
    }
}
