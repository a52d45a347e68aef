import CKernels

/// A convolution of any kernel, stride, padding and groups: the windows of a block of output pixels are copied into
/// rows, and the rows are multiplied with the weights. A block fits the L2 cache.

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
    /// The number of elements of a window in one group.
    var length: Int { geometry.kernelHeight * geometry.kernelWidth * groupChannels }
    var pixels: Int { outputHeight * outputWidth }
    /// The number of output pixels in a block.
    var block: Int { max(16, min(pixels, (1 << 16) / max(1, length))) }

    /// Copies the windows of output pixels `pixels` of one image into rows of `length`.
    func gather(_ x: UnsafePointer<Float>, group: Int, pixels: Range<Int>, _ rows: UnsafeMutablePointer<Float>) {
        let each = groupChannels
        let x = x + group * each
        let line = geometry.kernelWidth * each
        let (kernelHeight, kernelWidth) = (geometry.kernelHeight, geometry.kernelWidth)
        let strideWidth = geometry.strideWidth
        let grouped = geometry.groups > 1
        var oy = pixels.lowerBound / outputWidth * geometry.strideHeight - top
        var ox = pixels.lowerBound % outputWidth * strideWidth - left
        let end = outputWidth * strideWidth - left
        // Short pieces are copied in whole vectors where the next window overwrites the excess.
        let whole = (line + 15) / 16 * 16
        let readable = x + (height * width * channels - (kernelHeight - 1) * width * channels - whole)
        let writable = rows + (pixels.count * length - length - 16)
        var target = rows
        for _ in 0..<pixels.count {
            if !grouped && ox >= 0 && ox + kernelWidth <= width && oy >= 0 && oy + kernelHeight <= height {
                var source = x + (oy &* width &+ ox) &* channels
                if source <= readable && target <= writable {
                    for _ in 0..<kernelHeight {
                        var i = 0
                        while i < line {
                            Vector(at: source + i).store(to: target + i)
                            i &+= 16
                        }
                        target += line
                        source += width &* channels
                    }
                } else {
                    for _ in 0..<kernelHeight {
                        copyFloats(target, source, line)
                        target += line
                        source += width &* channels
                    }
                }
            } else {
                // The kernel's columns that are inside the image.
                let from = min(max(0, -ox), kernelWidth)
                let to = max(from, min(kernelWidth, width - ox))
                for y in oy..<oy + kernelHeight {
                    if y < 0 || y >= height || from == to {
                        target.update(repeating: 0, count: line)
                    } else {
                        let source = x + (y * width + ox) * channels
                        target.update(repeating: 0, count: from * each)
                        if grouped {
                            for kx in from..<to { copyFloats(target + kx * each, source + kx * channels, each) }
                        } else {
                            copyFloats(target + from * each, source + from * each, (to - from) * each)
                        }
                        (target + to * each).update(repeating: 0, count: line - to * each)
                    }
                    target += line
                }
            }
            ox += strideWidth
            if ox == end {
                ox = -left
                oy += geometry.strideHeight
            }
        }
    }

    /// Adds rows of windows to the pixels that they were copied from.
    func scatter(_ rows: UnsafePointer<Float>, group: Int, pixels: Range<Int>, _ dx: UnsafeMutablePointer<Float>) {
        let each = groupChannels
        let dx = dx + group * each
        for pixel in pixels {
            let oy = pixel / outputWidth * geometry.strideHeight - top
            let ox = pixel % outputWidth * geometry.strideWidth - left
            let from = min(max(0, -ox), geometry.kernelWidth)
            let to = max(from, min(geometry.kernelWidth, width - ox))
            let row = rows + (pixel - pixels.lowerBound) * length
            for ky in max(0, -oy)..<max(max(0, -oy), min(geometry.kernelHeight, height - oy)) {
                let source = row + ky * geometry.kernelWidth * each
                let target = dx + ((oy + ky) * width + ox) * channels
                if geometry.groups == 1 {
                    let t = target + from * each
                    kernels.add((to - from) * each, t, source + from * each, 1, t)
                } else {
                    for kx in from..<to {
                        let t = target + kx * channels
                        kernels.add(each, t, source + kx * each, 1, t)
                    }
                }
            }
        }
    }
}

/// Copies a short array, for which a call of memcpy costs more than the copy. The last vector overlaps the one before.
@inline(__always)
private func copyFloats(_ to: UnsafeMutablePointer<Float>, _ from: UnsafePointer<Float>, _ count: Int) {
    @inline(__always) func move<V>(_ at: Int, _: V.Type) {
        UnsafeMutableRawPointer(to + at).storeBytes(
            of: UnsafeRawPointer(from + at).loadUnaligned(as: V.self), as: V.self)
    }
    if count >= 16 {
        var i = 0
        while i &+ 16 <= count {
            move(i, SIMD16<Float>.self)
            i &+= 16
        }
        if i < count { move(count &- 16, SIMD16<Float>.self) }
    } else if count >= 8 {
        move(0, SIMD8<Float>.self)
        move(count &- 8, SIMD8<Float>.self)
    } else if count >= 4 {
        move(0, SIMD4<Float>.self)
        move(count &- 4, SIMD4<Float>.self)
    } else {
        for i in 0..<count { to[i] = from[i] }
    }
}

/// - Parameter matrices: one packed matrix of window x outputs for each group.
func im2colForward(
    _ x: Tensor, matrices: [PackedMatrix], geometry: ConvolutionGeometry, _ epilogue: Epilogue, _ y: Tensor
) {
    let n = x.shape[0]
    let outputs = y.shape[3]
    let windows = Windows(height: x.shape[1], width: x.shape[2], channels: x.shape[3], geometry: geometry)
    let length = windows.length
    let groupOutputs = outputs / geometry.groups
    let imageSize = windows.height * windows.width * windows.channels
    let pixels = windows.pixels
    func gather(_ from: Int, _ to: Int, _ group: Int, _ rows: UnsafeMutablePointer<Float>) {
        // Output pixels are counted over the whole batch; a block may cross from one image to the next.
        var at = from
        while at < to {
            let i = at / pixels
            let end = min(to, (i + 1) * pixels)
            windows.gather(
                x.pointer + i * imageSize, group: group, pixels: at - i * pixels..<end - i * pixels,
                rows + (at - from) * length)
            at = end
        }
    }
    func epilogueOf(_ group: Int) -> Epilogue { epilogue.from(column: group * groupOutputs) }
    let block = max(48, min(480, (1 << 16) / max(1, length) / 12 * 12))
    if n * pixels < 96 * Parallel.threads && geometry.groups == 1 && length * outputs > 1 << 16 {
        // Few pixels and large weights: split over the outputs.
        let rows = Tensor(uninitialized: [n * pixels, length])
        Parallel.ranges(n * pixels) { gather($0.lowerBound, $0.upperBound, 0, rows.pointer + $0.lowerBound * length) }
        parallelProduct(
            rows: n * pixels, depth: length, columns: outputs, rows.pointer, lda: length, matrices[0].panels.pointer,
            y.pointer,
            ldc: outputs, epilogue)
        withExtendedLifetime((rows, matrices)) {}
        return
    }
    if suitsWindows(geometry, length: length, outputWidth: y.shape[2]) {
        return windowsForward(x, matrix: matrices[0], geometry: geometry, epilogue, y)
    }
    Parallel.ranges(n * pixels, grain: 12, each: 4) { range in
        let rows = Tensor(uninitialized: [min(block, range.count), length])
        var from = range.lowerBound
        while from < range.upperBound {
            let to = min(range.upperBound, from + block)
            for group in 0..<geometry.groups {
                gather(from, to, group, rows.pointer)
                packedProduct(
                    rows: to - from, depth: length, columns: groupOutputs, rows.pointer, lda: length,
                    matrices[group].panels.pointer,
                    y.pointer + from * outputs + group * groupOutputs, ldc: outputs, epilogueOf(group))
            }
            from = to
        }
        withExtendedLifetime(rows) {}
    }
    withExtendedLifetime(matrices) {}
}

/// One packed matrix of outputs x window for each group. weight `[O, kh, kw, C / groups]`
func im2colBackwardWeights(_ weight: Tensor, geometry: ConvolutionGeometry) -> [PackedMatrix] {
    let outputs = weight.shape[0] / geometry.groups, length = weight.count / weight.shape[0]
    return (0..<geometry.groups).map {
        PackedMatrix(
            weight, offset: $0 * outputs * length, depth: outputs, columns: length, rowStride: length, columnStride: 1)
    }
}

/// g `[B, H', W', O] -> [B, H, W, C]`
/// - Parameter matrices: from ``im2colBackwardWeights(_:geometry:)``.
func im2colBackwardInput(
    _ g: Tensor, weight: Tensor, matrices: [PackedMatrix], geometry: ConvolutionGeometry, height: Int, width: Int
) -> Tensor {
    let n = g.shape[0]
    let outputs = weight.shape[0]
    let channels = weight.shape[3] * geometry.groups
    let windows = Windows(height: height, width: width, channels: channels, geometry: geometry)
    let length = windows.length
    let block = windows.block
    let groupOutputs = outputs / geometry.groups
    let imageSize = height * width * channels
    let dx = Tensor([n, height, width, channels])
    // Windows overlap, so one thread processes a whole image. For a single image, only the product is split over the
    // threads.
    func run(image i: Int) {
        let rows = Tensor(uninitialized: [block, length])
        for from in stride(from: 0, to: windows.pixels, by: block) {
            let to = min(windows.pixels, from + block)
            for group in 0..<geometry.groups {
                parallelProduct(
                    rows: to - from, depth: groupOutputs, columns: length,
                    g.pointer + (i * windows.pixels + from) * outputs + group * groupOutputs, lda: outputs,
                    matrices[group].panels.pointer, rows.pointer, ldc: length)
                windows.scatter(rows.pointer, group: group, pixels: from..<to, dx.pointer + i * imageSize)
            }
        }
        withExtendedLifetime(rows) {}
    }
    if n == 1 {
        run(image: 0)
    } else {
        Parallel.ranges(n) { range in for i in range { run(image: i) } }
    }
    withExtendedLifetime(matrices) {}
    return dx
}

/// The gradient of the weight, `[O, kh, kw, C / groups]`, from g `[N, H', W', O]` and x `[N, H, W, C]`. Blocks of
/// pixels are added in order.
func im2colBackwardWeight(_ g: Tensor, x: Tensor, weight: Tensor, geometry: ConvolutionGeometry) -> Tensor {
    let n = x.shape[0]
    let outputs = weight.shape[0]
    let windows = Windows(height: x.shape[1], width: x.shape[2], channels: x.shape[3], geometry: geometry)
    let length = windows.length
    let groupOutputs = outputs / geometry.groups
    let imageSize = windows.height * windows.width * windows.channels
    let block = min(windows.pixels, max(256, (1 << 18) / max(1, length)))
    let dw = Tensor(weight.shape)
    let rows = Tensor(uninitialized: [block, length])
    for i in 0..<n {
        for from in stride(from: 0, to: windows.pixels, by: block) {
            let to = min(windows.pixels, from + block)
            for group in 0..<geometry.groups {
                Parallel.ranges(to - from, grain: 64) { range in
                    windows.gather(
                        x.pointer + i * imageSize, group: group,
                        pixels: from + range.lowerBound..<from + range.upperBound,
                        rows.pointer + range.lowerBound * length)
                }
                transposedProduct(
                    rows: to - from, m: groupOutputs, n: length,
                    g.pointer + (i * windows.pixels + from) * outputs + group * groupOutputs, lda: outputs,
                    rows.pointer, ldb: length,
                    dw.pointer + group * groupOutputs * length, ldc: length)
            }
        }
    }
    withExtendedLifetime(rows) {}
    return dw
}
