/// Weights brought into the layout of their kernel once, when a model is loaded.
public struct PreparedConvolution: Sendable {
    /// Depthwise: `[kh, kw, C]`.
    let depthwise: Tensor?

    public init(weight: Tensor, geometry: ConvolutionGeometry) {
        depthwise = isDepthwise(weight, geometry) ? depthwisePanels(weight) : nil
    }
}

/// y `[N, H', W', O]` of x `[N, H, W, C]`, weight `[O, kh, kw, C / groups]`, bias `[O]`; bias and activation are applied while a block of y is
/// still in the cache.
func convolutionForward(
    _ x: Tensor, weight: Tensor, bias: Tensor?, geometry: ConvolutionGeometry, activation: Activation, prepared: PreparedConvolution?
) -> Tensor {
    let (n, h, w, c) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
    let outputs = weight.shape[0]
    precondition(
        weight.shape == [outputs, geometry.kernelHeight, geometry.kernelWidth, c / geometry.groups],
        "weight \(weight.shape) does not fit input \(x.shape) with \(geometry)")
    let size = geometry.outputSize(height: h, width: w)
    precondition(size.height > 0 && size.width > 0, "input \(x.shape) is smaller than the kernel of \(geometry)")
    let y = Tensor(uninitialized: [n, size.height, size.width, outputs])
    if geometry.isPointwise {
        pointwiseForward(x.pointer, rows: n * h * w, inputs: c, weight.pointer, outputs: outputs, bias?.pointer, activation, y.pointer)
    } else if isDepthwise(weight, geometry) {
        let panels = prepared?.depthwise ?? depthwisePanels(weight)
        depthwiseForward(x, panels: panels, bias: bias, geometry: geometry, activation: activation, y)
        withExtendedLifetime(panels) {}
    } else {
        im2colForward(x, weight: weight, bias: bias, geometry: geometry, activation: activation, y)
    }
    return y
}

/// Gradients of x, weight and bias; g `[K, N, H', W', O]`, the weight's and the bias's only with K = 1.
func convolutionBackward(
    _ g: Tensor, x: Tensor, weight: Tensor, geometry: ConvolutionGeometry, seeds: Int, needed: [Bool]
) -> [Tensor?] {
    let (n, h, w, c) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
    let outputs = weight.shape[0]
    let size = geometry.outputSize(height: h, width: w)
    // The gradient of the input does not look at the input: K seeds are K times as many pictures.
    let folded = g.reshaped([seeds * n, size.height, size.width, outputs])
    var dx: Tensor?, dw: Tensor?, db: Tensor?
    let wantsWeight = needed[1], wantsBias = needed.count > 2 && needed[2]
    precondition(seeds == 1 || !(wantsWeight || wantsBias), "parameter gradients are for one seed")
    if geometry.isPointwise {
        let rows = n * h * w
        if needed[0] {
            let result = Tensor(uninitialized: [seeds] + x.shape)
            gemm(
                m: seeds * rows, n: c, k: outputs, g.pointer, lda: outputs, weight.pointer, ldb: c, result.pointer, ldc: c)
            dx = result
        }
        if wantsWeight {
            let result = Tensor(uninitialized: weight.shape)
            gemm(
                transposeA: true, m: outputs, n: c, k: rows, g.pointer, lda: outputs, x.pointer, ldb: c, result.pointer, ldc: c)
            dw = result
        }
    } else if isDepthwise(weight, geometry) {
        if needed[0] { dx = depthwiseBackwardInput(folded, weight: weight, geometry: geometry, height: h, width: w) }
        if wantsWeight { dw = depthwiseBackwardWeight(folded, x: x, geometry: geometry) }
    } else {
        if needed[0] { dx = im2colBackwardInput(folded, weight: weight, geometry: geometry, height: h, width: w) }
        if wantsWeight { dw = im2colBackwardWeight(folded, x: x, weight: weight, geometry: geometry) }
    }
    if wantsBias { db = columnSums(g, columns: outputs) }
    return [dx, dw, db]
}

/// y = activation(y + bias) over rows of `columns`.
@inline(__always)
func addBias(
    _ y: UnsafeMutablePointer<Float>, rows: Int, columns: Int, _ bias: UnsafePointer<Float>?, _ activation: Activation
) {
    @inline(__always) func run(_ body: (Vector) -> Vector) {
        for r in 0..<rows {
            let row = y + r * columns
            if let bias {
                mapVectors2(columns, row, bias, row) { body($0 + $1) }
            } else {
                mapVectors(columns, row, row, body)
            }
        }
    }
    switch activation {
    case .none: if bias != nil { run { $0 } }
    case .relu: run { $0.replacing(with: 0, where: $0 .< 0) }
    case .relu6: run { $0.clamped(0, 6) }
    case .tanh: run { hyperbolicTangent($0) }
    case .sigmoid: run { sigmoid($0) }
    }
}

/// A 1x1 convolution: one product, in blocks of rows whose bias and activation are applied while they are in the cache.
private func pointwiseForward(
    _ x: UnsafePointer<Float>, rows: Int, inputs: Int, _ weight: UnsafePointer<Float>, outputs: Int, _ bias: UnsafePointer<Float>?,
    _ activation: Activation, _ y: UnsafeMutablePointer<Float>
) {
    let threads = Parallel.threads
    if rows < 64 * threads {
        // Few pixels (7x7): split over the outputs instead, so that each thread reads its part of the weights once.
        let blocks = (outputs + 15) / 16
        Parallel.ranges(blocks, grain: 1) { range in
            let from = range.lowerBound * 16, to = min(outputs, range.upperBound * 16)
            gemm(
                transposeB: true, m: rows, n: to - from, k: inputs, x, lda: inputs, weight + from * inputs, ldb: inputs, y + from,
                ldc: outputs)
            for r in 0..<rows { addBias(y + r * outputs + from, rows: 1, columns: to - from, bias.map { $0 + from }, activation) }
        }
        return
    }
    let block = max(48, min(4096, (1 << 17) / max(1, outputs)))
    Parallel.ranges(rows, grain: 32) { range in
        var from = range.lowerBound
        while from < range.upperBound {
            let count = min(block, range.upperBound - from)
            gemm(
                transposeB: true, m: count, n: outputs, k: inputs, x + from * inputs, lda: inputs, weight, ldb: inputs,
                y + from * outputs, ldc: outputs)
            addBias(y + from * outputs, rows: count, columns: outputs, bias, activation)
            from += count
        }
    }
}
