/// The contents of a file that `torch.save` wrote: the object, and the bytes of each storage.
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

    /// A stream of pickles: `torch.save`'s older format, or one pickle of a dictionary of NumPy arrays or PyTorch
    /// tensors that Python's `pickle.dump` wrote.
    init(pickles bytes: UnsafeRawBufferPointer) throws {
        var reader = ByteReader(bytes)
        var unpickler = Unpickler()
        let first = try unpickler.load(&reader)
        if case .dictionary = first {
            if reader.remaining > 0 { throw FileProblem("is a pickle that \(reader.remaining) more bytes follow") }
            root = first
            storages = unpickler.embedded.bytes
        } else {
            let stream = try TorchStream(first: first, &reader, &unpickler)
            root = stream.root
            storages = stream.storages
        }
        heap = unpickler.heap
    }

    // MARK: Names

    private static let wrappers = ["state_dict", "model_state_dict", "model"]

    /// Every tensor and array with its name, by the rule at ``PyTorchCheckpoint``.
    func flattened() throws -> [(name: String, value: PickleValue)] {
        var result: [(name: String, value: PickleValue)] = []
        var visits = 0
        try collect(try unwrapped(), "", depth: 0, &visits, &result)
        return result
    }

    private func unwrapped() throws -> PickleValue {
        var value = root
        for _ in 0..<8 {
            guard case .dictionary(let index) = value else { break }
            let entries = heap.dictionaries[index]
            if entries.contains(where: \.value.isTensor) { break }
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

    /// Shared and circular containers are entered each time they occur, hence the two limits.
    private func collect(
        _ value: PickleValue, _ name: String, depth: Int, _ visits: inout Int,
        _ result: inout [(name: String, value: PickleValue)]
    ) throws {
        visits += 1
        if visits > 1_000_000 { throw FileProblem("has more than a million values in nested containers") }
        if depth > 16 { throw FileProblem("nests its containers more than 16 deep, at '\(name.prefix(80))'") }
        if name.utf8.count > 1024 { throw FileProblem("has a name of more than 1,024 bytes, '\(name.prefix(80))...'") }
        func inner(_ key: String) -> String { name.isEmpty ? key : "\(name).\(key)" }
        switch value {
        case .tensor, .array: result.append((name, value))
        case .dictionary(let index):
            for (key, value) in heap.dictionaries[index] {
                let key = key.text ?? key.integer.map(String.init)
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
