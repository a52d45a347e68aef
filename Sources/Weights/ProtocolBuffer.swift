/// The wire format of protocol buffers (https://protobuf.dev/programming-guides/encoding): the fields of one message,
/// in order.
/// Nothing is allocated for what the file claims; every length is checked against the bytes that are there.
struct ProtocolBuffer {
    enum Value {
        case integer(UInt64)
        case fixed32(UInt32)
        case fixed64(UInt64)
        /// A string, a message, or packed numbers.
        case bytes(UnsafeRawBufferPointer)
    }

    private var reader: ByteReader

    init(_ message: UnsafeRawBufferPointer) { reader = ByteReader(message) }

    /// The next field's number and value; nil at the end.
    mutating func next() throws -> (field: Int, value: Value)? {
        if reader.remaining == 0 { return nil }
        let key = try integer()
        let field = Int(truncatingIfNeeded: key >> 3)
        guard key >> 3 >= 1, key >> 3 < 1 << 29 else {
            throw FileProblem("has the impossible field number \(key >> 3)")
        }
        switch key & 7 {
        case 0: return (field, .integer(try integer()))
        case 1: return (field, .fixed64(try reader.number(UInt64.self)))
        case 2:
            guard let count = Int(exactly: try integer()) else { throw FileProblem("holds an impossible length") }
            return (field, .bytes(try reader.take(count)))
        case 5: return (field, .fixed32(try reader.number(UInt32.self)))
        default: throw FileProblem("has a field of the unknown wire type \(key & 7)")
        }
    }

    private mutating func integer() throws -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            let byte = try reader.number(UInt8.self)
            value |= UInt64(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return value }
        }
        throw FileProblem("has a number of more than ten bytes")
    }

    /// The varints that `bytes` holds, `limit` at most.
    static func integers(_ bytes: UnsafeRawBufferPointer, atMost limit: Int) throws -> [UInt64] {
        var buffer = ProtocolBuffer(bytes)
        var result: [UInt64] = []
        while buffer.reader.remaining > 0 {
            if result.count == limit { throw FileProblem("has more than \(limit) numbers in a shape") }
            result.append(try buffer.integer())
        }
        return result
    }
}
