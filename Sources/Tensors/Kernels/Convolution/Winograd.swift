import CVector

/// 3x3 convolutions of stride 1 as Winograd F(4x4, 3x3) (Lavin & Gray 2016, section 4.3): a tile of 4x4 outputs needs
/// 36 multiplications for each pair of channels instead of 144. Y = A^T [ (G g G^T) . (B^T d B) ] A; the sums over
/// channels are 36 matrix products.

struct WinogradWeights: Sendable {
    let inputs: Int, outputs: Int
    /// `[36]` packed matrices of inputs x outputs.
    let panels: Tensor

    var planeSize: Int { packedSize(depth: inputs, columns: outputs) }

    /// True if the transforms cost less than the multiplications that they save.
    static func suits(_ weight: Tensor, _ geometry: ConvolutionGeometry) -> Bool {
        geometry.kernelHeight == 3 && geometry.kernelWidth == 3 && geometry.strideHeight == 1
            && geometry.strideWidth == 1
            && geometry.groups == 1 && weight.shape[0] >= 16 && weight.shape[3] >= 16
    }

    /// True for outputs of more than 8 tiles. For fewer, reading 36 matrices instead of 9 takes longer than it saves.
    static func pays(images: Int, height: Int, width: Int) -> Bool {
        images * ((height + 3) / 4) * ((width + 3) / 4) > 8
    }

    /// G g G^T of weight `[O, 3, 3, C]`.
    /// - Parameter backward: for the gradient of the input: the kernel is rotated by 180 degrees, inputs and outputs
    ///   are exchanged.
    init(_ weight: Tensor, backward: Bool = false) {
        let o = weight.shape[0]
        let c = weight.shape[3]
        let inputs = backward ? o : c
        let outputs = backward ? c : o
        let inputStride = backward ? 9 * c : 1
        let outputStride = backward ? 1 : 9 * c
        let plane = packedSize(depth: inputs, columns: outputs)
        let result = Tensor(uninitialized: [36, plane])
        let target = result.pointer
        let source = weight.pointer
        // Outputs at once, which are in one panel.
        let many = min(16, kernels.panel)
        Parallel.ranges((outputs + many - 1) / many, grain: max(1, 256 / max(1, inputs))) { range in
            let grid = UnsafeMutablePointer<Vector>.allocate(capacity: 18)
            defer { grid.deallocate() }
            for block in range {
                let first = block * many
                let valid = min(many, outputs - first)
                let panelStart = first / kernels.panel * kernels.panel
                let width = panelWidth(outputs - panelStart)
                // The last panel may be narrower.
                let stored = min(many, width - (first - panelStart))
                for input in 0..<inputs {
                    let element = source + input * inputStride + first * outputStride
                    // G g: three columns of six elements.
                    for column in 0..<3 {
                        var g = (Vector.zero, Vector.zero, Vector.zero)
                        let at = backward ? 2 - column : column
                        let p0 = element + (backward ? 6 + at : at) * c
                        let p1 = element + (3 + at) * c
                        let p2 = element + (backward ? at : 6 + at) * c
                        for j in 0..<valid {
                            g.0[j] = p0[j * outputStride]
                            g.1[j] = p1[j * outputStride]
                            g.2[j] = p2[j * outputStride]
                        }
                        let t = kernelTransform(g.0, g.1, g.2)
                        grid[column] = t.0
                        grid[3 + column] = t.1
                        grid[6 + column] = t.2
                        grid[9 + column] = t.3
                        grid[12 + column] = t.4
                        grid[15 + column] = t.5
                    }
                    let to = target + panelStart * inputs + input * width + (first - panelStart)
                    for row in 0..<6 {
                        let t = kernelTransform(grid[3 * row], grid[3 * row + 1], grid[3 * row + 2])
                        let line = to + row * 6 * plane
                        t.0.store(to: line, first: stored)
                        t.1.store(to: line + plane, first: stored)
                        t.2.store(to: line + 2 * plane, first: stored)
                        t.3.store(to: line + 3 * plane, first: stored)
                        t.4.store(to: line + 4 * plane, first: stored)
                        t.5.store(to: line + 5 * plane, first: stored)
                    }
                }
            }
        }
        self.inputs = inputs
        self.outputs = outputs
        panels = result
    }
}

private typealias Six = (Vector, Vector, Vector, Vector, Vector, Vector)
private typealias FourVectors = (Vector, Vector, Vector, Vector)

/// Multiplies three elements by G, with the interpolation points 0, 1, -1, 2, -2 and infinity.
@inline(__always)
private func kernelTransform(_ a: Vector, _ b: Vector, _ c: Vector) -> Six {
    let even = (a + c) * (-1.0 / 6)
    let odd = b * (-1.0 / 6)
    let far = a * (1.0 / 24) + c * (1.0 / 6)
    let farOdd = b * (1.0 / 12)
    return (a * 0.25, even + odd, even - odd, far + farOdd, far - farOdd, c)
}

/// Multiplies six elements by B^T.
@inline(__always)
private func inputTransform(_ a: Vector, _ b: Vector, _ c: Vector, _ d: Vector, _ e: Vector, _ f: Vector) -> Six {
    let even = e.adding(c, times: -4)
    let odd = d.adding(b, times: -4)
    let near = e - c
    let far = d - b
    return (
        e.adding(c, times: -5).adding(a, times: 4), even + odd, even - odd, near.adding(far, times: 2),
        near.adding(far, times: -2), f.adding(d, times: -5).adding(b, times: 4)
    )
}

/// Multiplies six elements by A^T.
@inline(__always)
private func outputTransform(_ a: Vector, _ b: Vector, _ c: Vector, _ d: Vector, _ e: Vector, _ f: Vector)
    -> FourVectors
{
    let sum = b + c
    let difference = b - c
    let farSum = d + e
    let farDifference = d - e
    return (
        a + sum + farSum, difference.adding(farDifference, times: 2), sum.adding(farSum, times: 4),
        (difference + f).adding(farDifference, times: 8)
    )
}

/// The tiles of a batch, and the layout of their scratch memory.
private struct Tiles {
    let height: Int, width: Int, channels: Int
    let outputHeight: Int, outputWidth: Int, outputs: Int
    let top: Int, left: Int
    let down: Int, across: Int
    /// Row strides of the scratch memory. They are not multiples of 1 KiB, which would map all rows to the same few
    /// sets of the L1 cache.
    let inputRow: Int, outputRow: Int
    let pooled: Bool

    init(
        height: Int, width: Int, channels: Int, outputHeight: Int, outputWidth: Int, outputs: Int, top: Int, left: Int,
        pooled: Bool
    ) {
        func padded(_ n: Int) -> Int { (n + 15) / 16 * 16 + (n % 256 == 0 ? 16 : 0) }
        self.height = height
        self.width = width
        self.channels = channels
        self.outputHeight = outputHeight
        self.outputWidth = outputWidth
        self.outputs = outputs
        self.top = top
        self.left = left
        self.pooled = pooled
        down = (outputHeight + 3) / 4
        across = (outputWidth + 3) / 4
        inputRow = padded(channels)
        outputRow = padded(outputs)
    }

    /// Writes B^T d B of tile `tile` to 36 planes, `plane` apart.
    @inline(__always)
    func scatter(
        _ x: UnsafePointer<Float>, tile: Int, _ v: UnsafeMutablePointer<Float>, plane: Int,
        _ grid: UnsafeMutablePointer<Vector>
    ) {
        let image = tile / (down * across)
        let within = tile % (down * across)
        let y = within / across * 4 - top
        let column = within % across * 4 - left
        let first = x + image * height * width * channels
        let line = width * channels
        let isInside = y >= 0 && column >= 0 && y + 6 <= height && column + 6 <= width
        var channel = 0
        while channel < channels {
            let valid = channels - channel
            if isInside && valid >= 16 {
                for j in 0..<6 {
                    let p = first + y * line + (column + j) * channels + channel
                    // The pixels of the next tile that are not in this one.
                    if j >= 2 { for i in 0..<6 { mmx_prefetch(p + (i * line + 4 * channels)) } }
                    let t = inputTransform(
                        Vector(at: p), Vector(at: p + line), Vector(at: p + 2 * line), Vector(at: p + 3 * line),
                        Vector(at: p + 4 * line),
                        Vector(at: p + 5 * line))
                    grid[j] = t.0
                    grid[6 + j] = t.1
                    grid[12 + j] = t.2
                    grid[18 + j] = t.3
                    grid[24 + j] = t.4
                    grid[30 + j] = t.5
                }
            } else {
                for j in 0..<6 {
                    @inline(__always) func load(_ i: Int) -> Vector {
                        let yy = y + i
                        let xx = column + j
                        if yy < 0 || yy >= height || xx < 0 || xx >= width { return .zero }
                        return Vector(at: first + yy * line + xx * channels + channel, first: valid)
                    }
                    let t = inputTransform(load(0), load(1), load(2), load(3), load(4), load(5))
                    grid[j] = t.0
                    grid[6 + j] = t.1
                    grid[12 + j] = t.2
                    grid[18 + j] = t.3
                    grid[24 + j] = t.4
                    grid[30 + j] = t.5
                }
            }
            for i in 0..<6 {
                let g = grid + 6 * i
                let t = inputTransform(g[0], g[1], g[2], g[3], g[4], g[5])
                let to = v + 6 * i * plane + channel
                t.0.store(to: to)
                t.1.store(to: to + plane)
                t.2.store(to: to + 2 * plane)
                t.3.store(to: to + 3 * plane)
                t.4.store(to: to + 4 * plane)
                t.5.store(to: to + 5 * plane)
            }
            channel += 16
        }
    }

    /// Writes A^T m A of tile `tile`, after the epilogue, to y; with `pooled`, the maximum of each 2x2 results.
    @inline(__always)
    func gather(
        _ m: UnsafePointer<Float>, plane: Int, tile: Int, _ y: UnsafeMutablePointer<Float>, _ epilogue: Epilogue,
        _ grid: UnsafeMutablePointer<Vector>
    ) {
        let image = tile / (down * across)
        let within = tile % (down * across)
        let row = within / across * 4
        let column = within % across * 4
        let rows = min(4, outputHeight - row)
        let columns = min(4, outputWidth - column)
        let low = epilogue.low
        let high = epilogue.high
        let scale = pooled ? 2 : 1
        let line = outputWidth / scale * outputs
        let first = y + (image * outputHeight + row) / scale * line + column / scale * outputs
        var channel = 0
        while channel < outputs {
            let valid = outputs - channel
            let bias = epilogue.bias.map { Vector(at: $0 + channel, first: valid) } ?? .zero
            for j in 0..<6 {
                let p = m + j * plane + channel
                let t = outputTransform(
                    Vector(at: p), Vector(at: p + 6 * plane), Vector(at: p + 12 * plane), Vector(at: p + 18 * plane),
                    Vector(at: p + 24 * plane), Vector(at: p + 30 * plane))
                grid[j] = t.0
                grid[6 + j] = t.1
                grid[12 + j] = t.2
                grid[18 + j] = t.3
            }
            @inline(__always) func results(_ i: Int) -> FourVectors {
                let g = grid + 6 * i
                return outputTransform(g[0], g[1], g[2], g[3], g[4], g[5])
            }
            @inline(__always) func put(_ value: Vector, _ to: UnsafeMutablePointer<Float>) {
                var value = value + bias
                if let other = epilogue.shortcut(at: to) { value += Vector(at: other, first: valid) }
                value.clamped(low, high).store(to: to, first: valid)
            }
            if pooled {
                for i in stride(from: 0, to: rows, by: 2) {
                    // Adding the bias and clamping do not change the order, so they are applied to the maximum only.
                    let t = results(i), u = results(i + 1)
                    let to = first + i / 2 * line + channel
                    put(t.0.orLarger(t.1).orLarger(u.0).orLarger(u.1), to)
                    if columns > 2 { put(t.2.orLarger(t.3).orLarger(u.2).orLarger(u.3), to + outputs) }
                }
                channel += 16
                continue
            }
            for i in 0..<rows {
                let t = results(i)
                let to = first + i * line + channel
                // The memory that the next tile will store to. A line that is not in the cache would be read before it
                // is written.
                for j in 4..<8 { mmx_prefetch_write(to + j * outputs) }
                put(t.0, to)
                if columns > 1 { put(t.1, to + outputs) }
                if columns > 2 { put(t.2, to + 2 * outputs) }
                if columns > 3 { put(t.3, to + 3 * outputs) }
            }
            channel += 16
        }
    }
}

/// x `[N, H, W, C]` (C = weights.inputs), y `[N, H', W', O]`; `top` and `left` zeros before the input, and as many
/// after it as y needs.
/// - Parameter pooled: y is `[N, H' / 2, W' / 2, O]`, the maximum of each 2x2 results; H' and W' are even.
func winogradForward(
    _ x: UnsafePointer<Float>, images: Int, height: Int, width: Int, weights: WinogradWeights, top: Int, left: Int,
    _ y: UnsafeMutablePointer<Float>, outputHeight: Int, outputWidth: Int, pooled: Bool = false,
    _ epilogue: Epilogue
) {
    let tiles = Tiles(
        height: height, width: width, channels: weights.inputs, outputHeight: outputHeight, outputWidth: outputWidth,
        outputs: weights.outputs, top: top, left: left, pooled: pooled)
    let count = images * tiles.down * tiles.across
    if count == 0 { return }
    let panels = weights.panels.pointer
    let panelSize = weights.planeSize
    let threads = Parallel.threads
    func products(
        _ planes: Range<Int>, _ rows: Int, _ v: UnsafePointer<Float>, _ vPlane: Int, _ m: UnsafeMutablePointer<Float>,
        _ mPlane: Int
    ) {
        for plane in planes {
            packedProduct(
                rows: rows, depth: weights.inputs, columns: weights.outputs, v + plane * vPlane, lda: tiles.inputRow,
                panels + plane * panelSize, m + plane * mPlane, ldc: tiles.outputRow)
        }
    }
    func withGrid(_ body: (UnsafeMutablePointer<Vector>) -> Void) {
        let grid = UnsafeMutablePointer<Vector>.allocate(capacity: 36)
        body(grid)
        grid.deallocate()
    }
    let target = 48
    if count < target * threads {
        // Few tiles: the weights are larger than the tiles, so each thread computes some of the 36 products.
        let vPlane = count * tiles.inputRow + 16
        let mPlane = count * tiles.outputRow + 16
        let v = Tensor(uninitialized: [36 * vPlane])
        let m = Tensor(uninitialized: [36 * mPlane])
        Parallel.ranges(count) { range in
            withGrid { grid in
                for tile in range {
                    tiles.scatter(x, tile: tile, v.pointer + tile * tiles.inputRow, plane: vPlane, grid)
                }
            }
        }
        Parallel.ranges(36) { products($0, count, v.pointer, vPlane, m.pointer, mPlane) }
        Parallel.ranges(count) { range in
            withGrid { grid in
                for tile in range {
                    tiles.gather(m.pointer + tile * tiles.outputRow, plane: mPlane, tile: tile, y, epilogue, grid)
                }
            }
        }
        withExtendedLifetime((v, m, weights)) {}
        return
    }
    Parallel.ranges(count) { range in
        let blocks = max(1, (range.count + target / 2) / target)
        let largest = (range.count + blocks - 1) / blocks
        // The results of one product overwrite the inputs of the one before it. This halves the memory, which then
        // stays in the cache.
        let plane = largest * max(tiles.inputRow, tiles.outputRow) + 16
        let scratch = Tensor(uninitialized: [37 * plane])
        let m = scratch.pointer, v = m + plane
        withGrid { grid in
            for block in 0..<blocks {
                let first = range.lowerBound + range.count * block / blocks
                let own = first..<range.lowerBound + range.count * (block + 1) / blocks
                for tile in own {
                    tiles.scatter(x, tile: tile, v + (tile - own.lowerBound) * tiles.inputRow, plane: plane, grid)
                }
                products(0..<36, own.count, v, plane, m, plane)
                for tile in own {
                    tiles.gather(
                        m + (tile - own.lowerBound) * tiles.outputRow, plane: plane, tile: tile, y, epilogue, grid)
                }
            }
        }
        withExtendedLifetime(scratch) {}
    }
    withExtendedLifetime(weights) {}
}
