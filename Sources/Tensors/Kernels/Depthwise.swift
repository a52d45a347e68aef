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
func kernelColumns(_ x: Int, _ kernel: Int, _ size: Int) -> Range<Int> {
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
        let columns = kernelColumns(ix, kw, w)
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
                        a.add(Vector(at: p), times: Vector(at: k))
                        b.add(Vector(at: p + 16), times: Vector(at: k + 16))
                        d.add(Vector(at: p + 32), times: Vector(at: k + 32))
                        e.add(Vector(at: p + 48), times: Vector(at: k + 48))
                        p += c
                        k += c
                    }
                } else {
                    for _ in 0..<count {
                        a.add(Vector(at: p), times: Vector(at: k))
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
    while ox < last && first + 4 <= last {
        // The last four overlap those before: the same results are stored twice.
        ox = min(ox, last - 4)
        let corner = picture + ((iy &+ rows.lowerBound) &* w &+ ox &* sw &- left) &* c
        let weightCorner = panels + rows.lowerBound &* kw &* c
        let to = output + ox &* c
        var ch = 0
        // Two vectors of channels: eight sums, as many as two units begin before the first is done.
        while ch &+ 32 <= channels {
            var (a, f) = (Vector.zero, Vector.zero)
            if let bias = epilogue.bias { (a, f) = (Vector(at: bias + ch), Vector(at: bias + (ch &+ 16))) }
            var (b, d, e) = (a, a, a)
            var (g, i, j) = (f, f, f)
            var line = corner + ch
            var weights = weightCorner + ch
            for _ in 0..<rows.count {
                for kx in 0..<kw {
                    let k = Vector(at: weights + kx &* c)
                    let l = Vector(at: weights + (kx &* c &+ 16))
                    a.add(Vector(at: line + kx &* c), times: k)
                    f.add(Vector(at: line + (kx &* c &+ 16)), times: l)
                    b.add(Vector(at: line + (kx &+ sw) &* c), times: k)
                    g.add(Vector(at: line + ((kx &+ sw) &* c &+ 16)), times: l)
                    d.add(Vector(at: line + (kx &+ 2 &* sw) &* c), times: k)
                    i.add(Vector(at: line + ((kx &+ 2 &* sw) &* c &+ 16)), times: l)
                    e.add(Vector(at: line + (kx &+ 3 &* sw) &* c), times: k)
                    j.add(Vector(at: line + ((kx &+ 3 &* sw) &* c &+ 16)), times: l)
                }
                line += w &* c
                weights += kw &* c
            }
            @inline(__always) func put(_ v: Vector, _ w: Vector, _ to: UnsafeMutablePointer<Float>) {
                v.clamped(low, high).store(to: to)
                w.clamped(low, high).store(to: to + 16)
            }
            put(a, f, to + ch)
            put(b, g, to + (c &+ ch))
            put(d, i, to + (2 &* c &+ ch))
            put(e, j, to + (3 &* c &+ ch))
            ch &+= 32
        }
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
                    a.add(Vector(at: line + kx &* c), times: k)
                    b.add(Vector(at: line + (kx &+ sw) &* c), times: k)
                    d.add(Vector(at: line + (kx &+ 2 &* sw) &* c), times: k)
                    e.add(Vector(at: line + (kx &+ 3 &* sw) &* c), times: k)
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

/// One output row, whose window begins at the input's row `iy` (negative where it looks over the edge).
/// - Parameters:
///   - picture: `[height, width, C]`, of which only the rows of the window are read.
///   - panels: `[kh, kw, C]`
///   - output: `[ow, C]`
func depthwiseOutputRow(
    _ picture: UnsafePointer<Float>, height h: Int, width w: Int, panels: Tensor, iy: Int, left: Int,
    _ geometry: ConvolutionGeometry, _ epilogue: Epilogue, _ output: UnsafeMutablePointer<Float>, ow: Int
) {
    let c = panels.shape[2]
    let kw = geometry.kernelWidth
    let sw = geometry.strideWidth
    let rows = kernelColumns(iy, geometry.kernelHeight, h)
    let whole = c / 16 * 16
    var ch = 0
    @inline(__always) func run(kw: Int, sw: Int) {
        while ch < whole {
            // So many channels that their weights stay in the L1 cache.
            let channels = min(128, whole - ch)
            var part = epilogue
            part.bias = epilogue.bias.map { $0 + ch }
            depthwiseRow(
                picture + ch, panels.pointer + ch, output + ch, rows: rows, iy: iy, w: w, ow: ow, c: c,
                channels: channels, left: left, kw: kw, sw: sw, part)
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
    if ch == c { return }
    // The last, partial vector of channels.
    let valid = c - ch
    let start = epilogue.bias.map { Vector(at: $0 + ch, first: valid) } ?? .zero
    for ox in 0..<ow {
        let ix = ox * sw - left
        var a = start
        for ky in rows {
            for kx in kernelColumns(ix, kw, w) {
                a +=
                    Vector(at: picture + ((iy + ky) * w + ix + kx) * c + ch, first: valid)
                    * Vector(at: panels.pointer + (ky * kw + kx) * c + ch, first: valid)
            }
        }
        a.clamped(epilogue.low, epilogue.high).store(to: output + ox * c + ch, first: valid)
    }
}

/// - Parameter panels: `[kh, kw, C]`
func depthwiseForward(_ x: Tensor, panels: Tensor, geometry: ConvolutionGeometry, _ epilogue: Epilogue, _ y: Tensor) {
    let (n, h, w, c) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
    let (oh, ow) = (y.shape[1], y.shape[2])
    let pad = geometry.padding(height: h, width: w)
    let work = ow * c * geometry.kernelHeight * geometry.kernelWidth
    // A job is one output row of one picture; a part of 64 K multiplications takes some microseconds.
    Parallel.ranges(n * oh, grain: (1 << 16) / max(1, work) + 1, each: 8) { range in
        for job in range {
            depthwiseOutputRow(
                x.pointer + job / oh * h * w * c, height: h, width: w, panels: panels,
                iy: job % oh * geometry.strideHeight - pad.top, left: pad.left, geometry, epilogue,
                y.pointer + job * ow * c, ow: ow)
        }
    }
}
