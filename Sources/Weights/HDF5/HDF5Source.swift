/// The bytes of an HDF5 file, and the parts that its readers share: object headers and global heaps. The format is that
/// of the HDF Group's "HDF5 File Format Specification", versions 1 to 3. Checksums are not verified.
final class HDF5Source {
    let bytes: UnsafeRawBufferPointer
    /// Keeps `bytes` in memory, and counts the work.
    let file: MappedFile
    var budget: ReadingBudget { file.budget }
    /// The objects of the global heaps that were read, by the heaps' addresses and the objects' numbers.
    private var heaps: [Int: [Int: UnsafeRawBufferPointer]] = [:]

    init(_ bytes: UnsafeRawBufferPointer, _ file: MappedFile) {
        self.bytes = bytes
        self.file = file
    }

    /// A reader that begins at `address`, where the file has `what`.
    func reader(at address: Int, _ what: String) throws -> ByteReader {
        guard address >= 0, address < bytes.count else {
            throw FileProblem("has \(what) at byte \(address), outside the \(bytes.count) bytes")
        }
        return ByteReader(bytes, at: address)
    }

    /// The same behind a signature of four letters.
    func reader(at address: Int, _ what: String, signature: String) throws -> ByteReader {
        var reader = try reader(at: address, what)
        guard reader.remaining >= 4, try reader.take(4).elementsEqual(signature.utf8) else {
            throw FileProblem("is damaged: \(what) is expected at byte \(address), but does not begin there")
        }
        return reader
    }

    // MARK: Object headers

    /// One message of an object header: a property of a group or a data set.
    struct Message {
        let type: UInt16
        let isShared: Bool
        let body: UnsafeRawBufferPointer
    }

    /// The messages of the object header at `address`, its continuation blocks included. The number of messages that a
    /// header states is not needed: its blocks have lengths.
    func messages(at address: Int) throws -> [Message] {
        var reader = try reader(at: address, "an object header")
        var blocks: [UnsafeRawBufferPointer] = []
        var isNew = false, hasOrder = false
        if try reader.remaining >= 4 && ByteReader(bytes, at: address).peek(4).elementsEqual("OHDR".utf8) {
            isNew = true
            _ = try reader.take(4)
            let version = try reader.number(UInt8.self)
            if version != 2 { throw Self.headerVersion(version, address) }
            let flags = try reader.number(UInt8.self)
            if flags & 0x20 != 0 { _ = try reader.take(16) }
            if flags & 0x10 != 0 { _ = try reader.take(4) }
            hasOrder = flags & 4 != 0
            blocks.append(try reader.take(reader.number(bytes: 1 << Int(flags & 3))))
        } else {
            let version = try reader.number(UInt8.self)
            if version != 1 { throw Self.headerVersion(version, address) }
            _ = try reader.take(7)
            let size = Int(try reader.number(UInt32.self))
            _ = try reader.take(4)
            blocks.append(try reader.take(size))
        }
        var result: [Message] = []
        var seen: Set<Int> = []
        var next = 0
        while next < blocks.count {
            var block = ByteReader(blocks[next])
            next += 1
            while block.remaining >= (isNew ? (hasOrder ? 6 : 4) : 8) {
                try budget.step()
                let type = isNew ? UInt16(try block.number(UInt8.self)) : try block.number(UInt16.self)
                let size = Int(try block.number(UInt16.self))
                let flags = try block.number(UInt8.self)
                _ = try block.take(isNew ? (hasOrder ? 2 : 0) : 3)
                let body = try block.take(size)
                if type != 0x10 {
                    result.append(Message(type: type, isShared: flags & 2 != 0, body: body))
                    continue
                }
                var continuation = ByteReader(body)
                let start = try continuation.length(), length = try continuation.length()
                guard seen.insert(start).inserted, seen.count <= 1024 else {
                    throw FileProblem("is damaged: the object header at byte \(address) continues in itself")
                }
                if isNew {
                    if length < 8 { throw FileProblem("is damaged: a block of an object header has \(length) bytes") }
                    var part = try self.reader(at: start, "a block of an object header", signature: "OCHK")
                    blocks.append(try part.take(length - 8))
                } else {
                    var part = try self.reader(at: start, "a block of an object header")
                    blocks.append(try part.take(length))
                }
            }
        }
        return result
    }

    private static func headerVersion(_ version: UInt8, _ address: Int) -> FileProblem {
        FileProblem(
            "has an object header of version \(version) at byte \(address); versions 1 and 2 are known: it is damaged, "
                + "or of a newer form of HDF5")
    }

    // MARK: Global heaps

    /// Object `index` of the global heap at `address`: the text of an attribute, say.
    func heapObject(_ index: Int, at address: Int) throws -> UnsafeRawBufferPointer {
        if heaps[address] == nil { heaps[address] = try readHeap(at: address) }
        guard let object = heaps[address]?[index] else {
            throw FileProblem("is damaged: the heap at byte \(address) has no object \(index)")
        }
        return object
    }

    private func readHeap(at address: Int) throws -> [Int: UnsafeRawBufferPointer] {
        var reader = try reader(at: address, "a global heap", signature: "GCOL")
        _ = try reader.take(4)
        let size = try reader.length()
        guard size >= 16 else { throw FileProblem("is damaged: the heap at byte \(address) has \(size) bytes") }
        var objects = ByteReader(try reader.take(size - 16))
        var result: [Int: UnsafeRawBufferPointer] = [:]
        while objects.remaining >= 16 {
            try budget.step()
            let index = Int(try objects.number(UInt16.self))
            // The rest is free.
            if index == 0 { break }
            _ = try objects.take(6)
            let size = try objects.length()
            result[index] = try objects.take(size)
            _ = try objects.take(min(objects.remaining, (8 - size % 8) % 8))
        }
        return result
    }
}

extension ByteReader {
    /// The next bytes, without taking them.
    func peek(_ count: Int) throws -> UnsafeRawBufferPointer {
        var copy = self
        return try copy.take(count)
    }

    /// A 64-bit address; nil where it is "undefined": all ones.
    mutating func address() throws -> Int? {
        if try peek(8).allSatisfy({ $0 == 0xFF }) {
            _ = try take(8)
            return nil
        }
        return try length()
    }

    /// A number of 1, 2, 4 or 8 bytes.
    mutating func number(bytes: Int) throws -> Int {
        switch bytes {
        case 1: Int(try number(UInt8.self))
        case 2: Int(try number(UInt16.self))
        case 4: Int(try number(UInt32.self))
        default: try length()
        }
    }
}
