import Foundation
import Support

/// What `mmx model calibrate` prints.
public struct CalibrationReport: Codable, Sendable {
    /// The model's folder.
    public var model: String
    /// The numbers of training and of dev images.
    public var images: Int
    public var devImages: Int
    /// The distance beyond which an image is unlike the training images.
    public var threshold: Double
    /// The share of the dev images beyond it.
    public var devWarned: Double
    /// nil where none could be fitted.
    public var temperature: FittedTemperature?
    /// Of a model that answers questions.
    public var kinds: [KindAccuracy]
    /// One for each folder that was compared.
    public var compared: [Comparison]
    /// The sizes of the two files, in bytes.
    public var bytes: Int

    /// The images of another folder.
    public struct Comparison: Codable, Sendable {
        public var folder: String
        public var images: Int
        /// How many are beyond the threshold.
        public var warned: Int
        /// The area under the ROC curve: the probability that an image of this folder is farther away than a dev image.
        public var areaUnderCurve: Double
    }
}

/// The area under the ROC curve.
enum AreaUnderCurve {
    /// The probability that a number of `positive` is larger than one of `negative`; equal ones count half. 0.5 where
    /// one of them is empty.
    static func value(positive: [Double], negative: [Double]) -> Double {
        if positive.isEmpty || negative.isEmpty { return 0.5 }
        let sorted = negative.sorted()
        /// How many of `sorted` come before `value`.
        func count(_ isBefore: (Double) -> Bool) -> Int {
            var (low, high) = (0, sorted.count)
            while low < high {
                let middle = (low + high) / 2
                if isBefore(sorted[middle]) { low = middle + 1 } else { high = middle }
            }
            return low
        }
        let sum = positive.reduce(0.0) { sum, value in
            sum + Double(count { $0 < value } + count { $0 <= value }) / 2
        }
        return sum / Double(positive.count) / Double(sorted.count)
    }
}
