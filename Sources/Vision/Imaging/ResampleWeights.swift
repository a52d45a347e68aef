import Foundation

/// How samples between pixels are weighted, with antialiasing: when an image shrinks by a factor, the filter widens by
/// it, so that every pixel counts.
public enum ResizeFilter: String, Codable, Sendable, CaseIterable {
    /// A triangle, 2 pixels wide when enlarging; half-pixel centres, no padding at the edges.
    case bilinear
    /// Keys' cubic with a = -0.5 (IEEE ASSP 29(6), 1981, eq. 4), 4 pixels wide when enlarging.
    case bicubic

    /// Half of the filter's width, in pixels of the coarser grid.
    var support: Double { self == .bilinear ? 1 : 2 }

    func callAsFunction(_ distance: Double) -> Double {
        let x = abs(distance)
        switch self {
        case .bilinear: return x < 1 ? 1 - x : 0
        case .bicubic:
            let a = -0.5
            if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
            return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0
        }
    }
}

/// For each of `outputs` positions along one axis, the inputs that it uses and their weights.
///
/// Output i is centred on input coordinate `start + (i + 0.5) * step` (a pixel's centre is at its index + 0.5). The
/// arithmetic is that of Pillow's `precompute_coeffs`, so the weights are equal to the last bit.
struct ResampleWeights {
    /// The number of weights stored for each output; unused ones are zero.
    let taps: Int
    let first: [Int]
    let count: [Int]
    /// `values[i * taps + k]` is the weight of input `first[i] + k` for output i. The weights of an output sum to one.
    let values: [Double]

    init(inputs: Int, start: Double, step: Double, outputs: Int, filter: ResizeFilter) {
        let width = max(step, 1)
        let support = filter.support * width
        let taps = min(inputs, Int(support.rounded(.up)) * 2 + 1)
        let inverse = 1 / width
        var first = [Int](repeating: 0, count: outputs), count = first
        var values = [Double](repeating: 0, count: outputs * taps)
        for i in 0..<outputs {
            let center = start + (Double(i) + 0.5) * step
            // An output outside the input uses the nearest edge pixel.
            let low = min(inputs - 1, max(0, Int(center - support + 0.5)))
            let high = max(low + 1, min(inputs, Int(center + support + 0.5)))
            var sum = 0.0
            for k in 0..<min(taps, high - low) {
                let weight = filter((Double(k + low) - center + 0.5) * inverse)
                values[i * taps + k] = weight
                sum += weight
            }
            first[i] = low
            count[i] = min(taps, high - low)
            if sum != 0 {
                for k in 0..<count[i] { values[i * taps + k] /= sum }
            } else {
                values[i * taps + (center < 0 ? 0 : count[i] - 1)] = 1
            }
        }
        self.taps = taps
        self.first = first
        self.count = count
        self.values = values
    }

    /// The range of inputs that the outputs use.
    var used: Range<Int> {
        var low = Int.max, high = 0
        for (first, count) in zip(first, count) {
            low = min(low, first)
            high = max(high, first + count)
        }
        return low < high ? low..<high : 0..<0
    }

    /// Weights times 2^22, rounded. With 8-bit samples and this filter's small negative lobes, sums fit 32 bits.
    static let bits = 22
    var fixed: [Int32] { values.map { Int32(($0 * Double(1 << Self.bits)).rounded(.toNearestOrAwayFromZero)) } }
    var floats: [Float] { values.map(Float.init) }
}
