extension HDF5Source {
    /// The attributes in an object's header, by their names; arrays are lists, of all axes in one. What has no meaning
    /// here (references, records) is ``PlainValue/other``.
    func attributes(_ messages: [Message]) throws -> PlainValue {
        var entries: [PlainValue.Entry] = []
        for message in messages {
            if message.type == 0x15 {
                var body = ByteReader(message.body)
                _ = try body.take(1)
                if try body.number(UInt8.self) & 1 != 0 { _ = try body.take(2) }
                if try body.address() != nil {
                    throw FileProblem(
                        "keeps attributes in HDF5's dense form, which is not read: write the file with h5py's own "
                            + "defaults (no libver=\"latest\", no track_order)")
                }
            }
            if message.type != 0x0C || message.isShared { continue }
            let (name, value) = try attribute(message.body)
            try budget.allocate(64 + name.utf8.count)
            entries.append(.init(.text(name), value))
        }
        return .dictionary(entries)
    }

    private func attribute(_ bytes: UnsafeRawBufferPointer) throws -> (String, PlainValue) {
        var reader = ByteReader(bytes)
        let version = try reader.number(UInt8.self)
        guard (1...3).contains(version) else {
            throw FileProblem("has an attribute of version \(version); versions 1 to 3 are known")
        }
        let flags = try reader.number(UInt8.self)
        let sizes = try [0, 0, 0].map { _ in Int(try reader.number(UInt16.self)) }
        if version == 3 { _ = try reader.take(1) }
        func part(_ index: Int) throws -> UnsafeRawBufferPointer {
            let bytes = try reader.take(version == 1 ? (sizes[index] + 7) / 8 * 8 : sizes[index])
            return UnsafeRawBufferPointer(rebasing: bytes[..<sizes[index]])
        }
        let nameBytes = try part(0).prefix { $0 != 0 }
        guard let name = String(validating: nameBytes, as: UTF8.self) else {
            throw FileProblem("has an attribute whose name is not UTF-8")
        }
        let type = try part(1), space = try part(2)
        // A type or a space that lies elsewhere in the file.
        if version > 1 && flags & 3 != 0 { return (name, .other) }
        let rest = try reader.take(reader.remaining)
        guard let shape = try HDF5Type.shape(space) else { return (name, .none) }
        return (name, try values(HDF5Type(type), shape, rest, name))
    }

    private func values(_ type: HDF5Type, _ shape: [Int], _ bytes: UnsafeRawBufferPointer, _ name: String) throws
        -> PlainValue
    {
        if case .other = type.kind { return .other }
        let (size, overflow) = (elementCount(shape) ?? 0).multipliedReportingOverflow(by: type.size)
        guard !overflow, size <= bytes.count else {
            throw FileProblem(
                "has the attribute '\(name)' of the shape \(shape), whose values are not there: "
                    + "it holds \(bytes.count) bytes")
        }
        let count = size / type.size
        try budget.step(count)
        let values = try (0..<count).map { index in
            try value(type, UnsafeRawBufferPointer(rebasing: bytes[index * type.size..<(index + 1) * type.size]))
        }
        return shape.isEmpty ? values.first ?? .none : .list(values)
    }

    private func value(_ type: HDF5Type, _ bytes: UnsafeRawBufferPointer) throws -> PlainValue {
        var reader = ByteReader(bytes)
        switch type.kind {
        case .real(let type):
            switch type {
            case .float64: return .real(Double(bitPattern: try reader.number(UInt64.self)))
            case .float32: return .real(Double(Float(bitPattern: try reader.number(UInt32.self))))
            default: return .real(Double(type.floats(bytes, keeper: file).pointer[0]))
            }
        case .integer(let isSigned):
            switch type.size {
            case 1: return .integer(isSigned ? Int(try reader.number(Int8.self)) : Int(try reader.number(UInt8.self)))
            case 2: return .integer(isSigned ? Int(try reader.number(Int16.self)) : Int(try reader.number(UInt16.self)))
            case 4: return .integer(isSigned ? Int(try reader.number(Int32.self)) : Int(try reader.number(UInt32.self)))
            default:
                if isSigned { return .integer(Int(try reader.number(Int64.self))) }
                return Int(exactly: try reader.number(UInt64.self)).map { .integer($0) } ?? .other
            }
        case .bool: return .bool(try reader.number(UInt8.self) != 0)
        case .text(let isPaddedWithSpaces):
            var text = bytes[...].prefix { $0 != 0 }
            while isPaddedWithSpaces, text.last == 0x20 { text.removeLast() }
            return try self.text(text)
        case .heapText:
            let count = Int(try reader.number(UInt32.self))
            let heap = try reader.length()
            let index = Int(try reader.number(UInt32.self))
            if count == 0 { return .text("") }
            let object = try heapObject(index, at: heap)
            guard count <= object.count else {
                throw FileProblem("is damaged: a text of \(count) bytes has \(object.count) bytes in its heap")
            }
            return try text(object[..<count].prefix { $0 != 0 })
        case .other: return .other
        }
    }

    private func text(_ bytes: Slice<UnsafeRawBufferPointer>) throws -> PlainValue {
        try budget.allocate(bytes.count)
        return String(validating: bytes, as: UTF8.self).map { .text($0) } ?? .other
    }
}
