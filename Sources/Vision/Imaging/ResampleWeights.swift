import Foundation

/// How samples between pixels are weighted. All filters but `nearest` are antialiased: when an image shrinks by a
/// factor, the filter widens by it, so that every pixel counts.
public enum ResizeFilter: String, Codable, Sendable, CaseIterable {
    /// A triangle, 2 pixels wide when enlarging; half-pixel centres, no padding at the edges.
    case bilinear
    /// Keys' cubic with a = -0.5 (IEEE ASSP 29(6), 1981, eq. 4), 4 pixels wide when enlarging.
    case bicubic
    /// The pixel in which an output's centre lies, without antialiasing. It is for photographs, for models that were
    /// trained with it (Keras's `load_img`); maps drawn with it look like blocks.
    case nearest
    /// The sinc function in a window of 3 lobes to each side (Duchon 1979), 6 pixels wide when enlarging.
    case lanczos

    /// Half of the filter's width, in pixels of the coarser grid.
    var support: Double {
        switch self {
        case .nearest: return 0.5
        case .bilinear: return 1
        case .bicubic: return 2
        case .lanczos: return 3
        }
    }

    /// The weight at a distance, in pixels of the coarser grid. Resizing with `nearest` does not use it.
    func callAsFunction(_ distance: Double) -> Double {
        let x = abs(distance)
        switch self {
        case .nearest: return x < 0.5 ? 1 : 0
        case .bilinear: return x < 1 ? 1 - x : 0
        case .bicubic:
            let a = -0.5
            if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
            return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0
        case .lanczos: return x < 3 ? Self.sinc(x) * Self.sinc(x / 3) : 0
        }
    }

    private static func sinc(_ x: Double) -> Double { x == 0 ? 1 : sin(x * .pi) / (x * .pi) }
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
        if filter == .nearest {
            taps = 1
            first = Self.nearest(inputs: inputs, start: start, step: step, outputs: outputs)
            count = [Int](repeating: 1, count: outputs)
            values = [Double](repeating: 1, count: outputs)
            return
        }
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

    /// The input in which each output's centre lies. Pillow adds up the steps, and its rounding errors decide where a
    /// centre is on the edge between two pixels.
    private static func nearest(inputs: Int, start: Double, step: Double, outputs: Int) -> [Int] {
        var center = start + step * 0.5
        return (0..<outputs).map { _ in
            defer { center += step }
            return min(inputs - 1, max(0, Int(center)))
        }
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

    /// Weights times 2^22, rounded. Sums with 8-bit samples fit 32 bits as long as the positive weights of an output
    /// sum to less than 2. Negative lobes let them exceed 1: `bicubic` reaches 1.14, `lanczos` 1.30.
    static let bits = 22
    var fixed: [Int32] { values.map { Int32(($0 * Double(1 << Self.bits)).rounded(.toNearestOrAwayFromZero)) } }
    var floats: [Float] { values.map(Float.init) }
}
