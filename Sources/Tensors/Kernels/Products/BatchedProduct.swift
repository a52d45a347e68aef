/// The values that the backward rule of a batched product needs.
struct BatchedProductSaved {
    let a: Tensor, b: Tensor
    let transposeA: Bool, transposeB: Bool

    /// Rows and columns of each result, and the length of the sums.
    var sizes: (m: Int, n: Int, k: Int) {
        (a.shape[transposeA ? 2 : 1], b.shape[transposeB ? 1 : 2], a.shape[transposeA ? 1 : 2])
    }
}

/// y_i = op(a_i) op(b_i) for each i of a batch of B matrices; op transposes if requested.
/// - Parameters: a `[B, m, k]` (`[B, k, m]` when transposed), b `[B, k, n]` (`[B, n, k]` when transposed).
/// - Returns: `[B, m, n]`
func batchedProductForward(
    _ a: Tensor, _ b: Tensor, transposeA: Bool, transposeB: Bool
) -> (y: Tensor, saved: BatchedProductSaved) {
    let saved = BatchedProductSaved(a: a, b: b, transposeA: transposeA, transposeB: transposeB)
    precondition(
        a.shape.count == 3 && b.shape.count == 3 && a.shape[0] == b.shape[0],
        "a batch \(a.shape) by a batch \(b.shape)")
    let (m, n, k) = saved.sizes
    precondition(b.shape[transposeB ? 2 : 1] == k, "matrices \(a.shape) by \(b.shape)")
    let y = Tensor(uninitialized: [a.shape[0], m, n])
    let pa = a.pointer, pb = b.pointer, py = y.pointer
    eachProduct(a.shape[0], size: m * n * k) { i in
        gemm(
            transposeA: transposeA, transposeB: transposeB, m: m, n: n, k: k, pa + i * m * k, lda: a.shape[2],
            pb + i * k * n, ldb: b.shape[2], py + i * m * n, ldc: n)
    }
    return (y, saved)
}

/// Without transposes da = g b^T and db = a^T g; g `[K, B, m, n]`, da and db `[K] +` the shapes of a and b.
func batchedProductBackward(_ g: Tensor, saved: BatchedProductSaved, seeds: Int, needed: [Bool]) -> [Tensor?] {
    let (m, n, k) = saved.sizes
    let (a, b, transposeA, transposeB) = (saved.a, saved.b, saved.transposeA, saved.transposeB)
    let batch = a.shape[0], pg = g.pointer, pa = a.pointer, pb = b.pointer
    var da: Tensor?, db: Tensor?
    if needed[0] {
        let result = Tensor(uninitialized: [seeds] + a.shape)
        let output = result.pointer
        eachProduct(seeds * batch, size: m * n * k) { i in
            let gradient = pg + i * m * n, other = pb + (i % batch) * k * n, y = output + i * m * k
            if transposeA {
                gemm(
                    transposeA: transposeB, transposeB: true, m: k, n: m, k: n, other, lda: b.shape[2], gradient,
                    ldb: n, y, ldc: m)
            } else {
                gemm(transposeB: !transposeB, m: m, n: k, k: n, gradient, lda: n, other, ldb: b.shape[2], y, ldc: k)
            }
        }
        da = result
    }
    if needed[1] {
        let result = Tensor(uninitialized: [seeds] + b.shape)
        let output = result.pointer
        eachProduct(seeds * batch, size: m * n * k) { i in
            let gradient = pg + i * m * n, other = pa + (i % batch) * m * k, y = output + i * k * n
            if transposeB {
                gemm(
                    transposeA: true, transposeB: transposeA, m: n, n: k, k: m, gradient, lda: n, other,
                    ldb: a.shape[2], y, ldc: k)
            } else {
                gemm(transposeA: !transposeA, m: k, n: n, k: m, other, lda: a.shape[2], gradient, ldb: n, y, ldc: n)
            }
        }
        db = result
    }
    return [da, db]
}

/// Calls `body` for each product of a batch, in parallel if there is enough work (`size` multiplications each). A batch
/// of one uses the threads of ``gemm``.
@inline(__always)
private func eachProduct(_ count: Int, size: Int, _ body: (Int) -> Void) {
    Parallel.ranges(count, grain: max(1, (1 << 17) / max(1, size))) { range in for i in range { body(i) } }
}
