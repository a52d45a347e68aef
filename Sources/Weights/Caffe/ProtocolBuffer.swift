/// Reads the fields of a protocol buffer message in their order (https://protobuf.dev/programming-guides/encoding).
/// Messages within it are bytes here; nothing is allocated.
struct ProtocolBuffer {
    enum Value {
        case number(UInt64)
        /// A message, a text, packed numbers; or one number of 4 or 8 bytes, little-endian.
        case bytes(UnsafeRawBufferPointer)
    }

    private var reader: ByteReader
    private let budget: ReadingBudget
    /// What the file should be, for messages.
    private let subject: String

    init(_ bytes: UnsafeRawBufferPointer, _ budget: ReadingBudget, of subject: String = "Caffe model") {
        reader = ByteReader(bytes)
        self.budget = budget
        self.subject = subject
    }

    /// The next field and its number; nil at the end.
    mutating func next() throws -> (field: Int, value: Value)? {
        if reader.remaining == 0 { return nil }
        try budget.step()
        let key = try number()
        guard let field = Int(exactly: key >> 3), field > 0, field < 1 << 29 else { throw damaged }
        switch key & 7 {
        case 0: return (field, .number(try number()))
        case 1: return (field, .bytes(try reader.take(8)))
        case 2:
            guard let count = Int(exactly: try number()) else { throw damaged }
            return (field, .bytes(try reader.take(count)))
        case 5: return (field, .bytes(try reader.take(4)))
        default: throw damaged
        }
    }

    /// The numbers that are packed in the rest of the message.
    mutating func numbers(atMost limit: Int) throws -> [UInt64]? {
        var result: [UInt64] = []
        while reader.remaining > 0 {
            if result.count == limit { return nil }
            result.append(try number())
        }
        return result
    }

    /// Seven bits a byte, the lowest first.
    private mutating func number() throws -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            let byte = try reader.number(UInt8.self)
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        throw damaged
    }

    private var damaged: FileProblem {
        FileProblem("is damaged, or no \(subject): its protocol buffers cannot be read")
    }
}
