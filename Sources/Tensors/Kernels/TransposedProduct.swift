/// C `[m, n]` += A^T B for A `[rows, m]` and B `[rows, n]` with row strides `lda`, `ldb`: the gradient of a layer's weight. Both sides are
/// read where they are.
///
/// Rows are taken in blocks of a fixed size and added in their order, and the threads share out the elements of C: the result does not depend
/// on the number of threads.
func transposedProduct(
    rows: Int, m: Int, n: Int, _ a: UnsafePointer<Float>, lda: Int, _ b: UnsafePointer<Float>, ldb: Int,
    _ c: UnsafeMutablePointer<Float>, ldc: Int
) {
    if m < 12 || n < 16 {
        gemm(transposeA: true, m: m, n: n, k: rows, a, lda: lda, b, ldb: ldb, beta: 1, c, ldc: ldc)
        return
    }
    let width = n >= 32 ? 32 : 16
    let down = (m + 11) / 12
    let across = (n + width - 1) / width
    let block = max(64, min(1024, (1 << 16) / (m + n)))
    Parallel.ranges(down * across, grain: max(1, (1 << 17) / max(1, rows * 12 * width))) { range in
        let tile = UnsafeMutablePointer<Vector>.allocate(capacity: 24)
        defer { tile.deallocate() }
        tile.withMemoryRebound(to: Float.self, capacity: 12 * 32) { tile in
            for start in stride(from: 0, to: rows, by: block) {
                let count = min(block, rows - start)
                let a = a + start * lda
                let b = b + start * ldb
                for index in range {
                    // The last block down and the last across overlap the ones before; only what is new is added.
                    let row = index % down * 12
                    let column = index / down * width
                    let fromRow = min(row, m - 12)
                    let fromColumn = min(column, n - width)
                    if width == 32 {
                        wideTile(count, a + fromRow, lda, b + fromColumn, ldb, tile)
                    } else {
                        narrowTile(count, a + fromRow, lda, b + fromColumn, ldb, tile)
                    }
                    let skip = column - fromColumn
                    for r in row..<min(m, row + 12) {
                        let target = c + r * ldc + column
                        let source = tile + (r - fromRow) * width + skip
                        if skip == 0 {
                            mapVectors2(width, target, source, target) { $0 + $1 }
                        } else {
                            for j in 0..<width - skip { target[j] += source[j] }
                        }
                    }
                }
            }
        }
    }
}

@inline(never)
private func wideTile(
    _ depth: Int, _ a: UnsafePointer<Float>, _ lda: Int, _ b: UnsafePointer<Float>, _ ldb: Int,
    _ c: UnsafeMutablePointer<Float>
) {
    twelve(
        FourByThirtyTwo.self, depth: depth, a, lda: 1, aStep: lda, b, bStep: ldb, c, ldc: 32, columns: 32, column: 0,
        .none)
}

@inline(never)
private func narrowTile(
    _ depth: Int, _ a: UnsafePointer<Float>, _ lda: Int, _ b: UnsafePointer<Float>, _ ldb: Int,
    _ c: UnsafeMutablePointer<Float>
) {
    twelve(
        FourBySixteen.self, depth: depth, a, lda: 1, aStep: lda, b, bStep: ldb, c, ldc: 16, columns: 16, column: 0,
        .none)
}
