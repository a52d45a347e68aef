/// A table of keys and values in the form of LevelDB's files (sorted string tables), which TensorFlow's `.index` files
/// have. At the file's end, a footer of 48 bytes says where the index block lies; each of its values is the place of a
/// block of entries. A key is written as the number of bytes that it shares with the key before it, and the others.
/// The checksums of the blocks are not compared.
struct SortedTable {
    static let magic: UInt64 = 0xDB47_7524_8B80_FB57
    private static let footer = 48
    /// The longest key. A name of a variable has some dozens of bytes.
    private static let longestKey = 1024

    private let bytes: UnsafeRawBufferPointer
    private let budget: ReadingBudget

    init(_ file: MappedFile) throws {
        bytes = file.bytes
        budget = file.budget
        if !Self.looksLike(bytes) {
            throw FileProblem(
                "does not end as a TensorFlow checkpoint's index does; was it cut short, or is it another file?")
        }
    }

    /// True where the file ends as such a table does.
    static func looksLike(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.count >= footer
            && UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: bytes.count - 8, as: UInt64.self)) == magic
    }

    /// Calls `body` with every key and value, in the order of the file.
    func read(_ body: ([UInt8], UnsafeRawBufferPointer) throws -> Void) throws {
        var footer = ByteReader(bytes, at: bytes.count - Self.footer)
        // The place of the block about blocks, which has nothing of use.
        _ = try place(&footer)
        try entries(of: try place(&footer)) { _, value in
            var reader = ByteReader(value)
            try entries(of: try place(&reader), body)
        }
    }

    private struct Place {
        let offset: Int
        let size: Int
    }

    private func place(_ reader: inout ByteReader) throws -> Place {
        Place(offset: try reader.packedLength(), size: try reader.packedLength())
    }

    private func entries(of place: Place, _ body: ([UInt8], UnsafeRawBufferPointer) throws -> Void) throws {
        // One byte for the compression and four of checksum follow a block.
        let (end, overflow) = place.offset.addingReportingOverflow(place.size)
        guard !overflow, place.size >= 4, end <= bytes.count - 5 else {
            throw FileProblem(
                "has a block of \(place.size) bytes at byte \(place.offset), which does not lie within the file")
        }
        if bytes[end] != 0 {
            throw FileProblem(
                "has a block that is compressed (kind \(bytes[end])), which TensorFlow's Saver does not write; "
                    + "save the checkpoint again with tf.train.Saver")
        }
        // At the end of a block: the places of keys that are written in full, and the number of these places.
        let count = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: end - 4, as: UInt32.self))
        let (size, tooMany) = (Int(count) + 1).multipliedReportingOverflow(by: 4)
        guard !tooMany, size <= place.size else {
            throw FileProblem("has a block of \(place.size) bytes with \(count) places of keys, too many for it")
        }
        var reader = ByteReader(UnsafeRawBufferPointer(rebasing: bytes[place.offset..<end - size]))
        var key: [UInt8] = []
        while reader.remaining > 0 {
            try budget.step()
            let shared = try reader.packedLength()
            let others = try reader.packedLength()
            let length = try reader.packedLength()
            let rest = try reader.take(others)
            guard shared <= key.count, shared + others <= Self.longestKey else {
                throw FileProblem(
                    "has a key of \(shared) bytes of the one before it and \(others) of its own, "
                        + "at byte \(place.offset + reader.position)")
            }
            key.removeLast(key.count - shared)
            key.append(contentsOf: rest)
            try body(key, try reader.take(length))
        }
    }
}

extension ByteReader {
    /// A length of seven bits a byte, the lowest first.
    fileprivate mutating func packedLength() throws -> Int {
        let start = position
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 63, by: 7) {
            let byte = try number(UInt8.self)
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return Int(value) }
        }
        throw FileProblem("holds an impossible length at byte \(start)")
    }
}
