import CVector

/// An IEEE 754 half-precision number, as stored in memory: 1 sign bit, 5 exponent bits, 10 mantissa bits. A float holds
/// every half exactly.
public struct Half: BitwiseCopyable, Sendable {
    /// The bits as stored.
    public var bits: UInt16
    public init(bits: UInt16) { self.bits = bits }
}

extension Half {
    /// The same number as a float, exactly.
    @inline(__always) public var float: Float { mmx_widened(SIMD16<UInt16>(repeating: bits))[0] }
}

/// The element types that kernels read from memory: floats and halves. A kernel that reads a weight only once reads
/// halves directly and computes in floats.
protocol StoredFloat: BitwiseCopyable {}

extension Float: StoredFloat {}
extension Half: StoredFloat {}

/// Converts `count` halves to floats.
func widen(_ input: UnsafePointer<Half>, _ count: Int, into output: UnsafeMutablePointer<Float>) {
    input.withMemoryRebound(to: UInt16.self, capacity: count) { bits in
        Parallel.ranges(count, grain: 1 << 15) { range in
            kernels.widen(range.count, bits + range.lowerBound, output + range.lowerBound)
        }
    }
}
