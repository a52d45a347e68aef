import Foundation

/// A temperature T by which scores are divided before the softmax: p = softmax(scores / T). It is the one that makes
/// the true words or answers of dev likeliest (Guo et al. 2017, "On Calibration of Modern Neural Networks",
/// arXiv 1706.04599). The order of words or answers stays; above 1, the model was too sure.
public struct FittedTemperature: Codable, Equatable, Sendable {
    /// T.
    public var value: Double
    /// The number of words or answers that it was fitted on.
    public var count: Int
    /// The mean of -log p, in nats, of the true words or answers at temperature 1.
    public var surpriseBefore: Double
    /// The same at the fitted temperature.
    public var surpriseAfter: Double
    /// The expected calibration error (``CalibrationError``) of the likeliest word or answer at temperature 1.
    public var errorBefore: Double
    /// The same at the fitted temperature.
    public var errorAfter: Double

    /// What a temperature may be.
    public static let range = 0.05...20.0

    public init(
        value: Double, count: Int, surpriseBefore: Double, surpriseAfter: Double, errorBefore: Double,
        errorAfter: Double
    ) {
        self.value = value
        self.count = count
        self.surpriseBefore = surpriseBefore
        self.surpriseAfter = surpriseAfter
        self.errorBefore = errorBefore
        self.errorAfter = errorAfter
    }

    /// Receives one row: its scores, and the index of the true word or answer.
    public typealias Row = (_ scores: UnsafeBufferPointer<Float>, _ truth: Int) -> Void

    /// Fits the temperature by Newton's method in 1 / T, in which the surprise is convex. Steps that leave the bracket
    /// of the minimum are replaced by its middle.
    /// - Parameter eachRow: calls its argument with every row; it is called about six times, and each time gives the
    ///   same rows.
    /// - Returns: nil where there are no rows, or scores that are no numbers. The temperature is in ``range``.
    public static func fit(_ eachRow: (Row) throws -> Void) rethrows -> FittedTemperature? {
        func sums(_ beta: Double) throws -> Sums {
            var sums = Sums()
            try eachRow { sums.add($0, $1, beta) }
            return sums
        }
        var (low, high) = (1 / range.upperBound, 1 / range.lowerBound)
        let first = try sums(1)
        guard first.count > 0, first.isFinite else { return nil }
        var beta = 1.0
        var last = first
        for _ in 0..<60 where last.slope != 0 {
            if last.slope > 0 { high = beta } else { low = beta }
            var next = beta - last.slope / last.curvature
            if !(low...high).contains(next) { next = (low + high) / 2 }
            let isClose = abs(next - beta) <= 1e-5 * beta
            beta = next
            last = try sums(beta)
            guard last.isFinite else { return nil }
            if isClose { break }
        }
        let count = Double(first.count)
        return FittedTemperature(
            value: 1 / beta, count: first.count, surpriseBefore: first.surprise / count,
            surpriseAfter: last.surprise / count, errorBefore: first.error.value, errorAfter: last.error.value)
    }

    /// The surprise of all rows at 1 / T, and its two derivatives by 1 / T.
    private struct Sums {
        var count = 0
        var surprise = 0.0
        var slope = 0.0
        var curvature = 0.0
        var error = CalibrationError()

        var isFinite: Bool { surprise.isFinite && slope.isFinite && curvature.isFinite }

        /// With p = softmax(beta s): the slope is the mean of s under p less the true one, the curvature its variance.
        mutating func add(_ scores: UnsafeBufferPointer<Float>, _ truth: Int, _ beta: Double) {
            var best = 0
            for i in scores.indices where scores[i] > scores[best] { best = i }
            let highest = Double(scores[best])
            var (sum, first, second) = (0.0, 0.0, 0.0)
            for score in scores {
                let below = Double(score) - highest
                let part = exp(beta * below)
                sum += part
                first += part * below
                second += part * below * below
            }
            let mean = first / sum
            let own = Double(scores[truth]) - highest
            count += 1
            surprise += log(sum) - beta * own
            slope += mean - own
            curvature += second / sum - mean * mean
            error.add(1 / sum, isRight: best == truth)
        }
    }
}
