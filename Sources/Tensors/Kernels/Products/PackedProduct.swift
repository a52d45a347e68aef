/// Matrix products with a right-hand side that was packed before, for feature maps: the left-hand side (pixels in rows
/// of channels) is read in place, and bias and a clamping activation are applied while the results are in registers.
/// The *depth* of a product is the length of its sums.

/// The number of floats of a packed matrix of `depth` x `columns`: panels of 32 columns (the last one 16 or 24 wide if
/// that is enough), each `[depth, width]`.
func packedSize(depth: Int, columns: Int) -> Int {
    depth * (columns / 32 * 32 + (columns % 32 == 0 ? 0 : panelWidth(columns % 32)))
}

/// The width of a panel that begins `left` columns before the end.
@inline(__always)
func panelWidth(_ left: Int) -> Int { left > 24 ? 32 : left > 16 ? 24 : 16 }

/// Packs B `[depth, columns]`, whose element (k, n) is at `k * rowStride + n * columnStride`.
func pack<Element: StoredFloat>(
    _ b: UnsafePointer<Element>, depth: Int, columns: Int, rowStride: Int, columnStride: Int,
    into panels: UnsafeMutablePointer<Float>
) {
    Parallel.ranges((columns + 31) / 32, grain: max(1, (1 << 14) / max(1, depth * 32))) { range in
        for panel in range {
            let first = panel * 32
            let width = panelWidth(columns - first)
            let valid = min(width, columns - first)
            let source = b + first * columnStride
            let target = panels + first * depth
            if columnStride == 1 {
                for k in 0..<depth {
                    let row = source + k &* rowStride
                    for j in stride(from: 0, to: width, by: 16) {
                        Element.vector(at: row + j, first: max(0, valid - j))
                            .store(to: target + (k &* width &+ j), first: width - j)
                    }
                }
            } else {
                // Blocks of 16 along the depth: each cache line of B is read once, and each line of the panel is
                // written once.
                for start in stride(from: 0, to: depth, by: 16) {
                    let end = min(depth, start + 16)
                    for j in 0..<valid {
                        let column = source + j * columnStride
                        if rowStride == 1 && end - start == 16 {
                            let values = Element.vector(at: column + start)
                            for k in 0..<16 { target[(start &+ k) &* width &+ j] = values[k] }
                        } else {
                            for k in start..<end { target[k &* width &+ j] = column[k &* rowStride].float }
                        }
                    }
                    for j in valid..<width { for k in start..<end { target[k * width + j] = 0 } }
                }
            }
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
        // Half a vector more, because ``matrixProduct`` reads a last panel of 24 columns in vectors of 16.
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
    var bias: UnsafePointer<Float>?
    var low: Float
    var high: Float
    /// The distance in bytes from a result to the value that is added to it, which is in another tensor of the output's
    /// shape.
    private var shortcut: Int?

    static var none: Epilogue { Epilogue(bias: nil, activation: .none) }

    /// The caller applies activations that are not clamps (``activateInPlace``).
    init(bias: UnsafePointer<Float>?, activation: Activation) {
        self.bias = bias
        (low, high) = activation.bounds ?? (-.infinity, .infinity)
    }

    /// Adds `shortcut`, which has the shape of the output at `output`.
    func adding(_ shortcut: UnsafePointer<Float>, to output: UnsafePointer<Float>) -> Epilogue {
        var result = self
        result.shortcut = UnsafeRawPointer(shortcut) - UnsafeRawPointer(output)
        return result
    }

    /// The value that is added to the result at `target`.
    @inline(__always)
    func shortcut(at target: UnsafeMutablePointer<Float>) -> UnsafePointer<Float>? {
        shortcut.map { (UnsafeRawPointer(target) + $0).assumingMemoryBound(to: Float.self) }
    }
}

/// Applies an activation that ``Epilogue`` does not.
func activateInPlace(_ y: UnsafeMutablePointer<Float>, count: Int, _ activation: Activation) {
    if activation.bounds != nil { return }
    Parallel.ranges(count, grain: 1 << 14) { range in
        let from = y + range.lowerBound
        mapVectors(range.count, from, from) { activation.apply($0) }
    }
}

/// The longest part of a panel's depth that is read for all rows before the next part: 32 KiB, which stay in the L1
/// cache.
private let longestStretch = 256

/// Computes all rows of one panel. The last register block overlaps the one before it and stores the same results
/// again.
/// - Parameter kept: memory for the sums of all rows between two stretches of the depth; used if there are several.
@inline(never)
private func panelProduct<Rows: FourRows>(
    _ kind: Rows.Type, rows: Int, depth: Int, _ a: UnsafePointer<Float>, _ lda: Int, _ panel: UnsafePointer<Float>,
    _ c: UnsafeMutablePointer<Float>, _ ldc: Int, columns: Int, column: Int, _ epilogue: Epilogue,
    _ kept: UnsafeMutablePointer<Float>?
) {
    let stretches = max(1, (depth + longestStretch - 1) / longestStretch)
    for index in 0..<stretches {
        let from = depth * index / stretches
        let stretch = Stretch(
            depth: depth * (index + 1) / stretches - from, isFirst: index == 0, isLast: index + 1 == stretches)
        let a = a + from
        let panel = panel + from * Rows.width
        var row = 0
        var kept = kept
        while row < rows {
            let left = rows - row
            if left == 9 && rows >= 12 {
                // The last 9 rows, as in a map of 9x9.
                twelve(
                    kind, last: Rows.One.self, stretch, a + row * lda, lda: lda, aStep: 1, panel, bStep: Rows.width,
                    c + row * ldc, ldc: ldc, columns: columns, column: column, epilogue, kept: kept)
                row += 9
            } else if left > 8 && rows >= 12 {
                if left < 12 { row = rows - 12 }
                twelve(
                    kind, last: kind, stretch, a + row * lda, lda: lda, aStep: 1, panel, bStep: Rows.width,
                    c + row * ldc, ldc: ldc, columns: columns, column: column, epilogue, kept: kept)
                row += 12
            } else if rows >= 4 {
                if left < 4 { row = rows - 4 }
                four(
                    kind, stretch, a + row * lda, lda: lda, panel, c + row * ldc, ldc: ldc, columns: columns,
                    column: column, rows: 4, epilogue, kept: kept)
                row += 4
            } else {
                four(
                    kind, stretch, a + row * lda, lda: 0, panel, c + row * ldc, ldc: ldc, columns: columns,
                    column: column, rows: 1, epilogue, kept: kept)
                row += 1
            }
            kept = kept.map { $0 + 12 * Rows.width }
        }
    }
}

/// C = epilogue(A B) on this thread: A `[rows, depth]` with row stride `lda`, B packed, C `[rows, columns]` with row
/// stride `ldc`.
/// - Parameter panels: the panels of 32 columns to compute; nil means all.
func packedProduct(
    rows: Int, depth: Int, columns: Int, _ a: UnsafePointer<Float>, lda: Int, _ b: UnsafePointer<Float>,
    _ c: UnsafeMutablePointer<Float>, ldc: Int, _ epilogue: Epilogue = .none, panels: Range<Int>? = nil
) {
    let panels = panels ?? 0..<(columns + 31) / 32
    // A block of A stays in the L2 cache while all panels of B are read.
    let block = max(48, (1 << 16) / max(1, depth) / 12 * 12)
    // Twelve rows for each register block. A few remaining rows need one more block.
    let scratch = depth > longestStretch ? Tensor(uninitialized: [(min(rows, 2 * block) / 12 + 3) * 12 * 32]) : nil
    var from = 0
    while from < rows {
        // The last block is never short.
        let count = rows - from < 2 * block ? rows - from : block
        for panel in panels {
            let column = panel * 32
            let left = columns - column
            let source = b + column * depth
            func multiply<Rows: FourRows>(_ kind: Rows.Type) {
                panelProduct(
                    kind, rows: count, depth: depth, a + from * lda, lda, source, c + from * ldc, ldc,
                    columns: min(32, left), column: column, epilogue, scratch?.pointer)
            }
            switch panelWidth(left) {
            case 32: multiply(FourByThirtyTwo.self)
            case 24: multiply(FourByTwentyFour.self)
            default: multiply(FourBySixteen.self)
            }
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
    let panels = (columns + 31) / 32
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
        Parallel.ranges((rows + 11) / 12, grain: grain(12 * columns * depth), each: 8) { range in
            let from = range.lowerBound * 12
            let to = min(rows, range.upperBound * 12)
            packedProduct(
                rows: to - from, depth: depth, columns: columns, a + from * lda, lda: lda, b, c + from * ldc, ldc: ldc,
                epilogue)
        }
    } else {
        // Panels are split into pieces, so that no thread waits long for the last one.
        let blocks = (rows + 11) / 12
        let pieces = max(1, min(blocks / 3, (8 * Parallel.threads + panels - 1) / panels))
        func row(_ piece: Int) -> Int { min(rows, blocks * piece / pieces * 12) }
        Parallel.ranges(panels * pieces, grain: grain(rows / pieces * 32 * depth), each: 8) { range in
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
