/// The type of the elements of a data set or an attribute, as far as Keras and h5py write them.
struct HDF5Type {
    enum Kind: Equatable {
        case real(ElementType)
        case integer(signed: Bool)
        /// h5py's booleans: an enumeration of two values.
        case bool
        /// Text in `size` bytes; spaces at its end may be padding.
        case text(isPaddedWithSpaces: Bool)
        /// Text of any length, in a global heap.
        case heapText
        /// For messages: what is not read.
        case other(String)
    }

    let kind: Kind
    /// Bytes of one element, 1 or more.
    let size: Int

    init(_ bytes: UnsafeRawBufferPointer) throws {
        var reader = ByteReader(bytes)
        let first = try reader.number(UInt8.self)
        let bits = try reader.take(3)
        size = Int(try reader.number(UInt32.self))
        if size == 0 { throw FileProblem("is damaged: it has elements of no bytes") }
        switch first & 0xF {
        case 0: kind = try Self.integer(bits[0], size, &reader)
        case 1: kind = try Self.real(bits, size, &reader)
        case 3: kind = .text(isPaddedWithSpaces: bits[0] & 0xF == 2)
        case 8:
            // An enumeration begins with the type of its values.
            let base = try reader.number(UInt8.self)
            let baseBits = try reader.take(3)
            let baseSize = Int(try reader.number(UInt32.self))
            guard base & 0xF == 0, baseSize == size else {
                kind = .other("an enumeration")
                return
            }
            let isBool = size == 1 && bits[0] == 2 && bits[1] == 0
            kind = isBool ? .bool : try Self.integer(baseBits[0], size, &reader)
        case 9: kind = bits[0] & 0xF == 1 && size == 16 ? .heapText : .other("lists of any length")
        case 2: kind = .other("times")
        case 4: kind = .other("bit fields")
        case 5: kind = .other("bytes without a meaning (opaque)")
        case 6: kind = .other("records (compound)")
        case 7: kind = .other("references")
        case 10: kind = .other("arrays")
        default: kind = .other("an unknown kind of element")
        }
    }

    private static func integer(_ bits: UInt8, _ size: Int, _ reader: inout ByteReader) throws -> Kind {
        let offset = try reader.number(UInt16.self), precision = Int(try reader.number(UInt16.self))
        if bits & 1 != 0 { return .other("big-endian integers") }
        guard [1, 2, 4, 8].contains(size), offset == 0, precision == 8 * size else {
            return .other("integers of \(precision) bits")
        }
        return .integer(signed: bits & 8 != 0)
    }

    private static func real(_ bits: UnsafeRawBufferPointer, _ size: Int, _ reader: inout ByteReader) throws -> Kind {
        if bits[0] & 0x41 != 0 { return .other("big-endian real numbers") }
        let offset = try reader.number(UInt16.self), precision = Int(try reader.number(UInt16.self))
        // Where the exponent begins and its width, the same of the mantissa.
        let layout = try reader.take(4).map { Int($0) }
        guard offset == 0, precision == 8 * size, bits[1] == precision - 1, layout[2] == 0, layout[0] == layout[3],
            layout[0] + layout[1] == precision - 1
        else { return .other("real numbers of an unknown form") }
        switch (size, layout[1]) {
        case (2, 5): return .real(.float16)
        case (2, 8): return .real(.bfloat16)
        case (4, 8): return .real(.float32)
        case (8, 11): return .real(.float64)
        default: return .other("real numbers of \(precision) bits, \(layout[1]) of them of the exponent")
        }
    }

    /// For messages.
    var name: String {
        switch kind {
        case .real(let type): type.rawValue
        case .integer: "integers"
        case .bool: "booleans"
        case .text, .heapText: "texts"
        case .other(let name): name
        }
    }

    /// The axes in a dataspace message; nil for the space that holds nothing.
    static func shape(_ bytes: UnsafeRawBufferPointer) throws -> [Int]? {
        var reader = ByteReader(bytes)
        let version = try reader.number(UInt8.self)
        let rank = Int(try reader.number(UInt8.self))
        _ = try reader.take(1)
        let kind = try reader.number(UInt8.self)
        switch version {
        case 1: _ = try reader.take(4)
        case 2: if kind == 2 { return nil }
        default: throw FileProblem("has a dataspace of version \(version); versions 1 and 2 are known")
        }
        if rank > 32 { throw FileProblem("has a data set of \(rank) axes; HDF5 allows 32") }
        var shape: [Int] = []
        for _ in 0..<rank { shape.append(try reader.length()) }
        guard elementCount(shape) != nil else {
            throw FileProblem("has a data set of the shape \(shape), which is larger than any file")
        }
        return shape
    }
}
