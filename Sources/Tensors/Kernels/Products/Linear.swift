import CKernels

/// The weight of a layer that is not trained, in a layout for many rows, such as the pixels of a map.
public final class PreparedLinear: Sendable {
    private let weight: Tensor
    private let forwards = KeptWeights<PackedMatrix>(), backwards = KeptWeights<PackedMatrix>()

    /// - Parameter weight: `[O, I]`
    public init(weight: Tensor) { self.weight = weight }

    /// True for many rows and a weight that is not too large. Few rows read the weight in place, and a copy of a very
    /// large weight (VGG's have 400 MB) is not worth its memory.
    func suits(rows: Int) -> Bool { rows > fewRows && weight.count <= 1 << 22 }

    /// W^T, `[I, O]`
    var forward: PackedMatrix {
        forwards.layout { PackedMatrix(transposing: weight, depth: weight.shape[1], columns: weight.shape[0]) }
    }

    /// W, `[O, I]`
    var backward: PackedMatrix {
        backwards.layout {
            PackedMatrix(
                weight, depth: weight.shape[0], columns: weight.shape[1], rowStride: weight.shape[1], columnStride: 1)
        }
    }
}

/// y = x W^T + b; x `[..., I]`, weight `[O, I]`, bias `[O]`, y `[..., O]`.
func linearForward(_ x: Tensor, weight: Tensor, bias: Tensor?, prepared: PreparedLinear? = nil) -> Tensor {
    let inputs = weight.shape[1], outputs = weight.shape[0]
    precondition(x.shape.last == inputs, "a linear layer of \(inputs) inputs was given \(x.shape)")
    let rows = inputs == 0 ? 0 : x.count / inputs
    let y = Tensor(uninitialized: x.shape.dropLast() + [outputs])
    if let prepared, prepared.suits(rows: rows) {
        let matrix = prepared.forward
        parallelProduct(
            rows: rows, depth: inputs, columns: outputs, x.pointer, lda: inputs, matrix.panels.pointer, y.pointer,
            ldc: outputs, Epilogue(bias: bias?.pointer, activation: .none))
        withExtendedLifetime((x, bias, matrix)) {}
        return y
    }
    if let bias {
        let output = y.pointer, values = bias.pointer
        Parallel.ranges(rows, grain: (1 << 15) / max(1, outputs) + 1) { range in
            for r in range { (output + r * outputs).update(from: values, count: outputs) }
        }
    }
    weightProduct(
        transposeB: true, m: rows, n: outputs, k: inputs, x.pointer, lda: inputs, weight, beta: bias == nil ? 0 : 1,
        y.pointer, ldc: outputs)
    return y
}

/// dx = g W; dW = g^T x; db = column sums of g.
/// - Parameter g: `[K, ..., O]`; dW and db only with K = 1.
func linearBackward(
    _ g: Tensor, x: Tensor, weight: Tensor, prepared: PreparedLinear? = nil, seeds: Int, needed: [Bool]
) -> [Tensor?] {
    let inputs = weight.shape[1], outputs = weight.shape[0]
    let rows = x.count / max(1, inputs)
    var dx: Tensor?, dw: Tensor?, db: Tensor?
    if needed[0] {
        let result = Tensor(uninitialized: [seeds] + x.shape)
        if let prepared, prepared.suits(rows: seeds * rows) {
            let matrix = prepared.backward
            parallelProduct(
                rows: seeds * rows, depth: outputs, columns: inputs, g.pointer, lda: outputs, matrix.panels.pointer,
                result.pointer, ldc: inputs)
            withExtendedLifetime((g, matrix)) {}
        } else {
            weightProduct(
                m: seeds * rows, n: inputs, k: outputs, g.pointer, lda: outputs, weight, result.pointer, ldc: inputs)
        }
        dx = result
    }
    if needed[1] {
        precondition(seeds == 1, "parameter gradients are for one seed")
        let result = Tensor(uninitialized: weight.shape)
        gemm(
            transposeA: true, m: outputs, n: inputs, k: rows, g.pointer, lda: outputs, x.pointer, ldb: inputs,
            result.pointer, ldc: inputs)
        dw = result
    }
    if needed.count > 2, needed[2] {
        precondition(seeds == 1, "parameter gradients are for one seed")
        db = columnSums(g, columns: outputs)
    }
    return [dx, dw, db]
}

/// Sums over all rows of `x` `[..., columns]`: `[columns]`.
func columnSums(_ x: Tensor, columns: Int) -> Tensor {
    let sums = Tensor([columns])
    let rows = columns == 0 ? 0 : x.count / columns
    let output = sums.pointer, input = x.pointer
    Parallel.ranges(columns, grain: 64) { range in
        for r in 0..<rows {
            let sums = output + range.lowerBound
            kernels.add(range.count, sums, input + r * columns + range.lowerBound, 1, sums)
        }
    }
    return sums
}
