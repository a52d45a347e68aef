/// The contents of a file that `torch.save` wrote: the object, and the bytes of each storage.
struct TorchContents {
    let root: PickleValue
    let heap: PickleHeap
    let file: MappedFile
    /// The bytes of the storage of a key; nil where it is missing. They have at least the bytes that its references
    /// need; that is checked when a tensor is made.
    let storage: (String) throws -> UnsafeRawBufferPointer?

    init(_ file: MappedFile) throws {
        switch file.bytes[0] {
        case UInt8(ascii: "P"): try self.init(archive: file)
        case _ where Self.looksLikePickle(file.bytes): try self.init(pickles: file)
        default:
            throw FileProblem("is neither a zip archive nor a stream of pickles: torch.save did not write it")
        }
    }

    /// True where the file begins as a pickle does. Only protocols 2 and above begin with their number; the others
    /// begin with the dictionary or the list that they hold.
    static func looksLikePickle(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes[0] == Opcode.proto.rawValue
            || ["}q", "}(", "(dp", "(d.", "]q", "(lp", "ccollections\n", "ccopy", "cnumpy", "ctorch"].contains {
                bytes.starts(with: $0.utf8)
            }
    }

    /// The zip archive: `NAME/data.pkl`, `NAME/byteorder`, and `NAME/data/KEY` for each storage.
    private init(archive file: MappedFile) throws {
        let archive = try ZipArchive(file)
        let pickles = archive.names.filter { $0.hasSuffix("/data.pkl") }
        guard pickles.count == 1 else {
            throw FileProblem(
                "is a zip archive, but neither torch.save nor numpy.savez wrote it: "
                    + "it has \(pickles.count) files data.pkl, not 1")
        }
        let folder = String(pickles[0].dropLast("data.pkl".count))
        if archive.contains("\(folder)constants.pkl") {
            throw FileProblem(
                "is a TorchScript program, not a state dictionary; save its weights alone: "
                    + "torch.save(torch.jit.load(FILE).state_dict(), NEW_FILE)")
        }
        if let order = try archive.contents("\(folder)byteorder"), !order.elementsEqual("little".utf8) {
            throw FileProblem("was written on a big-endian machine, which is not supported")
        }
        guard let pickle = try archive.contents(pickles[0]) else { throw FileProblem("lacks its data.pkl") }
        var unpickler = Unpickler(file)
        var reader = ByteReader(pickle)
        root = try unpickler.load(&reader)
        heap = unpickler.heap
        storage = { try archive.contents("\(folder)data/\($0)") }
        self.file = file
    }

    /// A stream of pickles: `torch.save`'s older format, or one pickle of a dictionary of NumPy arrays or PyTorch
    /// tensors that Python's `pickle.dump` wrote.
    init(pickles file: MappedFile) throws {
        var reader = ByteReader(file.bytes)
        var unpickler = Unpickler(file)
        let first = try unpickler.load(&reader)
        let storages: [String: UnsafeRawBufferPointer]
        if case .bigInteger = first {
            let stream = try TorchStream(first: first, &reader, &unpickler)
            root = stream.root
            storages = stream.storages
        } else {
            if reader.remaining > 0 { throw FileProblem("is a pickle that \(reader.remaining) more bytes follow") }
            root = first
            storages = unpickler.embedded.bytes
        }
        heap = unpickler.heap
        storage = { storages[$0] }
        self.file = file
    }

    // MARK: Names

    /// A tensor or an array of the file. Its name joins the keys of dictionaries and the positions in lists with dots.
    struct Item {
        let name: String
        let value: PickleValue
        let type: String
        let shape: [Int]
        let isReadable: Bool
    }

    /// Every tensor and array, and the dictionaries that they are in.
    struct Items {
        var tensors: [Item] = []
        var dictionaries: [TensorDictionary] = []
    }

    /// The dictionaries of a module (`torch.nn.Module`) whose entries are the module's own: they have no part in names.
    static let moduleDictionaries: Set = ["_parameters", "_buffers", "_modules"]

    func items() throws -> Items {
        switch root {
        case .dictionary, .object: break
        default: throw FileProblem("holds \(root.kind), not a dictionary of tensors; save the model's state_dict()")
        }
        var items = Items()
        try collect(root, "", depth: 0, parent: nil, &items)
        return items
    }

    /// Shared and circular containers are entered each time they occur, hence the budget and the limit on the depth.
    private func collect(_ value: PickleValue, _ name: String, depth: Int, parent: Int?, _ items: inout Items) throws {
        if depth > 16 { throw FileProblem("nests its containers more than 16 deep, at '\(name.prefix(80))'") }
        if name.utf8.count > 1024 { throw FileProblem("has a name of more than 1,024 bytes, '\(name.prefix(80))...'") }
        func enter(_ key: @autoclosure () -> String?, _ value: PickleValue, _ parent: Int?) throws {
            try file.budget.step()
            switch value {
            case .tensor, .array, .dictionary, .list, .tuple, .object:
                guard let key = key() else { return }
                // The name, and the record of the tensor.
                try file.budget.allocate(name.utf8.count + key.utf8.count + 256)
                try collect(value, name.isEmpty ? key : "\(name).\(key)", depth: depth + 1, parent: parent, &items)
            default: break
            }
        }
        switch value {
        case .tensor(let index):
            let tensor = heap.tensors[index]
            add(
                Item(
                    name: name, value: value, type: tensor.storage.type.rawValue, shape: tensor.shape,
                    isReadable: tensor.storage.type.isReadable))
        case .array(let index):
            let array = heap.arrays[index]
            add(
                Item(
                    name: name, value: value, type: array?.type.rawValue ?? "object", shape: array?.shape ?? [],
                    isReadable: array?.type.isReadable ?? false))
        case .dictionary(let index):
            let place = items.dictionaries.count
            items.dictionaries.append(TensorDictionary(prefix: name.isEmpty ? "" : name + ".", parent: parent))
            for (key, value) in heap.dictionaries[index] {
                try enter(key.text ?? key.integer.map(String.init), value, place)
            }
        case .object(let index):
            let place = items.dictionaries.count
            items.dictionaries.append(TensorDictionary(prefix: name.isEmpty ? "" : name + ".", parent: parent))
            for (key, value) in heap.fields(ofObject: index) {
                guard let key = key.text ?? key.integer.map(String.init) else { continue }
                if Self.moduleDictionaries.contains(key), case .dictionary(let own) = value {
                    for (key, value) in heap.dictionaries[own] { try enter(key.text, value, place) }
                } else {
                    try enter(key, value, place)
                }
            }
        case .list, .tuple:
            for (position, item) in (heap.items(value) ?? []).enumerated() { try enter(String(position), item, parent) }
        default: break
        }
        func add(_ item: Item) {
            items.tensors.append(item)
            var dictionary = item.isReadable ? parent : nil
            while let index = dictionary {
                items.dictionaries[index].tensors += 1
                dictionary = items.dictionaries[index].parent
            }
        }
    }
}
