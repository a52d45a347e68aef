import CBLAS

/// C = alpha * op(A) * op(B) + beta * C, row-major; op transposes if requested.
///
/// - A is `[m, k]` (`[k, m]` when transposed) with row stride `lda`; B is `[k, n]` (`[n, k]`); C is `[m, n]`.
///
/// Large products are split over the threads along the longer of m and n, never along k, so each element is summed in
/// the same order whatever the number of threads.
public func gemm(
    transposeA: Bool = false, transposeB: Bool = false,
    m: Int, n: Int, k: Int, alpha: Float = 1,
    _ a: UnsafePointer<Float>, lda: Int,
    _ b: UnsafePointer<Float>, ldb: Int,
    beta: Float = 0,
    _ c: UnsafeMutablePointer<Float>, ldc: Int
) {
    if m <= fewRows && !transposeA {
        return splitProduct(m: m, n: n, k: k, shortest: fewestColumns(transposeB: transposeB, of: n)) { rows, columns in
            fewRowsProduct(
                transposeB: transposeB, m: rows.count, n: columns.count, k: k, alpha: alpha, a + rows.lowerBound * lda,
                lda: lda, b + columns.lowerBound * (transposeB ? ldb : 1), ldb: ldb, beta: beta,
                c + rows.lowerBound * ldc + columns.lowerBound, ldc: ldc)
        }
    }
    let least = leastPart(transposeA: transposeA, transposeB: transposeB, m: m, n: n, k: k)
    splitProduct(m: m, n: n, k: k, least: least) { rows, columns in
        cblas_sgemm(
            CblasRowMajor, transposeA ? CblasTrans : CblasNoTrans, transposeB ? CblasTrans : CblasNoTrans,
            Int32(rows.count), Int32(columns.count), Int32(k), alpha,
            a + rows.lowerBound * (transposeA ? 1 : lda), Int32(lda),
            b + columns.lowerBound * (transposeB ? ldb : 1), Int32(ldb), beta,
            c + rows.lowerBound * ldc + columns.lowerBound, Int32(ldc))
    }
}

/// C = A op(B) + beta C for a contiguous weight B `[k, n]` or, transposed, `[n, k]`. Like ``gemm``, but for few rows of
/// A it reads a weight stored as halves in place. With few rows, the time is that of reading B.
func weightProduct(
    transposeB: Bool = false, m: Int, n: Int, k: Int, _ a: UnsafePointer<Float>, lda: Int, _ b: Tensor, beta: Float = 0,
    _ c: UnsafeMutablePointer<Float>, ldc: Int
) {
    let ldb = transposeB ? k : n
    guard m <= fewRows, let halves = b.halves else {
        gemm(transposeB: transposeB, m: m, n: n, k: k, a, lda: lda, b.pointer, ldb: ldb, beta: beta, c, ldc: ldc)
        return withExtendedLifetime(b) {}
    }
    splitProduct(m: m, n: n, k: k, shortest: fewestColumns(transposeB: transposeB, of: n)) { rows, columns in
        fewRowsProduct(
            transposeB: transposeB, m: rows.count, n: columns.count, k: k, alpha: 1, a + rows.lowerBound * lda,
            lda: lda, halves + columns.lowerBound * (transposeB ? k : 1), ldb: ldb, beta: beta,
            c + rows.lowerBound * ldc + columns.lowerBound, ldc: ldc)
    }
    withExtendedLifetime(b) {}
}

/// The smallest number of elements of C in a part for which OpenBLAS uses the same kernel as for the whole (its
/// `sgemm_small_kernel_permit_skylakex`). Another kernel rounds differently, and the result would depend on the number
/// of threads.
private func leastPart(transposeA: Bool, transposeB: Bool, m: Int, n: Int, k: Int) -> Int {
    let million = 1_000_000 / max(1, k) + 1
    var least = million
    if transposeB {
        if transposeA || k < 32 { return 1 }
        least = min(million, 1201)
    }
    // All parts of a small product are small.
    return m * n < least ? 1 : least
}

/// Splits a product over the threads: `part` computes some rows and columns of C.
/// - Parameter least: the smallest number of elements of C in a part. Nil for kernels that allow any: they get more
///   parts than there are threads, so that a thread that starts late does not delay the others.
/// - Parameter shortest: the smallest number of rows or columns in a part of such a kernel.
private func splitProduct(
    m: Int, n: Int, k: Int, least: Int? = nil, shortest: Int = 16,
    _ part: (_ rows: Range<Int>, _ columns: Range<Int>) -> Void
) {
    if m == 0 || n == 0 { return }
    let threads = Parallel.threads  // also sets OpenBLAS to one thread
    if threads == 1 || m * n * k < (least == nil ? 1 << 16 : 1 << 17) { return part(0..<m, 0..<n) }
    let length = max(m, n)
    func run(_ blocks: Range<Int>) {
        let range = blocks.lowerBound * 16..<min(length, blocks.upperBound * 16)
        if m >= n { part(range, 0..<n) } else { part(0..<m, range) }
    }
    let blocks = (length + 15) / 16
    if let least {
        // One block more, because the last one may be shorter.
        return Parallel.ranges(blocks, grain: least == 1 ? 1 : (least - 1) / (16 * min(m, n)) + 2, run)
    }
    // A part of at least 32 K multiplications takes a few microseconds, because the weights are read from memory.
    let parts = max(1, min(blocks, 8 * threads, length / shortest, (m * n * k) >> 15))
    Parallel.forEach(parts) { run(blocks * $0 / parts..<blocks * ($0 + 1) / parts) }
}
