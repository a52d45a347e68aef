import CFiles

/// The files in a zip archive, zip64 included: stored as they are, as `torch.save` and `numpy.savez` do, or deflated,
/// as other programs do. The checksums of stored files are not verified, because that would read every page of the
/// file.
struct ZipArchive {
    private struct Entry {
        /// Where its bytes lie in the archive.
        let place: Range<Int>
        let isDeflated: Bool
        let size: Int
        let checksum: UInt32
    }

    private(set) var names: [String] = []
    private var entries: [String: Entry] = [:]
    private let file: MappedFile
    private var bytes: UnsafeRawBufferPointer { file.bytes }
    private var total = 0

    init(_ file: MappedFile) throws {
        self.file = file
        let directory = try Self.findDirectory(file.bytes)
        var reader = ByteReader(file.bytes, at: directory.start)
        for _ in 0..<directory.count {
            // An entry takes 46 bytes or more, so reading a wrong count fails at the end of the archive.
            try file.budget.step()
            try readEntry(&reader)
        }
    }

    func contains(_ name: String) -> Bool { entries[name] != nil }

    /// The contents of the file `name`, which live as long as the archive's ``MappedFile``; nil where there is no such
    /// file. A deflated file is decompressed at each call.
    func contents(_ name: String) throws -> UnsafeRawBufferPointer? {
        guard let entry = entries[name] else { return nil }
        let stored = UnsafeRawBufferPointer(rebasing: bytes[entry.place])
        if !entry.isDeflated { return stored }
        // The declared size is within the budget, or nothing is allocated; the decompressor stops at that size.
        let result = try file.allocate(entry.size)
        let state = mmx_inflate(
            stored.baseAddress, stored.count, result.baseAddress?.assumingMemoryBound(to: UInt8.self), entry.size,
            entry.checksum)
        switch Int(state) {
        case MMX_INFLATE_OK: return UnsafeRawBufferPointer(result)
        case MMX_INFLATE_SIZE:
            throw FileProblem(
                "is a zip archive with the file \(name), which does not hold the \(entry.size) bytes it says")
        case MMX_INFLATE_CHECKSUM:
            throw FileProblem("is a zip archive with the file \(name), whose checksum is wrong: the archive is damaged")
        default: throw FileProblem("is a zip archive with the file \(name), whose compressed data are damaged")
        }
    }

    private static func findDirectory(_ bytes: UnsafeRawBufferPointer) throws -> (start: Int, count: Int) {
        // The end record is 22 bytes and a comment of up to 65,535.
        var position = bytes.count - 22
        let first = max(0, position - 0xFFFF)
        while position >= first,
            bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self).littleEndian != 0x0605_4B50
        {
            position -= 1
        }
        if position < first {
            throw FileProblem(
                "begins like a zip archive, but its directory at the end is missing; was the file cut short?")
        }
        var reader = ByteReader(bytes, at: position + 10)
        var count = Int(try reader.number(UInt16.self))
        var size = Int(try reader.number(UInt32.self))
        var start = Int(try reader.number(UInt32.self))
        if count == 0xFFFF || size == 0xFFFF_FFFF || start == 0xFFFF_FFFF {
            var locator = ByteReader(bytes, at: max(0, position - 20))
            if position >= 20, try locator.number(UInt32.self) == 0x0706_4B50 {
                _ = try locator.take(4)
                let end = try locator.length()
                if end > bytes.count { throw FileProblem("has a zip64 record outside the file") }
                var record = ByteReader(bytes, at: end)
                if try record.number(UInt32.self) != 0x0606_4B50 { throw FileProblem("has a broken zip64 record") }
                _ = try record.take(28)
                count = try record.length()
                size = try record.length()
                start = try record.length()
            }
        }
        if start > bytes.count || size > bytes.count - start {
            throw FileProblem("has a zip directory outside the file: \(size) bytes at \(start) of \(bytes.count)")
        }
        if count > size / 46 {
            throw FileProblem("has a zip directory of \(size) bytes, too small for the \(count) files that it lists")
        }
        return (start, count)
    }

    private mutating func readEntry(_ reader: inout ByteReader) throws {
        if try reader.number(UInt32.self) != 0x0201_4B50 { throw FileProblem("has a broken zip directory") }
        _ = try reader.take(4)
        let flags = try reader.number(UInt16.self)
        let method = try reader.number(UInt16.self)
        _ = try reader.take(4)
        let checksum = try reader.number(UInt32.self)
        var stored = Int(try reader.number(UInt32.self))
        var size = Int(try reader.number(UInt32.self))
        let nameLength = Int(try reader.number(UInt16.self))
        let extraLength = Int(try reader.number(UInt16.self))
        let commentLength = Int(try reader.number(UInt16.self))
        _ = try reader.take(8)
        var start = Int(try reader.number(UInt32.self))
        let nameBytes = try reader.take(nameLength)
        var extra = ByteReader(try reader.take(extraLength))
        _ = try reader.take(commentLength)
        guard let name = String(validating: nameBytes, as: UTF8.self) else {
            throw FileProblem("is a zip archive with a name that is not UTF-8")
        }
        // Extra fields; number 1 holds the 64-bit forms of what is all ones above, in this order.
        while extra.remaining >= 4 {
            let tag = try extra.number(UInt16.self)
            var field = ByteReader(try extra.take(Int(try extra.number(UInt16.self))))
            if tag != 1 { continue }
            if size == 0xFFFF_FFFF { size = try field.length() }
            if stored == 0xFFFF_FFFF { stored = try field.length() }
            if start == 0xFFFF_FFFF { start = try field.length() }
        }
        if flags & 1 != 0 {
            throw FileProblem("is a zip archive with the encrypted file \(name), which cannot be read")
        }
        if method != 0 && method != 8 {
            throw FileProblem(
                "is a zip archive with the file \(name), compressed by method \(method); stored and deflated files can "
                    + "be read")
        }
        if method == 0 && size != stored {
            throw FileProblem("is a zip archive with two sizes for \(name): \(size) and \(stored)")
        }

        if start > bytes.count { throw FileProblem("is a zip archive with the file \(name) outside it") }
        var local = ByteReader(bytes, at: start)
        if try local.number(UInt32.self) != 0x0403_4B50 {
            throw FileProblem("is a zip archive with a broken entry for \(name)")
        }
        _ = try local.take(22)
        let localName = Int(try local.number(UInt16.self))
        let localExtra = Int(try local.number(UInt16.self))
        _ = try local.take(localName + localExtra)
        if stored > local.remaining {
            throw FileProblem(
                "is a zip archive with the file \(name) of \(stored) bytes, of which only \(local.remaining) are there")
        }
        // Entries that share bytes would let a small archive hold a large one.
        total += stored
        if total > bytes.count { throw FileProblem("is a zip archive whose files overlap") }
        let entry = Entry(
            place: local.position..<local.position + stored, isDeflated: method == 8, size: size, checksum: checksum)
        if entries.updateValue(entry, forKey: name) != nil {
            throw FileProblem("is a zip archive with two files of the name \(name)")
        }
        names.append(name)
    }
}
