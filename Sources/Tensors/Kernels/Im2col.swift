/// A convolution of any kernel, stride, padding and groups: the windows of a block of output pixels are copied into rows,
/// and the rows multiplied with the weights. A block stays in the L2 cache.

private struct Windows {
    let height: Int, width: Int, channels: Int
    let outputHeight: Int, outputWidth: Int
    let top: Int, left: Int
    let geometry: ConvolutionGeometry

    init(height: Int, width: Int, channels: Int, geometry: ConvolutionGeometry) {
        self.height = height
        self.width = width
        self.channels = channels
        self.geometry = geometry
        (outputHeight, outputWidth) = geometry.outputSize(height: height, width: width)
        (top, left, _, _) = geometry.padding(height: height, width: width)
    }

    var groupChannels: Int { channels / geometry.groups }
    /// Elements of one window in one group.
    var length: Int { geometry.kernelHeight * geometry.kernelWidth * groupChannels }
    var pixels: Int { outputHeight * outputWidth }
    /// Output pixels in one block.
    var block: Int { max(16, min(pixels, (1 << 16) / max(1, length))) }

    /// Calls `body(input offset, window offset)` for every kernel position that lies in the picture, for output pixel `pixel`; both offsets are
    /// of `groupChannels` elements in group 0.
    @inline(__always)
    func positions(_ pixel: Int, _ body: (Int, Int) -> Void, outside: (Int) -> Void = { _ in }) {
        let oy = pixel / outputWidth * geometry.strideHeight - top, ox = pixel % outputWidth * geometry.strideWidth - left
        var position = 0
        for ky in 0..<geometry.kernelHeight {
            let y = oy + ky
            for kx in 0..<geometry.kernelWidth {
                let x = ox + kx
                if y >= 0 && y < height && x >= 0 && x < width {
                    body((y * width + x) * channels, position)
                } else {
                    outside(position)
                }
                position += groupChannels
            }
        }
    }

    func gather(_ x: UnsafePointer<Float>, group: Int, pixels: Range<Int>, _ rows: UnsafeMutablePointer<Float>) {
        let width = groupChannels
        for pixel in pixels {
            let row = rows + (pixel - pixels.lowerBound) * length
            positions(
                pixel, { (row + $1).update(from: x + $0 + group * width, count: width) },
                outside: { (row + $0).update(repeating: 0, count: width) })
        }
    }

    func scatter(_ rows: UnsafePointer<Float>, group: Int, pixels: Range<Int>, _ dx: UnsafeMutablePointer<Float>) {
        let width = groupChannels
        for pixel in pixels {
            let row = rows + (pixel - pixels.lowerBound) * length
            positions(pixel, { at, position in
                let target = dx + at + group * width
                mapVectors2(width, target, row + position, target) { $0 + $1 }
            })
        }
    }
}

func im2colForward(
    _ x: Tensor, weight: Tensor, bias: Tensor?, geometry: ConvolutionGeometry, activation: Activation, _ y: Tensor
) {
    let n = x.shape[0], outputs = weight.shape[0]
    let windows = Windows(height: x.shape[1], width: x.shape[2], channels: x.shape[3], geometry: geometry)
    let length = windows.length, block = windows.block, groupOutputs = outputs / geometry.groups
    let blocks = (windows.pixels + block - 1) / block
    let picture = windows.height * windows.width * windows.channels
    Parallel.ranges(n * blocks) { range in
        let rows = Tensor(uninitialized: [block, length])
        for job in range {
            let i = job / blocks, from = job % blocks * block, to = min(windows.pixels, from + block)
            let output = y.pointer + (i * windows.pixels + from) * outputs
            for group in 0..<geometry.groups {
                windows.gather(x.pointer + i * picture, group: group, pixels: from..<to, rows.pointer)
                gemm(
                    transposeB: true, m: to - from, n: groupOutputs, k: length, rows.pointer, lda: length,
                    weight.pointer + group * groupOutputs * length, ldb: length, output + group * groupOutputs, ldc: outputs)
            }
            addBias(output, rows: to - from, columns: outputs, bias?.pointer, activation)
        }
        withExtendedLifetime(rows) {}
    }
}

/// g `[B, H', W', O] -> [B, H, W, C]`
func im2colBackwardInput(_ g: Tensor, weight: Tensor, geometry: ConvolutionGeometry, height: Int, width: Int) -> Tensor {
    let n = g.shape[0], outputs = weight.shape[0], channels = weight.shape[3] * geometry.groups
    let windows = Windows(height: height, width: width, channels: channels, geometry: geometry)
    let length = windows.length, block = windows.block, groupOutputs = outputs / geometry.groups
    let picture = height * width * channels
    let dx = Tensor([n, height, width, channels])
    // Windows overlap, so a picture belongs to one thread (and, with one picture, a group does).
    func run(picture i: Int, groups: Range<Int>, inner: Bool) {
        let rows = Tensor(uninitialized: [block, length])
        for from in stride(from: 0, to: windows.pixels, by: block) {
            let to = min(windows.pixels, from + block)
            for group in groups {
                gemm(
                    m: to - from, n: length, k: groupOutputs, g.pointer + (i * windows.pixels + from) * outputs + group * groupOutputs,
                    lda: outputs, weight.pointer + group * groupOutputs * length, ldb: length, rows.pointer, ldc: length)
                windows.scatter(rows.pointer, group: group, pixels: from..<to, dx.pointer + i * picture)
            }
        }
        withExtendedLifetime(rows) {}
    }
    if n == 1 {
        run(picture: 0, groups: 0..<geometry.groups, inner: true)
    } else {
        Parallel.ranges(n) { range in for i in range { run(picture: i, groups: 0..<geometry.groups, inner: false) } }
    }
    return dx
}

/// g `[N, H', W', O]`, x `[N, H, W, C]`: `[O, kh, kw, C / groups]`, pictures and blocks added in their order.
func im2colBackwardWeight(_ g: Tensor, x: Tensor, weight: Tensor, geometry: ConvolutionGeometry) -> Tensor {
    let n = x.shape[0], outputs = weight.shape[0]
    let windows = Windows(height: x.shape[1], width: x.shape[2], channels: x.shape[3], geometry: geometry)
    let length = windows.length, block = windows.block, groupOutputs = outputs / geometry.groups
    let picture = windows.height * windows.width * windows.channels
    let dw = Tensor(weight.shape)
    let rows = Tensor(uninitialized: [block, length])
    for i in 0..<n {
        for from in stride(from: 0, to: windows.pixels, by: block) {
            let to = min(windows.pixels, from + block)
            for group in 0..<geometry.groups {
                Parallel.ranges(to - from, grain: 64) { range in
                    windows.gather(
                        x.pointer + i * picture, group: group, pixels: from + range.lowerBound..<from + range.upperBound,
                        rows.pointer + range.lowerBound * length)
                }
                gemm(
                    transposeA: true, m: groupOutputs, n: length, k: to - from,
                    g.pointer + (i * windows.pixels + from) * outputs + group * groupOutputs, lda: outputs, rows.pointer, ldb: length,
                    beta: 1, dw.pointer + group * groupOutputs * length, ldc: length)
            }
        }
    }
    withExtendedLifetime(rows) {}
    return dw
}
