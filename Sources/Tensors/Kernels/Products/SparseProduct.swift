import CKernels
import CVector

/// Products with a left-hand side of mostly zeros, such as the maps of a trained network after a ReLU. Only the
/// elements that are not zero are multiplied, in the order of ``packedProduct``, so the results are the same bits (if
/// the weights are finite).

/// If a smaller fraction of A than this is not zero, gathering these elements saves time (measured on Zen 4: 0.25 and
/// 0.4 were slower).
private let sparse = 0.3

/// Whether A `[rows, depth]` is mostly zeros, estimated from at most 8 of its rows.
func looksSparse(rows: Int, depth: Int, columns: Int, _ a: UnsafePointer<Float>, lda: Int) -> Bool {
    // With few columns, finding the zeros takes as long as multiplying them.
    guard depth >= 64, columns >= 24, rows > 0 else { return false }
    let samples = min(rows, 8)
    var zeros = 0
    for i in 0..<samples {
        let row = a + rows * i / samples * lda
        var count = Vector.zero
        let one = Vector(repeating: 1)
        for k in stride(from: 0, to: depth - 15, by: 16) { count += mmx_if_zero(Vector(at: row + k), one, .zero) }
        zeros += Int(count.total)
    }
    return Double(zeros) > (1 - sparse) * Double(samples * (depth / 16 * 16))
}

/// ``packedProduct`` with a ``PackedMatrix``. Multiplies only the elements that are not zero if A ``looksSparse``.
func matrixProduct(
    rows: Int, depth: Int, columns: Int, _ a: UnsafePointer<Float>, lda: Int, _ b: UnsafePointer<Float>,
    _ c: UnsafeMutablePointer<Float>, ldc: Int, _ epilogue: Epilogue
) {
    if looksSparse(rows: rows, depth: depth, columns: columns, a, lda: lda) {
        sparseProduct(rows: rows, depth: depth, columns: columns, a, lda: lda, b, c, ldc: ldc, epilogue)
    } else {
        packedProduct(rows: rows, depth: depth, columns: columns, a, lda: lda, b, c, ldc: ldc, epilogue)
    }
}

private func sparseProduct(
    rows: Int, depth: Int, columns: Int, _ a: UnsafePointer<Float>, lda: Int, _ b: UnsafePointer<Float>,
    _ c: UnsafeMutablePointer<Float>, ldc: Int, _ epilogue: Epilogue
) {
    let (most, vector) = (kernels.panel, kernels.vector)
    // The elements of a block of rows that are not zero: their values and their columns in A.
    let block = max(1, min(rows, (1 << 16) / depth)), line = (depth + 15) / 16 * 16 + 16
    let storage = Tensor(uninitialized: [2 * block * line + block * 4 * most])
    let values = storage.pointer, kept = values + 2 * block * line
    (values + block * line).withMemoryRebound(to: Int32.self, capacity: block * line) { indices in
        var counts = [Int](repeating: 0, count: block), next = counts
        for from in stride(from: 0, to: rows, by: block) {
            let count = min(block, rows - from)
            for r in 0..<count {
                counts[r] = kernels.gather_nonzero(a + (from + r) * lda, depth, values + r * line, indices + r * line)
            }
            var column = 0
            while column < columns {
                // Up to four whole panels at a time, or the last one.
                let whole = min(4, (columns - column) / most)
                let width = whole > 0 ? most : panelWidth(columns - column)
                let together = whole > 0 ? most * whole : columns - column
                for r in 0..<count { next[r] = 0 }
                // 64 KiB of B at a time, which stay in the cache for the next row.
                let step = 16_384 / (whole > 0 ? most * whole : most)
                for start in stride(from: 0, to: depth, by: step) {
                    let end = min(depth, start + step)
                    for r in 0..<count {
                        var row = mmx_sparse_row(
                            values: values + r * line, indices: indices + r * line, count: counts[r],
                            panels: b + column * depth, width: width, panel_stride: most * depth,
                            vectors: whole > 0 ? 2 * whole : (width + vector - 1) / vector, from: next[r], end: end,
                            is_first: start == 0 ? 1 : 0, is_last: end == depth ? 1 : 0, kept: kept + r * 4 * most,
                            c: c + (from + r) * ldc, column: column, columns: together, epilogue: epilogue.c)
                        kernels.sparse_row(&row)
                        next[r] = row.from
                    }
                }
                column += together
            }
        }
    }
    withExtendedLifetime(storage) {}
}
