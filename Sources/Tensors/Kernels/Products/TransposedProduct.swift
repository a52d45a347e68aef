import CKernels

/// C `[m, n]` += A^T B for A `[rows, m]` and B `[rows, n]` with row strides `lda` and `ldb`: the gradient of a layer's
/// weight.
///
/// Rows are processed in blocks of a fixed size and added in order, and the elements of C are split over the threads,
/// so the result does not depend on the number of threads. In each block, A is packed in columns as wide as a register
/// block is high, and B in panels. If they were read in place, rows a power of two apart would share the same few sets of the cache.
func transposedProduct(
    rows: Int, m: Int, n: Int, _ a: UnsafePointer<Float>, lda: Int, _ b: UnsafePointer<Float>, ldb: Int,
    _ c: UnsafeMutablePointer<Float>, ldc: Int
) {
    if m < 8 || n < 8 {
        gemm(transposeA: true, m: m, n: n, k: rows, a, lda: lda, b, ldb: ldb, beta: 1, c, ldc: ldc)
        return
    }
    let (most, tall) = (kernels.panel, kernels.block_rows)
    let down = (m + tall - 1) / tall
    let across = (n + most - 1) / most
    let block = max(64, min(512, (1 << 16) / m))
    Parallel.ranges(down * across, grain: max(1, (1 << 17) / max(1, rows * tall * most))) { range in
        // The blocks of C are numbered down a panel of B, then down the next panel.
        let tiles =
            range.lowerBound / down == (range.upperBound - 1) / down
            ? range.lowerBound % down..<(range.upperBound - 1) % down + 1 : 0..<down
        let scratch = Tensor(uninitialized: [block * tall * tiles.count + (block + tall) * most])
        let left = scratch.pointer
        let right = left + block * tall * tiles.count
        let tile = right + block * most
        for start in stride(from: 0, to: rows, by: block) {
            let count = min(block, rows - start)
            let a = a + start * lda
            let b = b + start * ldb
            for t in tiles {
                packColumns(
                    a + t * tall, lda, rows: count, width: tall, valid: min(tall, m - t * tall),
                    left + (t - tiles.lowerBound) * count * tall)
            }
            var packed = -1
            for index in range {
                let t = index % down
                let panel = index / down
                let row = t * tall
                let column = panel * most
                let columns = min(most, n - column)
                let width = columns > kernels.vector ? most : kernels.vector
                if panel != packed {
                    packColumns(b + column, ldb, rows: count, width: width, valid: columns, right)
                    packed = panel
                }
                var product = mmx_product(
                    rows: tall, depth: count, a: left + (t - tiles.lowerBound) * count * tall, row_stride: 1,
                    step: tall, offsets: nil, panel: right, width: width, c: tile, c_stride: width, column: 0,
                    columns: width, epilogue: Epilogue.none.c, kept: nil)
                kernels.product(&product)
                for r in 0..<min(tall, m - row) {
                    let target = c + (row + r) * ldc + column
                    kernels.add(columns, target, tile + r * width, 1, target)
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
    if valid == width && width % 16 == 0 {
        for r in 0..<rows {
            for j in Swift.stride(from: 0, to: width, by: 16) {
                Vector(at: source + (r &* stride &+ j)).store(to: target + (r &* width &+ j))
            }
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
