/// `torch.save`'s older format: pickles of a magic number, a protocol number, facts about the machine, the object and
/// the list of the storages' keys; then, for each key, the number of elements (64 bits) and the elements.
struct TorchStream {
    let root: PickleValue
    /// By key.
    let storages: [String: UnsafeRawBufferPointer]

    private static let magic: [UInt8] = [0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]

    init(_ reader: inout ByteReader, _ unpickler: inout Unpickler) throws {
        try self.init(first: try unpickler.load(&reader), &reader, &unpickler)
    }

    /// - Parameter first: the value of the first pickle, which was read already.
    init(first: PickleValue, _ reader: inout ByteReader, _ unpickler: inout Unpickler) throws {
        guard case .bigInteger(Self.magic) = first else {
            throw FileProblem("is a pickle of \(first.kind), neither torch.save's nor a dictionary of arrays")
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
        root = try unpickler.load(&reader)
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
        self.storages = storages
    }
}
