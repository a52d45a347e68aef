/// Reads the binary `.t7` format of Torch7's `torch.save`, as 64-bit Linux writes it. An object is the number of its
/// kind (32 bits) and its contents; tables, functions and objects of classes have an index first, and where it occurs
/// again it stands for the same object. Functions are passed over, never run.
struct Torch7Reader {
    private(set) var heap = Torch7Heap()
    private var reader: ByteReader
    private let budget: ReadingBudget
    /// The objects that have appeared, by the file's indices.
    private var known: [Int32: Torch7Value] = [:]
    /// What is not complete yet, the innermost last. On a stack of its own, because the links of a graph's nodes are
    /// nested hundreds of levels deep.
    private var open: [Part] = []

    private enum Part {
        /// A table with pairs still to come, and the key whose value comes next.
        case table(Int, remaining: Int32, key: Torch7Value?)
        /// An object whose table of fields comes next.
        case object(Int)
        /// A function whose table of upvalues comes next.
        case function
    }

    init(_ file: MappedFile) {
        reader = ByteReader(file.bytes)
        budget = file.budget
    }

    /// The file's one object.
    mutating func read() throws -> Torch7Value {
        while true {
            let position = reader.position
            var value: Torch7Value?
            do { value = try next() } catch let problem as FileProblem {
                throw FileProblem("has an object that, at byte \(position), \(problem.text)")
            }
            while let done = value {
                guard let part = open.popLast() else {
                    if reader.remaining > 0 {
                        throw FileProblem("has \(reader.remaining) bytes after its object's end")
                    }
                    return done
                }
                value = try add(done, to: part)
            }
        }
    }

    /// Adds a value to the innermost open part. Returns that part where it is complete.
    private mutating func add(_ value: Torch7Value, to part: Part) throws -> Torch7Value? {
        switch part {
        case .table(let index, let remaining, nil):
            open.append(.table(index, remaining: remaining, key: value))
            return nil
        case .table(let index, let remaining, let key?):
            heap.tables[index].entries.append((key, value))
            if remaining == 1 { return .table(index) }
            open.append(.table(index, remaining: remaining - 1, key: nil))
            return nil
        case .object(let index):
            // Fields that another object has, too; or something else than a table, without fields.
            if case .table(let other) = value {
                try budget.step(heap.tables[other].entries.count)
                heap.tables[index].entries = heap.tables[other].entries
            }
            return .table(index)
        case .function: return .function
        }
    }

    /// The next value; nil where a part was opened.
    private mutating func next() throws -> Torch7Value? {
        try budget.step()
        let kind = try reader.number(Int32.self)
        switch kind {
        case 0: return Torch7Value.none
        case 1: return .number(Double(bitPattern: try reader.number(UInt64.self)))
        case 2:
            let bytes = try counted()
            try budget.allocate(bytes.count)
            return String(validating: bytes, as: UTF8.self).map { .text($0) } ?? .bytes
        case 5: return .bool(try reader.number(Int32.self) != 0)
        case 3:
            let index = try reader.number(Int32.self)
            if let value = known[index] { return value }
            return try table(index)
        case 4:
            let index = try reader.number(Int32.self)
            if let value = known[index] { return value }
            return try object(index)
        case 6, 7, 8:
            // Functions of the oldest kind are not shared, and have no index.
            if kind != 6 {
                let index = try reader.number(Int32.self)
                if let value = known[index] { return value }
                known[index] = .function
            }
            _ = try counted()
            open.append(.function)
            return nil
        default: throw FileProblem("is of kind \(kind); Torch7 writes 0 to 8")
        }
    }

    private mutating func counted() throws -> UnsafeRawBufferPointer {
        try reader.take(Int(try reader.number(Int32.self)))
    }

    private mutating func table(_ index: Int32) throws -> Torch7Value? {
        let count = try reader.number(Int32.self)
        // A key and a value take four bytes each or more.
        if count < 0 || Int(count) > reader.remaining / 8 {
            throw FileProblem("is a table of \(count) pairs, but only \(reader.remaining) bytes follow")
        }
        let place: Int
        if case .object(let object)? = open.last {
            // An object's own table of fields.
            open.removeLast()
            place = object
        } else {
            place = heap.tables.count
            heap.tables.append(Torch7Heap.Table(type: nil))
        }
        known[index] = .table(place)
        if count == 0 { return .table(place) }
        open.append(.table(place, remaining: count, key: nil))
        return nil
    }

    // MARK: Objects of classes

    private mutating func object(_ index: Int32) throws -> Torch7Value? {
        let name = try className()
        switch try Torch7Class(name) {
        case .tensor(let type):
            // Taken before its storage is read; a tensor cannot be a part of itself.
            known[index] = .bytes
            heap.tensors.append(try tensor(type, name))
            let value = Torch7Value.tensor(heap.tensors.count - 1)
            known[index] = value
            return value
        case .storage(let type): return .storage(try storage(type, index))
        case .record:
            try budget.allocate(128 + name.utf8.count)
            heap.tables.append(Torch7Heap.Table(type: name))
            known[index] = .table(heap.tables.count - 1)
            open.append(.object(heap.tables.count - 1))
            return nil
        }
    }

    /// The class of an object. A version ("V 1") stands before it, except in the oldest files.
    private mutating func className() throws -> String {
        var bytes = try counted()
        if bytes.starts(with: "V ".utf8) { bytes = try counted() }
        guard !bytes.isEmpty, bytes.count <= 256, let name = String(validating: bytes, as: UTF8.self) else {
            throw FileProblem("is of a class whose name is no text of 1 to 256 bytes")
        }
        return name
    }

    private mutating func tensor(_ type: ElementType, _ name: String) throws -> Torch7Heap.Tensor {
        let axes = try reader.number(Int32.self)
        if !(0...64).contains(axes) { throw FileProblem("is a tensor of \(axes) axes; 64 are the most") }
        var shape: [Int] = []
        for _ in 0..<axes { shape.append(Int(try reader.number(Int64.self))) }
        var strides: [Int] = []
        for _ in 0..<axes { strides.append(Int(try reader.number(Int64.self))) }
        // Counted from 1.
        let (offset, overflow) = Int(try reader.number(Int64.self)).subtractingReportingOverflow(1)
        let storage = try storageOfTensor()
        guard let count = elementCount(shape) else {
            throw FileProblem("is a tensor of the impossible shape \(shape)")
        }
        guard axes > 0, count > 0 else {
            // A tensor without axes has no elements in Torch7.
            return Torch7Heap.Tensor(type: type, view: nil, shape: axes == 0 ? [0] : shape)
        }
        guard let storage else { throw FileProblem("is a tensor of the shape \(shape) without a storage") }
        let reference = heap.storages[storage].reference
        if overflow || reference.type != type {
            throw FileProblem("is a \(name) that does not fit its storage of \(reference.type.rawValue)")
        }
        let view = try TensorReference(storage: reference, offset: offset, shape: shape, strides: strides)
        return Torch7Heap.Tensor(type: type, view: (storage, view), shape: shape)
    }

    /// The storage that a tensor ends with, by its position; nil where it has none.
    private mutating func storageOfTensor() throws -> Int? {
        let kind = try reader.number(Int32.self)
        if kind == 0 { return nil }
        guard kind == 4 else { throw FileProblem("is a tensor with an object of kind \(kind) for its storage") }
        let index = try reader.number(Int32.self)
        if let value = known[index] {
            guard case .storage(let place) = value else {
                throw FileProblem("is a tensor whose storage, object \(index), is no storage")
            }
            return place
        }
        let name = try className()
        guard case .storage(let type) = try Torch7Class(name) else {
            throw FileProblem("is a tensor with an object of the class '\(name)' for its storage")
        }
        return try storage(type, index)
    }

    private mutating func storage(_ type: ElementType, _ index: Int32) throws -> Int {
        let count = try reader.number(Int64.self)
        let (size, overflow) = Int(count).multipliedReportingOverflow(by: type.size)
        if count < 0 || overflow || size > reader.remaining {
            throw FileProblem(
                "is a storage of \(count) elements of \(type.rawValue), but only \(reader.remaining) bytes follow; "
                    + "was the file cut short?")
        }
        let reference = StorageReference(key: "\(index)", type: type, count: Int(count))
        heap.storages.append(Torch7Heap.Storage(reference: reference, bytes: try reader.take(size)))
        known[index] = .storage(heap.storages.count - 1)
        return heap.storages.count - 1
    }
}
