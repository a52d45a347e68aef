import CKernels

/// The values of an LSTM's forward pass that backpropagation through time needs.
struct LSTMSaved {
    let x: Tensor, h0: Tensor, c0: Tensor, weightInput: Tensor, weightHidden: Tensor
    /// `[2, T, N, H]`
    let states: Tensor
    /// i, f, g, o after their nonlinearities, `[T, N, 4H]`
    let gates: Tensor
}

/// An LSTM over a whole sequence, gates in PyTorch's order i, f, g, o:
/// i, f, o = sigmoid(..), g = tanh(..), c_t = f c_{t-1} + i g, h_t = o tanh(c_t).
/// - Parameters: x `[T, N, I]`, h and c `[N, H]`, weightInput `[4H, I]`, weightHidden `[4H, H]`, bias `[4H]`.
/// - Returns: `[2, T, N, H]`: h of every step, then c of every step.
func lstmForward(
    _ x: Tensor, h: Tensor, c: Tensor, weightInput: Tensor, weightHidden: Tensor, bias: Tensor
) -> (Tensor, LSTMSaved) {
    let steps = x.shape[0]
    let rows = x.shape[1]
    let hidden = h.shape[1]
    // The products of the inputs of all steps are one GEMM.
    let gates = linearForward(x, weight: weightInput, bias: bias)
    let states = Tensor(uninitialized: [2, steps, rows, hidden])
    let size = rows * hidden
    for t in 0..<steps {
        let before = t == 0 ? h.pointer : states.pointer + (t - 1) * size
        let cBefore = t == 0 ? c.pointer : states.pointer + (steps + t - 1) * size
        let gate = gates.pointer + t * rows * 4 * hidden
        weightProduct(
            transposeB: true, m: rows, n: 4 * hidden, k: hidden, before, lda: hidden, weightHidden, beta: 1, gate,
            ldc: 4 * hidden)
        lstmCell(
            gate, cBefore, h: states.pointer + t * size, c: states.pointer + (steps + t) * size, rows: rows,
            hidden: hidden)
    }
    return (
        states,
        LSTMSaved(
            x: x, h0: h, c0: c, weightInput: weightInput, weightHidden: weightHidden, states: states, gates: gates)
    )
}

/// g `[K, 2, T, N, H]`; gradients of x, h, c, weightInput, weightHidden, bias (the last three only with K = 1).
func lstmBackward(_ g: Tensor, saved: LSTMSaved, seeds: Int, needed: [Bool]) -> [Tensor?] {
    let steps = saved.x.shape[0]
    let rows = saved.x.shape[1]
    let inputs = saved.x.shape[2]
    let hidden = saved.h0.shape[1]
    let size = rows * hidden
    // Gradients before the nonlinearities, `[T, K, N, 4H]`.
    let dGates = Tensor(uninitialized: [steps, seeds, rows, 4 * hidden])
    var dh = Tensor([seeds, rows, hidden])
    let dc = Tensor([seeds, rows, hidden])
    for t in stride(from: steps - 1, through: 0, by: -1) {
        let cBefore = t == 0 ? saved.c0.pointer : saved.states.pointer + (steps + t - 1) * size
        let gate = dGates.pointer + t * seeds * rows * 4 * hidden
        for k in 0..<seeds {
            let gh = g.pointer + ((k * 2) * steps + t) * size
            let gc = g.pointer + ((k * 2 + 1) * steps + t) * size
            let dhRow = dh.pointer + k * size
            let dcRow = dc.pointer + k * size
            kernels.add(size, dhRow, gh, 1, dhRow)
            kernels.add(size, dcRow, gc, 1, dcRow)
            lstmCellBackward(
                gates: saved.gates.pointer + t * rows * 4 * hidden, c: saved.states.pointer + (steps + t) * size,
                cBefore: cBefore,
                dh: dhRow, dc: dcRow, dGates: gate + k * rows * 4 * hidden, rows: rows, hidden: hidden)
        }
        let before = Tensor(uninitialized: [seeds, rows, hidden])
        weightProduct(
            m: seeds * rows, n: hidden, k: 4 * hidden, gate, lda: 4 * hidden, saved.weightHidden, before.pointer,
            ldc: hidden)
        dh = before
    }
    var dx: Tensor?
    var dwi: Tensor?
    var dwh: Tensor?
    var db: Tensor?
    if needed[0] {
        let all = Tensor(uninitialized: [steps, seeds, rows, inputs])
        weightProduct(
            m: steps * seeds * rows, n: inputs, k: 4 * hidden, dGates.pointer, lda: 4 * hidden, saved.weightInput,
            all.pointer, ldc: inputs)
        dx = seedsFirst(all)
    }
    if needed[3] {
        precondition(seeds == 1, "parameter gradients are for one seed")
        let result = Tensor(uninitialized: [4 * hidden, inputs])
        gemm(
            transposeA: true, m: 4 * hidden, n: inputs, k: steps * rows, dGates.pointer, lda: 4 * hidden,
            saved.x.pointer,
            ldb: inputs, result.pointer, ldc: inputs)
        dwi = result
    }
    if needed[4] {
        precondition(seeds == 1, "parameter gradients are for one seed")
        dwh = recurrentWeightGradient(
            dGates, h0: saved.h0, states: saved.states.pointer, steps: steps, rows: rows, stateStride: hidden)
    }
    if needed[5] {
        precondition(seeds == 1, "parameter gradients are for one seed")
        db = columnSums(dGates, columns: 4 * hidden)
    }
    withExtendedLifetime((dGates, dh, dc)) {}
    return [dx, dh, dc, dwi, dwh, db]
}

/// `[T, K, ...] -> [K, T, ...]`
func seedsFirst(_ x: Tensor) -> Tensor {
    let steps = x.shape[0]
    let seeds = x.shape[1]
    let row = x.shape.dropFirst(2).reduce(1, *)
    let shape = [seeds, steps] + x.shape.dropFirst(2)
    if seeds == 1 || steps == 1 { return x.reshaped(shape) }
    let result = Tensor(uninitialized: shape)
    for t in 0..<steps {
        for k in 0..<seeds {
            (result.pointer + (k * steps + t) * row).update(from: x.pointer + (t * seeds + k) * row, count: row)
        }
    }
    return result
}

/// The sum over t of dGates_t^T h_{t-1}, `[4H, H]`; h_t is in `states` at `(t * rows + n) * stateStride`.
func recurrentWeightGradient(
    _ dGates: Tensor, h0: Tensor, states: UnsafePointer<Float>, steps: Int, rows: Int, stateStride: Int
) -> Tensor {
    let hidden = h0.shape[1]
    let width = 4 * hidden
    let result = Tensor(uninitialized: [width, hidden])
    gemm(
        transposeA: true, m: width, n: hidden, k: rows, dGates.pointer, lda: width, h0.pointer, ldb: hidden,
        result.pointer,
        ldc: hidden)
    if steps > 1 {
        gemm(
            transposeA: true, m: width, n: hidden, k: (steps - 1) * rows, dGates.pointer + rows * width, lda: width,
            states,
            ldb: stateStride, beta: 1, result.pointer, ldc: hidden)
    }
    return result
}

// MARK: The cell

/// gates `[N, 4H]`: on entry the sums, on return i, f, g, o after their nonlinearities. h and c `[N, H]`; rows of h are
/// `hStride` apart.
func lstmCell(
    _ gates: UnsafeMutablePointer<Float>, _ cBefore: UnsafePointer<Float>, h: UnsafeMutablePointer<Float>,
    c: UnsafeMutablePointer<Float>, rows: Int, hidden: Int, hStride: Int? = nil
) {
    let hStride = hStride ?? hidden
    Parallel.ranges(rows, grain: max(1, 8192 / hidden)) { range in
        for n in range {
            kernels.lstm_cell(
                hidden, gates + n * 4 * hidden, cBefore + n * hidden, h + n * hStride, c + n * hidden)
        }
    }
}

/// dh `[N, H]` is the input. dc `[N, H]`: on entry dL/dc_t from later steps, on return dL/dc_{t-1}. dGates `[N, 4H]` is
/// the output.
func lstmCellBackward(
    gates: UnsafePointer<Float>, c: UnsafePointer<Float>, cBefore: UnsafePointer<Float>, dh: UnsafePointer<Float>,
    dc: UnsafeMutablePointer<Float>, dGates: UnsafeMutablePointer<Float>, rows: Int, hidden: Int
) {
    Parallel.ranges(rows, grain: max(1, 8192 / hidden)) { range in
        for n in range {
            let at = n * hidden
            kernels.lstm_cell_backward(
                hidden, gates + 4 * at, c + at, cBefore + at, dh + at, dc + at, dGates + 4 * at)
        }
    }
}
