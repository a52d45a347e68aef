import CKernels

/// The values of ``attentionLSTMForward`` that backpropagation through time needs.
struct AttentionLSTMSaved {
    let annotations: Tensor, keys: AttentionKeys, h0: Tensor, c0: Tensor
    let weightQuery: Tensor, weightScore: Tensor, weightGate: Tensor, weightContext: Tensor, weightHidden: Tensor
    /// `[T, N, H + D + L]`
    let output: Tensor
    /// `[T, N, H]`
    let cells: Tensor
    /// i, f, g, o after their nonlinearities, `[T, N, 4H]`
    let gates: Tensor
    /// weightQuery h_{t-1}, `[T, N, A]`
    let queries: Tensor
    /// beta, `[T, N]`
    let betas: Tensor
}

/// An LSTM that attends to the image before each step (Show, Attend and Tell, Xu et al. 2015).
///
/// One step: q = weightQuery h_{t-1}; e_l = weightScore . tanh(keys_l + q); alpha = softmax(e) (eq. 4-6); beta =
/// sigmoid(weightGate . h_{t-1} + biasGate) (section 4.2.1); z = beta * sum over l of alpha_l annotations_l; the sums
/// of the gates are gates_t + weightContext z + weightHidden h_{t-1}, in PyTorch's order i, f, g, o; then the LSTM's
/// cell (eq. 1-3).
/// - Parameters:
///   - gates: `[T, N, 4H]`, the contribution of the words and the bias to the gates.
///   - annotations, keys: `[M, L, D]` and `[M, L, A]`; N = M * r, row n attends to image n / r.
///   - h, c: `[N, H]`.
///   - weightQuery `[A, H]`, weightScore `[A]`, weightGate `[H]`, biasGate `[1]`, weightContext `[4H, D]`, weightHidden
///     `[4H, H]`.
/// - Returns: `[T, N, H + D + L]` = h | z | alpha of each step, and the last c `[N, H]`.
func attentionLSTMForward(
    gates input: Tensor, annotations: Tensor, keys: Tensor, h: Tensor, c: Tensor, weightQuery: Tensor,
    weightScore: Tensor, weightGate: Tensor, biasGate: Tensor, weightContext: Tensor, weightHidden: Tensor
) -> (Tensor, lastC: Tensor, AttentionLSTMSaved) {
    let steps = input.shape[0]
    let rows = input.shape[1]
    let hidden = h.shape[1]
    let images = annotations.shape[0]
    let regions = annotations.shape[1]
    let depth = annotations.shape[2]
    let width = keys.shape[2]
    precondition(images > 0 && rows % images == 0, "\(rows) captions of \(images) images")
    precondition(
        keys.shape[0] == images && keys.shape[1] == regions, "keys \(keys.shape) for annotations \(annotations.shape)"
    )
    let group = rows / images
    let stride = hidden + depth + regions
    let output = Tensor(uninitialized: [steps, rows, stride])
    let cells = Tensor(uninitialized: [steps, rows, hidden])
    let gates = Tensor(uninitialized: input.shape)
    let queries = Tensor(uninitialized: [steps, rows, width])
    let betas = Tensor(uninitialized: [steps, rows])
    let preparedKeys = AttentionKeys(keys, uses: steps * group)
    let weight = paddedVector(weightScore, times: -2)
    for t in 0..<steps {
        let hBefore = t == 0 ? UnsafePointer(h.pointer) : UnsafePointer(output.pointer + (t - 1) * rows * stride)
        let hStride = t == 0 ? hidden : stride
        let cBefore = t == 0 ? c.pointer : cells.pointer + (t - 1) * rows * hidden
        let query = queries.pointer + t * rows * width
        let gate = gates.pointer + t * rows * 4 * hidden
        weightProduct(
            transposeB: true, m: rows, n: width, k: hidden, hBefore, lda: hStride, weightQuery, query, ldc: width)
        let out = output.pointer + t * rows * stride
        let beta = betas.pointer + t * rows
        func attend(_ part: Range<Int>) {
            withUnsafeTemporaryAllocation(of: Float.self, capacity: group * preparedKeys.padded) { scratch in
                var first = part.lowerBound
                while first < part.upperBound {
                    // The rows of one image.
                    let image = first / group
                    let count = min(part.upperBound, (image + 1) * group) - first
                    let z = out + first * stride + hidden
                    var attention = mmx_attention(
                        is_factored: preparedKeys.isFactored ? 1 : 0, rows: count, regions: regions, width: width,
                        padded: preparedKeys.padded, depth: depth, hidden: hidden,
                        keys: preparedKeys.values.pointer + image * regions * preparedKeys.padded,
                        annotations: annotations.pointer + image * regions * depth, weight: weight.pointer,
                        queries: query + first * width, prepared: scratch.baseAddress,
                        h: hBefore + first * hStride, h_stride: hStride, gate_weight: weightGate.pointer,
                        gate_bias: biasGate.pointer[0], beta: beta + first, z: z, alpha: z + depth, stride: stride)
                    kernels.attention(&attention)
                    first += count
                }
            }
        }
        Parallel.ranges(rows, grain: max(1, 16384 / (regions * (width + depth) + 1))) { part in
            let sums = 4 * hidden * part.lowerBound
            (gate + sums).update(
                from: input.pointer + 4 * hidden * t * rows + sums, count: 4 * hidden * part.count)
            attend(part)
        }
        weightProduct(
            transposeB: true, m: rows, n: 4 * hidden, k: depth, out + hidden, lda: stride, weightContext, beta: 1, gate,
            ldc: 4 * hidden)
        weightProduct(
            transposeB: true, m: rows, n: 4 * hidden, k: hidden, hBefore, lda: hStride, weightHidden, beta: 1, gate,
            ldc: 4 * hidden)
        lstmCell(
            gate, cBefore, h: out, c: cells.pointer + t * rows * hidden, rows: rows, hidden: hidden, hStride: stride)
    }
    withExtendedLifetime((preparedKeys, weight)) {}
    let saved = AttentionLSTMSaved(
        annotations: annotations, keys: preparedKeys, h0: h, c0: c, weightQuery: weightQuery, weightScore: weightScore,
        weightGate: weightGate, weightContext: weightContext, weightHidden: weightHidden, output: output, cells: cells,
        gates: gates, queries: queries, betas: betas)
    return (output, steps == 0 ? c : cells.row(steps - 1), saved)
}

/// g `[K, T, N, H + D + L]`. Returns the gradients of the eleven inputs in the order of ``attentionLSTMForward``; those
/// of the weights only with K = 1.
func attentionLSTMBackward(_ g: Tensor, saved s: AttentionLSTMSaved, seeds: Int, needed: [Bool]) -> [Tensor?] {
    let steps = s.gates.shape[0]
    let rows = s.gates.shape[1]
    let hidden = s.h0.shape[1]
    let images = s.annotations.shape[0]
    let regions = s.annotations.shape[1]
    let depth = s.annotations.shape[2]
    let width = s.keys.width
    let group = rows / images
    let stride = hidden + depth + regions
    let all = seeds * rows
    let wantsWeights = needed[5...].contains(true)
    precondition(!wantsWeights || seeds == 1, "parameter gradients are for one seed")
    let dGates = Tensor(uninitialized: [steps, seeds, rows, 4 * hidden])
    let dQueries = Tensor(uninitialized: [steps, seeds, rows, width])
    let dGateSums = Tensor(uninitialized: [steps, seeds, rows])
    let dz = Tensor(uninitialized: [steps, seeds, rows, depth])
    let dh = Tensor([seeds, rows, hidden])
    let dc = Tensor([seeds, rows, hidden])
    // Each job (a seed and an image) runs on one thread, so its sums have one order.
    let attention = AttentionBackward(s, seeds: seeds)
    // A word's score does not depend on the words after it: after the last step with a gradient, all gradients are 0.
    let active = stepsWithGradient(g, seeds: seeds, steps: steps)
    for later in [dGates, dQueries, dGateSums, dz] {
        let size = later.count / max(1, steps)
        (later.pointer + active * size).update(repeating: 0, count: (steps - active) * size)
    }
    for t in (0..<active).reversed() {
        let cBefore = t == 0 ? s.c0.pointer : s.cells.pointer + (t - 1) * rows * hidden
        let gate = dGates.pointer + t * all * 4 * hidden
        let dQuery = dQueries.pointer + t * all * width
        let dGateSum = dGateSums.pointer + t * all
        let dzNow = dz.pointer + t * all * depth
        for k in 0..<seeds {
            let gRow = g.pointer + (k * steps + t) * rows * stride
            for n in 0..<rows {
                let d = dh.pointer + (k * rows + n) * hidden
                kernels.add(hidden, d, gRow + n * stride, 1, d)
                (dzNow + (k * rows + n) * depth).update(from: gRow + n * stride + hidden, count: depth)
            }
            lstmCellBackward(
                gates: s.gates.pointer + t * rows * 4 * hidden, c: s.cells.pointer + t * rows * hidden,
                cBefore: cBefore,
                dh: dh.pointer + k * rows * hidden, dc: dc.pointer + k * rows * hidden,
                dGates: gate + k * rows * 4 * hidden,
                rows: rows, hidden: hidden)
        }
        weightProduct(
            m: all, n: depth, k: 4 * hidden, gate, lda: 4 * hidden, s.weightContext, beta: 1, dzNow, ldc: depth)
        Parallel.forEach(seeds * images) { job in
            let k = job / images
            let row = k * rows + job % images * group
            attention.step(
                t, job, g: g.pointer + ((k * steps + t) * rows + job % images * group) * stride,
                dz: dzNow + row * depth,
                dQueries: dQuery + row * width, dGateSums: dGateSum + row)
        }
        weightProduct(
            m: all, n: hidden, k: 4 * hidden, gate, lda: 4 * hidden, s.weightHidden, dh.pointer, ldc: hidden)
        weightProduct(
            m: all, n: hidden, k: width, dQuery, lda: width, s.weightQuery, beta: 1, dh.pointer, ldc: hidden)
        for row in 0..<all {
            let factor = dGateSum[row]
            let d = dh.pointer + row * hidden
            kernels.add(hidden, d, s.weightGate.pointer, factor, d)
        }
    }
    var result = [Tensor?](repeating: nil, count: 11)
    if needed[0] { result[0] = seedsFirst(dGates) }
    if needed[1] { result[1] = attention.annotations(dz) }
    if needed[2] { result[2] = attention.keys() }
    result[3] = dh
    result[4] = dc
    if wantsWeights {
        let h = s.output.pointer
        if needed[5] {
            result[5] = weightGradient(
                dQueries.pointer, width, h0: s.h0, states: h, steps: steps, rows: rows, stride: stride)
        }
        if needed[6] { result[6] = attention.scoreWeight() }
        if needed[7] {
            result[7] = weightGradient(
                dGateSums.pointer, 1, h0: s.h0, states: h, steps: steps, rows: rows, stride: stride
            )
            .reshaped([hidden])
        }
        if needed[8] { result[8] = columnSums(dGateSums, columns: 1) }
        if needed[9] {
            let dContext = Tensor(uninitialized: [4 * hidden, depth])
            gemm(
                transposeA: true, m: 4 * hidden, n: depth, k: steps * rows, dGates.pointer, lda: 4 * hidden, h + hidden,
                ldb: stride,
                dContext.pointer, ldc: depth)
            result[9] = dContext
        }
        if needed[10] {
            result[10] = weightGradient(
                dGates.pointer, 4 * hidden, h0: s.h0, states: h, steps: steps, rows: rows, stride: stride)
        }
    }
    withExtendedLifetime((dh, dc, dz, dGates, dQueries, dGateSums)) {}
    return result
}

/// The number of steps up to the last one whose gradient is not all 0. g `[K, T, ...]`
private func stepsWithGradient(_ g: Tensor, seeds: Int, steps: Int) -> Int {
    let size = g.count / max(1, seeds * steps)
    let active = (0..<steps).last { t in
        (0..<seeds).contains { k in
            UnsafeBufferPointer(start: g.pointer + (k * steps + t) * size, count: size).contains { $0 != 0 }
        }
    }
    return withExtendedLifetime(g) { active.map { $0 + 1 } ?? 0 }
}

/// The sum over t of d_t^T h_{t-1}, `[width, H]`; d `[T * N, width]`, h_t in rows `stride` apart.
private func weightGradient(
    _ d: UnsafePointer<Float>, _ width: Int, h0: Tensor, states: UnsafePointer<Float>, steps: Int, rows: Int,
    stride: Int
) -> Tensor {
    let hidden = h0.shape[1]
    let result = Tensor(uninitialized: [width, hidden])
    gemm(
        transposeA: true, m: width, n: hidden, k: rows, d, lda: width, h0.pointer, ldb: hidden, result.pointer,
        ldc: hidden)
    if steps > 1 {
        gemm(
            transposeA: true, m: width, n: hidden, k: (steps - 1) * rows, d + rows * width, lda: width, states,
            ldb: stride, beta: 1,
            result.pointer, ldc: hidden)
    }
    return result
}
