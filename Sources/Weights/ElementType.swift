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

    /// The elements in `bytes` as floats. Aligned F32 and F16 borrow the memory, which `keeper` keeps alive; F16 and
    /// BF16 are widened exactly (F16 when its floats are first asked for), F64 is rounded to the nearest float.
    func floats(_ bytes: UnsafeRawBufferPointer, keeper: AnyObject) -> Storage {
        precondition(isReadable && bytes.count % size == 0)
        let count = bytes.count / size
        guard count > 0, let input = bytes.baseAddress else { return Storage(count: 0) }
        if self == .float32 && Int(bitPattern: input) % MemoryLayout<Float>.alignment == 0 {
            let pointer = UnsafeMutableRawPointer(mutating: input).assumingMemoryBound(to: Float.self)
            return Storage(borrowing: pointer, count: count, keeper: keeper)
        }
        if self == .float16 && Int(bitPattern: input) % MemoryLayout<Half>.alignment == 0 {
            return Storage(borrowing: input.assumingMemoryBound(to: Half.self), count: count, keeper: keeper)
        }
        let storage = Storage(count: count)
        let output = storage.pointer
        Parallel.ranges(count, grain: 1 << 15) { range in
            switch self {
            case .float32:
                UnsafeMutableRawPointer(output + range.lowerBound)
                    .copyMemory(from: input + 4 * range.lowerBound, byteCount: 4 * range.count)
            case .float16:
                Half.widen(input + 2 * range.lowerBound, range.count, into: output + range.lowerBound)
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
