/// Depthwise convolutions: each channel has its own small kernel. The vectors run along the channels. An input vector
/// is loaded once for all output columns of a block that use it; their sums stay in registers.

func isDepthwise(_ weight: Tensor, _ geometry: ConvolutionGeometry) -> Bool {
    geometry.groups > 1 && weight.shape[0] == geometry.groups && weight.shape[3] == 1
}

/// `[C, kh, kw, 1] -> [kh, kw, C]`. For the gradient of the input, the kernel is rotated by 180 degrees.
func depthwisePanels(_ weight: Tensor, turned: Bool = false) -> Tensor {
    let channels = weight.shape[0]
    let size = weight.shape[1] * weight.shape[2]
    let panels = Tensor(uninitialized: [weight.shape[1], weight.shape[2], channels])
    for c in 0..<channels {
        for k in 0..<size { panels.pointer[k * channels + c] = weight.pointer[c * size + (turned ? size - 1 - k : k)] }
    }
    return panels
}

/// The rows (columns) of a kernel that are inside the image, for a window that begins at row (column) `x`.
@inline(__always)
func kernelRange(_ x: Int, _ kernel: Int, _ size: Int) -> Range<Int> {
    let from = max(0, -x)
    let to = min(kernel, size - x)
    return from..<max(from, to)
}

/// The number of output columns in a block, the width of the kernel and its stride, as compile-time constants: the
/// compiler unrolls loops over them and keeps sums and inputs in registers.
private enum Columns<let count: Int> {}
private enum Window<let width: Int, let stride: Int> {}

/// A depthwise convolution of one image: the values that all its rows share.
struct DepthwisePass {
    /// `[height, width, C]`. Only the rows inside the windows are read.
    let image: UnsafePointer<Float>
    let height: Int, width: Int
    /// `[kh, kw, C]`
    let weights: UnsafePointer<Float>
    let geometry: ConvolutionGeometry
    let epilogue: Epilogue
    private let top: Int, left: Int
    /// The number of output columns.
    private let columns: Int
    private let channels: Int

    init(
        _ image: UnsafePointer<Float>, height: Int, width: Int, panels: Tensor, _ geometry: ConvolutionGeometry,
        _ epilogue: Epilogue
    ) {
        (self.image, self.height, self.width) = (image, height, width)
        (self.geometry, self.epilogue) = (geometry, epilogue)
        (weights, channels) = (UnsafePointer(panels.pointer), panels.shape[2])
        let pad = geometry.padding(height: height, width: width)
        (top, left) = (pad.top, pad.left)
        columns = geometry.outputSize(height: height, width: width).width
    }

    /// Computes output rows `rows` into `output` `[rows, W', C]`.
    /// - Parameter vectors: the vectors of 16 channels to compute; nil means all.
    func callAsFunction(rows: Range<Int>, vectors: Range<Int>? = nil, _ output: UnsafeMutablePointer<Float>) {
        var (ch, end) = (0, channels)
        if let vectors { (ch, end) = (vectors.lowerBound * 16, min(channels, vectors.upperBound * 16)) }
        while ch < end {
            // At most 128 channels, so that their weights stay in the L1 cache.
            let group = ch..<min(end, ch + 128)
            switch (geometry.kernelWidth, geometry.strideWidth) {
            case _ where columns < 5: singly(rows, group, output)
            case (3, 1): inBlocks(of: Window<3, 1>.self, rows, group, output)
            case (3, 2): inBlocks(of: Window<3, 2>.self, rows, group, output)
            case (5, 1): inBlocks(of: Window<5, 1>.self, rows, group, output)
            case (5, 2): inBlocks(of: Window<5, 2>.self, rows, group, output)
            default: singly(rows, group, output)
            }
            ch = group.upperBound
        }
    }

    private func inBlocks<let kw: Int, let sw: Int>(
        of window: Window<kw, sw>.Type, _ rows: Range<Int>, _ group: Range<Int>, _ output: UnsafeMutablePointer<Float>
    ) {
        let whole = group.lowerBound..<group.upperBound / 16 * 16
        // With a stride of 2, a block of more than five columns uses more inputs than there are registers.
        switch sw > 1 ? 5 : columnsAtOnce {
        case 5: outputRows(Columns<5>.self, window, rows, whole, output)
        case 6: outputRows(Columns<6>.self, window, rows, whole, output)
        default: outputRows(Columns<7>.self, window, rows, whole, output)
        }
        if whole.upperBound < group.upperBound { singly(rows, whole.upperBound..<group.upperBound, output) }
    }

    /// The block size that wastes the least at the end of a row. The cost of a block is about one column more than it
    /// has.
    private var columnsAtOnce: Int {
        func cost(_ n: Int) -> Int { (columns + n - 1) / n * (n + 1) }
        return cost(7) <= min(cost(6), cost(5)) ? 7 : cost(6) <= cost(5) ? 6 : 5
    }

    /// Computes rows for whole vectors of channels, `n` columns at a time. Channels are the inner loop, as in memory.
    /// The last block of a row overlaps the one before it and stores the same results again. Not inlined: with several
    /// of these in one function, the compiler unrolls none.
    @inline(never)
    private func outputRows<let n: Int, let kw: Int, let sw: Int>(
        _ block: Columns<n>.Type, _ window: Window<kw, sw>.Type, _ rows: Range<Int>, _ group: Range<Int>,
        _ output: UnsafeMutablePointer<Float>
    ) {
        var to = output
        for row in rows {
            let iy = row &* geometry.strideHeight &- top
            let seen = kernelRange(iy, geometry.kernelHeight, height)
            var ox = 0
            while ox < columns {
                ox = min(ox, columns &- n)
                let ix = ox &* sw &- left
                let edge = ix < 0 || ix &+ (n &- 1) &* sw &+ kw > width
                let first = ((iy &+ seen.lowerBound) &* width &+ ix) &* channels
                let to = to + ox &* channels
                var ch = group.lowerBound
                while ch < group.upperBound {
                    if edge {
                        sums(block, window, edge: true, first &+ ch, ch: ch, rows: seen, ix: ix, to + ch)
                    } else {
                        sums(block, window, edge: false, first &+ ch, ch: ch, rows: seen, ix: ix, to + ch)
                    }
                    ch &+= 16
                }
                ox &+= n
            }
            to += columns &* channels
        }
    }

    /// Computes the block of columns whose first window begins at column `ix` (negative if it begins in the padding).
    /// - Parameters:
    ///   - edge: whether a window extends beyond the left or right edge.
    ///   - first: the position in the image of the first window's first row and column.
    ///   - rows: the kernel's rows that are inside the image.
    @inline(__always)
    private func sums<let n: Int, let kw: Int, let sw: Int>(
        _: Columns<n>.Type, _: Window<kw, sw>.Type, edge: Bool, _ first: Int, ch: Int, rows: Range<Int>, ix: Int,
        _ output: UnsafeMutablePointer<Float>
    ) {
        let (w, c) = (width, channels)
        var sums = InlineArray<n, Vector>(repeating: epilogue.bias.map { Vector(at: $0 + ch) } ?? .zero)
        var line = image + first
        var weights = weights + (rows.lowerBound &* kw &* c &+ ch)
        for _ in 0..<rows.count {
            // At most (7 - 1) * 1 + 5 or (5 - 1) * 2 + 5 inputs.
            var inputs = InlineArray<13, Vector>(repeating: .zero)
            for j in 0..<(n &- 1) &* sw &+ kw where !edge || (ix &+ j >= 0 && ix &+ j < w) {
                inputs[unchecked: j] = Vector(at: line + j &* c)
            }
            for kx in 0..<kw {
                let weight = Vector(at: weights + kx &* c)
                for i in 0..<n { sums[unchecked: i].add(inputs[unchecked: i &* sw &+ kx], times: weight) }
            }
            line += w &* c
            weights += kw &* c
        }
        for i in 0..<n { sums[unchecked: i].clamped(epilogue.low, epilogue.high).store(to: output + i &* c) }
    }

    /// Computes rows one column at a time, for any kernel and any number of channels.
    private func singly(_ rows: Range<Int>, _ group: Range<Int>, _ output: UnsafeMutablePointer<Float>) {
        let (w, c, kw) = (width, channels, geometry.kernelWidth)
        for ch in stride(from: group.lowerBound, to: group.upperBound, by: 16) {
            let valid = group.upperBound - ch
            let start = epilogue.bias.map { Vector(at: $0 + ch, first: valid) } ?? .zero
            var to = output + ch
            for row in rows {
                let iy = row * geometry.strideHeight - top
                for ox in 0..<columns {
                    let ix = ox * geometry.strideWidth - left
                    var sum = start
                    for ky in kernelRange(iy, geometry.kernelHeight, height) {
                        for kx in kernelRange(ix, kw, w) {
                            sum.add(
                                Vector(at: image + ((iy + ky) * w + ix + kx) * c + ch, first: valid),
                                times: Vector(at: weights + (ky * kw + kx) * c + ch, first: valid))
                        }
                    }
                    sum.clamped(epilogue.low, epilogue.high).store(to: to, first: valid)
                    to += c
                }
            }
        }
    }
}

/// - Parameter panels: `[kh, kw, C]`
func depthwiseForward(_ x: Tensor, panels: Tensor, geometry: ConvolutionGeometry, _ epilogue: Epilogue, _ y: Tensor) {
    let (n, h, w, c) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
    let (oh, ow) = (y.shape[1], y.shape[2])
    // A part of 64 K multiplications takes a few microseconds.
    func grain(_ size: Int) -> Int { (1 << 16) / max(1, size * geometry.kernelHeight * geometry.kernelWidth) + 1 }
    func rows(_ rows: Range<Int>, of image: Int, vectors: Range<Int>? = nil) {
        let pass = DepthwisePass(
            x.pointer + image * h * w * c, height: h, width: w, panels: panels, geometry, epilogue)
        pass(rows: rows, vectors: vectors, y.pointer + (image * oh + rows.lowerBound) * ow * c)
    }
    if n * oh < 8 * Parallel.threads {
        // Few rows: split over the channels.
        Parallel.ranges((c + 15) / 16, grain: grain(n * oh * ow * 16), each: 8) { vectors in
            for image in 0..<n { rows(0..<oh, of: image, vectors: vectors) }
        }
    } else {
        // A job is one output row of one image.
        Parallel.ranges(n * oh, grain: grain(ow * c), each: 8) { range in
            var job = range.lowerBound
            while job < range.upperBound {
                let end = min(range.upperBound, (job / oh + 1) * oh)
                rows(job % oh..<job % oh + end - job, of: job / oh)
                job = end
            }
        }
    }
}
