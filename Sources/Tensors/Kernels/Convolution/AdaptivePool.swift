import CKernels

/// PyTorch's adaptive average pooling: output cell i of n is the mean of inputs floor(i s / n) ..< ceil((i + 1) s / n)
/// of s. Windows overlap if n does not divide s, and repeat inputs if n is larger than s.
/// - Returns: `[N, height, width, C]` of x `[N, H, W, C]`.
func adaptiveAveragePoolForward(_ x: Tensor, height: Int, width: Int) -> Tensor {
    let (n, h, w, c) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
    let y = Tensor([n, height, width, c])
    Parallel.ranges(n) { range in
        for i in range {
            adaptiveWindows(from: (h, w), to: (height, width)) { input, output, share in
                let target = y.pointer + (i * height * width + output) * c
                kernels.add(c, target, x.pointer + (i * h * w + input) * c, share, target)
            }
        }
    }
    return y
}

/// g `[K, N, height, width, C] -> [K] + input`
func adaptiveAveragePoolBackward(_ g: Tensor, height: Int, width: Int, input: [Int], seeds: Int) -> Tensor {
    let (n, h, w, c) = (input[0], input[1], input[2], input[3])
    let dx = Tensor([seeds] + input)
    Parallel.ranges(seeds * n) { range in
        for i in range {
            adaptiveWindows(from: (h, w), to: (height, width)) { input, output, share in
                let target = dx.pointer + (i * h * w + input) * c
                kernels.add(c, target, g.pointer + (i * height * width + output) * c, share, target)
            }
        }
    }
    return dx
}

/// Calls `body(input pixel, output pixel, share)` for every input pixel of every window; `share` is its weight in the
/// mean.
private func adaptiveWindows(
    from: (height: Int, width: Int), to: (height: Int, width: Int), _ body: (Int, Int, Float) -> Void
) {
    func window(_ i: Int, _ inputs: Int, _ outputs: Int) -> Range<Int> {
        i * inputs / outputs..<((i + 1) * inputs + outputs - 1) / outputs
    }
    for row in 0..<to.height {
        let ys = window(row, from.height, to.height)
        for column in 0..<to.width {
            let xs = window(column, from.width, to.width)
            let share = 1 / Float(ys.count * xs.count)
            for y in ys { for x in xs { body(y * from.width + x, row * to.width + column, share) } }
        }
    }
}
