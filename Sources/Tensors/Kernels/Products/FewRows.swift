import CKernels
import CVector

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
    if transposeB {
        var product = mmx_few_rows(
            m: m, n: n, k: k, alpha: alpha, beta: beta, a: a, a_stride: lda, b: b, b_stride: ldb, c: c, c_stride: ldc)
        if Element.self == Half.self {
            kernels.few_rows_transposed_half(&product)
        } else {
            kernels.few_rows_transposed(&product)
        }
    } else if n >= chunk {
        combinedChunks(m: m, n: n, k: k, alpha, a, lda, b, ldb, beta, c, ldc)
    } else {
        for column in stride(from: 0, to: n, by: 64) {
            for row in stride(from: 0, to: m, by: 4) {
                if n - column >= 64 {
                    combinedRows(
                        rows: min(4, m - row), depth: k, alpha, a + row * lda, lda, b + column, ldb, beta,
                        c + row * ldc + column, ldc)
                } else {
                    combinedRest(
                        rows: min(4, m - row), columns: n - column, depth: k, alpha, a + row * lda, lda, b + column,
                        ldb, beta,
                        c + row * ldc + column, ldc)
                }
            }
        }
    }
}

/// Up to four weighted sums of the rows of B, for 64 columns; the weights are the elements of a row of A.
@inline(__always)
private func combinedRows<Element: StoredFloat>(
    rows: Int, depth: Int, _ alpha: Float, _ a: UnsafePointer<Float>, _ lda: Int, _ b: UnsafePointer<Element>,
    _ ldb: Int,
    _ beta: Float,
    _ c: UnsafeMutablePointer<Float>, _ ldc: Int
) {
    let a1 = a + min(1, rows - 1) * lda
    let a2 = a + min(2, rows - 1) * lda
    let a3 = a + min(3, rows - 1) * lda
    var r0 = FourVectors()
    var r1 = FourVectors()
    var r2 = FourVectors()
    var r3 = FourVectors()
    var b = b
    for i in 0..<depth {
        let x = FourVectors(at: b)
        r0.add(x, times: a[i])
        r1.add(x, times: a1[i])
        r2.add(x, times: a2[i])
        r3.add(x, times: a3[i])
        b += ldb
    }
    r0.store(c, alpha, beta)
    if rows > 1 { r1.store(c + ldc, alpha, beta) }
    if rows > 2 { r2.store(c + 2 * ldc, alpha, beta) }
    if rows > 3 { r3.store(c + 3 * ldc, alpha, beta) }
}

/// The number of columns whose sums stay in the L1 cache while the rows of B are read: 4 KiB for each row of A.
private let chunk = 1024

/// The smallest number of columns of B `[k, n]` for a thread: a whole chunk, if there is one for each thread.
func fewestColumns(transposeB: Bool, of n: Int) -> Int { transposeB || n < chunk * Parallel.threads ? 16 : chunk }

/// The same for long rows of B. Rows whose weights in A are all 0 are not read: a gradient from a ReLU is 0 for every
/// inactive unit, and reading the rows takes almost all the time.
private func combinedChunks<Element: StoredFloat>(
    m: Int, n: Int, k: Int, _ alpha: Float, _ a: UnsafePointer<Float>, _ lda: Int, _ b: UnsafePointer<Element>,
    _ ldb: Int, _ beta: Float, _ c: UnsafeMutablePointer<Float>, _ ldc: Int
) {
    let used = (0..<k).filter { i in (0..<m).contains { a[$0 * lda + i] != 0 } }
    // With one row of A, a chunk of B may be longer.
    let chunk = m == 1 ? 4 * chunk : chunk
    let scratch = Tensor(uninitialized: [m, chunk])
    for start in stride(from: 0, to: n, by: chunk) {
        let width = min(chunk, n - start)
        let whole = width / 16 * 16
        scratch.pointer.update(repeating: 0, count: scratch.count)
        for at in stride(from: 0, to: used.count, by: 4) {
            // If fewer than four are left, the last one is used again with weight 0.
            @inline(__always) func index(_ i: Int) -> Int { used[min(at + i, used.count - 1)] }
            let (i0, i1, i2, i3) = (index(0), index(1), index(2), index(3))
            let (b0, b1) = (b + (i0 * ldb + start), b + (i1 * ldb + start))
            let (b2, b3) = (b + (i2 * ldb + start), b + (i3 * ldb + start))
            let (n0, n1) = (b + (index(4) * ldb + start), b + (index(5) * ldb + start))
            let (n2, n3) = (b + (index(6) * ldb + start), b + (index(7) * ldb + start))
            for row in 0..<m {
                let weights = a + row * lda
                @inline(__always) func weight(_ i: Int, _ column: Int) -> Vector {
                    Vector(repeating: at + i < used.count ? weights[column] : 0)
                }
                let (w0, w1, w2, w3) = (weight(0, i0), weight(1, i1), weight(2, i2), weight(3, i3))
                let sums = scratch.pointer + row * chunk
                var j = 0
                while j < whole {
                    if row == 0 {
                        mmx_prefetch(n0 + j)
                        mmx_prefetch(n1 + j)
                        mmx_prefetch(n2 + j)
                        mmx_prefetch(n3 + j)
                    }
                    var sum = Vector(at: sums + j)
                    sum.add(Element.vector(at: b0 + j), times: w0)
                    sum.add(Element.vector(at: b1 + j), times: w1)
                    sum.add(Element.vector(at: b2 + j), times: w2)
                    sum.add(Element.vector(at: b3 + j), times: w3)
                    sum.store(to: sums + j)
                    j &+= 16
                }
                if j < width {
                    let left = width - j
                    var sum = Vector(at: sums + j)
                    sum.add(Element.vector(at: b0 + j, first: left), times: w0)
                    sum.add(Element.vector(at: b1 + j, first: left), times: w1)
                    sum.add(Element.vector(at: b2 + j, first: left), times: w2)
                    sum.add(Element.vector(at: b3 + j, first: left), times: w3)
                    sum.store(to: sums + j)
                }
            }
        }
        for row in 0..<m {
            let target = c + (row * ldc + start)
            let sums = UnsafePointer(scratch.pointer + row * chunk)
            if beta == 0 {
                mapVectors(width, sums, target) { $0 * alpha }
            } else {
                mapVectors2(width, sums, target, target) { $0 * alpha + $1 * beta }
            }
        }
    }
    withExtendedLifetime(scratch) {}
}

private struct FourVectors {
    var x = Vector.zero, y = Vector.zero, z = Vector.zero, w = Vector.zero

    @inline(__always) init() {}

    @inline(__always) init<Element: StoredFloat>(at p: UnsafePointer<Element>) {
        x = Element.vector(at: p)
        y = Element.vector(at: p + 16)
        z = Element.vector(at: p + 32)
        w = Element.vector(at: p + 48)
    }

    @inline(__always) mutating func add(_ other: FourVectors, times factor: Float) {
        let f = Vector(repeating: factor)
        x.add(f, times: other.x)
        y.add(f, times: other.y)
        z.add(f, times: other.z)
        w.add(f, times: other.w)
    }

    @inline(__always) func store(_ c: UnsafeMutablePointer<Float>, _ alpha: Float, _ beta: Float) {
        @inline(__always) func put(_ v: Vector, _ p: UnsafeMutablePointer<Float>) {
            (beta == 0 ? v * alpha : v * alpha + Vector(at: p) * beta).store(to: p)
        }
        put(x, c)
        put(y, c + 16)
        put(z, c + 32)
        put(w, c + 48)
    }
}

/// The same for the last columns, fewer than 64, sixteen at a time. The results are the same bits wherever the parts of
/// the threads end.
private func combinedRest<Element: StoredFloat>(
    rows: Int, columns: Int, depth: Int, _ alpha: Float, _ a: UnsafePointer<Float>, _ lda: Int,
    _ b: UnsafePointer<Element>, _ ldb: Int,
    _ beta: Float, _ c: UnsafeMutablePointer<Float>, _ ldc: Int
) {
    for r in 0..<rows {
        for column in stride(from: 0, to: columns, by: 16) {
            let valid = columns - column
            var sum = Vector.zero
            for i in 0..<depth {
                sum.add(
                    Element.vector(at: b + i * ldb + column, first: valid), times: Vector(repeating: a[r * lda + i]))
            }
            let target = c + r * ldc + column
            (beta == 0 ? sum * alpha : sum * alpha + Vector(at: target, first: valid) * beta).store(
                to: target, first: valid)
        }
    }
}
