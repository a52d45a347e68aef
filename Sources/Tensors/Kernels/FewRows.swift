/// Products with few rows on the left: a decoder's step, a caption's words. All the time goes into reading B once, so B
/// is used where it is; a library would first copy it into another order, which costs more than the arithmetic.

/// Up to so many rows of A.
let fewRows = 16

/// C = alpha A op(B) + beta C on this thread; A `[m, k]`, B `[k, n]` or, transposed, `[n, k]`, C `[m, n]`; m is at most
/// ``fewRows``.
func fewRowsProduct(
    transposeB: Bool, m: Int, n: Int, k: Int, alpha: Float, _ a: UnsafePointer<Float>, lda: Int,
    _ b: UnsafePointer<Float>, ldb: Int,
    beta: Float, _ c: UnsafeMutablePointer<Float>, ldc: Int
) {
    if transposeB {
        for column in stride(from: 0, to: n, by: 4) {
            for row in stride(from: 0, to: m, by: 4) {
                dotProducts(
                    rows: min(4, m - row), columns: min(4, n - column), depth: k, alpha, a + row * lda, lda,
                    b + column * ldb, ldb, beta,
                    c + row * ldc + column, ldc)
            }
        }
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

/// Four rows of A times four rows of B; where there are fewer, the last one takes their place and its results are not
/// stored.
@inline(__always)
private func dotProducts(
    rows: Int, columns: Int, depth: Int, _ alpha: Float, _ a: UnsafePointer<Float>, _ lda: Int,
    _ b: UnsafePointer<Float>, _ ldb: Int,
    _ beta: Float, _ c: UnsafeMutablePointer<Float>, _ ldc: Int
) {
    let a1 = a + min(1, rows - 1) * lda
    let a2 = a + min(2, rows - 1) * lda
    let a3 = a + min(3, rows - 1) * lda
    let b1 = b + min(1, columns - 1) * ldb
    let b2 = b + min(2, columns - 1) * ldb
    let b3 = b + min(3, columns - 1) * ldb
    var s00 = Vector.zero
    var s01 = Vector.zero
    var s02 = Vector.zero
    var s03 = Vector.zero
    var s10 = Vector.zero
    var s11 = Vector.zero
    var s12 = Vector.zero
    var s13 = Vector.zero
    var s20 = Vector.zero
    var s21 = Vector.zero
    var s22 = Vector.zero
    var s23 = Vector.zero
    var s30 = Vector.zero
    var s31 = Vector.zero
    var s32 = Vector.zero
    var s33 = Vector.zero
    @inline(__always) func step(_ x: (Vector, Vector, Vector, Vector), _ y: (Vector, Vector, Vector, Vector)) {
        s00.add(x.0, times: y.0)
        s01.add(x.0, times: y.1)
        s02.add(x.0, times: y.2)
        s03.add(x.0, times: y.3)
        s10.add(x.1, times: y.0)
        s11.add(x.1, times: y.1)
        s12.add(x.1, times: y.2)
        s13.add(x.1, times: y.3)
        s20.add(x.2, times: y.0)
        s21.add(x.2, times: y.1)
        s22.add(x.2, times: y.2)
        s23.add(x.2, times: y.3)
        s30.add(x.3, times: y.0)
        s31.add(x.3, times: y.1)
        s32.add(x.3, times: y.2)
        s33.add(x.3, times: y.3)
    }
    var i = 0
    while i + 16 <= depth {
        step(
            (Vector(at: a + i), Vector(at: a1 + i), Vector(at: a2 + i), Vector(at: a3 + i)),
            (Vector(at: b + i), Vector(at: b1 + i), Vector(at: b2 + i), Vector(at: b3 + i)))
        i += 16
    }
    if i < depth {
        let left = depth - i
        func part(_ p: UnsafePointer<Float>) -> Vector { Vector(at: p + i, first: left) }
        step((part(a), part(a1), part(a2), part(a3)), (part(b), part(b1), part(b2), part(b3)))
    }
    let sums = (
        SIMD4(s00.total, s01.total, s02.total, s03.total), SIMD4(s10.total, s11.total, s12.total, s13.total),
        SIMD4(s20.total, s21.total, s22.total, s23.total), SIMD4(s30.total, s31.total, s32.total, s33.total)
    )
    for r in 0..<rows {
        let row = r == 0 ? sums.0 : r == 1 ? sums.1 : r == 2 ? sums.2 : sums.3
        for j in 0..<columns { c[r * ldc + j] = alpha * row[j] + (beta == 0 ? 0 : beta * c[r * ldc + j]) }
    }
}

/// Rows of B, 64 columns of them, added up with the weights that four rows of A give them.
@inline(__always)
private func combinedRows(
    rows: Int, depth: Int, _ alpha: Float, _ a: UnsafePointer<Float>, _ lda: Int, _ b: UnsafePointer<Float>, _ ldb: Int,
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

private struct FourVectors {
    var x = Vector.zero, y = Vector.zero, z = Vector.zero, w = Vector.zero

    @inline(__always) init() {}

    @inline(__always) init(at p: UnsafePointer<Float>) {
        x = Vector(at: p)
        y = Vector(at: p + 16)
        z = Vector(at: p + 32)
        w = Vector(at: p + 48)
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

/// The same for the last columns, fewer than 64, sixteen at a time.
private func combinedRest(
    rows: Int, columns: Int, depth: Int, _ alpha: Float, _ a: UnsafePointer<Float>, _ lda: Int,
    _ b: UnsafePointer<Float>, _ ldb: Int,
    _ beta: Float, _ c: UnsafeMutablePointer<Float>, _ ldc: Int
) {
    for r in 0..<rows {
        for column in stride(from: 0, to: columns, by: 16) {
            let valid = columns - column
            var sum = Vector.zero
            for i in 0..<depth { sum += Vector(at: b + i * ldb + column, first: valid) * a[r * lda + i] }
            let target = c + r * ldc + column
            (beta == 0 ? sum * alpha : sum * alpha + Vector(at: target, first: valid) * beta).store(
                to: target, first: valid)
        }
    }
}
