/// What backpropagation through time needs of ``attentionLSTMForward``.
struct AttentionLSTMSaved {
    let annotations: Tensor, keys: Tensor, h0: Tensor, c0: Tensor
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

/// An LSTM that looks at the picture before each step (Show, Attend and Tell, Xu et al. 2015).
///
/// One step: q = weightQuery h_{t-1}; e_l = weightScore . tanh(keys_l + q); alpha = softmax(e); beta = sigmoid(weightGate . h_{t-1} +
/// biasGate); z = beta * sum over l of alpha_l annotations_l; the gates' sums are gates_t + weightContext z + weightHidden h_{t-1}, in
/// PyTorch's order i, f, g, o; then the LSTM's cell.
/// - Parameters:
///   - gates: `[T, N, 4H]`, what the words and the bias add to the gates.
///   - annotations, keys: `[M, L, D]` and `[M, L, A]`; N = M * r, row n looks at picture n / r.
///   - h, c: `[N, H]`.
///   - weightQuery `[A, H]`, weightScore `[A]`, weightGate `[H]`, biasGate `[1]`, weightContext `[4H, D]`, weightHidden `[4H, H]`.
/// - Returns: `[T, N, H + D + L]` = h | z | alpha of each step, and the last c `[N, H]`.
func attentionLSTMForward(
    gates input: Tensor, annotations: Tensor, keys: Tensor, h: Tensor, c: Tensor, weightQuery: Tensor, weightScore: Tensor,
    weightGate: Tensor, biasGate: Tensor, weightContext: Tensor, weightHidden: Tensor
) -> (Tensor, lastC: Tensor, AttentionLSTMSaved) {
    let steps = input.shape[0], rows = input.shape[1], hidden = h.shape[1]
    let pictures = annotations.shape[0], regions = annotations.shape[1], depth = annotations.shape[2], width = keys.shape[2]
    precondition(pictures > 0 && rows % pictures == 0, "\(rows) captions of \(pictures) pictures")
    let group = rows / pictures, stride = hidden + depth + regions
    let output = Tensor(uninitialized: [steps, rows, stride]), cells = Tensor(uninitialized: [steps, rows, hidden])
    let gates = input.copy(), queries = Tensor(uninitialized: [steps, rows, width]), betas = Tensor(uninitialized: [steps, rows])
    for t in 0..<steps {
        let hBefore = t == 0 ? UnsafePointer(h.pointer) : UnsafePointer(output.pointer + (t - 1) * rows * stride)
        let hStride = t == 0 ? hidden : stride
        let cBefore = t == 0 ? c.pointer : cells.pointer + (t - 1) * rows * hidden
        let query = queries.pointer + t * rows * width, gate = gates.pointer + t * rows * 4 * hidden
        gemm(
            transposeB: true, m: rows, n: width, k: hidden, hBefore, lda: hStride, weightQuery.pointer, ldb: hidden, query, ldc: width)
        let out = output.pointer + t * rows * stride, beta = betas.pointer + t * rows
        Parallel.ranges(rows, grain: max(1, 16384 / (regions * width + 1))) { range in
            for n in range {
                let picture = n / group
                let z = out + n * stride + hidden, alpha = z + depth
                for l in 0..<regions {
                    alpha[l] = attentionScore(
                        keys.pointer + (picture * regions + l) * width, query + n * width, weightScore.pointer, width)
                }
                softmaxRow(alpha, alpha, regions)
                let gateSum = dotProduct(hBefore + n * hStride, weightGate.pointer, hidden) + biasGate.pointer[0]
                beta[n] = sigmoid(Vector(repeating: gateSum))[0]
                weightedRows(alpha, scale: beta[n], annotations.pointer + picture * regions * depth, regions, depth, z)
            }
        }
        gemm(
            transposeB: true, m: rows, n: 4 * hidden, k: depth, out + hidden, lda: stride, weightContext.pointer, ldb: depth,
            beta: 1, gate, ldc: 4 * hidden)
        gemm(
            transposeB: true, m: rows, n: 4 * hidden, k: hidden, hBefore, lda: hStride, weightHidden.pointer, ldb: hidden,
            beta: 1, gate, ldc: 4 * hidden)
        lstmCell(gate, cBefore, h: out, c: cells.pointer + t * rows * hidden, rows: rows, hidden: hidden, hStride: stride)
    }
    let saved = AttentionLSTMSaved(
        annotations: annotations, keys: keys, h0: h, c0: c, weightQuery: weightQuery, weightScore: weightScore,
        weightGate: weightGate, weightContext: weightContext, weightHidden: weightHidden, output: output, cells: cells,
        gates: gates, queries: queries, betas: betas)
    return (output, steps == 0 ? c : cells.row(steps - 1), saved)
}

/// w . tanh(key + query)
@inline(__always)
private func attentionScore(
    _ key: UnsafePointer<Float>, _ query: UnsafePointer<Float>, _ w: UnsafePointer<Float>, _ width: Int
) -> Float {
    var sum = Vector.zero, j = 0
    while j + 16 <= width {
        sum += Vector(at: w + j) * hyperbolicTangent(Vector(at: key + j) + Vector(at: query + j))
        j += 16
    }
    var total = sum.sum()
    while j < width {
        total += w[j] * hyperbolicTangent(Vector(repeating: key[j] + query[j]))[0]
        j += 1
    }
    return total
}

/// output = scale * sum over l of alpha_l rows_l; rows `[L, D]`.
@inline(__always)
private func weightedRows(
    _ alpha: UnsafePointer<Float>, scale: Float, _ rows: UnsafePointer<Float>, _ count: Int, _ width: Int,
    _ output: UnsafeMutablePointer<Float>
) {
    output.update(repeating: 0, count: width)
    for l in 0..<count {
        let a = alpha[l] * scale
        mapVectors2(width, output, rows + l * width, output) { $0 + $1 * a }
    }
}

/// g `[K, T, N, H + D + L]`; gradients of the eleven inputs in the order of ``attentionLSTMForward``, the weights' only with K = 1.
func attentionLSTMBackward(_ g: Tensor, saved s: AttentionLSTMSaved, seeds: Int, needed: [Bool]) -> [Tensor?] {
    let steps = s.gates.shape[0], rows = s.gates.shape[1], hidden = s.h0.shape[1]
    let pictures = s.annotations.shape[0], regions = s.annotations.shape[1], depth = s.annotations.shape[2], width = s.keys.shape[2]
    let group = rows / pictures, stride = hidden + depth + regions, all = seeds * rows
    let wantsAnnotations = needed[1], wantsKeys = needed[2]
    let wantsWeights = needed[5] || needed[6] || needed[7] || needed[8] || needed[9] || needed[10]
    precondition(!wantsWeights || seeds == 1, "parameter gradients are for one seed")
    let dAnnotations = Tensor([seeds] + s.annotations.shape), dKeys = Tensor([seeds] + s.keys.shape)
    let dGates = Tensor(uninitialized: [steps, seeds, rows, 4 * hidden]), dQueries = Tensor(uninitialized: [steps, seeds, rows, width])
    let dGateSums = Tensor(uninitialized: [steps, seeds, rows])
    // Partial sums of the score's weight, one row a picture, so that the threads share nothing.
    let dScore = Tensor([seeds * pictures, width])
    let dh = Tensor([seeds, rows, hidden]), dc = Tensor([seeds, rows, hidden]), dz = Tensor(uninitialized: [seeds, rows, depth])
    for t in stride_(steps) {
        let cBefore = t == 0 ? s.c0.pointer : s.cells.pointer + (t - 1) * rows * hidden
        let gate = dGates.pointer + t * all * 4 * hidden, dQuery = dQueries.pointer + t * all * width
        let dGateSum = dGateSums.pointer + t * all
        for k in 0..<seeds {
            let gRow = g.pointer + (k * steps + t) * rows * stride
            for n in 0..<rows {
                let d = dh.pointer + (k * rows + n) * hidden
                mapVectors2(hidden, d, gRow + n * stride, d) { $0 + $1 }
                (dz.pointer + (k * rows + n) * depth).update(from: gRow + n * stride + hidden, count: depth)
            }
            lstmCellBackward(
                gates: s.gates.pointer + t * rows * 4 * hidden, c: s.cells.pointer + t * rows * hidden, cBefore: cBefore,
                dh: dh.pointer + k * rows * hidden, dc: dc.pointer + k * rows * hidden, dGates: gate + k * rows * 4 * hidden,
                rows: rows, hidden: hidden)
        }
        gemm(
            m: all, n: depth, k: 4 * hidden, gate, lda: 4 * hidden, s.weightContext.pointer, ldb: depth, beta: 1, dz.pointer,
            ldc: depth)
        let out = s.output.pointer + t * rows * stride
        Parallel.forEach(seeds * pictures) { job in
            let k = job / pictures, picture = job % pictures
            let dRegions = Tensor(uninitialized: [regions])
            let de = dRegions.pointer
            for n in picture * group..<(picture + 1) * group {
                let row = k * rows + n
                let alpha = out + n * stride + hidden + depth, z = alpha - depth, d = dz.pointer + row * depth
                let beta = s.betas.pointer[t * rows + n]
                // z = beta * context: d beta = dz . context = (dz . z) / beta.
                let dBeta = beta > 0 ? dotProduct(d, z, depth) / beta : 0
                dGateSum[row] = dBeta * beta * (1 - beta)
                let annotation = s.annotations.pointer + picture * regions * depth
                let gAlpha = g.pointer + ((k * steps + t) * rows + n) * stride + hidden + depth
                var mean: Float = 0
                for l in 0..<regions {
                    de[l] = beta * dotProduct(d, annotation + l * depth, depth) + gAlpha[l]
                    mean += de[l] * alpha[l]
                }
                for l in 0..<regions { de[l] = alpha[l] * (de[l] - mean) }
                if wantsAnnotations {
                    let target = dAnnotations.pointer + (k * pictures + picture) * regions * depth
                    for l in 0..<regions {
                        let a = alpha[l] * beta
                        mapVectors2(depth, target + l * depth, d, target + l * depth) { $0 + $1 * a }
                    }
                }
                attentionScoreBackward(
                    de, keys: s.keys.pointer + picture * regions * width, query: s.queries.pointer + (t * rows + n) * width,
                    w: s.weightScore.pointer, regions: regions, width: width, dQuery: dQuery + row * width,
                    dKeys: wantsKeys ? dKeys.pointer + (k * pictures + picture) * regions * width : nil,
                    dScore: dScore.pointer + job * width)
            }
            withExtendedLifetime(dRegions) {}
        }
        gemm(
            m: all, n: hidden, k: 4 * hidden, gate, lda: 4 * hidden, s.weightHidden.pointer, ldb: hidden, dh.pointer, ldc: hidden)
        gemm(
            m: all, n: hidden, k: width, dQuery, lda: width, s.weightQuery.pointer, ldb: hidden, beta: 1, dh.pointer, ldc: hidden)
        for row in 0..<all {
            let factor = dGateSum[row], d = dh.pointer + row * hidden
            mapVectors2(hidden, d, s.weightGate.pointer, d) { $0 + $1 * factor }
        }
    }
    var result = [Tensor?](repeating: nil, count: 11)
    if needed[0] { result[0] = seeds == 1 ? dGates : dGates.permuted([1, 0, 2, 3]) }
    result[1] = wantsAnnotations ? dAnnotations : nil
    result[2] = wantsKeys ? dKeys : nil
    result[3] = dh
    result[4] = dc
    if !wantsWeights { return result }
    let h = s.output.pointer
    result[5] = weightGradient(dQueries.pointer, width, h0: s.h0, states: h, steps: steps, rows: rows, stride: stride)
    result[6] = columnSums(dScore, columns: width)
    result[7] = weightGradient(dGateSums.pointer, 1, h0: s.h0, states: h, steps: steps, rows: rows, stride: stride).reshaped([hidden])
    result[8] = columnSums(dGateSums, columns: 1)
    let dContext = Tensor(uninitialized: [4 * hidden, depth])
    gemm(
        transposeA: true, m: 4 * hidden, n: depth, k: steps * rows, dGates.pointer, lda: 4 * hidden, h + hidden, ldb: stride,
        dContext.pointer, ldc: depth)
    result[9] = dContext
    result[10] = weightGradient(dGates.pointer, 4 * hidden, h0: s.h0, states: h, steps: steps, rows: rows, stride: stride)
    withExtendedLifetime((dh, dQueries, dGateSums, dScore)) {}
    return result
}

/// Last step first.
private func stride_(_ steps: Int) -> StrideThrough<Int> { Swift.stride(from: steps - 1, through: 0, by: -1) }

/// sum over t of d_t^T h_{t-1}, `[width, H]`; d `[T * N, width]`, h_t in rows `stride` apart.
private func weightGradient(
    _ d: UnsafePointer<Float>, _ width: Int, h0: Tensor, states: UnsafePointer<Float>, steps: Int, rows: Int, stride: Int
) -> Tensor {
    let hidden = h0.shape[1]
    let result = Tensor(uninitialized: [width, hidden])
    gemm(transposeA: true, m: width, n: hidden, k: rows, d, lda: width, h0.pointer, ldb: hidden, result.pointer, ldc: hidden)
    if steps > 1 {
        gemm(
            transposeA: true, m: width, n: hidden, k: (steps - 1) * rows, d + rows * width, lda: width, states, ldb: stride, beta: 1,
            result.pointer, ldc: hidden)
    }
    return result
}

/// From de `[L]` to the query (written), the keys `[L, A]` and the score's weight (both added to).
@inline(__always)
private func attentionScoreBackward(
    _ de: UnsafePointer<Float>, keys: UnsafePointer<Float>, query: UnsafePointer<Float>, w: UnsafePointer<Float>, regions: Int,
    width: Int, dQuery: UnsafeMutablePointer<Float>, dKeys: UnsafeMutablePointer<Float>?, dScore: UnsafeMutablePointer<Float>
) {
    var j = 0
    while j + 16 <= width {
        let q = Vector(at: query + j), weight = Vector(at: w + j)
        var sumQ = Vector.zero, sumW = Vector.zero
        for l in 0..<regions {
            let squashed = hyperbolicTangent(Vector(at: keys + l * width + j) + q)
            sumW += squashed * de[l]
            let d = (1 - squashed * squashed) * weight * de[l]
            sumQ += d
            if let dKeys { (Vector(at: dKeys + l * width + j) + d).store(to: dKeys + l * width + j) }
        }
        sumQ.store(to: dQuery + j)
        (Vector(at: dScore + j) + sumW).store(to: dScore + j)
        j += 16
    }
    while j < width {
        var sumQ: Float = 0
        for l in 0..<regions {
            let squashed = hyperbolicTangent(Vector(repeating: keys[l * width + j] + query[j]))[0]
            dScore[j] += squashed * de[l]
            let d = (1 - squashed * squashed) * w[j] * de[l]
            sumQ += d
            if let dKeys { dKeys[l * width + j] += d }
        }
        dQuery[j] = sumQ
        j += 1
    }
}
