/// Matrix products whose right-hand side was laid out beforehand, written for maps: the left-hand side is read where it is (pixels in
/// rows of channels), bias and a clamping activation are applied while the results are in registers.
///
/// A register block is 12 rows by 32 columns: 24 accumulators, two vectors of B and twelve broadcast elements of A for each step along
/// the depth (Goto & van de Geijn 2008, section 4, with the panel of B in the cache). Multiplication and addition are separate
/// operations: Swift's `addingProduct` does not become one instruction a vector.

/// Floats that `depth` x `columns` take when packed: panels of 32 columns (the last one 16 wide if that is enough), each `[depth, width]`.
func packedSize(depth: Int, columns: Int) -> Int { depth * ((columns + 15) / 16 * 16) }

/// Packs B `[depth, columns]`, whose element (k, n) is at `k * rowStride + n * columnStride`.
func pack(
    _ b: UnsafePointer<Float>, depth: Int, columns: Int, rowStride: Int, columnStride: Int, into panels: UnsafeMutablePointer<Float>
) {
    Parallel.ranges((columns + 31) / 32, grain: max(1, (1 << 14) / max(1, depth * 32))) { range in
        for panel in range {
            let first = panel * 32, width = min(32, (columns - first + 15) / 16 * 16), valid = min(width, columns - first)
            let source = b + first * columnStride, target = panels + first * depth
            if columnStride == 1 {
                for k in 0..<depth {
                    (target + k * width).update(from: source + k * rowStride, count: valid)
                    for j in valid..<width { target[k * width + j] = 0 }
                }
            } else {
                // Blocks of 16 along the depth, so that a line of B is read once and a line of the panel written once.
                for start in stride(from: 0, to: depth, by: 16) {
                    let end = min(depth, start + 16)
                    for j in 0..<valid {
                        let column = source + j * columnStride
                        for k in start..<end { target[k &* width &+ j] = column[k &* rowStride] }
                    }
                    for j in valid..<width { for k in start..<end { target[k * width + j] = 0 } }
                }
            }
        }
    }
}

/// A packed right-hand side in memory of its own.
struct PackedMatrix: Sendable {
    let depth: Int, columns: Int
    let panels: Tensor

    init(_ b: UnsafePointer<Float>, depth: Int, columns: Int, rowStride: Int, columnStride: Int) {
        self.depth = depth
        self.columns = columns
        panels = Tensor(uninitialized: [packedSize(depth: depth, columns: columns)])
        pack(b, depth: depth, columns: columns, rowStride: rowStride, columnStride: columnStride, into: panels.pointer)
    }

    /// The transpose of `weight` `[columns, depth]`.
    init(transposing weight: UnsafePointer<Float>, depth: Int, columns: Int) {
        self.init(weight, depth: depth, columns: columns, rowStride: 1, columnStride: depth)
    }
}

extension Activation {
    /// What the activation clamps to; nil if it does more than that.
    var bounds: (low: Float, high: Float)? {
        switch self {
        case .none: return (-.infinity, .infinity)
        case .relu: return (0, .infinity)
        case .relu6: return (0, 6)
        case .tanh, .sigmoid: return nil
        }
    }
}

/// What happens to a result before it is stored: clamp(value + bias, low, high).
struct Epilogue {
    var bias: UnsafePointer<Float>?
    var low: Float
    var high: Float

    static var none: Epilogue { Epilogue(bias: nil, activation: .none) }

    /// Activations that do not clamp are left to the caller (``activateInPlace``).
    init(bias: UnsafePointer<Float>?, activation: Activation) {
        self.bias = bias
        (low, high) = activation.bounds ?? (-.infinity, .infinity)
    }
}

/// Applies what ``Epilogue`` leaves out.
func activateInPlace(_ y: UnsafeMutablePointer<Float>, count: Int, _ activation: Activation) {
    if activation.bounds != nil { return }
    Parallel.ranges(count, grain: 1 << 14) { range in
        let from = y + range.lowerBound
        mapVectors(range.count, from, from) { activation.apply($0) }
    }
}

extension SIMD16 where Scalar == Float {
    /// The first `count` elements at `pointer`, then zeros.
    @inline(__always)
    init(at pointer: UnsafePointer<Float>, first count: Int) {
        if count >= 16 {
            self.init(at: pointer)
        } else {
            self = .zero
            for i in 0..<count { self[i] = pointer[i] }
        }
    }

    /// Stores the first `count` elements.
    @inline(__always)
    func store(to pointer: UnsafeMutablePointer<Float>, first count: Int) {
        if count >= 16 { return store(to: pointer) }
        storeSome(to: pointer, first: count)
    }

    @inline(never)
    private func storeSome(to pointer: UnsafeMutablePointer<Float>, first count: Int) {
        var rest = self.lowHalf, at = 0
        if count >= 8 {
            UnsafeMutableRawPointer(pointer).storeBytes(of: rest, as: SIMD8<Float>.self)
            rest = highHalf
            at = 8
        }
        for i in at..<Swift.max(at, count) { pointer[i] = rest[i - at] }
    }
}

/// Four rows of accumulators.
private protocol FourRows {
    static var width: Int { get }
    init()
    mutating func step(_ a: UnsafePointer<Float>, _ lda: Int, _ b: UnsafePointer<Float>)
    func store(_ c: UnsafeMutablePointer<Float>, _ ldc: Int, columns: Int, rows: Int, column: Int, _ epilogue: Epilogue)
}

private struct FourByThirtyTwo: FourRows {
    static var width: Int { 32 }
    var a0 = Vector.zero, a1 = Vector.zero, b0 = Vector.zero, b1 = Vector.zero
    var c0 = Vector.zero, c1 = Vector.zero, d0 = Vector.zero, d1 = Vector.zero

    @inline(__always)
    mutating func step(_ p: UnsafePointer<Float>, _ lda: Int, _ b: UnsafePointer<Float>) {
        let x = Vector(at: b), y = Vector(at: b + 16)
        let first = Vector(repeating: p[0])
        a0 += first * x
        a1 += first * y
        let second = Vector(repeating: p[lda])
        b0 += second * x
        b1 += second * y
        let third = Vector(repeating: p[2 &* lda])
        c0 += third * x
        c1 += third * y
        let fourth = Vector(repeating: p[3 &* lda])
        d0 += fourth * x
        d1 += fourth * y
    }

    @inline(__always)
    func store(_ c: UnsafeMutablePointer<Float>, _ ldc: Int, columns: Int, rows: Int, column: Int, _ epilogue: Epilogue) {
        var x = Vector.zero, y = Vector.zero
        if let bias = epilogue.bias {
            x = Vector(at: bias + column, first: columns)
            y = Vector(at: bias + column + 16, first: max(0, columns - 16))
        }
        let low = epilogue.low, high = epilogue.high
        let c = c + column
        if columns == 32 && rows == 4 {
            (a0 + x).clamped(low, high).store(to: c)
            (a1 + y).clamped(low, high).store(to: c + 16)
            (b0 + x).clamped(low, high).store(to: c + ldc)
            (b1 + y).clamped(low, high).store(to: c + ldc + 16)
            (c0 + x).clamped(low, high).store(to: c + 2 * ldc)
            (c1 + y).clamped(low, high).store(to: c + 2 * ldc + 16)
            (d0 + x).clamped(low, high).store(to: c + 3 * ldc)
            (d1 + y).clamped(low, high).store(to: c + 3 * ldc + 16)
            return
        }
        let rest = columns - 16
        (a0 + x).clamped(low, high).store(to: c, first: columns)
        (a1 + y).clamped(low, high).store(to: c + 16, first: rest)
        if rows == 1 { return }
        (b0 + x).clamped(low, high).store(to: c + ldc, first: columns)
        (b1 + y).clamped(low, high).store(to: c + ldc + 16, first: rest)
        (c0 + x).clamped(low, high).store(to: c + 2 * ldc, first: columns)
        (c1 + y).clamped(low, high).store(to: c + 2 * ldc + 16, first: rest)
        (d0 + x).clamped(low, high).store(to: c + 3 * ldc, first: columns)
        (d1 + y).clamped(low, high).store(to: c + 3 * ldc + 16, first: rest)
    }
}

private struct FourBySixteen: FourRows {
    static var width: Int { 16 }
    var a = Vector.zero, b = Vector.zero, c = Vector.zero, d = Vector.zero

    @inline(__always)
    mutating func step(_ p: UnsafePointer<Float>, _ lda: Int, _ panel: UnsafePointer<Float>) {
        let x = Vector(at: panel)
        a += Vector(repeating: p[0]) * x
        b += Vector(repeating: p[lda]) * x
        c += Vector(repeating: p[2 &* lda]) * x
        d += Vector(repeating: p[3 &* lda]) * x
    }

    @inline(__always)
    func store(_ y: UnsafeMutablePointer<Float>, _ ldc: Int, columns: Int, rows: Int, column: Int, _ epilogue: Epilogue) {
        let x = epilogue.bias.map { Vector(at: $0 + column, first: columns) } ?? .zero
        let low = epilogue.low, high = epilogue.high
        let y = y + column
        (a + x).clamped(low, high).store(to: y, first: columns)
        if rows == 1 { return }
        (b + x).clamped(low, high).store(to: y + ldc, first: columns)
        (c + x).clamped(low, high).store(to: y + 2 * ldc, first: columns)
        (d + x).clamped(low, high).store(to: y + 3 * ldc, first: columns)
    }
}

/// Twelve rows of one panel; `columns` of them are stored.
@inline(__always)
private func twelve<Rows: FourRows>(
    _: Rows.Type, depth: Int, _ a: UnsafePointer<Float>, _ lda: Int, _ panel: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>,
    _ ldc: Int, columns: Int, column: Int, _ epilogue: Epilogue
) {
    var r = Rows(), s = Rows(), t = Rows()
    var p = a, q = a + 4 &* lda, u = a + 8 &* lda, b = panel
    for _ in 0..<depth {
        r.step(p, lda, b)
        s.step(q, lda, b)
        t.step(u, lda, b)
        p += 1
        q += 1
        u += 1
        b += Rows.width
    }
    r.store(c, ldc, columns: columns, rows: 4, column: column, epilogue)
    s.store(c + 4 &* ldc, ldc, columns: columns, rows: 4, column: column, epilogue)
    t.store(c + 8 &* ldc, ldc, columns: columns, rows: 4, column: column, epilogue)
}

/// Four rows of one panel, or one row (lda 0).
@inline(__always)
private func four<Rows: FourRows>(
    _: Rows.Type, depth: Int, _ a: UnsafePointer<Float>, _ lda: Int, _ panel: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>,
    _ ldc: Int, columns: Int, column: Int, rows: Int, _ epilogue: Epilogue
) {
    var r = Rows()
    var p = a, b = panel
    for _ in 0..<depth {
        r.step(p, lda, b)
        p += 1
        b += Rows.width
    }
    r.store(c, ldc, columns: columns, rows: rows, column: column, epilogue)
}

/// All rows of one panel. The last register block overlaps the one before it: the same results are stored twice.
@inline(__always)
private func panelProduct<Rows: FourRows>(
    _ kind: Rows.Type, rows: Int, depth: Int, _ a: UnsafePointer<Float>, _ lda: Int, _ panel: UnsafePointer<Float>,
    _ c: UnsafeMutablePointer<Float>, _ ldc: Int, columns: Int, column: Int, _ epilogue: Epilogue
) {
    var row = 0
    while row < rows {
        let left = rows - row
        if left > 4 && rows >= 12 {
            if left < 12 { row = rows - 12 }
            twelve(kind, depth: depth, a + row * lda, lda, panel, c + row * ldc, ldc, columns: columns, column: column, epilogue)
            row += 12
        } else if rows >= 4 {
            if left < 4 { row = rows - 4 }
            four(kind, depth: depth, a + row * lda, lda, panel, c + row * ldc, ldc, columns: columns, column: column, rows: 4, epilogue)
            row += 4
        } else {
            four(kind, depth: depth, a + row * lda, 0, panel, c + row * ldc, ldc, columns: columns, column: column, rows: 1, epilogue)
            row += 1
        }
    }
}

@inline(never)
private func widePanel(
    rows: Int, depth: Int, _ a: UnsafePointer<Float>, _ lda: Int, _ panel: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>,
    _ ldc: Int, columns: Int, column: Int, _ epilogue: Epilogue
) {
    panelProduct(
        FourByThirtyTwo.self, rows: rows, depth: depth, a, lda, panel, c, ldc, columns: columns, column: column, epilogue)
}

@inline(never)
private func narrowPanel(
    rows: Int, depth: Int, _ a: UnsafePointer<Float>, _ lda: Int, _ panel: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>,
    _ ldc: Int, columns: Int, column: Int, _ epilogue: Epilogue
) {
    panelProduct(FourBySixteen.self, rows: rows, depth: depth, a, lda, panel, c, ldc, columns: columns, column: column, epilogue)
}

/// C = epilogue(A B) on this thread: A `[rows, depth]` with row stride `lda`, B packed, C `[rows, columns]` with row stride `ldc`.
/// - Parameter panels: which panels of 32 columns; all of them when nil.
func packedProduct(
    rows: Int, depth: Int, columns: Int, _ a: UnsafePointer<Float>, lda: Int, _ b: UnsafePointer<Float>,
    _ c: UnsafeMutablePointer<Float>, ldc: Int, _ epilogue: Epilogue = .none, panels: Range<Int>? = nil
) {
    let panels = panels ?? 0..<(columns + 31) / 32
    // A block of A stays in the L2 cache while all panels of B pass by.
    let block = max(48, (1 << 15) / max(1, depth) / 12 * 12)
    var from = 0
    while from < rows {
        // No short last block.
        let count = rows - from < 2 * block ? rows - from : block
        for panel in panels {
            let column = panel * 32, left = columns - column
            let source = b + column * depth
            if left > 16 {
                widePanel(
                    rows: count, depth: depth, a + from * lda, lda, source, c + from * ldc, ldc, columns: min(32, left), column: column,
                    epilogue)
            } else {
                narrowPanel(
                    rows: count, depth: depth, a + from * lda, lda, source, c + from * ldc, ldc, columns: left, column: column, epilogue)
            }
        }
        from += count
    }
}

/// The same on all threads: over the rows, or over the panels where there are few rows (so that each thread reads its part of B once).
func parallelProduct(
    rows: Int, depth: Int, columns: Int, _ a: UnsafePointer<Float>, lda: Int, _ b: UnsafePointer<Float>,
    _ c: UnsafeMutablePointer<Float>, ldc: Int, _ epilogue: Epilogue = .none
) {
    let panels = (columns + 31) / 32
    if rows * columns * depth < 1 << 15 {
        packedProduct(rows: rows, depth: depth, columns: columns, a, lda: lda, b, c, ldc: ldc, epilogue)
    } else if rows >= 96 * Parallel.threads || panels < Parallel.threads {
        Parallel.ranges((rows + 11) / 12) { range in
            let from = range.lowerBound * 12, to = min(rows, range.upperBound * 12)
            packedProduct(
                rows: to - from, depth: depth, columns: columns, a + from * lda, lda: lda, b, c + from * ldc, ldc: ldc, epilogue)
        }
    } else {
        Parallel.ranges(panels) { range in
            packedProduct(rows: rows, depth: depth, columns: columns, a, lda: lda, b, c, ldc: ldc, epilogue, panels: range)
        }
    }
}
