/// The largest value of each window, and where it was (the first of equals); padding never wins.
/// - Returns: y `[N, H', W', C]` and for each of its elements the flat position in x.
func maximumPoolForward(_ x: Tensor, geometry: PoolGeometry) -> (Tensor, [Int32]) {
    let (n, h, w, c) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
    let size = geometry.outputSize(height: h, width: w), pad = geometry.padding(height: h, width: w)
    let y = Tensor(uninitialized: [n, size.height, size.width, c])
    var argument = [Int32](repeating: 0, count: y.count)
    argument.withUnsafeMutableBufferPointer { argument in
        nonisolated(unsafe) let argument = argument
        Parallel.ranges(n * size.height) { range in
            for row in range {
                let i = row / size.height, oy = row % size.height * geometry.strideHeight - pad.top
                for column in 0..<size.width {
                    let ox = column * geometry.strideWidth - pad.left, at = (row * size.width + column) * c
                    for ch in 0..<c {
                        var best = -Float.infinity, position = -1
                        for yy in max(0, oy)..<max(0, min(h, oy + geometry.kernelHeight)) {
                            for xx in max(0, ox)..<max(0, min(w, ox + geometry.kernelWidth)) {
                                let p = ((i * h + yy) * w + xx) * c + ch
                                if x.pointer[p] > best || position < 0 { (best, position) = (x.pointer[p], p) }
                            }
                        }
                        y.pointer[at + ch] = best
                        argument[at + ch] = Int32(position)
                    }
                }
            }
        }
    }
    return (y, argument)
}

/// g `[K, N, H', W', C] -> [K] + input`
func maximumPoolBackward(_ g: Tensor, argument: [Int32], input: [Int], seeds: Int) -> Tensor {
    let dx = Tensor([seeds] + input)
    let size = input.reduce(1, *)
    for k in 0..<seeds {
        let gradient = g.pointer + k * argument.count, output = dx.pointer + k * size
        for (i, position) in argument.enumerated() { output[Int(position)] += gradient[i] }
    }
    return dx
}

/// The mean of each window; what it is divided by is `countIncludesPadding`'s matter, as in PyTorch.
func averagePoolForward(_ x: Tensor, geometry: PoolGeometry) -> Tensor {
    let (n, h, w, c) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
    let size = geometry.outputSize(height: h, width: w)
    let y = Tensor([n, size.height, size.width, c])
    averageWindows(geometry, h, w) { pixel, output, share in
        for i in 0..<n {
            let source = x.pointer + (i * h * w + pixel) * c, target = y.pointer + (i * size.height * size.width + output) * c
            mapVectors2(c, target, source, target) { $0 + $1 * share }
        }
    }
    return y
}

/// g `[K, N, H', W', C] -> [K] + input`
func averagePoolBackward(_ g: Tensor, geometry: PoolGeometry, input: [Int], seeds: Int) -> Tensor {
    let (n, h, w, c) = (input[0], input[1], input[2], input[3])
    let size = geometry.outputSize(height: h, width: w)
    let dx = Tensor([seeds] + input)
    averageWindows(geometry, h, w) { pixel, output, share in
        for i in 0..<seeds * n {
            let target = dx.pointer + (i * h * w + pixel) * c, source = g.pointer + (i * size.height * size.width + output) * c
            mapVectors2(c, target, source, target) { $0 + $1 * share }
        }
    }
    return dx
}

/// Calls `body(input pixel, output pixel, share)` for every pair that belongs together.
private func averageWindows(_ geometry: PoolGeometry, _ h: Int, _ w: Int, _ body: (Int, Int, Float) -> Void) {
    let size = geometry.outputSize(height: h, width: w), pad = geometry.padding(height: h, width: w)
    for row in 0..<size.height {
        let y0 = row * geometry.strideHeight - pad.top, y1 = min(y0 + geometry.kernelHeight, h + pad.bottom)
        for column in 0..<size.width {
            let x0 = column * geometry.strideWidth - pad.left, x1 = min(x0 + geometry.kernelWidth, w + pad.right)
            let ys = max(0, y0)..<max(0, min(h, y1)), xs = max(0, x0)..<max(0, min(w, x1))
            let count = geometry.countIncludesPadding ? (y1 - y0) * (x1 - x0) : ys.count * xs.count
            for y in ys { for x in xs { body(y * w + x, row * size.width + column, 1 / Float(max(1, count))) } }
        }
    }
}

/// x `[N, H, W, C] -> [N, C]`
func globalAveragePoolForward(_ x: Tensor) -> Tensor {
    let (n, pixels, c) = (x.shape[0], x.shape[1] * x.shape[2], x.shape[3])
    let y = Tensor([n, c])
    Parallel.ranges(n) { range in
        for i in range {
            let target = y.pointer + i * c
            for p in 0..<pixels { mapVectors2(c, target, x.pointer + (i * pixels + p) * c, target) { $0 + $1 } }
            mapVectors(c, target, target) { $0 * (1 / Float(pixels)) }
        }
    }
    return y
}

/// g `[K, N, C] -> [K] + input`
func globalAveragePoolBackward(_ g: Tensor, input: [Int], seeds: Int) -> Tensor {
    let pixels = input[1] * input[2], c = input[3]
    let dx = Tensor(uninitialized: [seeds] + input)
    for i in 0..<seeds * input[0] {
        let first = dx.pointer + i * pixels * c
        mapVectors(c, g.pointer + i * c, first) { $0 * (1 / Float(pixels)) }
        for p in 1..<max(1, pixels) { (first + p * c).update(from: first, count: c) }
    }
    return dx
}
