import CKernels

/// Matrix products with a right-hand side that was packed before, for feature maps: the left-hand side (pixels in rows
/// of channels) is read in place, and bias and a clamping activation are applied while the results are in registers.
/// The *depth* of a product is the length of its sums.

/// The number of floats of a packed matrix of `depth` x `columns`: panels of `kernels.panel` columns (the last one
/// narrower if that is enough), each `[depth, width]`.
func packedSize(depth: Int, columns: Int) -> Int {
    let rest = columns % kernels.panel
    return depth * (columns - rest + (rest == 0 ? 0 : panelWidth(rest)))
}

/// The width of a panel that begins `left` columns before the end: two vectors, one, or one and a half.
@inline(__always)
func panelWidth(_ left: Int) -> Int {
    let vector = kernels.vector
    if left <= vector { return vector }
    return kernels.has_half_panels != 0 && left <= vector + vector / 2 ? vector + vector / 2 : 2 * vector
}

/// Packs B `[depth, columns]`, whose element (k, n) is at `k * rowStride + n * columnStride`.
func pack<Element: StoredFloat>(
    _ b: UnsafePointer<Element>, depth: Int, columns: Int, rowStride: Int, columnStride: Int,
    into panels: UnsafeMutablePointer<Float>
) {
    let most = kernels.panel
    Parallel.ranges((columns + most - 1) / most, grain: max(1, (1 << 14) / max(1, depth * most))) { range in
        for panel in range {
            let first = panel * most
            var packing = mmx_packing(
                b: b + first * columnStride, depth: depth, columns: min(most, columns - first), row_stride: rowStride,
                column_stride: columnStride, panel: panels + first * depth, width: panelWidth(columns - first))
            if Element.self == Half.self { kernels.pack_half(&packing) } else { kernels.pack(&packing) }
        }
    }
}

/// A packed right-hand side with its own memory.
struct PackedMatrix: Sendable {
    let depth: Int, columns: Int
    let panels: Tensor

    /// B's first element is at `offset` in `b`.
    init(_ b: Tensor, offset: Int = 0, depth: Int, columns: Int, rowStride: Int, columnStride: Int) {
        self.depth = depth
        self.columns = columns
        // Half a vector more, because ``matrixProduct`` reads a last panel of one vector and a half as two.
        let size = packedSize(depth: depth, columns: columns)
        panels = Tensor(uninitialized: [size + 8])
        (panels.pointer + size).update(repeating: 0, count: 8)
        if let halves = b.halves {
            pack(
                halves + offset, depth: depth, columns: columns, rowStride: rowStride, columnStride: columnStride,
                into: panels.pointer)
        } else {
            pack(
                b.pointer + offset, depth: depth, columns: columns, rowStride: rowStride, columnStride: columnStride,
                into: panels.pointer)
        }
        withExtendedLifetime(b) {}
    }

    /// The transpose of a weight `[columns, depth]`.
    init(transposing weight: Tensor, offset: Int = 0, depth: Int, columns: Int) {
        self.init(weight, offset: offset, depth: depth, columns: columns, rowStride: 1, columnStride: depth)
    }
}

extension Activation {
    /// The bounds of an activation that is a clamp; nil for others.
    var bounds: (low: Float, high: Float)? {
        switch self {
        case .none: return (-.infinity, .infinity)
        case .relu: return (0, .infinity)
        case .relu6: return (0, 6)
        case .tanh, .sigmoid: return nil
        }
    }
}

/// The operations on a result before it is stored: clamp(value + bias + shortcut, low, high).
struct Epilogue {
    /// As the kernels take it. The distance of the shortcut is in bytes, and 0 means none.
    private(set) var c: mmx_epilogue

    static var none: Epilogue { Epilogue(bias: nil, activation: .none) }

    /// The caller applies activations that are not clamps (``activateInPlace``).
    init(bias: UnsafePointer<Float>?, activation: Activation) {
        let (low, high) = activation.bounds ?? (-.infinity, .infinity)
        c = mmx_epilogue(bias: bias, low: low, high: high, shortcut: 0)
    }

    var bias: UnsafePointer<Float>? { c.bias }
    var low: Float { c.low }
    var high: Float { c.high }

    /// The epilogue of the outputs from column `column` on.
    func from(column: Int) -> Epilogue {
        var result = self
        result.c.bias = bias.map { $0 + column }
        return result
    }

    /// Adds `shortcut`, which has the shape of the output at `output`, another tensor.
    func adding(_ shortcut: UnsafePointer<Float>, to output: UnsafePointer<Float>) -> Epilogue {
        var result = self
        result.c.shortcut = UnsafeRawPointer(shortcut) - UnsafeRawPointer(output)
        return result
    }

    /// The value that is added to the result at `target`.
    @inline(__always)
    func shortcut(at target: UnsafeMutablePointer<Float>) -> UnsafePointer<Float>? {
        c.shortcut == 0 ? nil : (UnsafeRawPointer(target) + c.shortcut).assumingMemoryBound(to: Float.self)
    }
}

/// Applies an activation that ``Epilogue`` does not.
func activateInPlace(_ y: UnsafeMutablePointer<Float>, count: Int, _ activation: Activation) {
    if activation.bounds != nil { return }
    Parallel.ranges(count, grain: 1 << 14) { range in
        let from = y + range.lowerBound
        activation.apply(range.count, from, from)
    }
}

/// C = epilogue(A B) on this thread: A `[rows, depth]` with row stride `lda`, B packed, C `[rows, columns]` with row
/// stride `ldc`.
/// - Parameter panels: the numbers of the panels to compute; nil means all.
func packedProduct(
    rows: Int, depth: Int, columns: Int, _ a: UnsafePointer<Float>, lda: Int, _ b: UnsafePointer<Float>,
    _ c: UnsafeMutablePointer<Float>, ldc: Int, _ epilogue: Epilogue = .none, panels: Range<Int>? = nil
) {
    let most = kernels.panel
    let panels = panels ?? 0..<(columns + most - 1) / most
    // A block of A stays in the L2 cache while all panels of B are read.
    let block = max(48, (1 << 16) / max(1, depth) / 12 * 12)
    let scratch = depth > kernels.longest_depth ? Tensor(uninitialized: [min(rows, 2 * block) * most]) : nil
    var from = 0
    while from < rows {
        // The last block is never short.
        let count = rows - from < 2 * block ? rows - from : block
        for panel in panels {
            let column = panel * most
            var product = mmx_product(
                rows: count, depth: depth, a: a + from * lda, row_stride: lda, step: 1, offsets: nil,
                panel: b + column * depth, width: panelWidth(columns - column), c: c + from * ldc, c_stride: ldc,
                column: column, columns: min(most, columns - column), epilogue: epilogue.c,
                kept: scratch?.pointer)
            kernels.product(&product)
        }
        from += count
    }
    withExtendedLifetime(scratch) {}
}

/// ``matrixProduct`` on all threads. It is split over the rows, or over the panels if there are few rows, so that each
/// thread reads its part of B once.
func parallelProduct(
    rows: Int, depth: Int, columns: Int, _ a: UnsafePointer<Float>, lda: Int, _ b: UnsafePointer<Float>,
    _ c: UnsafeMutablePointer<Float>, ldc: Int, _ epilogue: Epilogue = .none
) {
    let (most, tall) = (kernels.panel, kernels.block_rows)
    let panels = (columns + most - 1) / most
    // A part of half a million multiplications takes a few microseconds.
    func grain(_ multiplications: Int) -> Int { (1 << 19) / max(1, multiplications) + 1 }
    if rows * columns * depth < 1 << 15 {
        packedProduct(rows: rows, depth: depth, columns: columns, a, lda: lda, b, c, ldc: ldc, epilogue)
    } else if rows >= 2 * Parallel.threads && looksSparse(rows: rows, depth: depth, columns: columns, a, lda: lda) {
        // Each part reads all of B, so there are few parts.
        Parallel.ranges(rows, grain: 12, each: rows >= 96 * Parallel.threads ? 3 : 1) { range in
            let from = range.lowerBound
            matrixProduct(
                rows: range.count, depth: depth, columns: columns, a + from * lda, lda: lda, b, c + from * ldc,
                ldc: ldc, epilogue)
        }
    } else if rows >= 96 * Parallel.threads || panels < Parallel.threads {
        Parallel.ranges((rows + tall - 1) / tall, grain: grain(tall * columns * depth), each: 8) { range in
            let from = range.lowerBound * tall
            let to = min(rows, range.upperBound * tall)
            packedProduct(
                rows: to - from, depth: depth, columns: columns, a + from * lda, lda: lda, b, c + from * ldc, ldc: ldc,
                epilogue)
        }
    } else {
        // Panels are split into pieces, so that no thread waits long for the last one.
        let blocks = (rows + tall - 1) / tall
        let pieces = max(1, min(blocks / 3, (8 * Parallel.threads + panels - 1) / panels))
        func row(_ piece: Int) -> Int { min(rows, blocks * piece / pieces * tall) }
        Parallel.ranges(panels * pieces, grain: grain(rows / pieces * most * depth), each: 8) { range in
            var next = range.lowerBound
            while next < range.upperBound {
                let (panel, piece) = (next / pieces, next % pieces)
                // As many whole panels as there are, or the rest of one.
                let whole = piece == 0 ? (range.upperBound - next) / pieces : 0
                let end = whole > 0 ? next + whole * pieces : min(range.upperBound, (panel + 1) * pieces)
                let from = row(piece), to = whole > 0 ? rows : row(end - panel * pieces)
                packedProduct(
                    rows: to - from, depth: depth, columns: columns, a + from * lda, lda: lda, b, c + from * ldc,
                    ldc: ldc, epilogue, panels: panel..<panel + max(1, whole))
                next = end
            }
        }
    }
}
