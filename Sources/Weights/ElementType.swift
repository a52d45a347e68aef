import Tensors

/// The types of elements in files, under the names that safetensors gives them.
enum ElementType: String {
    case float64 = "F64"
    case float32 = "F32"
    case float16 = "F16"
    case bfloat16 = "BF16"
    case int64 = "I64"
    case int32 = "I32"
    case int16 = "I16"
    case int8 = "I8"
    case uint64 = "U64"
    case uint32 = "U32"
    case uint16 = "U16"
    case uint8 = "U8"
    case bool = "BOOL"
    case float8e4m3 = "F8_E4M3"
    case float8e5m2 = "F8_E5M2"
    case complex64 = "C64"
    case complex128 = "C128"

    /// Bytes of one element.
    var size: Int {
        switch self {
        case .complex128: 16
        case .float64, .int64, .uint64, .complex64: 8
        case .float32, .int32, .uint32: 4
        case .float16, .bfloat16, .int16, .uint16: 2
        case .int8, .uint8, .bool, .float8e4m3, .float8e5m2: 1
        }
    }

    /// True for the types that become tensors.
    var isReadable: Bool {
        switch self {
        case .float64, .float32, .float16, .bfloat16: true
        default: false
        }
    }

    /// The elements in `bytes` as floats. F32 that is aligned borrows the memory, which `keeper` keeps; the narrower
    /// types are widened exactly, F64 is rounded to the nearest float.
    func floats(_ bytes: UnsafeRawBufferPointer, keeper: AnyObject) -> Storage {
        precondition(isReadable && bytes.count % size == 0)
        let count = bytes.count / size
        guard count > 0, let input = bytes.baseAddress else { return Storage(count: 0) }
        if self == .float32 && Int(bitPattern: input) % MemoryLayout<Float>.alignment == 0 {
            let pointer = UnsafeMutableRawPointer(mutating: input).assumingMemoryBound(to: Float.self)
            return Storage(borrowing: pointer, count: count, keeper: keeper)
        }
        let storage = Storage(count: count)
        let output = storage.pointer
        Parallel.ranges(count, grain: 1 << 15) { range in
            switch self {
            case .float32:
                UnsafeMutableRawPointer(output + range.lowerBound)
                    .copyMemory(from: input + 4 * range.lowerBound, byteCount: 4 * range.count)
            case .float16:
                for i in range { output[i] = widened(input.loadUnaligned(fromByteOffset: 2 * i, as: UInt16.self)) }
            case .bfloat16:
                for i in range {
                    let bits = input.loadUnaligned(fromByteOffset: 2 * i, as: UInt16.self)
                    output[i] = Float(bitPattern: UInt32(bits) << 16)
                }
            default:
                for i in range { output[i] = Float(input.loadUnaligned(fromByteOffset: 8 * i, as: Double.self)) }
            }
        }
        withExtendedLifetime(storage) {}
        return storage
    }
}

/// A half's value. Integer arithmetic and two selections, which the compiler turns into vectors on any machine;
/// without F16C, `Float(Float16)` would be a call for each element.
@inline(__always) private func widened(_ half: UInt16) -> Float {
    let sign = UInt32(half & 0x8000) << 16
    let magnitude = UInt32(half & 0x7FFF) << 13
    // The exponent's bias: 127 - 15 = 112; infinities and NaN need as much again.
    let normal = magnitude &+ (112 << 23)
    let special = magnitude &+ (224 << 23)
    // A subnormal half is m * 2^-24: with 2^-14 put before it, the subtraction is exact.
    let subnormal = (Float(bitPattern: magnitude &+ (113 << 23)) - Float(bitPattern: 113 << 23)).bitPattern
    let bits = magnitude >= (31 << 23) ? special : magnitude < (1 << 23) ? subnormal : normal
    return Float(bitPattern: bits | sign)
}
