import CKernels

/// Products with few rows on the left: a decoder's step, a caption's words. Almost all the time is for reading B once,
/// so B is read in place. A library would first copy it into another order, which costs more than the arithmetic.

/// The largest number of rows of A for these kernels.
let fewRows = 16

/// C = alpha A op(B) + beta C on this thread; A `[m, k]`, B `[k, n]` or, transposed, `[n, k]`, C `[m, n]`. m is at most
/// ``fewRows``.
func fewRowsProduct<Element: StoredFloat>(
    transposeB: Bool, m: Int, n: Int, k: Int, alpha: Float, _ a: UnsafePointer<Float>, lda: Int,
    _ b: UnsafePointer<Element>, ldb: Int,
    beta: Float, _ c: UnsafeMutablePointer<Float>, ldc: Int
) {
    // With one row of A, a chunk of B may be longer.
    let chunk = m == 1 ? 4 * kernels.long_row : kernels.long_row
    let scratch = !transposeB && n >= kernels.long_row ? Tensor(uninitialized: [m * chunk + k]) : nil
    var product = mmx_few_rows(
        m: m, n: n, k: k, alpha: alpha, beta: beta, a: a, a_stride: lda, b: b, b_stride: ldb, c: c, c_stride: ldc,
        scratch: scratch?.pointer, scratch_columns: chunk,
        used: scratch.map { UnsafeMutableRawPointer($0.pointer + m * chunk).assumingMemoryBound(to: Int32.self) })
    switch (transposeB, Element.self == Half.self) {
    case (true, true): kernels.few_rows_transposed_half(&product)
    case (true, false): kernels.few_rows_transposed(&product)
    case (false, true): kernels.few_rows_half(&product)
    case (false, false): kernels.few_rows(&product)
    }
    withExtendedLifetime(scratch) {}
}

/// The smallest number of columns of B `[k, n]` for a thread: a whole chunk, if there is one for each thread.
func fewestColumns(transposeB: Bool, of n: Int) -> Int {
    transposeB || n < kernels.long_row * Parallel.threads ? 16 : kernels.long_row
}
