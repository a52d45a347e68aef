/// Depthwise convolutions: each channel has its own small kernel. Bound by memory, so the vectors run along the
/// channels and a weight vector is used again for several output columns while it is in a register.

func isDepthwise(_ weight: Tensor, _ geometry: ConvolutionGeometry) -> Bool {
    geometry.groups > 1 && weight.shape[0] == geometry.groups && weight.shape[3] == 1
}

/// `[C, kh, kw, 1] -> [kh, kw, C]`; turned by 180 degrees for the gradient of the input.
func depthwisePanels(_ weight: Tensor, turned: Bool = false) -> Tensor {
    let channels = weight.shape[0]
    let size = weight.shape[1] * weight.shape[2]
    let panels = Tensor(uninitialized: [weight.shape[1], weight.shape[2], channels])
    for c in 0..<channels {
        for k in 0..<size { panels.pointer[k * channels + c] = weight.pointer[c * size + (turned ? size - 1 - k : k)] }
    }
    return panels
}

/// The kernel columns that lie in the picture for an output column that starts at `x`.
@inline(__always)
private func inside(_ x: Int, _ kernel: Int, _ size: Int) -> Range<Int> {
    let from = max(0, -x)
    let to = min(kernel, size - x)
    return from..<max(from, to)
}

/// `channels` (a multiple of 16) channels of one output row. Four output columns share each weight and, with a small
/// stride, the inputs; channels run innermost, so that memory is read in its own order.
/// Inlined where `kw` and `sw` are literals: the loop over the kernel's columns unrolls and inputs stay in registers.
@inline(__always)
private func depthwiseRow(
    _ picture: UnsafePointer<Float>, _ panels: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>,
    rows: Range<Int>, iy: Int,
    w: Int, ow: Int, c: Int, channels: Int, left: Int, kw: Int, sw: Int, _ epilogue: Epilogue
) {
    let low = epilogue.low
    let high = epilogue.high
    // A column that looks over the edge: four vectors of channels at a time, since one sum alone waits for itself.
    func edge(_ ox: Int) {
        let ix = ox * sw - left
        let columns = inside(ix, kw, w)
        let count = columns.count
        let corner = picture + ((iy + rows.lowerBound) * w + ix + columns.lowerBound) * c
        let weightCorner = panels + (rows.lowerBound * kw + columns.lowerBound) * c
        let to = output + ox * c
        var ch = 0
        while ch < channels {
            let several = ch + 64 <= channels
            var a = Vector.zero
            var b = a
            var d = a
            var e = a
            if let bias = epilogue.bias {
                a = Vector(at: bias + ch)
                if several {
                    b = Vector(at: bias + ch + 16)
                    d = Vector(at: bias + ch + 32)
                    e = Vector(at: bias + ch + 48)
                }
            }
            var line = corner + ch
            var weights = weightCorner + ch
            for _ in 0..<rows.count {
                var p = line
                var k = weights
                if several {
                    for _ in 0..<count {
                        a += Vector(at: p) * Vector(at: k)
                        b += Vector(at: p + 16) * Vector(at: k + 16)
                        d += Vector(at: p + 32) * Vector(at: k + 32)
                        e += Vector(at: p + 48) * Vector(at: k + 48)
                        p += c
                        k += c
                    }
                } else {
                    for _ in 0..<count {
                        a += Vector(at: p) * Vector(at: k)
                        p += c
                        k += c
                    }
                }
                line += w &* c
                weights += kw &* c
            }
            a.clamped(low, high).store(to: to + ch)
            if several {
                b.clamped(low, high).store(to: to + ch + 16)
                d.clamped(low, high).store(to: to + ch + 32)
                e.clamped(low, high).store(to: to + ch + 48)
            }
            ch &+= several ? 64 : 16
        }
    }
    // Output columns [first, last) see only the picture.
    let first = min(ow, (left + sw - 1) / sw)
    let last = max(first, min(ow, (w + left - kw + sw) / sw))
    for ox in 0..<first { edge(ox) }
    var ox = first
    while ox + 4 <= last {
        let corner = picture + ((iy &+ rows.lowerBound) &* w &+ ox &* sw &- left) &* c
        let weightCorner = panels + rows.lowerBound &* kw &* c
        let to = output + ox &* c
        var ch = 0
        while ch < channels {
            var a = Vector.zero
            if let bias = epilogue.bias { a = Vector(at: bias + ch) }
            var b = a
            var d = a
            var e = a
            var line = corner + ch
            var weights = weightCorner + ch
            for _ in 0..<rows.count {
                for kx in 0..<kw {
                    let k = Vector(at: weights + kx &* c)
                    a += Vector(at: line + kx &* c) * k
                    b += Vector(at: line + (kx &+ sw) &* c) * k
                    d += Vector(at: line + (kx &+ 2 &* sw) &* c) * k
                    e += Vector(at: line + (kx &+ 3 &* sw) &* c) * k
                }
                line += w &* c
                weights += kw &* c
            }
            a.clamped(low, high).store(to: to + ch)
            b.clamped(low, high).store(to: to + (c &+ ch))
            d.clamped(low, high).store(to: to + (2 &* c &+ ch))
            e.clamped(low, high).store(to: to + (3 &* c &+ ch))
            ch &+= 16
        }
        ox += 4
    }
    while ox < ow {
        edge(ox)
        ox += 1
    }
}

/// - Parameter panels: `[kh, kw, C]`
func depthwiseForward(_ x: Tensor, panels: Tensor, geometry: ConvolutionGeometry, _ epilogue: Epilogue, _ y: Tensor) {
    let (n, h, w, c) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
    let oh = y.shape[1]
    let ow = y.shape[2]
    let kh = geometry.kernelHeight
    let kw = geometry.kernelWidth
    let sh = geometry.strideHeight
    let sw = geometry.strideWidth
    let pad = geometry.padding(height: h, width: w)
    let left = pad.left
    let low = epilogue.low
    let high = epilogue.high
    let whole = c / 16 * 16
    // A job is one output row of one picture.
    Parallel.ranges(n * oh) { range in
        for job in range {
            let picture = x.pointer + job / oh * h * w * c
            let iy = job % oh * sh - pad.top
            let rows = inside(iy, kh, h)
            let output = y.pointer + job * ow * c
            var ch = 0
            @inline(__always) func run(kw: Int, sw: Int) {
                while ch < whole {
                    // So many channels that their weights stay in the L1 cache.
                    let channels = min(128, whole - ch)
                    var part = epilogue
                    part.bias = epilogue.bias.map { $0 + ch }
                    depthwiseRow(
                        picture + ch, panels.pointer + ch, output + ch, rows: rows, iy: iy, w: w, ow: ow, c: c,
                        channels: channels,
                        left: left, kw: kw, sw: sw, part)
                    ch += channels
                }
            }
            switch (kw, sw) {
            case (3, 1): run(kw: 3, sw: 1)
            case (3, 2): run(kw: 3, sw: 2)
            case (5, 1): run(kw: 5, sw: 1)
            case (5, 2): run(kw: 5, sw: 2)
            default: run(kw: kw, sw: sw)
            }
            if ch == c { continue }
            // The last, partial vector of channels.
            let valid = c - ch
            let start = epilogue.bias.map { Vector(at: $0 + ch, first: valid) } ?? .zero
            for ox in 0..<ow {
                let ix = ox * sw - left
                var a = start
                for ky in rows {
                    for kx in inside(ix, kw, w) {
                        a +=
                            Vector(at: picture + ((iy + ky) * w + ix + kx) * c + ch, first: valid)
                            * Vector(at: panels.pointer + (ky * kw + kx) * c + ch, first: valid)
                    }
                }
                a.clamped(low, high).store(to: output + ox * c + ch, first: valid)
            }
        }
    }
}

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
        // Of stride 1, the gradient is a convolution of g with the kernel turned around.
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
                sumTaps(
                    line + (x + pad.left - horizontal.first) / sw * c, rowStep: -ow * c, columnStep: -c,
                    UnsafePointer(panels.pointer) + (vertical.first * kw + horizontal.first) * c,
                    weightRowStep: sh * kw * c,
                    weightColumnStep: sw * c, rows: vertical.count, columns: horizontal.count, channels: c,
                    dx.pointer + (job * w + x) * c)
            }
        }
    }
    withExtendedLifetime(panels) {}
    return dx
}

/// output = sum over rows and columns of input * weight, for every channel; four vectors of channels at a time, since
/// one sum alone waits for itself.
@inline(__always)
private func sumTaps(
    _ input: UnsafePointer<Float>, rowStep: Int, columnStep: Int, _ weights: UnsafePointer<Float>, weightRowStep: Int,
    weightColumnStep: Int, rows: Int, columns: Int, channels: Int, _ output: UnsafeMutablePointer<Float>
) {
    var ch = 0
    while ch + 64 <= channels {
        var a = Vector.zero
        var b = a
        var d = a
        var e = a
        for row in 0..<rows {
            var p = input + (row &* rowStep &+ ch)
            var k = weights + (row &* weightRowStep &+ ch)
            for _ in 0..<columns {
                a += Vector(at: p) * Vector(at: k)
                b += Vector(at: p + 16) * Vector(at: k + 16)
                d += Vector(at: p + 32) * Vector(at: k + 32)
                e += Vector(at: p + 48) * Vector(at: k + 48)
                p += columnStep
                k += weightColumnStep
            }
        }
        a.store(to: output + ch)
        b.store(to: output + ch + 16)
        d.store(to: output + ch + 32)
        e.store(to: output + ch + 48)
        ch &+= 64
    }
    while ch < channels {
        let valid = channels - ch
        var a = Vector.zero
        for row in 0..<rows {
            var p = input + (row &* rowStep &+ ch)
            var k = weights + (row &* weightRowStep &+ ch)
            for _ in 0..<columns {
                a += Vector(at: p, first: valid) * Vector(at: k, first: valid)
                p += columnStep
                k += weightColumnStep
            }
        }
        a.store(to: output + ch, first: valid)
        ch &+= 16
    }
}

/// One row of output gradients against one row of inputs: adds to the kernel row's `kw` sums, which stay in registers.
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
        for kx in inside(ix, kw, w) {
            (Vector(at: k + kx * c) + g * Vector(at: line + (ix + kx) * c)).store(to: k + kx * c)
        }
    }
    for ox in 0..<first { edge(ox) }
    for start in stride(from: 0, to: kw, by: 5) {
        // Up to five kernel columns at a time.
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
            s0 += g * Vector(at: p)
            if count > 1 { s1 += g * Vector(at: p + c) }
            if count > 2 { s2 += g * Vector(at: p + 2 &* c) }
            if count > 3 { s3 += g * Vector(at: p + 3 &* c) }
            if count > 4 { s4 += g * Vector(at: p + 4 &* c) }
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

/// g `[N, H', W', C]`, x `[N, H, W, C]`: `[C, kh, kw, 1]`; split over the channels, so that every sum has one order.
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
    // One picture's rows are summed on their own, then added: shorter sums, smaller rounding errors.
    let total = Tensor([kh, kw, c])
    let panels = Tensor([kh, kw, c])
    Parallel.ranges((c + 15) / 16) { range in
        let from = range.lowerBound * 16
        let to = min(c, range.upperBound * 16)
        for i in 0..<n {
            for k in 0..<kh * kw { (panels.pointer + k * c + from).update(repeating: 0, count: to - from) }
            for oy in 0..<oh {
                let picture = x.pointer + i * h * w * c
                let iy = oy * sh - pad.top
                let gradient = g.pointer + (i * oh + oy) * ow * c
                for ky in inside(iy, kh, h) {
                    let line = picture + (iy + ky) * w * c
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
                            for kx in inside(ix, kw, w) {
                                k[kx * c + ch] += gradient[ox * c + ch] * line[(ix + kx) * c + ch]
                            }
                        }
                        ch += 1
                    }
                }
            }
            for k in 0..<kh * kw {
                let sum = total.pointer + k * c + from
                mapVectors2(to - from, sum, panels.pointer + k * c + from, sum) { $0 + $1 }
            }
        }
    }
    withExtendedLifetime(panels) {}
    return total.permuted([2, 0, 1]).reshaped([c, kh, kw, 1])
}
