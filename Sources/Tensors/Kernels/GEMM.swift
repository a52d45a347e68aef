import CBLAS

/// C = alpha * op(A) * op(B) + beta * C, row-major; op transposes where asked.
///
/// - A is `[m, k]` (`[k, m]` when transposed) with row stride `lda`; B is `[k, n]` (`[n, k]`); C is `[m, n]`.
///
/// Large products are split over the threads along the longer of m and n, never along k, so that each element is
/// summed in the same order whatever the number of threads.
public func gemm(
    transposeA: Bool = false, transposeB: Bool = false,
    m: Int, n: Int, k: Int, alpha: Float = 1,
    _ a: UnsafePointer<Float>, lda: Int,
    _ b: UnsafePointer<Float>, ldb: Int,
    beta: Float = 0,
    _ c: UnsafeMutablePointer<Float>, ldc: Int
) {
    if m == 0 || n == 0 { return }
    let threads = Parallel.threads  // also sets OpenBLAS to one thread
    let few = m <= fewRows && !transposeA
    func call(_ m: Int, _ n: Int, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>) {
        if few {
            return fewRowsProduct(
                transposeB: transposeB, m: m, n: n, k: k, alpha: alpha, a, lda: lda, b, ldb: ldb, beta: beta, c, ldc: ldc)
        }
        cblas_sgemm(
            CblasRowMajor, transposeA ? CblasTrans : CblasNoTrans, transposeB ? CblasTrans : CblasNoTrans,
            Int32(m), Int32(n), Int32(k), alpha, a, Int32(lda), b, Int32(ldb), beta, c, Int32(ldc))
    }
    if threads == 1 || m * n * k < 1 << 17 { return call(m, n, a, b, c) }
    if m >= n {
        let blocks = (m + 15) / 16
        Parallel.ranges(blocks, grain: 1) { range in
            let from = range.lowerBound * 16, to = min(m, range.upperBound * 16)
            call(to - from, n, a + (transposeA ? from : from * lda), b, c + from * ldc)
        }
    } else {
        let blocks = (n + 15) / 16
        Parallel.ranges(blocks, grain: 1) { range in
            let from = range.lowerBound * 16, to = min(n, range.upperBound * 16)
            call(m, to - from, a, b + (transposeB ? from * ldb : from), c + from)
        }
    }
}
