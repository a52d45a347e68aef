import Tensors

/// Occlusion (Zeiler & Fergus 2014, arXiv 1311.2901, section 4.2): a square is hidden at every place of a grid; a
/// pixel's value is what the score loses, the mean over the squares that hid it. At the right and the lower edge the
/// squares are cut off, as captum does.
public struct Occlusion: ExplanationMethod {
    public let name = "occlusion"
    public let summary = "what the score loses when a square is hidden"
    public let paper = "Zeiler & Fergus 2014, arXiv 1311.2901"
    public let support = MethodSupport.pixels
    /// In pixels; nil for a seventh of the longer side, and half of that.
    let window: Int?
    let stride: Int?
    let fill: Baseline

    /// - Parameters:
    ///   - window: side of the square, in pixels of the model's input; nil for a seventh of the longer side.
    ///   - stride: pixels from one square to the next; nil for half the window.
    ///   - fill: what the square is filled with.
    public init(window: Int? = nil, stride: Int? = nil, fill: Baseline = .mean) {
        (self.window, self.stride, self.fill) = (window, stride, fill)
    }

    public func maps(of context: AttributionContext) -> Tensor {
        let image = context.pixels, (height, width) = (image.shape[1], image.shape[2])
        let window = window ?? max(1, max(height, width) / 7), step = stride ?? max(1, window / 2)
        let fill = context.channels(fill), y = context.values
        /// Where squares begin: the last reaches the end.
        func starts(_ side: Int) -> [Int] {
            Array(Swift.stride(from: 0, through: max(0, side - window + step - 1) / step * step, by: step))
        }
        let squares = starts(height).flatMap { top in
            starts(width).map { (top..<min(height, top + window), $0..<min(width, $0 + window)) }
        }
        var sums = [Float](repeating: 0, count: context.count * height * width)
        var hidden = [Float](repeating: 0, count: height * width)
        context.inBatches(squares.count) { part in
            let masks = part.map { n -> [Float] in
                var mask = [Float](repeating: 1, count: height * width)
                for row in squares[n].0 { for column in squares[n].1 { mask[row * width + column] = 0 } }
                return mask
            }
            let values = context.values(ofImages: image.masked(by: masks, fill: fill))
            for (i, n) in part.enumerated() {
                for row in squares[n].0 {
                    for column in squares[n].1 {
                        let pixel = row * width + column
                        hidden[pixel] += 1
                        for s in 0..<context.count { sums[s * height * width + pixel] += y[s] - values[i, s] }
                    }
                }
            }
        }
        for i in sums.indices { sums[i] /= max(1, hidden[i % (height * width)]) }
        return Tensor([context.count, height, width], sums)
    }
}
