/// What a file of `torch.save` holds: the object, and the bytes of each storage.
struct TorchContents {
    let root: PickleValue
    let heap: PickleHeap
    /// By key. Each has at least the bytes that its references need; that is checked when a tensor is made.
    let storages: [String: UnsafeRawBufferPointer]

    /// The zip archive: `NAME/data.pkl`, `NAME/byteorder`, and `NAME/data/KEY` for each storage.
    init(archive bytes: UnsafeRawBufferPointer) throws {
        let archive = try ZipArchive(bytes)
        let pickles = archive.names.filter { $0.hasSuffix("/data.pkl") }
        guard pickles.count == 1, let pickle = archive[pickles[0]] else {
            throw FileProblem(
                "is a zip archive, but torch.save did not write it: it has \(pickles.count) files data.pkl, not 1")
        }
        let folder = String(pickles[0].dropLast("data.pkl".count))
        if archive["\(folder)constants.pkl"] != nil {
            throw FileProblem("is a TorchScript program, not a state dictionary; save the model's state_dict()")
        }
        if let order = archive["\(folder)byteorder"], !order.elementsEqual("little".utf8) {
            throw FileProblem("was written on a big-endian machine, which is not supported")
        }
        var unpickler = Unpickler()
        var reader = ByteReader(pickle)
        root = try unpickler.load(&reader)
        heap = unpickler.heap
        let prefix = "\(folder)data/"
        var storages: [String: UnsafeRawBufferPointer] = [:]
        for name in archive.names where name.hasPrefix(prefix) {
            storages[String(name.dropFirst(prefix.count))] = archive[name]
        }
        self.storages = storages
    }

    /// The older stream: pickles of a magic number, a protocol number, facts about the machine, the object and the
    /// list of the storages' keys; then, for each key, the number of elements (64 bits) and the elements.
    init(legacy bytes: UnsafeRawBufferPointer) throws {
        var reader = ByteReader(bytes)
        var unpickler = Unpickler()
        let magic: [UInt8] = [0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]
        guard case .bigInteger(magic) = try unpickler.load(&reader) else {
            throw FileProblem("is a pickle, but not one that torch.save wrote")
        }
        guard try unpickler.load(&reader).integer == 1001 else {
            throw FileProblem("is of another version than 1001 of torch.save's older format")
        }
        if case .dictionary(let facts) = try unpickler.load(&reader),
            unpickler.heap.dictionaries[facts].contains(where: {
                if $0.key.text == "little_endian", case .bool(false) = $0.value { true } else { false }
            })
        {
            throw FileProblem("was written on a big-endian machine, which is not supported")
        }
        let object = try unpickler.load(&reader)
        let types = unpickler.storageTypes
        let list = try unpickler.load(&reader)
        guard let keys = unpickler.heap.items(list) else { throw FileProblem("lacks the list of its storages") }
        var storages: [String: UnsafeRawBufferPointer] = [:]
        for key in keys {
            guard let key = key.text, let type = types[key] else {
                throw FileProblem("lists a storage that none of its tensors uses")
            }
            let count = try reader.length()
            let (size, overflow) = count.multipliedReportingOverflow(by: type.size)
            if overflow || size > reader.remaining {
                throw FileProblem(
                    "has the storage '\(key)' of \(count) elements of \(type.rawValue), "
                        + "but only \(reader.remaining) bytes follow; was the file cut short?")
            }
            if storages.updateValue(try reader.take(size), forKey: key) != nil {
                throw FileProblem("has the storage '\(key)' twice")
            }
        }
        root = object
        heap = unpickler.heap
        self.storages = storages
    }

    // MARK: Names

    private static let wrappers = ["state_dict", "model_state_dict", "model"]

    /// Every tensor with its name, by the rule at ``PyTorchCheckpoint``.
    func flattened() throws -> [(name: String, tensor: TensorReference)] {
        var result: [(name: String, tensor: TensorReference)] = []
        var visits = 0
        try collect(try unwrapped(), "", depth: 0, &visits, &result)
        return result
    }

    private func unwrapped() throws -> PickleValue {
        var value = root
        for _ in 0..<8 {
            guard case .dictionary(let index) = value else { break }
            let entries = heap.dictionaries[index]
            if entries.contains(where: { if case .tensor = $0.value { true } else { false } }) { break }
            let inner = Self.wrappers.lazy.compactMap { wrapper in
                entries.first { if $0.key.text == wrapper, case .dictionary = $0.value { true } else { false } }
            }.first
            guard let inner else { break }
            value = inner.value
        }
        guard case .dictionary = value else {
            throw FileProblem("holds \(value.kind), not a dictionary of tensors; save the model's state_dict()")
        }
        return value
    }

    /// Shared and circular containers are entered each time they are met, hence the two limits.
    private func collect(
        _ value: PickleValue, _ name: String, depth: Int, _ visits: inout Int,
        _ result: inout [(name: String, tensor: TensorReference)]
    ) throws {
        visits += 1
        if visits > 1_000_000 { throw FileProblem("has more than a million values in nested containers") }
        if depth > 16 { throw FileProblem("nests its containers more than 16 deep, at '\(name.prefix(80))'") }
        func inner(_ key: String) -> String { name.isEmpty ? key : "\(name).\(key)" }
        switch value {
        case .tensor(let tensor): result.append((name, tensor))
        case .dictionary(let index):
            for (key, value) in heap.dictionaries[index] {
                let key = key.text ?? key.integer.map { String($0) }
                if let key { try collect(value, inner(key), depth: depth + 1, &visits, &result) }
            }
        case .list, .tuple:
            for (position, item) in (heap.items(value) ?? []).enumerated() {
                try collect(item, inner(String(position)), depth: depth + 1, &visits, &result)
            }
        default: break
        }
    }
}
