import CKernels

/// An IEEE 754 half-precision number, as stored in memory: 1 sign bit, 5 exponent bits, 10 mantissa bits. A float holds
/// every half exactly.
public struct Half: BitwiseCopyable, Sendable {
    /// The bits as stored.
    public var bits: UInt16
    public init(bits: UInt16) { self.bits = bits }
}

extension Half {
    /// The same number as a float, exactly.
    public var float: Float { Float(Float16(bitPattern: bits)) }

    /// Converts `count` halves to floats, exactly, on this thread.
    /// - Parameter halves: at any address.
    public static func widen(_ halves: UnsafeRawPointer, _ count: Int, into output: UnsafeMutablePointer<Float>) {
        kernels.widen(count, halves, output)
    }
}

/// The element types that kernels read from memory: floats and halves. A kernel that reads a weight only once reads
/// halves directly and computes in floats.
protocol StoredFloat: BitwiseCopyable {}

extension Float: StoredFloat {}
extension Half: StoredFloat {}

/// Converts `count` halves to floats.
func widen(_ input: UnsafePointer<Half>, _ count: Int, into output: UnsafeMutablePointer<Float>) {
    Parallel.ranges(count, grain: 1 << 15) { range in
        Half.widen(input + range.lowerBound, range.count, into: output + range.lowerBound)
    }
}
