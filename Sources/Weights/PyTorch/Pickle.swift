/// Reads Python's pickles, as far as state dictionaries of PyTorch and NumPy use them (protocols 2 to 5). A pickle is a
/// program for a small stack machine; this one runs only the instructions that build values. A class is never
/// looked up or called: ``PickleGlobal`` lists the few names that have a meaning here, and any other is refused.
struct Unpickler {
    var heap = PickleHeap()
    /// The storages that the pickle itself carries, by key (`torch.storage._load_from_bytes`).
    var embedded = EmbeddedStorages()
    /// The types of the storages that were found, by key.
    private(set) var storageTypes: [String: ElementType] = [:]
    private var stack: [PickleValue] = []
    private var marks: [Int] = []
    private var memo: [Int: PickleValue] = [:]
    private var pushed = 0

    /// The most values, marks and memos in one pickle: a few hundred megabytes of memory. A state dictionary needs
    /// about forty for each tensor.
    private let limit: Int

    init(limit: Int = 2_000_000) { self.limit = limit }

    /// The value of the pickle that begins at `reader`'s position; moves `reader` to the pickle's end.
    mutating func load(_ reader: inout ByteReader) throws -> PickleValue {
        stack = []
        marks = []
        memo = [:]
        let start = reader.position
        while true {
            let position = reader.position
            do {
                let code = try reader.number(UInt8.self)
                guard let operation = Opcode(rawValue: code) else {
                    throw FileProblem("uses the instruction \(Opcode.describe(code)), which no state dictionary needs")
                }
                if operation == .stop {
                    let result = try pop()
                    if !stack.isEmpty { throw FileProblem("leaves \(stack.count) values over") }
                    return result
                }
                try run(operation, &reader)
            } catch let problem as FileProblem {
                throw FileProblem("has a pickle that, at its byte \(position - start), \(problem.text)")
            }
        }
    }

    private mutating func run(_ operation: Opcode, _ reader: inout ByteReader) throws {
        switch operation {
        case .proto:
            let version = try reader.number(UInt8.self)
            if version < 2 || version > 5 { throw FileProblem("is of protocol \(version); 2 to 5 can be read") }
        case .frame: _ = try reader.length()
        case .stop: break
        case .mark:
            try count(1)
            marks.append(stack.count)
        case .none: try push(.none)
        case .newTrue: try push(.bool(true))
        case .newFalse: try push(.bool(false))
        case .binInt: try push(.integer(Int(try reader.number(Int32.self))))
        case .binInt1: try push(.integer(Int(try reader.number(UInt8.self))))
        case .binInt2: try push(.integer(Int(try reader.number(UInt16.self))))
        case .long1: try push(Self.integer(try reader.take(Int(try reader.number(UInt8.self)))))
        case .binFloat: try push(.real(Double(bitPattern: try reader.number(UInt64.self).byteSwapped)))
        case .binUnicode: try pushText(&reader, Int(try reader.number(UInt32.self)))
        case .shortBinUnicode, .shortBinString: try pushText(&reader, Int(try reader.number(UInt8.self)))
        case .binUnicode8: try pushText(&reader, try reader.length())
        case .binString: try pushText(&reader, Int(try reader.number(Int32.self)))
        case .binBytes: try pushBytes(&reader, Int(try reader.number(UInt32.self)))
        case .shortBinBytes: try pushBytes(&reader, Int(try reader.number(UInt8.self)))
        case .binBytes8, .byteArray8: try pushBytes(&reader, try reader.length())
        case .emptyTuple: try pushTuple([])
        case .tuple1: try pushTuple(try pop(1))
        case .tuple2: try pushTuple(try pop(2))
        case .tuple3: try pushTuple(try pop(3))
        case .tuple: try pushTuple(try popMark())
        case .emptyList:
            heap.lists.append([])
            try push(.list(heap.lists.count - 1))
        case .append: try extend(with: try pop(1))
        case .appends: try extend(with: try popMark())
        case .emptyDictionary: try pushDictionary([])
        case .setItem: try update(with: try pop(2))
        case .setItems: try update(with: try popMark())
        case .binPut: try keep(Int(try reader.number(UInt8.self)))
        case .longBinPut: try keep(Int(try reader.number(UInt32.self)))
        case .memoize: try keep(memo.count)
        case .binGet: try recall(Int(try reader.number(UInt8.self)))
        case .longBinGet: try recall(Int(try reader.number(UInt32.self)))
        case .global:
            let module = try line(&reader)
            try push(.global(try PickleGlobal(module: module, name: try line(&reader))))
        case .stackGlobal:
            let names = try pop(2)
            guard let module = names[0].text, let name = names[1].text else {
                throw FileProblem("names a class by something else than two strings")
            }
            try push(.global(try PickleGlobal(module: module, name: name)))
        case .binPersistentID:
            let storage = try StorageReference(try pop(), heap)
            if let type = storageTypes.updateValue(storage.type, forKey: storage.key), type != storage.type {
                throw FileProblem("gives the storage '\(storage.key)' two types")
            }
            heap.storages.append(storage)
            try push(.storage(heap.storages.count - 1))
        case .reduce:
            let call = try pop(2)
            guard case .global(let global) = call[0], case .tuple(let arguments) = call[1] else {
                throw FileProblem("calls \(call[0].kind) with \(call[1].kind)")
            }
            try push(try reduce(global, heap.tuples[arguments]))
        case .build:
            let state = try pop()
            switch try top() {
            // The attributes of an ordered dictionary (PyTorch's _metadata); no tensor is among them.
            case .dictionary: break
            case .array(let index): heap.arrays[index] = try NumPyReference(state: state, heap)
            case .elementType(let index):
                heap.elementTypes[index].order = try NumPyElementType.order(state: state, heap)
            default: throw FileProblem("sets attributes of \(try top().kind)")
            }
        }
    }

    // MARK: The stack

    private mutating func push(_ value: PickleValue) throws {
        try count(1)
        stack.append(value)
    }

    /// Counts the values that take memory, because a few bytes of the file can ask for many.
    mutating func count(_ values: Int) throws {
        pushed += values
        if pushed > limit { throw FileProblem("holds more than \(limit) values") }
    }

    private func top() throws -> PickleValue {
        guard stack.count > (marks.last ?? 0), let value = stack.last else {
            throw FileProblem("takes from an empty stack")
        }
        return value
    }

    private mutating func pop() throws -> PickleValue {
        let value = try top()
        stack.removeLast()
        return value
    }

    private mutating func pop(_ count: Int) throws -> [PickleValue] {
        if stack.count - (marks.last ?? 0) < count { throw FileProblem("takes from an empty stack") }
        defer { stack.removeLast(count) }
        return Array(stack.suffix(count))
    }

    private mutating func popMark() throws -> [PickleValue] {
        guard let mark = marks.popLast() else { throw FileProblem("looks for a mark that was not set") }
        defer { stack.removeSubrange(mark...) }
        return Array(stack[mark...])
    }

    private mutating func keep(_ index: Int) throws {
        try count(1)
        memo[index] = try top()
    }

    private mutating func recall(_ index: Int) throws {
        guard let value = memo[index] else { throw FileProblem("asks for value \(index), which it did not keep") }
        try push(value)
    }

    // MARK: Values

    private mutating func pushTuple(_ items: [PickleValue]) throws {
        heap.tuples.append(items)
        try push(.tuple(heap.tuples.count - 1))
    }

    private mutating func pushDictionary(_ entries: [(key: PickleValue, value: PickleValue)]) throws {
        heap.dictionaries.append(entries)
        try push(.dictionary(heap.dictionaries.count - 1))
    }

    private mutating func extend(with items: [PickleValue]) throws {
        guard case .list(let index) = try top() else { throw FileProblem("appends to \(try top().kind)") }
        heap.lists[index].append(contentsOf: items)
    }

    private mutating func update(with items: [PickleValue]) throws {
        guard case .dictionary(let index) = try top() else { throw FileProblem("sets items of \(try top().kind)") }
        if items.count % 2 != 0 { throw FileProblem("sets a key without a value") }
        for i in stride(from: 0, to: items.count, by: 2) {
            heap.dictionaries[index].append((key: items[i], value: items[i + 1]))
        }
    }

    private mutating func pushText(_ reader: inout ByteReader, _ count: Int) throws {
        let bytes = try reader.take(count)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw FileProblem("has a string that is not UTF-8")
        }
        try push(.text(text))
    }

    private mutating func pushBytes(_ reader: inout ByteReader, _ count: Int) throws {
        try push(.bytes(try reader.take(count)))
    }

    private static func integer(_ bytes: UnsafeRawBufferPointer) -> PickleValue {
        if bytes.count > 8 { return .bigInteger(Array(bytes)) }
        // Two's complement, little-endian, as many bytes as it takes.
        var value: UInt64 = (bytes.last ?? 0) & 0x80 == 0 ? 0 : .max
        for byte in bytes.reversed() { value = value << 8 | UInt64(byte) }
        return .integer(Int(Int64(bitPattern: value)))
    }

    /// Text up to a newline; names of modules and classes are short.
    private func line(_ reader: inout ByteReader) throws -> String {
        let rest = reader.bytes[reader.position..<min(reader.bytes.count, reader.position + 256)]
        guard let end = rest.firstIndex(of: 10) else { throw FileProblem("has the name of a class without an end") }
        let bytes = try reader.take(end - reader.position)
        _ = try reader.take(1)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw FileProblem("has a name that is not UTF-8")
        }
        return text
    }
}
