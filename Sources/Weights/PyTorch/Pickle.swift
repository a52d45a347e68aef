/// Reads Python's pickles, as far as state dictionaries of PyTorch and NumPy use them (protocols 0 to 5, Python 2's and
/// 3's). A pickle is a program for a small stack machine; this one runs only the instructions that build values. A
/// class is never looked up or called: ``PickleGlobal`` lists the few names that have a meaning here, and what is made
/// with any other becomes a record without contents.
struct Unpickler {
    var heap = PickleHeap()
    /// The storages that the pickle itself carries, by key (`torch.storage._load_from_bytes`).
    var embedded = EmbeddedStorages()
    /// The types of the storages that were found, by key.
    private(set) var storageTypes: [String: ElementType] = [:]
    /// The file that the pickle lies in; it has the budget, and memory for what is written as text.
    let file: MappedFile
    private var stack: [PickleValue] = []
    private var marks: [Int] = []
    private var memo: [Int: PickleValue] = [:]

    init(_ file: MappedFile) { self.file = file }

    /// The value of the pickle that begins at `reader`'s position; moves `reader` to the pickle's end.
    mutating func load(_ reader: inout ByteReader) throws -> PickleValue {
        stack = []
        marks = []
        memo = [:]
        let start = reader.position
        while true {
            let position = reader.position
            do {
                // An instruction makes one value at most, besides those that it takes off the stack.
                try file.budget.step()
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
            if version > 5 { throw FileProblem("is of protocol \(version); 0 to 5 can be read") }
        case .frame: _ = try reader.length()
        case .stop: break
        case .mark: marks.append(stack.count)
        case .pop:
            // Python takes a mark where nothing lies above it.
            if marks.last == stack.count { marks.removeLast() } else { _ = try pop() }
        case .popMark: _ = try popMark()
        case .duplicate: push(try top())
        case .none: push(.none)
        case .newTrue: push(.bool(true))
        case .newFalse: push(.bool(false))
        case .binInt: push(.integer(Int(try reader.number(Int32.self))))
        case .binInt1: push(.integer(Int(try reader.number(UInt8.self))))
        case .binInt2: push(.integer(Int(try reader.number(UInt16.self))))
        case .long1: push(Self.integer(try reader.take(Int(try reader.number(UInt8.self)))))
        case .long4: push(Self.integer(try reader.take(Int(try reader.number(Int32.self)))))
        case .binFloat: push(.real(Double(bitPattern: try reader.number(UInt64.self).byteSwapped)))
        case .binUnicode: try pushText(&reader, Int(try reader.number(UInt32.self)))
        case .shortBinUnicode: try pushText(&reader, Int(try reader.number(UInt8.self)))
        case .binUnicode8: try pushText(&reader, try reader.length())
        case .binString: try pushBytes(&reader, Int(try reader.number(Int32.self)))
        case .binBytes: try pushBytes(&reader, Int(try reader.number(UInt32.self)))
        case .shortBinBytes, .shortBinString: try pushBytes(&reader, Int(try reader.number(UInt8.self)))
        case .binBytes8, .byteArray8: try pushBytes(&reader, try reader.length())
        case .emptyTuple: pushTuple([])
        case .tuple1: pushTuple(try pop(1))
        case .tuple2: pushTuple(try pop(2))
        case .tuple3: pushTuple(try pop(3))
        case .tuple: pushTuple(try popMark())
        case .emptyList: pushList([])
        case .list: pushList(try popMark())
        case .append: try extend(with: try pop(1))
        case .appends: try extend(with: try popMark())
        case .emptyDictionary: pushDictionary()
        case .dictionary:
            let items = try popMark()
            pushDictionary()
            try update(with: items)
        case .setItem: try update(with: try pop(2))
        case .setItems: try update(with: try popMark())
        case .emptySet: push(.other)
        case .frozenSet:
            _ = try popMark()
            push(.other)
        case .addItems:
            _ = try popMark()
            _ = try top()
        case .binPut: try keep(Int(try reader.number(UInt8.self)))
        case .longBinPut: try keep(Int(try reader.number(UInt32.self)))
        case .memoize: try keep(memo.count)
        case .put: try keep(try lineNumber(&reader))
        case .get: try recall(try lineNumber(&reader))
        case .binGet: try recall(Int(try reader.number(UInt8.self)))
        case .longBinGet: try recall(Int(try reader.number(UInt32.self)))
        case .int: push(try Self.lineInteger(try line(&reader)))
        case .long: push(try Self.lineInteger(try line(&reader)))
        case .float:
            let text = try line(&reader)
            guard let value = Double(text) else { throw FileProblem("has the float '\(text)'") }
            push(.real(value))
        case .string: push(.bytes(try quoted(&reader)))
        case .unicode: push(.text(try rawUnicode(try longLine(&reader))))
        case .global:
            let module = try line(&reader)
            push(.global(try global(module, try line(&reader))))
        case .stackGlobal:
            let names = try pop(2)
            guard let module = names[0].text, let name = names[1].text else {
                throw FileProblem("names a class by something else than two strings")
            }
            push(.global(try global(module, name)))
        case .instance:
            let module = try line(&reader)
            let made = try global(module, try line(&reader))
            push(try reduce(made, try popMark()))
        case .object:
            let items = try popMark()
            guard let made = items.first else { throw FileProblem("makes an object of no class") }
            push(try call(made, Array(items.dropFirst())))
        case .newObjectWithKeywords:
            _ = try pop()
            fallthrough
        case .reduce, .newObject:
            let items = try pop(2)
            if operation == .reduce, case .global(.unknown(let name)) = items[0] { heap.noteCall(name) }
            guard case .tuple(let arguments) = items[1] else {
                throw FileProblem("calls \(items[0].kind) with \(items[1].kind)")
            }
            push(try call(items[0], heap.tuples[arguments]))
        case .binPersistentID:
            let id = try pop()
            if let items = heap.items(id), items.count >= 2, case .global(.unknown(let name)) = items[1] {
                // PyTorch's older format names a module's class so, with its source text, which is passed over. Other
                // classes are types of storages that are not known: what is made of one is an object, too.
                push(items[0].text == "module" ? items[1] : heap.makeObject(name))
                break
            }
            let storage = try StorageReference(id, heap)
            if let type = storageTypes.updateValue(storage.type, forKey: storage.key), type != storage.type {
                throw FileProblem("gives the storage '\(storage.key)' two types")
            }
            heap.storages.append(storage)
            push(.storage(heap.storages.count - 1))
        case .build:
            let state = try pop()
            switch try top() {
            // The attributes of an ordered dictionary (PyTorch's _metadata); no tensor is among them.
            case .dictionary, .other: break
            case .object(let index): heap.objects[index].state = state
            case .array(let index): heap.arrays[index] = try NumPyReference(state: state, heap)
            case .elementType(let index):
                var type = heap.elementTypes[index]
                try type.build(state: state, heap)
                heap.elementTypes[index] = type
            default: throw FileProblem("sets attributes of \(try top().kind)")
            }
        }
    }

    // MARK: The stack

    private mutating func push(_ value: PickleValue) { stack.append(value) }

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
        memo[index] = try top()
    }

    private mutating func recall(_ index: Int) throws {
        guard let value = memo[index] else { throw FileProblem("asks for value \(index), which it did not keep") }
        push(value)
    }

    // MARK: Values

    private mutating func pushTuple(_ items: [PickleValue]) {
        heap.tuples.append(items)
        push(.tuple(heap.tuples.count - 1))
    }

    private mutating func pushList(_ items: [PickleValue]) {
        heap.lists.append(items)
        push(.list(heap.lists.count - 1))
    }

    private mutating func pushDictionary() {
        heap.dictionaries.append([])
        push(.dictionary(heap.dictionaries.count - 1))
    }

    private mutating func global(_ module: String, _ name: String) throws -> PickleGlobal {
        let global = try PickleGlobal(module: module, name: name)
        if case .unknown(let name) = global { heap.noteUnknown(name) }
        return global
    }

    private mutating func call(_ callee: PickleValue, _ arguments: [PickleValue]) throws -> PickleValue {
        switch callee {
        case .global(let global): return try reduce(global, arguments)
        // What an unknown call gave is called: a part of an object, say.
        case .object, .other: return callee
        default: throw FileProblem("calls \(callee.kind)")
        }
    }

    private mutating func extend(with items: [PickleValue]) throws {
        switch try top() {
        case .list(let index): heap.lists[index].append(contentsOf: items)
        // The items of an object that is not built.
        case .object, .other: break
        default: throw FileProblem("appends to \(try top().kind)")
        }
    }

    private mutating func update(with items: [PickleValue]) throws {
        if items.count % 2 != 0 { throw FileProblem("sets a key without a value") }
        let entries = stride(from: 0, to: items.count, by: 2).map { (key: items[$0], value: items[$0 + 1]) }
        switch try top() {
        case .dictionary(let index): heap.dictionaries[index] += entries
        // A dictionary of a class of its own.
        case .object(let index): heap.objects[index].entries += entries
        case .other: break
        default: throw FileProblem("sets items of \(try top().kind)")
        }
    }

    private mutating func pushText(_ reader: inout ByteReader, _ count: Int) throws {
        let bytes = try reader.take(count)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw FileProblem("has a string that is not UTF-8")
        }
        push(.text(text))
    }

    private mutating func pushBytes(_ reader: inout ByteReader, _ count: Int) throws {
        push(.bytes(try reader.take(count)))
    }

    private static func integer(_ bytes: UnsafeRawBufferPointer) -> PickleValue {
        if bytes.count > 8 { return .bigInteger(Array(bytes)) }
        // Two's complement, little-endian, as many bytes as it takes.
        var value: UInt64 = (bytes.last ?? 0) & 0x80 == 0 ? 0 : .max
        for byte in bytes.reversed() { value = value << 8 | UInt64(byte) }
        return .integer(Int(Int64(bitPattern: value)))
    }

    // MARK: Lines of text

    /// The bytes up to a newline.
    private func longLine(_ reader: inout ByteReader, atMost limit: Int = .max) throws -> UnsafeRawBufferPointer {
        let rest = reader.bytes[reader.position...].prefix(limit)
        guard let end = rest.firstIndex(of: 10) else { throw FileProblem("has a line without an end") }
        let bytes = try reader.take(end - reader.position)
        _ = try reader.take(1)
        return bytes
    }

    /// A short line: the name of a module or a class, a number.
    private func line(_ reader: inout ByteReader) throws -> String {
        let bytes = try longLine(&reader, atMost: 256)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw FileProblem("has a name that is not UTF-8")
        }
        return text
    }

    private func lineNumber(_ reader: inout ByteReader) throws -> Int {
        let text = try line(&reader)
        guard let number = Int(text), number >= 0 else { throw FileProblem("has the position '\(text)'") }
        return number
    }

    /// An integer as text. Python's booleans are 00 and 01; Python 2's long integers end with L.
    private static func lineInteger(_ text: String) throws -> PickleValue {
        if text == "00" || text == "01" { return .bool(text == "01") }
        let digits = text.hasSuffix("L") ? text.dropLast() : text[...]
        if let value = Int(digits) { return .integer(value) }
        guard digits.drop(while: { $0 == "-" }).allSatisfy(\.isWholeNumber) else {
            throw FileProblem("has the integer '\(text)'")
        }
        return .bigInteger([])
    }

    /// Python's notation of a byte string: quoted, with escapes.
    private func quoted(_ reader: inout ByteReader) throws -> UnsafeRawBufferPointer {
        let line = try longLine(&reader)
        guard line.count >= 2, let quote = line.first, quote == line.last, quote == 0x27 || quote == 0x22 else {
            throw FileProblem("has a string without quotes")
        }
        let inner = UnsafeRawBufferPointer(rebasing: line.dropFirst().dropLast())
        if !inner.contains(0x5C) { return inner }
        let memory = try file.allocate(inner.count)
        var count = 0
        var text = ByteReader(inner)
        while text.remaining > 0 {
            var byte = try text.number(UInt8.self)
            if byte == 0x5C {
                let escape = try text.number(UInt8.self)
                switch Unicode.Scalar(escape) {
                case "\\", "'", "\"": byte = escape
                case "n": byte = 10
                case "r": byte = 13
                case "t": byte = 9
                case "x": byte = UInt8(truncatingIfNeeded: try Self.hexadecimal(&text, 2))
                default: throw FileProblem("has a string with an escape that Python does not write")
                }
            }
            memory[count] = byte
            count += 1
        }
        return UnsafeRawBufferPointer(rebasing: memory[..<count])
    }

    /// Python's raw-unicode-escape: Latin-1, and other characters as \u with four hexadecimal digits or \U with eight.
    private func rawUnicode(_ line: UnsafeRawBufferPointer) throws -> String {
        // UTF-8 takes two bytes for the upper half of Latin-1.
        try file.budget.allocate(2 * line.count)
        var result = String.UnicodeScalarView()
        var text = ByteReader(line)
        while text.remaining > 0 {
            let byte = try text.number(UInt8.self)
            var code = UInt32(byte)
            let next = text.remaining > 0 ? line[text.position] : 0
            if byte == 0x5C, next == UInt8(ascii: "u") || next == UInt8(ascii: "U") {
                _ = try text.take(1)
                code = try Self.hexadecimal(&text, next == UInt8(ascii: "u") ? 4 : 8)
            }
            guard let scalar = Unicode.Scalar(code) else { throw FileProblem("has a string of no Unicode characters") }
            result.append(scalar)
        }
        return String(result)
    }

    private static func hexadecimal(_ text: inout ByteReader, _ count: Int) throws -> UInt32 {
        var value: UInt32 = 0
        for byte in try text.take(count) {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw FileProblem("has a string with a broken escape")
            }
            value = value << 4 | UInt32(digit)
        }
        return value
    }
}
