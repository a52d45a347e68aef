import CVector

/// The accumulators of a register block, row by row, and how they are stored: whole rows, or only the first columns.

extension SIMD16 where Scalar == Float {
    /// The first `count` elements at `pointer`, then zeros.
    @inline(__always)
    init(at pointer: UnsafePointer<Float>, first count: Int) {
        if count >= 16 {
            self.init(at: pointer)
        } else if count == 8 {
            self.init(
                lowHalf: UnsafeRawPointer(pointer).loadUnaligned(as: SIMD8<Float>.self), highHalf: .zero)
        } else {
            self = .zero
            for i in 0..<count { self[i] = pointer[i] }
        }
    }

    /// Stores the first `count` elements at `pointer`.
    @inline(__always)
    func store(to pointer: UnsafeMutablePointer<Float>, first count: Int) {
        if count >= 16 { return store(to: pointer) }
        storeSome(to: pointer, first: count)
    }

    @inline(never)
    private func storeSome(to pointer: UnsafeMutablePointer<Float>, first count: Int) {
        var rest = self.lowHalf
        var at = 0
        if count >= 8 {
            UnsafeMutableRawPointer(pointer).storeBytes(of: rest, as: SIMD8<Float>.self)
            rest = highHalf
            at = 8
        }
        for i in at..<Swift.max(at, count) { pointer[i] = rest[i - at] }
    }
}

/// Rows of accumulators of a register block, `width` columns each.
protocol Accumulators {
    static var width: Int { get }
    init()
    /// Restores the sums that ``keep(at:)`` stored.
    init(kept: UnsafePointer<Float>)
    func keep(at target: UnsafeMutablePointer<Float>)
    mutating func step(_ a: UnsafePointer<Float>, _ lda: Int, _ b: UnsafePointer<Float>)
    func store(_ c: UnsafeMutablePointer<Float>, _ ldc: Int, columns: Int, rows: Int, column: Int, _ epilogue: Epilogue)
}

/// Four rows of accumulators. `One` is the type for a single row.
protocol FourRows: Accumulators { associatedtype One: Accumulators }

/// The second vector of a panel's row: sixteen columns, or eight in a last panel that needs no more. On processors
/// where a vector of sixteen takes two operations (Zen 4), eight cost half as much.
protocol Lanes {
    static var count: Int { get }
    static var zero: Self { get }
    init(at pointer: UnsafePointer<Float>)
    func store(to pointer: UnsafeMutablePointer<Float>)
    mutating func add(_ a: Float, times b: Self)
    /// The elements, followed by zeros.
    var widened: Vector { get }
    /// The first elements of `vector`.
    init(_ vector: Vector)
}

extension SIMD16: Lanes where Scalar == Float {
    static var count: Int { 16 }
    @inline(__always) mutating func add(_ a: Float, times b: Vector) { add(Vector(repeating: a), times: b) }
    @inline(__always) var widened: Vector { self }
    @inline(__always) init(_ vector: Vector) { self = vector }
}

extension SIMD8: Lanes where Scalar == Float {
    static var count: Int { 8 }

    @inline(__always) init(at pointer: UnsafePointer<Float>) {
        self = UnsafeRawPointer(pointer).loadUnaligned(as: Self.self)
    }
    @inline(__always) func store(to pointer: UnsafeMutablePointer<Float>) {
        UnsafeMutableRawPointer(pointer).storeBytes(of: self, as: Self.self)
    }
    @inline(__always) mutating func add(_ a: Float, times b: Self) {
        self = mmx_multiply_add8(Self(repeating: a), b, self)
    }
    @inline(__always) var widened: Vector { Vector(lowHalf: self, highHalf: .zero) }
    @inline(__always) init(_ vector: Vector) { self = vector.lowHalf }
}

typealias FourByThirtyTwo = FourByTwo<Vector>
typealias FourByTwentyFour = FourByTwo<SIMD8<Float>>

struct FourByTwo<Second: Lanes>: FourRows {
    typealias One = OneByTwo<Second>
    static var width: Int { 16 + Second.count }
    var a0 = Vector.zero, b0 = Vector.zero, c0 = Vector.zero, d0 = Vector.zero
    var a1 = Second.zero, b1 = Second.zero, c1 = Second.zero, d1 = Second.zero

    @inline(__always) init() {}

    @inline(__always) init(kept p: UnsafePointer<Float>) {
        (a0, b0, c0, d0) = (Vector(at: p), Vector(at: p + 16), Vector(at: p + 32), Vector(at: p + 48))
        let q = p + 64, width = Second.count
        (a1, b1) = (Second(at: q), Second(at: q + width))
        (c1, d1) = (Second(at: q + 2 &* width), Second(at: q + 3 &* width))
    }

    @inline(__always) func keep(at p: UnsafeMutablePointer<Float>) {
        a0.store(to: p)
        b0.store(to: p + 16)
        c0.store(to: p + 32)
        d0.store(to: p + 48)
        let q = p + 64, width = Second.count
        a1.store(to: q)
        b1.store(to: q + width)
        c1.store(to: q + 2 &* width)
        d1.store(to: q + 3 &* width)
    }

    @inline(__always)
    mutating func step(_ p: UnsafePointer<Float>, _ lda: Int, _ b: UnsafePointer<Float>) {
        let x = Vector(at: b)
        let y = Second(at: b + 16)
        a0.add(p[0], times: x)
        a1.add(p[0], times: y)
        b0.add(p[lda], times: x)
        b1.add(p[lda], times: y)
        c0.add(p[2 &* lda], times: x)
        c1.add(p[2 &* lda], times: y)
        d0.add(p[3 &* lda], times: x)
        d1.add(p[3 &* lda], times: y)
    }

    @inline(__always)
    func store(_ c: UnsafeMutablePointer<Float>, _ ldc: Int, columns: Int, rows: Int, column: Int, _ epilogue: Epilogue)
    {
        var sums = widened
        let low = epilogue.low
        let high = epilogue.high
        if columns == Self.width && rows == 4 {
            let c = c + column
            if let bias = epilogue.bias {
                let x = Vector(at: bias + column), y = Second(at: bias + (column &+ 16)).widened
                sums.add((x, y), (x, y), (x, y), (x, y))
            }
            if let p = epilogue.shortcut(at: c) {
                @inline(__always) func row(_ i: Int) -> (Vector, Vector) {
                    (Vector(at: p + i &* ldc), Second(at: p + (i &* ldc &+ 16)).widened)
                }
                sums.add(row(0), row(1), row(2), row(3))
            }
            sums.a0.clamped(low, high).store(to: c)
            Second(sums.a1.clamped(low, high)).store(to: c + 16)
            sums.b0.clamped(low, high).store(to: c + ldc)
            Second(sums.b1.clamped(low, high)).store(to: c + (ldc &+ 16))
            sums.c0.clamped(low, high).store(to: c + 2 &* ldc)
            Second(sums.c1.clamped(low, high)).store(to: c + (2 &* ldc &+ 16))
            sums.d0.clamped(low, high).store(to: c + 3 &* ldc)
            Second(sums.d1.clamped(low, high)).store(to: c + (3 &* ldc &+ 16))
            return
        }
        sums.storePart(c, ldc, columns: columns, rows: rows, column: column, epilogue)
    }

    /// For fewer columns than the panel has, or a single row.
    @inline(never)
    fileprivate func storePart(
        _ c: UnsafeMutablePointer<Float>, _ ldc: Int, columns: Int, rows: Int, column: Int, _ epilogue: Epilogue
    ) where Second == Vector {
        var sums = self
        let low = epilogue.low
        let high = epilogue.high
        let rest = columns - 16
        if let bias = epilogue.bias {
            let x = Vector(at: bias + column, first: columns)
            let y = Vector(at: bias + column + 16, first: max(0, rest))
            sums.add((x, y), (x, y), (x, y), (x, y))
        }
        let c = c + column
        if let p = epilogue.shortcut(at: c) {
            func row(_ i: Int) -> (Vector, Vector) {
                if i >= rows { return (.zero, .zero) }
                return (Vector(at: p + i * ldc, first: columns), Vector(at: p + i * ldc + 16, first: max(0, rest)))
            }
            sums.add(row(0), row(1), row(2), row(3))
        }
        sums.a0.clamped(low, high).store(to: c, first: columns)
        sums.a1.clamped(low, high).store(to: c + 16, first: rest)
        if rows == 1 { return }
        sums.b0.clamped(low, high).store(to: c + ldc, first: columns)
        sums.b1.clamped(low, high).store(to: c + ldc + 16, first: rest)
        sums.c0.clamped(low, high).store(to: c + 2 * ldc, first: columns)
        sums.c1.clamped(low, high).store(to: c + 2 * ldc + 16, first: rest)
        sums.d0.clamped(low, high).store(to: c + 3 * ldc, first: columns)
        sums.d1.clamped(low, high).store(to: c + 3 * ldc + 16, first: rest)
    }

    @inline(__always)
    private var widened: FourByThirtyTwo {
        var result = FourByThirtyTwo()
        (result.a0, result.b0, result.c0, result.d0) = (a0, b0, c0, d0)
        (result.a1, result.b1, result.c1, result.d1) = (a1.widened, b1.widened, c1.widened, d1.widened)
        return result
    }
}

struct OneByTwo<Second: Lanes>: Accumulators {
    static var width: Int { 16 + Second.count }
    var a0 = Vector.zero, a1 = Second.zero

    @inline(__always) init() {}

    @inline(__always) init(kept p: UnsafePointer<Float>) { (a0, a1) = (Vector(at: p), Second(at: p + 16)) }

    @inline(__always) func keep(at p: UnsafeMutablePointer<Float>) {
        a0.store(to: p)
        a1.store(to: p + 16)
    }

    @inline(__always)
    mutating func step(_ p: UnsafePointer<Float>, _ lda: Int, _ b: UnsafePointer<Float>) {
        a0.add(p[0], times: Vector(at: b))
        a1.add(p[0], times: Second(at: b + 16))
    }

    @inline(__always)
    func store(_ c: UnsafeMutablePointer<Float>, _ ldc: Int, columns: Int, rows: Int, column: Int, _ epilogue: Epilogue)
    {
        var four = FourByTwo<Second>()
        (four.a0, four.a1) = (a0, a1)
        four.store(c, ldc, columns: columns, rows: 1, column: column, epilogue)
    }
}

extension FourByTwo<Vector> {
    @inline(__always)
    fileprivate mutating func add(
        _ a: (Vector, Vector), _ b: (Vector, Vector), _ c: (Vector, Vector), _ d: (Vector, Vector)
    ) {
        a0 += a.0
        a1 += a.1
        b0 += b.0
        b1 += b.1
        c0 += c.0
        c1 += c.1
        d0 += d.0
        d1 += d.1
    }
}

struct FourBySixteen: FourRows {
    typealias One = OneBySixteen
    static var width: Int { 16 }
    var a = Vector.zero, b = Vector.zero, c = Vector.zero, d = Vector.zero

    @inline(__always) init() {}

    @inline(__always) init(kept p: UnsafePointer<Float>) {
        a = Vector(at: p)
        b = Vector(at: p + 16)
        c = Vector(at: p + 32)
        d = Vector(at: p + 48)
    }

    @inline(__always) func keep(at p: UnsafeMutablePointer<Float>) {
        a.store(to: p)
        b.store(to: p + 16)
        c.store(to: p + 32)
        d.store(to: p + 48)
    }

    @inline(__always)
    mutating func step(_ p: UnsafePointer<Float>, _ lda: Int, _ panel: UnsafePointer<Float>) {
        let x = Vector(at: panel)
        a.add(Vector(repeating: p[0]), times: x)
        b.add(Vector(repeating: p[lda]), times: x)
        c.add(Vector(repeating: p[2 &* lda]), times: x)
        d.add(Vector(repeating: p[3 &* lda]), times: x)
    }

    @inline(__always)
    func store(_ y: UnsafeMutablePointer<Float>, _ ldc: Int, columns: Int, rows: Int, column: Int, _ epilogue: Epilogue)
    {
        let x = epilogue.bias.map { Vector(at: $0 + column, first: columns) } ?? .zero
        let y = y + column
        let low = epilogue.low
        let high = epilogue.high
        var (a, b, c, d) = (self.a + x, self.b + x, self.c + x, self.d + x)
        if let p = epilogue.shortcut(at: y) {
            a += Vector(at: p, first: columns)
            if rows > 1 {
                b += Vector(at: p + ldc, first: columns)
                c += Vector(at: p + 2 * ldc, first: columns)
                d += Vector(at: p + 3 * ldc, first: columns)
            }
        }
        a.clamped(low, high).store(to: y, first: columns)
        if rows == 1 { return }
        b.clamped(low, high).store(to: y + ldc, first: columns)
        c.clamped(low, high).store(to: y + 2 * ldc, first: columns)
        d.clamped(low, high).store(to: y + 3 * ldc, first: columns)
    }
}

struct OneBySixteen: Accumulators {
    static var width: Int { 16 }
    var a = Vector.zero

    @inline(__always) init() {}
    @inline(__always) init(kept p: UnsafePointer<Float>) { a = Vector(at: p) }
    @inline(__always) func keep(at p: UnsafeMutablePointer<Float>) { a.store(to: p) }

    @inline(__always)
    mutating func step(_ p: UnsafePointer<Float>, _ lda: Int, _ panel: UnsafePointer<Float>) {
        a.add(Vector(repeating: p[0]), times: Vector(at: panel))
    }

    @inline(__always)
    func store(_ c: UnsafeMutablePointer<Float>, _ ldc: Int, columns: Int, rows: Int, column: Int, _ epilogue: Epilogue)
    {
        var four = FourBySixteen()
        four.a = a
        four.store(c, ldc, columns: columns, rows: 1, column: column, epilogue)
    }
}
