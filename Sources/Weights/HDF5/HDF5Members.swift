extension HDF5Source {
    /// A member of a group: its name and the address of its object header.
    struct Member {
        let name: String
        let address: Int
    }

    /// The members of a group in the file's order, which is by name in old groups; nil where the object is no group.
    /// Soft and external links are left out.
    func members(_ messages: [Message]) throws -> [Member]? {
        var result: [Member]?
        for message in messages {
            switch message.type {
            case 0x11:
                var body = ByteReader(message.body)
                let tree = try body.length(), heap = try body.length()
                result = try (result ?? []) + oldMembers(tree: tree, heap: heap)
            case 0x02:
                result = result ?? []
                var body = ByteReader(message.body)
                _ = try body.take(1)
                let flags = try body.number(UInt8.self)
                if flags & 1 != 0 { _ = try body.take(8) }
                if try body.address() != nil {
                    throw FileProblem(
                        "keeps the members of a group in HDF5's dense form, which is not read: write the file with "
                            + "h5py's own defaults (no libver=\"latest\", no track_order)")
                }
            case 0x06:
                if let member = try link(message.body) { result = (result ?? []) + [member] }
            default: break
            }
        }
        return result
    }

    // MARK: Old groups: a tree of tables of symbols, whose names lie in a heap

    private func oldMembers(tree: Int, heap: Int) throws -> [Member] {
        var reader = try reader(at: heap, "the heap of a group's names", signature: "HEAP")
        _ = try reader.take(4)
        let size = try reader.length()
        _ = try reader.take(8)
        var data = try self.reader(at: reader.length(), "the names of a group")
        var result: [Member] = []
        try visitGroupTree(at: tree, level: nil, names: data.take(size), &result)
        return result
    }

    /// - Parameter level: what the node's level must be. Levels decrease, so no node can lie below itself.
    private func visitGroupTree(
        at address: Int, level expected: Int?, names: UnsafeRawBufferPointer, _ result: inout [Member]
    ) throws {
        var (node, level, count) = try treeNode(at: address, type: 0, level: expected)
        for _ in 0..<count {
            try budget.step()
            _ = try node.take(8)
            let child = try node.length()
            if level > 0 {
                try visitGroupTree(at: child, level: level - 1, names: names, &result)
            } else {
                try readSymbols(at: child, names: names, &result)
            }
        }
    }

    /// The head of a node of a B-tree of version 1.
    /// - Parameter type: 0 for groups, 1 for chunks.
    /// - Returns: a reader of its keys and children, its level and the number of children.
    func treeNode(at address: Int, type: UInt8, level expected: Int?) throws -> (ByteReader, level: Int, count: Int) {
        var reader = try reader(at: address, "a node of a tree", signature: "TREE")
        let found = try reader.number(UInt8.self)
        let level = Int(try reader.number(UInt8.self))
        let count = Int(try reader.number(UInt16.self))
        _ = try reader.take(16)
        guard found == type, expected.map({ $0 == level }) ?? (level <= 16) else {
            throw FileProblem("is damaged: the tree's node at byte \(address) is of another tree or level")
        }
        return (reader, level, count)
    }

    private func readSymbols(at address: Int, names: UnsafeRawBufferPointer, _ result: inout [Member]) throws {
        var reader = try reader(at: address, "a table of a group's members", signature: "SNOD")
        _ = try reader.take(2)
        for _ in 0..<(try reader.number(UInt16.self)) {
            try budget.step()
            let offset = try reader.length(), header = try reader.address()
            let kind = try reader.number(UInt32.self)
            _ = try reader.take(20)
            // A soft link.
            if kind == 2 { continue }
            guard let header, offset < names.count else {
                throw FileProblem(
                    "is damaged: a group's member has no header, or its name lies outside the group's heap")
            }
            let end = names[offset...].prefix(Self.longestName + 1).firstIndex(of: 0) ?? names.count
            result.append(Member(name: try name(names[offset..<end]), address: header))
        }
    }

    // MARK: New groups: a message a member

    /// The target of a link message; nil where it is not a hard link.
    private func link(_ bytes: UnsafeRawBufferPointer) throws -> Member? {
        var reader = ByteReader(bytes)
        let version = try reader.number(UInt8.self)
        if version != 1 { throw FileProblem("has a link of version \(version); version 1 can be read") }
        let flags = try reader.number(UInt8.self)
        let kind = flags & 8 != 0 ? try reader.number(UInt8.self) : 0
        if flags & 4 != 0 { _ = try reader.take(8) }
        if flags & 16 != 0 { _ = try reader.take(1) }
        let text = try reader.take(reader.number(bytes: 1 << Int(flags & 3)))
        if kind != 0 { return nil }
        return Member(name: try name(text[...]), address: try reader.length())
    }

    private static let longestName = 1024

    private func name(_ bytes: Slice<UnsafeRawBufferPointer>) throws -> String {
        guard !bytes.isEmpty, bytes.count <= Self.longestName else {
            throw FileProblem("has a member whose name is empty or longer than \(Self.longestName) bytes")
        }
        // Members may share a name's bytes.
        try budget.allocate(bytes.count)
        guard let text = String(validating: bytes, as: UTF8.self), !text.contains("/"), !text.contains("\0") else {
            throw FileProblem("has a member whose name is not UTF-8, or has a slash or a zero in it")
        }
        return text
    }
}
