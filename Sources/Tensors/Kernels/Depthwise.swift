/// Depthwise convolutions: each channel has its own small kernel. Bound by memory, so the vectors run along the channels and a
/// weight vector is used again for several output columns while it is in a register.

func isDepthwise(_ weight: Tensor, _ geometry: ConvolutionGeometry) -> Bool {
    geometry.groups > 1 && weight.shape[0] == geometry.groups && weight.shape[3] == 1
}

/// `[C, kh, kw, 1] -> [kh, kw, C]`
func depthwisePanels(_ weight: Tensor) -> Tensor {
    let channels = weight.shape[0], size = weight.shape[1] * weight.shape[2]
    let panels = Tensor(uninitialized: [weight.shape[1], weight.shape[2], channels])
    for c in 0..<channels { for k in 0..<size { panels.pointer[k * channels + c] = weight.pointer[c * size + k] } }
    return panels
}

/// The kernel columns that lie in the picture for an output column that starts at `x`.
@inline(__always)
private func inside(_ x: Int, _ kernel: Int, _ size: Int) -> Range<Int> {
    let from = max(0, -x), to = min(kernel, size - x)
    return from..<max(from, to)
}

func depthwiseForward(
    _ x: Tensor, panels: Tensor, bias: Tensor?, geometry: ConvolutionGeometry, activation: Activation, _ y: Tensor
) {
    let (n, h, w, c) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
    let oh = y.shape[1], ow = y.shape[2], kh = geometry.kernelHeight, kw = geometry.kernelWidth
    let sh = geometry.strideHeight, sw = geometry.strideWidth
    let pad = geometry.padding(height: h, width: w)
    Parallel.ranges(n * oh) { range in
        for job in range {
            let picture = x.pointer + job / oh * h * w * c
            let iy = job % oh * sh - pad.top
            let rows = inside(iy, kh, h)
            let output = y.pointer + job * ow * c
            // Whole vectors of channels; four output columns share each weight.
            var ch = 0
            while ch + 16 <= c {
                let start = bias.map { Vector(at: $0.pointer + ch) } ?? .zero
                var ox = 0
                while ox < ow {
                    let ix = ox * sw - pad.left
                    if ox + 4 <= ow && ix >= 0 && ix + 3 * sw + kw <= w {
                        var a = start, b = start, d = start, e = start
                        for ky in rows {
                            let line = picture + ((iy + ky) * w + ix) * c + ch, weights = panels.pointer + ky * kw * c + ch
                            for kx in 0..<kw {
                                let k = Vector(at: weights + kx * c), p = line + kx * c
                                a += Vector(at: p) * k
                                b += Vector(at: p + sw * c) * k
                                d += Vector(at: p + 2 * sw * c) * k
                                e += Vector(at: p + 3 * sw * c) * k
                            }
                        }
                        activation.apply(a).store(to: output + ox * c + ch)
                        activation.apply(b).store(to: output + (ox + 1) * c + ch)
                        activation.apply(d).store(to: output + (ox + 2) * c + ch)
                        activation.apply(e).store(to: output + (ox + 3) * c + ch)
                        ox += 4
                    } else {
                        var a = start
                        for ky in rows {
                            for kx in inside(ix, kw, w) {
                                a += Vector(at: picture + ((iy + ky) * w + ix + kx) * c + ch) * Vector(at: panels.pointer + (ky * kw + kx) * c + ch)
                            }
                        }
                        activation.apply(a).store(to: output + ox * c + ch)
                        ox += 1
                    }
                }
                ch += 16
            }
            while ch < c {
                for ox in 0..<ow {
                    let ix = ox * sw - pad.left
                    var a = bias?.pointer[ch] ?? 0
                    for ky in rows {
                        for kx in inside(ix, kw, w) {
                            a += picture[((iy + ky) * w + ix + kx) * c + ch] * panels.pointer[(ky * kw + kx) * c + ch]
                        }
                    }
                    output[ox * c + ch] = activation.apply(Vector(repeating: a))[0]
                }
                ch += 1
            }
        }
    }
}

/// g `[B, H', W', C] -> [B, H, W, C]`
func depthwiseBackwardInput(_ g: Tensor, weight: Tensor, geometry: ConvolutionGeometry, height h: Int, width w: Int) -> Tensor {
    let (n, oh, ow, c) = (g.shape[0], g.shape[1], g.shape[2], g.shape[3])
    let kh = geometry.kernelHeight, kw = geometry.kernelWidth, sh = geometry.strideHeight, sw = geometry.strideWidth
    let pad = geometry.padding(height: h, width: w)
    let panels = depthwisePanels(weight)
    let dx = Tensor(uninitialized: [n, h, w, c])
    Parallel.ranges(n * h) { range in
        for job in range {
            let picture = g.pointer + job / h * oh * ow * c
            let y = job % h
            let output = dx.pointer + job * w * c
            output.update(repeating: 0, count: w * c)
            for ky in 0..<kh {
                // Output row oy reads input row oy * sh - top + ky.
                let from = y + pad.top - ky
                if from < 0 || from % sh != 0 || from / sh >= oh { continue }
                let line = picture + from / sh * ow * c
                for x in 0..<w {
                    for kx in 0..<kw {
                        let at = x + pad.left - kx
                        if at < 0 || at % sw != 0 || at / sw >= ow { continue }
                        let source = line + at / sw * c, k = panels.pointer + (ky * kw + kx) * c, target = output + x * c
                        var ch = 0
                        while ch + 16 <= c {
                            (Vector(at: target + ch) + Vector(at: source + ch) * Vector(at: k + ch)).store(to: target + ch)
                            ch += 16
                        }
                        while ch < c {
                            target[ch] += source[ch] * k[ch]
                            ch += 1
                        }
                    }
                }
            }
        }
    }
    withExtendedLifetime(panels) {}
    return dx
}

/// g `[N, H', W', C]`, x `[N, H, W, C]`: `[C, kh, kw, 1]`; split over the channels, so that every sum has one order.
func depthwiseBackwardWeight(_ g: Tensor, x: Tensor, geometry: ConvolutionGeometry) -> Tensor {
    let (n, oh, ow, c) = (g.shape[0], g.shape[1], g.shape[2], g.shape[3])
    let h = x.shape[1], w = x.shape[2]
    let kh = geometry.kernelHeight, kw = geometry.kernelWidth, sh = geometry.strideHeight, sw = geometry.strideWidth
    let pad = geometry.padding(height: h, width: w)
    let panels = Tensor([kh, kw, c])
    Parallel.ranges((c + 15) / 16) { range in
        let from = range.lowerBound * 16, to = min(c, range.upperBound * 16)
        for row in 0..<n * oh {
            let picture = x.pointer + row / oh * h * w * c, iy = row % oh * sh - pad.top
            let gradient = g.pointer + row * ow * c
            for ky in inside(iy, kh, h) {
                for kx in 0..<kw {
                    let k = panels.pointer + (ky * kw + kx) * c
                    // Output columns whose input column is in the picture.
                    let first = max(0, (pad.left - kx + sw - 1) / sw), last = min(ow, (w - 1 + pad.left - kx) / sw + 1)
                    if first >= last { continue }
                    let line = picture + ((iy + ky) * w - pad.left + kx) * c
                    var ch = from
                    while ch + 16 <= to {
                        var sum = Vector(at: k + ch)
                        for ox in first..<last { sum += Vector(at: gradient + ox * c + ch) * Vector(at: line + ox * sw * c + ch) }
                        sum.store(to: k + ch)
                        ch += 16
                    }
                    while ch < to {
                        for ox in first..<last { k[ch] += gradient[ox * c + ch] * line[ox * sw * c + ch] }
                        ch += 1
                    }
                }
            }
        }
    }
    return panels.permuted([2, 0, 1]).reshaped([c, kh, kw, 1])
}
