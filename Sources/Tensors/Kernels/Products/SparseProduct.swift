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
    // The elements of a block of rows that are not zero: their values and their columns in A.
    let block = max(1, min(rows, (1 << 16) / depth)), line = (depth + 15) / 16 * 16 + 16
    let storage = Tensor(uninitialized: [2 * block * line + block * 128])
    let values = storage.pointer, kept = values + 2 * block * line
    (values + block * line).withMemoryRebound(to: Int32.self, capacity: block * line) { indices in
        var counts = [Int](repeating: 0, count: block), next = counts
        for from in stride(from: 0, to: rows, by: block) {
            let count = min(block, rows - from)
            for r in 0..<count {
                let row = a + (from + r) * lda
                var n = 0
                for k in stride(from: 0, to: depth, by: 16) {
                    let v = k + 16 <= depth ? Vector(at: row + k) : Vector(at: row + k, first: depth - k)
                    n += Int(mmx_gather_nonzero(v, Int32(k), values + (r * line + n), indices + (r * line + n)))
                }
                counts[r] = n
            }
            var column = 0
            while column < columns {
                // Up to four whole panels at a time, or the last one.
                let whole = min(4, (columns - column) / 32)
                let width = whole > 0 ? 32 : panelWidth(columns - column)
                let group = SparseGroup(
                    panels: b + column * depth, width: width, panelStride: 32 * depth, column: column,
                    columns: whole > 0 ? 32 * whole : columns - column)
                for r in 0..<count { next[r] = 0 }
                // 64 KiB of B at a time, which stay in the cache for the next row.
                let step = 16_384 / (whole > 0 ? 32 * whole : 32)
                for start in stride(from: 0, to: depth, by: step) {
                    let end = min(depth, start + step)
                    for r in 0..<count {
                        let row = SparseRow(values: values + r * line, indices: indices + r * line, count: counts[r])
                        let target = c + (from + r) * ldc
                        func run<let vectors: Int>(_ sums: InlineArray<vectors, Vector>.Type) {
                            next[r] = group.multiply(
                                sums, row, from: next[r], start: start, end: end, kept + r * 128, isLast: end == depth,
                                target, ldc, epilogue)
                        }
                        switch (whole, width) {
                        case (4, _): run(InlineArray<8, Vector>.self)
                        case (3, _): run(InlineArray<6, Vector>.self)
                        case (2, _): run(InlineArray<4, Vector>.self)
                        case (0, 16): run(InlineArray<1, Vector>.self)
                        default: run(InlineArray<2, Vector>.self)
                        }
                    }
                }
                column += group.columns
            }
        }
    }
    withExtendedLifetime(storage) {}
}

/// The elements of a row of A that are not zero, by ascending index.
private struct SparseRow {
    let values: UnsafePointer<Float>, indices: UnsafePointer<Int32>, count: Int
}

/// The panels of B that a row is multiplied with at once.
private struct SparseGroup {
    let panels: UnsafePointer<Float>
    let width: Int, panelStride: Int, column: Int, columns: Int

    /// Adds the products of the elements from number `from` on whose index is below `end`.
    /// - Parameter kept: the sums of the elements before, unless `start` is 0.
    /// - Returns: the number of the first element that remains.
    @inline(never)
    func multiply<let vectors: Int>(
        _: InlineArray<vectors, Vector>.Type, _ row: SparseRow, from: Int, start: Int, end: Int,
        _ kept: UnsafeMutablePointer<Float>, isLast: Bool, _ c: UnsafeMutablePointer<Float>, _ ldc: Int,
        _ epilogue: Epilogue
    ) -> Int {
        var sums = InlineArray<vectors, Vector>(repeating: .zero)
        if start > 0 { for i in 0..<vectors { sums[unchecked: i] = Vector(at: kept + 16 &* i) } }
        var n = from
        while n < row.count {
            let k = Int(row.indices[n])
            if k >= end { break }
            let x = Vector(repeating: row.values[n]), line = panels + k &* width
            for i in 0..<vectors {
                sums[unchecked: i].add(x, times: Vector(at: line + ((i >> 1) &* panelStride &+ (i & 1) &* 16)))
            }
            n &+= 1
        }
        for i in 0..<vectors { sums[unchecked: i].store(to: kept + 16 &* i) }
        if isLast {
            for i in stride(from: 0, to: columns, by: 16) {
                epilogue.store(
                    Vector(at: kept + i), to: c + column + i, column: column + i, first: min(16, columns - i))
            }
        }
        return n
    }
}

extension Epilogue {
    /// Applies the epilogue to `count` results of the columns from `column` on and stores them.
    @inline(__always)
    fileprivate func store(_ sums: Vector, to c: UnsafeMutablePointer<Float>, column: Int, first count: Int) {
        var sums = sums
        if let bias { sums += Vector(at: bias + column, first: count) }
        if let p = shortcut(at: c) { sums += Vector(at: p, first: count) }
        sums.clamped(low, high).store(to: c, first: count)
    }
}
