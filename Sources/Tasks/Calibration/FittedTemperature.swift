import Foundation
import Tensors

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

    /// Receives rows of scores, `[rows, width]`, and for each row the index of the true word or answer; nil leaves the
    /// row out.
    public typealias Batch = (_ scores: Tensor, _ truths: [Int?]) -> Void

    /// Fits the temperature by Newton's method in 1 / T, in which the surprise is convex. Steps that leave the bracket
    /// of the minimum are replaced by its middle.
    /// - Parameter eachBatch: calls its argument with all rows; it is called about six times, and each time gives the
    ///   same rows.
    /// - Returns: nil where there are no rows, or scores that are no numbers. The temperature is in ``range``.
    public static func fit(_ eachBatch: (Batch) throws -> Void) rethrows -> FittedTemperature? {
        func sums(_ beta: Double) throws -> Sums {
            var sums = Sums()
            try eachBatch { sums.add($0, $1, beta) }
            return sums
        }
        var (low, high) = (1 / range.upperBound, 1 / range.lowerBound)
        let first = try sums(1)
        guard first.count > 0, first.isFinite else { return nil }
        var beta = 1.0
        var last = first
        for _ in 0..<30 where last.slope != 0 {
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
        mutating func add(_ scores: Tensor, _ truths: [Int?], _ beta: Double) {
            let width = scores.shape[1]
            let p = Variable(scores).scaled(by: Float(beta)).softmax().value
            for (row, truth) in truths.enumerated() {
                guard let truth else { continue }
                let (s, p) = (scores.pointer + row * width, p.pointer + row * width)
                var best = 0
                for i in 0..<width where s[i] > s[best] { best = i }
                let highest = s[best]
                var (first, second) = (0.0, 0.0)
                for i in 0..<width where p[i] > 0 {
                    let below = Double(s[i] - highest)
                    first += Double(p[i]) * below
                    second += Double(p[i]) * below * below
                }
                let own = Double(s[truth] - highest)
                count += 1
                surprise -= log(Double(p[best])) + beta * own
                slope += first - own
                curvature += second - first * first
                error.add(Double(p[best]), isRight: best == truth)
            }
            withExtendedLifetime((scores, p)) {}
        }
    }
}
