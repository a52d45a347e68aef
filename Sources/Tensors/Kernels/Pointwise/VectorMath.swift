import CVector

/// Sixteen floats: one AVX-512 register, two of AVX2.
public typealias Vector = SIMD16<Float>

extension Vector {
    @inlinable @inline(__always)
    init(at pointer: UnsafePointer<Float>) {
        self = UnsafeRawPointer(pointer).loadUnaligned(as: Vector.self)
    }

    @inlinable @inline(__always)
    func store(to pointer: UnsafeMutablePointer<Float>) {
        UnsafeMutableRawPointer(pointer).storeBytes(of: self, as: Vector.self)
    }

    /// self + a * b, as one operation (see CVector.h).
    @inline(__always)
    mutating func add(_ a: Vector, times b: Vector) { self = mmx_multiply_add(a, b, self) }

    /// self + a * b, as one operation.
    @inline(__always)
    func adding(_ a: Vector, times b: Float) -> Vector { mmx_multiply_add(a, Vector(repeating: b), self) }

    /// The sum of the elements: the upper half is added to the lower half, and so on. The standard library's `sum()` is
    /// a chain of fifteen additions.
    @inline(__always)
    var total: Float {
        let eight = lowHalf + highHalf, four = eight.lowHalf + eight.highHalf, two = four.lowHalf + four.highHalf
        return two[0] + two[1]
    }

    /// The larger of self and other, element by element. NaN counts as larger, as in PyTorch, so that it is not hidden.
    @inline(__always)
    func orLarger(_ other: Vector) -> Vector { mmx_if_larger_or_nan(other, self, other, self) }

    @inlinable @inline(__always)
    func clamped(_ low: Float, _ high: Float) -> Vector {
        let low = Vector(repeating: low), high = Vector(repeating: high)
        let atLeast = mmx_if_less(self, low, low, self)
        return mmx_if_less(high, atLeast, high, atLeast)
    }
}

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

/// Calls `body` for each whole vector of `0..<count`, and once more with a padded copy of the rest.
@inlinable @inline(__always)
func mapVectors(
    _ count: Int, _ input: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>, _ body: (Vector) -> Vector
) {
    var i = 0
    while i + 16 <= count {
        body(Vector(at: input + i)).store(to: output + i)
        i += 16
    }
    if i < count {
        var rest = Vector.zero
        for j in i..<count { rest[j - i] = input[j] }
        rest = body(rest)
        for j in i..<count { output[j] = rest[j - i] }
    }
}

/// The same for two inputs.
@inlinable @inline(__always)
func mapVectors2(
    _ count: Int, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>,
    _ body: (Vector, Vector) -> Vector
) {
    var i = 0
    while i + 16 <= count {
        body(Vector(at: a + i), Vector(at: b + i)).store(to: output + i)
        i += 16
    }
    if i < count {
        var restA = Vector.zero, restB = Vector.zero
        for j in i..<count {
            restA[j - i] = a[j]
            restB[j - i] = b[j]
        }
        let rest = body(restA, restB)
        for j in i..<count { output[j] = rest[j - i] }
    }
}
