import CKernels

/// Gradients of depthwise convolutions (Depthwise.swift) with respect to their input and their kernels.

/// g `[B, H', W', C] -> [B, H, W, C]`
func depthwiseBackwardInput(_ g: Tensor, weight: Tensor, geometry: ConvolutionGeometry, height h: Int, width w: Int)
    -> Tensor
{
    let (n, oh, ow, c) = (g.shape[0], g.shape[1], g.shape[2], g.shape[3])
    let kh = geometry.kernelHeight
    let kw = geometry.kernelWidth
    let sh = geometry.strideHeight
    let sw = geometry.strideWidth
    let pad = geometry.padding(height: h, width: w)
    let dx = Tensor(uninitialized: [n, h, w, c])
    if sh == 1 && sw == 1 && pad.top < kh && pad.left < kw && pad.bottom < kh && pad.right < kw {
        // With stride 1, the gradient is a convolution of g with the kernel rotated by 180 degrees.
        let panels = depthwisePanels(weight, turned: true)
        let padding = Padding.explicit(
            top: kh - 1 - pad.top, left: kw - 1 - pad.left, bottom: kh - 1 - pad.bottom, right: kw - 1 - pad.right)
        let turned = ConvolutionGeometry(kernelHeight: kh, kernelWidth: kw, padding: padding, groups: c)
        depthwiseForward(g, panels: panels, geometry: turned, .none, dx)
        return dx
    }
    let panels = depthwisePanels(weight)
    /// The kernel positions k = first, first + stride, ... for which (at - k) / stride is a row or column of g.
    func taps(_ at: Int, _ kernel: Int, _ stride: Int, _ size: Int) -> (first: Int, count: Int) {
        var first = at % stride
        let beyond = at - first - (size - 1) * stride
        if beyond > 0 { first += beyond }
        let last = min(kernel - 1, at)
        return (first, first > last ? 0 : (last - first) / stride + 1)
    }
    Parallel.ranges(n * h) { range in
        for job in range {
            let y = job % h + pad.top
            let vertical = taps(y, kh, sh, oh)
            let line = UnsafePointer(g.pointer) + (job / h * oh + (y - vertical.first) / sh) * ow * c
            for x in 0..<w {
                let horizontal = taps(x + pad.left, kw, sw, ow)
                var sum = mmx_taps(
                    gradients: line + (x + pad.left - horizontal.first) / sw * c, row_step: -ow * c, column_step: -c,
                    weights: UnsafePointer(panels.pointer) + (vertical.first * kw + horizontal.first) * c,
                    weight_row_step: sh * kw * c, weight_column_step: sw * c, rows: vertical.count,
                    columns: horizontal.count, channels: c, output: dx.pointer + (job * w + x) * c)
                kernels.sum_taps(&sum)
            }
        }
    }
    withExtendedLifetime(panels) {}
    return dx
}

/// Adds the products of one row of output gradients and one row of inputs to the `kw` sums of a kernel row, which stay
/// in registers.
@inline(__always)
private func depthwiseWeightRow(
    _ gradient: UnsafePointer<Float>, _ line: UnsafePointer<Float>, _ k: UnsafeMutablePointer<Float>, w: Int, ow: Int,
    c: Int, left: Int,
    kw: Int, sw: Int
) {
    let first = min(ow, (left + sw - 1) / sw)
    let last = max(first, min(ow, (w + left - kw + sw) / sw))
    func edge(_ ox: Int) {
        let ix = ox * sw - left
        let g = Vector(at: gradient + ox * c)
        for kx in kernelRange(ix, kw, w) {
            (Vector(at: k + kx * c) + g * Vector(at: line + (ix + kx) * c)).store(to: k + kx * c)
        }
    }
    for ox in 0..<first { edge(ox) }
    for start in stride(from: 0, to: kw, by: 5) {
        // Up to five columns of the kernel at a time.
        let count = min(5, kw - start)
        let k = k + start * c
        var p = line + (first * sw - left + start) * c
        var q = gradient + first * c
        var s0 = Vector(at: k)
        var s1 = Vector.zero
        var s2 = Vector.zero
        var s3 = Vector.zero
        var s4 = Vector.zero
        if count > 1 { s1 = Vector(at: k + c) }
        if count > 2 { s2 = Vector(at: k + 2 * c) }
        if count > 3 { s3 = Vector(at: k + 3 * c) }
        if count > 4 { s4 = Vector(at: k + 4 * c) }
        for _ in first..<last {
            let g = Vector(at: q)
            s0.add(g, times: Vector(at: p))
            if count > 1 { s1.add(g, times: Vector(at: p + c)) }
            if count > 2 { s2.add(g, times: Vector(at: p + 2 &* c)) }
            if count > 3 { s3.add(g, times: Vector(at: p + 3 &* c)) }
            if count > 4 { s4.add(g, times: Vector(at: p + 4 &* c)) }
            p += sw &* c
            q += c
        }
        s0.store(to: k)
        if count > 1 { s1.store(to: k + c) }
        if count > 2 { s2.store(to: k + 2 * c) }
        if count > 3 { s3.store(to: k + 3 * c) }
        if count > 4 { s4.store(to: k + 4 * c) }
    }
    for ox in last..<ow { edge(ox) }
}

/// The gradient of the kernels, `[C, kh, kw, 1]`, from g `[N, H', W', C]` and x `[N, H, W, C]`. The work is split over
/// the channels, so every sum has one order.
func depthwiseBackwardWeight(_ g: Tensor, x: Tensor, geometry: ConvolutionGeometry) -> Tensor {
    let (n, oh, ow, c) = (g.shape[0], g.shape[1], g.shape[2], g.shape[3])
    let h = x.shape[1]
    let w = x.shape[2]
    let kh = geometry.kernelHeight
    let kw = geometry.kernelWidth
    let sh = geometry.strideHeight
    let sw = geometry.strideWidth
    let pad = geometry.padding(height: h, width: w)
    let left = pad.left
    // The rows of each image are summed separately, then the images: shorter sums have smaller rounding errors.
    let total = Tensor([kh, kw, c])
    let panels = Tensor([kh, kw, c])
    Parallel.ranges((c + 15) / 16) { range in
        let from = range.lowerBound * 16
        let to = min(c, range.upperBound * 16)
        for i in 0..<n {
            for k in 0..<kh * kw { (panels.pointer + k * c + from).update(repeating: 0, count: to - from) }
            for oy in 0..<oh {
                let image = x.pointer + i * h * w * c
                let iy = oy * sh - pad.top
                let gradient = g.pointer + (i * oh + oy) * ow * c
                for ky in kernelRange(iy, kh, h) {
                    let line = image + (iy + ky) * w * c
                    let k = panels.pointer + ky * kw * c
                    var ch = from
                    @inline(__always) func run(kw: Int, sw: Int) {
                        while ch + 16 <= to {
                            depthwiseWeightRow(
                                gradient + ch, line + ch, k + ch, w: w, ow: ow, c: c, left: left, kw: kw, sw: sw)
                            ch += 16
                        }
                    }
                    switch kw {
                    case 3: run(kw: 3, sw: sw)
                    case 5: run(kw: 5, sw: sw)
                    default: run(kw: kw, sw: sw)
                    }
                    while ch < to {
                        for ox in 0..<ow {
                            let ix = ox * sw - left
                            for kx in kernelRange(ix, kw, w) {
                                k[kx * c + ch] += gradient[ox * c + ch] * line[(ix + kx) * c + ch]
                            }
                        }
                        ch += 1
                    }
                }
            }
            for k in 0..<kh * kw {
                let sum = total.pointer + k * c + from
                kernels.add(to - from, sum, panels.pointer + k * c + from, 1, sum)
            }
        }
    }
    withExtendedLifetime(panels) {}
    return total.permuted([2, 0, 1]).reshaped([c, kh, kw, 1])
}
