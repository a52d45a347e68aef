import CKernels

/// y_i = exp(x_i) / sum over j of exp(x_j), over the last axis.
func softmaxForward(_ x: Tensor) -> Tensor {
    let y = Tensor(uninitialized: x.shape)
    eachRow(x) { row, width in softmaxRow(x.pointer + row * width, y.pointer + row * width, width) }
    return y
}

/// dx = y * (g - sum over j of g_j y_j); g `[K] +` the shape of y.
func softmaxBackward(_ g: Tensor, y: Tensor) -> Tensor {
    let dx = Tensor(uninitialized: g.shape)
    let rows = y.shape.isEmpty ? 0 : y.count / max(1, y.shape[y.shape.count - 1])
    eachRow(g) { row, width in
        let gradient = g.pointer + row * width
        let saved = y.pointer + (row % rows) * width
        let dot = dotProduct(gradient, saved, width)
        mapVectors2(width, gradient, saved, dx.pointer + row * width) { g, y in y * (g - dot) }
    }
    return dx
}

/// y_i = x_i - log sum over j of exp(x_j), over the last axis.
func logSoftmaxForward(_ x: Tensor) -> Tensor {
    let y = Tensor(uninitialized: x.shape)
    eachRow(x) { row, width in
        let input = x.pointer + row * width
        let shift = logSumExp(input, width)
        mapVectors(width, input, y.pointer + row * width) { $0 - shift }
    }
    return y
}

/// dx = g - exp(y) * sum over j of g_j; g `[K] +` the shape of y.
func logSoftmaxBackward(_ g: Tensor, y: Tensor) -> Tensor {
    let dx = Tensor(uninitialized: g.shape)
    let rows = y.shape.isEmpty ? 0 : y.count / max(1, y.shape[y.shape.count - 1])
    eachRow(g) { row, width in
        let gradient = g.pointer + row * width
        let sum = sumOf(gradient, width), output = dx.pointer + row * width
        kernels.exponentials(width, y.pointer + (row % rows) * width, 1, 0, output)
        kernels.add(width, gradient, output, -sum, output)
    }
    return dx
}

// MARK: Rows

/// Calls `body(row, width)` for each row of the last axis, in parallel.
@inline(__always)
func eachRow(_ x: Tensor, _ body: (Int, Int) -> Void) {
    guard let width = x.shape.last, width > 0 else { return }
    Parallel.ranges(x.count / width, grain: max(1, 8192 / width)) { range in for row in range { body(row, width) } }
}

func softmaxRow(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ width: Int) {
    kernels.softmax(width, x, y)
}

/// log(sum over i of exp(x_i)).
public func logSumExp(_ x: UnsafePointer<Float>, _ width: Int) -> Float { kernels.log_sum_exp(width, x) }

func maximumOf(_ x: UnsafePointer<Float>, _ count: Int) -> Float { kernels.maximum(count, x) }

func sumOf(_ x: UnsafePointer<Float>, _ count: Int) -> Float { kernels.sum(count, x) }

/// The sum over i of a_i b_i.
public func dotProduct(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ count: Int) -> Float {
    kernels.dot(count, a, b)
}
