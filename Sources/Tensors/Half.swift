import CVector

/// An IEEE 754 half-precision number, as stored in memory: 1 sign bit, 5 exponent bits, 10 mantissa bits. A float holds
/// every half exactly.
public struct Half: BitwiseCopyable, Sendable {
    /// The bits as stored.
    public var bits: UInt16
    public init(bits: UInt16) { self.bits = bits }
}

/// The element types that kernels read from memory: floats and halves. A kernel that reads a weight only once reads
/// halves directly and computes in floats.
protocol StoredFloat: BitwiseCopyable {
    static func vector(at pointer: UnsafePointer<Self>) -> Vector
    var float: Float { get }
}

extension StoredFloat {
    /// The first `count` elements, then zeros.
    @inline(__always)
    static func vector(at pointer: UnsafePointer<Self>, first count: Int) -> Vector {
        if count >= 16 { return vector(at: pointer) }
        var result = Vector.zero
        for i in 0..<count { result[i] = pointer[i].float }
        return result
    }
}

extension Float: StoredFloat {
    @inline(__always) static func vector(at pointer: UnsafePointer<Float>) -> Vector { Vector(at: pointer) }
    @inline(__always) var float: Float { self }
}

extension Half: StoredFloat {
    @inline(__always)
    static func vector(at pointer: UnsafePointer<Half>) -> Vector {
        mmx_widened(UnsafeRawPointer(pointer).loadUnaligned(as: SIMD16<UInt16>.self))
    }

    /// The same number as a float, exactly.
    @inline(__always) public var float: Float { mmx_widened(SIMD16<UInt16>(repeating: bits))[0] }
}

/// Converts `count` halves to floats.
func widen(_ input: UnsafePointer<Half>, _ count: Int, into output: UnsafeMutablePointer<Float>) {
    Parallel.ranges(count, grain: 1 << 15) { range in
        var i = range.lowerBound
        while i &+ 16 <= range.upperBound {
            Half.vector(at: input + i).store(to: output + i)
            i &+= 16
        }
        while i < range.upperBound {
            output[i] = input[i].float
            i &+= 1
        }
    }
}
