extension StorageReference {
    /// From a persistent id: ('storage', class, key, location, number of elements).
    init(_ id: PickleValue, _ heap: PickleHeap) throws {
        guard let items = heap.items(id), items.count == 5 || items.count == 6, items[0].text == "storage",
            case .global(.storage(let type)) = items[1], let key = items[2].text, let count = items[4].integer
        else { throw FileProblem("has a persistent id that describes no storage") }
        if items.count == 6, !items[5].isNone {
            throw FileProblem(
                "has the storage '\(key)' that is a view of another, as PyTorch before 0.4 wrote; save it again")
        }
        if count < 0 || count > Int.max / 16 { throw FileProblem("has the storage '\(key)' of \(count) elements") }
        self.init(key: key, type: type, count: count)
    }
}

extension TensorReference {
    /// From the arguments of `_rebuild_tensor`.
    init(_ arguments: [PickleValue], _ heap: PickleHeap) throws {
        guard arguments.count >= 4, case .storage(let index) = arguments[0], let offset = arguments[1].integer,
            let shape = heap.integers(arguments[2]), let strides = heap.integers(arguments[3]),
            shape.count == strides.count
        else { throw FileProblem("describes a tensor by something else than storage, offset, shape and strides") }
        try self.init(storage: heap.storages[index], offset: offset, shape: shape, strides: strides)
    }

    /// Checks that the view lies inside its storage. `strides` has as many items as `shape`.
    init(storage: StorageReference, offset: Int, shape: [Int], strides: [Int]) throws {
        guard let count = elementCount(shape) else {
            throw FileProblem("has a tensor of the impossible shape \(shape.prefix(65))")
        }
        var last = offset
        var overflow = offset < 0
        for (size, stride) in zip(shape, strides) where count > 0 {
            let (reach, first) = (size - 1).multipliedReportingOverflow(by: stride)
            let (next, second) = last.addingReportingOverflow(reach)
            overflow = overflow || first || second || stride < 0
            last = next
        }
        if overflow || last >= storage.count + (count == 0 ? 1 : 0) {
            throw FileProblem(
                "has a tensor that reaches outside its storage '\(storage.key)' of \(storage.count) elements: "
                    + "offset \(offset), shape \(shape), strides \(strides)")
        }
        self.init(storage: storage, offset: offset, shape: shape, strides: strides, count: count)
    }
}

/// Storages inside a pickle of PyTorch tensors that Python's own `pickle.dump` wrote: each is a small file of the older
/// format within a bytes object.
struct EmbeddedStorages {
    /// By a key that is unique in the pickle.
    private(set) var bytes: [String: UnsafeRawBufferPointer] = [:]
    /// A bytes object that is loaded again is not read again.
    private var known: [UnsafeRawPointer: StorageReference] = [:]

    mutating func storage(in bytes: UnsafeRawBufferPointer, of file: MappedFile) throws -> StorageReference {
        guard let start = bytes.baseAddress, bytes.count > 0 else {
            throw FileProblem("loads a storage from no bytes")
        }
        if let storage = known[start] { return storage }
        var reader = ByteReader(bytes)
        var unpickler = Unpickler(file)
        unpickler.embedded.isClosed = true
        if isClosed { throw FileProblem("loads a storage within a storage") }
        let contents = try TorchStream(&reader, &unpickler)
        guard case .storage(let index) = contents.root else {
            throw FileProblem("loads \(contents.root.kind) from bytes, not a storage")
        }
        let found = unpickler.heap.storages[index]
        let storage = StorageReference(key: "\(known.count)/\(found.key)", type: found.type, count: found.count)
        self.bytes[storage.key] = contents.storages[found.key]
        known[start] = storage
        return storage
    }

    private var isClosed = false
}
