/// C `[m, n]` += A^T B for A `[rows, m]` and B `[rows, n]` with row strides `lda` and `ldb`: the gradient of a layer's
/// weight.
///
/// Rows are processed in blocks of a fixed size and added in order, and the elements of C are split over the threads,
/// so the result does not depend on the number of threads. In each block, A is packed in columns of 12 and B in panels
/// of 32. If they were read in place, rows a power of two apart would share the same few sets of the cache.
func transposedProduct(
    rows: Int, m: Int, n: Int, _ a: UnsafePointer<Float>, lda: Int, _ b: UnsafePointer<Float>, ldb: Int,
    _ c: UnsafeMutablePointer<Float>, ldc: Int
) {
    if m < 8 || n < 8 {
        gemm(transposeA: true, m: m, n: n, k: rows, a, lda: lda, b, ldb: ldb, beta: 1, c, ldc: ldc)
        return
    }
    let down = (m + 11) / 12
    let across = (n + 31) / 32
    let block = max(64, min(512, (1 << 16) / m))
    Parallel.ranges(down * across, grain: max(1, (1 << 17) / max(1, rows * 12 * 32))) { range in
        // The blocks of C are numbered down a panel of B, then down the next panel.
        let tiles =
            range.lowerBound / down == (range.upperBound - 1) / down
            ? range.lowerBound % down..<(range.upperBound - 1) % down + 1 : 0..<down
        let scratch = Tensor(uninitialized: [block * 12 * tiles.count + block * 32 + 12 * 32])
        let left = scratch.pointer
        let right = left + block * 12 * tiles.count
        let tile = right + block * 32
        for start in stride(from: 0, to: rows, by: block) {
            let count = min(block, rows - start)
            let a = a + start * lda
            let b = b + start * ldb
            for t in tiles {
                packColumns(
                    a + t * 12, lda, rows: count, width: 12, valid: min(12, m - t * 12),
                    left + (t - tiles.lowerBound) * count * 12)
            }
            var packed = -1
            for index in range {
                let t = index % down
                let panel = index / down
                let row = t * 12
                let column = panel * 32
                let columns = min(32, n - column)
                let width = columns > 16 ? 32 : 16
                if panel != packed {
                    packColumns(b + column, ldb, rows: count, width: width, valid: columns, right)
                    packed = panel
                }
                let source = left + (t - tiles.lowerBound) * count * 12
                if width == 32 { wideTile(count, source, right, tile) } else { narrowTile(count, source, right, tile) }
                for r in 0..<min(12, m - row) {
                    let target = c + (row + r) * ldc + column
                    mapVectors2(columns, target, tile + r * width, target) { $0 + $1 }
                }
            }
        }
        withExtendedLifetime(scratch) {}
    }
}

/// Copies `[rows, width]` of a matrix with row stride `stride` to contiguous memory, with zeros after the first `valid`
/// columns.
private func packColumns(
    _ source: UnsafePointer<Float>, _ stride: Int, rows: Int, width: Int, valid: Int,
    _ target: UnsafeMutablePointer<Float>
) {
    if valid == 32 {
        for r in 0..<rows {
            Vector(at: source + r &* stride).store(to: target + r &* 32)
            Vector(at: source + (r &* stride &+ 16)).store(to: target + (r &* 32 &+ 16))
        }
    } else if valid == 12 && width == 12 {
        for r in 0..<rows {
            let from = UnsafeRawPointer(source + r &* stride)
            let to = UnsafeMutableRawPointer(target + r &* 12)
            to.storeBytes(of: from.loadUnaligned(as: SIMD8<Float>.self), as: SIMD8<Float>.self)
            to.storeBytes(
                of: from.loadUnaligned(fromByteOffset: 32, as: SIMD4<Float>.self), toByteOffset: 32,
                as: SIMD4<Float>.self)
        }
    } else {
        for r in 0..<rows {
            for j in 0..<valid { target[r &* width &+ j] = source[r &* stride &+ j] }
            for j in valid..<width { target[r &* width &+ j] = 0 }
        }
    }
}

@inline(never)
private func wideTile(
    _ depth: Int, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>
) {
    twelve(
        FourByThirtyTwo.self, last: FourByThirtyTwo.self, Stretch(depth: depth), a, lda: 1, aStep: 12, b, bStep: 32, c,
        ldc: 32, columns: 32, column: 0, .none)
}

@inline(never)
private func narrowTile(
    _ depth: Int, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>
) {
    twelve(
        FourBySixteen.self, last: FourBySixteen.self, Stretch(depth: depth), a, lda: 1, aStep: 12, b, bStep: 16, c,
        ldc: 16, columns: 16, column: 0, .none)
}
