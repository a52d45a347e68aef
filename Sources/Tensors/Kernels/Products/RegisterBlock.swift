import CVector

/// The register block of the matrix products: accumulators that stay in vector registers.
///
/// Twelve rows of 32 columns are 24 accumulators. Each step along the depth reads two vectors of B and twelve broadcast
/// elements of A (Goto & van de Geijn 2008, section 4).

/// A part of a product's depth. The sums of each stretch but the last are stored, and the next stretch continues from
/// them. The order of the sums, and so every bit, is the same as without stretches.
struct Stretch {
    var depth: Int
    var isFirst = true
    var isLast = true
}

/// Computes twelve rows, or nine: four, four, and as many as `Last` has. In A, rows are `lda` apart, elements of a row
/// `aStep` apart. Vectors of B are `bStep` apart. `columns` columns are stored, after the epilogue.
/// - Parameters:
///   - offsets: the positions of the elements in a row of A, if they are not `aStep` apart.
///   - kept: memory for twelve rows of sums, if there are several stretches.
@inline(__always)
func twelve<Rows: FourRows, Last: Accumulators>(
    _: Rows.Type, last: Last.Type, _ stretch: Stretch, _ a: UnsafePointer<Float>, lda: Int, aStep: Int,
    offsets: UnsafePointer<Int>? = nil, _ b: UnsafePointer<Float>, bStep: Int, _ c: UnsafeMutablePointer<Float>,
    ldc: Int, columns: Int, column: Int, _ epilogue: Epilogue, kept: UnsafeMutablePointer<Float>? = nil
) {
    var r = Rows()
    var s = Rows()
    var t = Last()
    if let kept, !stretch.isFirst {
        r = Rows(kept: kept)
        s = Rows(kept: kept + 4 &* Rows.width)
        t = Last(kept: kept + 8 &* Rows.width)
    }
    var p = a
    var q = a + 4 &* lda
    var u = a + 8 &* lda
    var b = b
    if let offsets {
        for k in 0..<stretch.depth {
            let p = a + offsets[k]
            r.step(p, lda, b)
            s.step(p + 4 &* lda, lda, b)
            t.step(p + 8 &* lda, lda, b)
            b += bStep
        }
    }
    for _ in 0..<(offsets == nil ? stretch.depth : 0) {
        // One page ahead: the processor's own prefetching stops at page boundaries.
        mmx_prefetch(b + 1024)
        if Rows.width > 16 { mmx_prefetch(b + 1040) }
        r.step(p, lda, b)
        s.step(q, lda, b)
        t.step(u, lda, b)
        p += aStep
        q += aStep
        u += aStep
        b += bStep
    }
    if let kept, !stretch.isLast {
        r.keep(at: kept)
        s.keep(at: kept + 4 &* Rows.width)
        t.keep(at: kept + 8 &* Rows.width)
        return
    }
    r.store(c, ldc, columns: columns, rows: 4, column: column, epilogue)
    s.store(c + 4 &* ldc, ldc, columns: columns, rows: 4, column: column, epilogue)
    t.store(c + 8 &* ldc, ldc, columns: columns, rows: 4, column: column, epilogue)
}

/// The same for four rows, or for one (lda 0).
@inline(__always)
func four<Rows: FourRows>(
    _: Rows.Type, _ stretch: Stretch, _ a: UnsafePointer<Float>, lda: Int, _ b: UnsafePointer<Float>,
    _ c: UnsafeMutablePointer<Float>, ldc: Int, columns: Int, column: Int, rows: Int, _ epilogue: Epilogue,
    kept: UnsafeMutablePointer<Float>? = nil
) {
    var r = Rows()
    if let kept, !stretch.isFirst { r = Rows(kept: kept) }
    var p = a
    var b = b
    for _ in 0..<stretch.depth {
        r.step(p, lda, b)
        p += 1
        b += Rows.width
    }
    if let kept, !stretch.isLast { return r.keep(at: kept) }
    r.store(c, ldc, columns: columns, rows: rows, column: column, epilogue)
}
