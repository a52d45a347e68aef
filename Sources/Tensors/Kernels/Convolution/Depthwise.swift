import CKernels

/// Depthwise convolutions: each channel has its own small kernel. The vectors run along the channels. Usual kernels are
/// computed by CKernels (depthwise.h), several output columns at once.

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
        let (kw, sw) = (geometry.kernelWidth, geometry.strideWidth)
        guard columns >= 5 && (kw == 3 || kw == 5) && (sw == 1 || sw == 2) else {
            return singly(rows, ch..<end, output)
        }
        let whole = ch + (end - ch) / kernels.vector * kernels.vector
        while ch < whole {
            // At most 128 channels, so that their weights stay in the L1 cache.
            var pass = mmx_depthwise(
                image: image, height: height, width: width, channels: channels, weights: weights,
                kernel_height: geometry.kernelHeight, kernel_width: kw, stride_height: geometry.strideHeight,
                stride_width: sw, top: top, left: left, first_row: rows.lowerBound, end_row: rows.upperBound,
                columns: columns, first_channel: ch, end_channel: min(whole, ch + 128), epilogue: epilogue.c,
                output: output)
            kernels.depthwise(&pass)
            ch = pass.end_channel
        }
        if whole < end { singly(rows, whole..<end, output) }
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
