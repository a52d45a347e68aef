/// What the `.index` file of a TensorFlow checkpoint says: the number of data files, and where each tensor lies.
///
/// Of TensorFlow's messages (tensor_bundle.proto, tensor_shape.proto) these fields are read:
///
///     BundleHeaderProto   num_shards = 1, endianness = 2
///     BundleEntryProto    dtype = 1, shape = 2, shard_id = 3, offset = 4, size = 5, slices = 7
///     TensorShapeProto    dim = 2, unknown_rank = 3;  Dim  size = 1
struct TensorFlowIndex {
    /// The number of data files.
    private(set) var shards = 0
    /// In the order of the file, which is that of the names.
    private(set) var entries: [Entry] = []

    struct Entry {
        let name: String
        /// TensorFlow's number of the type of elements.
        var type = 0
        /// Nil where it is unknown or impossible.
        var shape: [Int]? = []
        var shard = 0
        var offset = 0
        var size = 0
        /// True for a variable that is written in parts, under names of their own.
        var isPartitioned = false

        /// The type of elements; nil for texts, resources and the like.
        var elements: ElementType? { Self.types[type] }

        private static let types: [Int: ElementType] = [
            1: .float32, 2: .float64, 3: .int32, 4: .uint8, 5: .int16, 6: .int8, 8: .complex64, 9: .int64, 10: .bool,
            14: .bfloat16, 17: .uint16, 18: .complex128, 19: .float16, 22: .uint32, 23: .uint64,
        ]
    }

    /// For messages about damaged protocol buffers.
    private static let subject = "TensorFlow checkpoint"
    /// The most data files.
    private static let mostShards = 1000

    init(_ file: MappedFile) throws {
        var hasHeader = false
        let table = try SortedTable(file)
        var entries: [Entry] = []
        var shards = 0
        try table.read { key, value in
            if key.isEmpty {
                hasHeader = true
                shards = try Self.shards(value, file.budget)
                return
            }
            // The parts of partitioned variables have keys that are no text.
            guard key[0] != 0, let name = String(validating: key, as: UTF8.self) else { return }
            try file.budget.allocate(name.utf8.count + 256)
            do { entries.append(try Self.entry(name, value, file.budget)) } catch let problem as FileProblem {
                throw FileProblem("has the tensor '\(name)', whose description \(problem.text)")
            }
        }
        if !hasHeader { throw FileProblem("has no header: it is a table, but no TensorFlow checkpoint's index") }
        self.entries = entries
        self.shards = shards
    }

    private static func shards(_ bytes: UnsafeRawBufferPointer, _ budget: ReadingBudget) throws -> Int {
        var shards = 0
        var header = ProtocolBuffer(bytes, budget, of: subject)
        while let (field, value) = try header.next() {
            switch (field, value) {
            case (1, .number(let count)): shards = Int(exactly: count) ?? 0
            case (1, .bytes):
                throw FileProblem(
                    "is a checkpoint of TensorFlow's first format (one file, before 2017); load it with TensorFlow and "
                        + "save it again with tf.compat.v1.train.Saver()")
            case (2, .number(let order)) where order != 0:
                throw FileProblem("was written on a big-endian machine, which is not supported")
            default: break
            }
        }
        if !(1...mostShards).contains(shards) {
            throw FileProblem("names \(shards) data files; 1 to \(mostShards) can be read")
        }
        return shards
    }

    private static func entry(
        _ name: String, _ bytes: UnsafeRawBufferPointer, _ budget: ReadingBudget
    ) throws -> Entry {
        var entry = Entry(name: name)
        var message = ProtocolBuffer(bytes, budget, of: subject)
        func length(_ value: UInt64) throws -> Int {
            guard let length = Int(exactly: value) else { throw FileProblem("holds the impossible number \(value)") }
            return length
        }
        while let (field, value) = try message.next() {
            switch (field, value) {
            case (1, .number(let type)): entry.type = try length(type)
            case (2, .bytes(let shape)): entry.shape = try sizes(shape, budget)
            case (3, .number(let shard)): entry.shard = try length(shard)
            case (4, .number(let offset)): entry.offset = try length(offset)
            case (5, .number(let size)): entry.size = try length(size)
            case (7, .bytes): entry.isPartitioned = true
            default: break
            }
        }
        return entry
    }

    private static func sizes(_ bytes: UnsafeRawBufferPointer, _ budget: ReadingBudget) throws -> [Int]? {
        var sizes: [Int] = []
        var shape = ProtocolBuffer(bytes, budget, of: subject)
        while let (field, value) = try shape.next() {
            switch (field, value) {
            case (2, .bytes(let bytes)):
                // A size of 0 is not written.
                var size = 0
                var axis = ProtocolBuffer(bytes, budget, of: subject)
                while let (field, value) = try axis.next() {
                    if case (1, .number(let number)) = (field, value) { size = Int(Int64(bitPattern: number)) }
                }
                if sizes.count == 64 { return nil }
                sizes.append(size)
            case (3, .number(let isUnknown)) where isUnknown != 0: return nil
            default: break
            }
        }
        return sizes
    }
}

extension TensorFlowIndex.Entry {
    /// Type, shape and number of elements of a tensor that can be read, checked against its size and the number of data
    /// files; nil for one that is left out.
    func layout(shards: Int) throws -> (type: ElementType, shape: [Int], count: Int)? {
        guard !isPartitioned, let type = elements else { return nil }
        guard let shape, let count = elementCount(shape) else {
            throw FileProblem("has the tensor '\(name)' of a shape that is unknown or larger than any file")
        }
        let (size, overflow) = count.multipliedReportingOverflow(by: type.size)
        if overflow || size != self.size {
            throw FileProblem(
                "has the tensor '\(name)' of shape \(shape) and type \(type.rawValue), which takes "
                    + "\(overflow ? "too many" : "\(size)") bytes, but gives it \(self.size)")
        }
        let (_, isTooFar) = offset.addingReportingOverflow(self.size)
        guard shard < shards, !isTooFar else {
            throw FileProblem(
                "has the tensor '\(name)' at byte \(offset) of data file \(shard); "
                    + "there are \(shards) data files")
        }
        return (type, shape, count)
    }
}
