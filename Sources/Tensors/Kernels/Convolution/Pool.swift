import CKernels
import CVector

/// The largest value of each window, and its position (the first of equal values). Padding is never the largest.
/// - Parameter wantsPositions: whether the backward pass will need the positions.
/// - Returns: y `[N, H', W', C]` and, if wanted, the flat position in x of each of its elements.
func maximumPoolForward(_ x: Tensor, geometry: PoolGeometry, wantsPositions: Bool = true) -> (Tensor, [Int32]) {
    let (n, h, w, c) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
    let size = geometry.outputSize(height: h, width: w)
    let pad = geometry.padding(height: h, width: w)
    let y = Tensor(uninitialized: [n, size.height, size.width, c])
    precondition(x.count <= Int(Int32.max), "a feature map of \(x.count) elements is too large to pool")
    var argument = [Int32](repeating: 0, count: wantsPositions ? y.count : 0)
    argument.withUnsafeMutableBufferPointer { buffer in
        nonisolated(unsafe) let positions = wantsPositions ? buffer.baseAddress : nil
        Parallel.ranges(n * size.height) { range in
            for row in range {
                let oy = row % size.height * geometry.strideHeight - pad.top
                let first = row / size.height * h * w
                let ys = max(0, oy)..<max(0, oy, min(h, oy + geometry.kernelHeight))
                for column in 0..<size.width {
                    let ox = column * geometry.strideWidth - pad.left
                    let at = (row * size.width + column) * c
                    let xs = max(0, ox)..<max(0, ox, min(w, ox + geometry.kernelWidth))
                    for ch in stride(from: 0, to: c, by: 16) {
                        let valid = c - ch
                        // For a window entirely in the padding, the value is minus infinity and the position is the
                        // image's first pixel.
                        let corner = ys.isEmpty || xs.isEmpty ? first : first + ys.lowerBound * w + xs.lowerBound
                        var best = Vector(repeating: -.infinity)
                        // The bits of integers in a vector of floats.
                        func bits(_ pixel: Int) -> Vector {
                            unsafeBitCast(SIMD16<Int32>(repeating: Int32(truncatingIfNeeded: pixel)), to: Vector.self)
                        }
                        var position = bits(corner)
                        for yy in ys {
                            for xx in xs {
                                let pixel = first + yy * w + xx
                                let value = Vector(at: x.pointer + (pixel * c + ch), first: valid)
                                position = mmx_if_larger_or_nan(value, best, bits(pixel), position)
                                best = best.orLarger(value)
                            }
                        }
                        best.store(to: y.pointer + (at + ch), first: valid)
                        guard let positions else { continue }
                        let pixels = unsafeBitCast(position, to: SIMD16<Int32>.self)
                        for i in 0..<min(16, valid) { positions[at + ch + i] = pixels[i] &* Int32(c) &+ Int32(ch + i) }
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
    let n = input[0]
    let c = input[3]
    if argument.isEmpty { return dx }
    // Windows of an image may overlap, but not across channels. A batch of few images is split by channel.
    let parts = seeds * n < Parallel.threads ? min(c, Parallel.threads) : 1
    let pixels = argument.count / (n * c)
    argument.withUnsafeBufferPointer { argument in
        nonisolated(unsafe) let argument = argument
        Parallel.forEach(seeds * n * parts) { job in
            let k = job / parts / n
            let i = job / parts % n
            let part = job % parts
            let gradient = g.pointer + k * argument.count
            let output = dx.pointer + k * size
            let channels = c * part / parts..<c * (part + 1) / parts
            for pixel in i * pixels..<(i + 1) * pixels {
                for at in pixel * c + channels.lowerBound..<pixel * c + channels.upperBound {
                    output[Int(argument[at])] += gradient[at]
                }
            }
        }
    }
    return dx
}

/// The mean of each window. `countIncludesPadding` decides the divisor, as in PyTorch.
func averagePoolForward(_ x: Tensor, geometry: PoolGeometry) -> Tensor {
    let (n, h, w, c) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
    let size = geometry.outputSize(height: h, width: w)
    let y = Tensor([n, size.height, size.width, c])
    Parallel.ranges(n * size.height) { range in
        for row in range {
            let i = row / size.height
            averageWindows(geometry, h, w, row: row % size.height) { pixel, output, share in
                let source = x.pointer + (i * h * w + pixel) * c
                let target = y.pointer + (i * size.height * size.width + output) * c
                kernels.add(c, target, source, share, target)
            }
        }
    }
    return y
}

/// g `[K, N, H', W', C] -> [K] + input`
func averagePoolBackward(_ g: Tensor, geometry: PoolGeometry, input: [Int], seeds: Int) -> Tensor {
    let (n, h, w, c) = (input[0], input[1], input[2], input[3])
    let size = geometry.outputSize(height: h, width: w)
    let dx = Tensor([seeds] + input)
    // Windows may overlap, but not across channels. A batch of few images is split by channel, in whole vectors.
    let vectors = (c + 15) / 16
    let parts = seeds * n < Parallel.threads ? max(1, min(vectors, Parallel.threads)) : 1
    Parallel.forEach(seeds * n * parts) { job in
        let i = job / parts
        let first = vectors * (job % parts) / parts * 16, last = min(c, vectors * (job % parts + 1) / parts * 16)
        for row in 0..<size.height {
            averageWindows(geometry, h, w, row: row) { pixel, output, share in
                let target = dx.pointer + (i * h * w + pixel) * c + first
                let source = g.pointer + (i * size.height * size.width + output) * c + first
                kernels.add(last - first, target, source, share, target)
            }
        }
    }
    return dx
}

/// For one row of the output, calls `body(input pixel, output pixel, share)` for every input pixel of every window;
/// `share` is its weight in the mean.
@inline(__always)
private func averageWindows(
    _ geometry: PoolGeometry, _ h: Int, _ w: Int, row: Int, _ body: (Int, Int, Float) -> Void
) {
    let size = geometry.outputSize(height: h, width: w)
    let pad = geometry.padding(height: h, width: w)
    let y0 = row * geometry.strideHeight - pad.top
    let y1 = min(y0 + geometry.kernelHeight, h + pad.bottom)
    for column in 0..<size.width {
        let x0 = column * geometry.strideWidth - pad.left
        let x1 = min(x0 + geometry.kernelWidth, w + pad.right)
        let ys = max(0, y0)..<max(0, min(h, y1))
        let xs = max(0, x0)..<max(0, min(w, x1))
        let count = geometry.countIncludesPadding ? (y1 - y0) * (x1 - x0) : ys.count * xs.count
        for y in ys { for x in xs { body(y * w + x, row * size.width + column, 1 / Float(max(1, count))) } }
    }
}

/// x `[N, H, W, C] -> [N, C]`
func globalAveragePoolForward(_ x: Tensor) -> Tensor {
    let (n, pixels, c) = (x.shape[0], x.shape[1] * x.shape[2], x.shape[3])
    let y = Tensor([n, c])
    Parallel.ranges(n) { range in
        for i in range {
            let target = y.pointer + i * c
            for p in 0..<pixels { kernels.add(c, target, x.pointer + (i * pixels + p) * c, 1, target) }
            mapVectors(c, target, target) { $0 * (1 / Float(pixels)) }
        }
    }
    return y
}

/// g `[K, N, C] -> [K] + input`
func globalAveragePoolBackward(_ g: Tensor, input: [Int], seeds: Int) -> Tensor {
    let pixels = input[1] * input[2]
    let c = input[3]
    let dx = Tensor(uninitialized: [seeds] + input)
    Parallel.ranges(seeds * input[0], grain: max(1, (1 << 14) / max(1, pixels * c))) { range in
        for i in range {
            let first = dx.pointer + i * pixels * c
            mapVectors(c, g.pointer + i * c, first) { $0 * (1 / Float(pixels)) }
            for p in 1..<max(1, pixels) { (first + p * c).update(from: first, count: c) }
        }
    }
    return dx
}
