import Foundation
import Support
import Tensors

/// A `.npy` file of a Python object, as `numpy.save` writes a dictionary of arrays: the header of an array without axes
/// whose type is "object", then that array as a pickle. Nothing in the pickle is ever run (see `PickleGlobal`).
///
/// Programs of TensorFlow's early years keep networks in such files: `{"conv1_1/kernel:0": array, ...}`, or with
/// dictionaries in it, `{"conv1_1": {"weights": array, "biases": array}, ...}`, whose tensors are `conv1_1.weights`.
public struct NumPyObjects: Sendable {
    public let contents: CheckpointContents
    /// The names of the arrays that hold no real numbers.
    public let leftOut: [String]

    /// Reads the file at `url`.
    /// - Throws: ``NumPyArrayError``.
    public init(_ url: URL) throws {
        try self.init(NumPyArrayError.naming(url) { try MappedFile(url) }, at: url)
    }

    /// The same of a file that is mapped already.
    init(_ file: MappedFile, at url: URL) throws { self = try NumPyArrayError.naming(url) { try Self(file) } }

    /// True where the file is a `.npy` file of objects.
    static func looksLike(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var reader = ByteReader(bytes)
        return (try? NumPyArray.header(&reader)).map { $0.type == nil } ?? false
    }

    private init(_ file: MappedFile) throws {
        var reader = ByteReader(file.bytes)
        let header = try NumPyArray.header(&reader)
        if let type = header.type { throw FileProblem("is an array of \(type.rawValue), not of Python's objects") }
        if !header.shape.isEmpty {
            throw FileProblem(
                "is an array of shape \(header.shape) of Python's objects; only one object, as numpy.save writes a "
                    + "dictionary, can be read")
        }
        var unpickler = Unpickler(file)
        let root = try unpickler.load(&reader)
        if reader.remaining > 0 { throw FileProblem("has \(reader.remaining) bytes after its pickle's end") }
        // The unpickler passes over the contents of arrays of objects, but keeps its tuples. What a pickle builds last
        // of an array is the tuple (version, shape, type, order, list of the objects).
        let heap = unpickler.heap
        guard case .array = root, let state = heap.tuples.last, state.count == 5,
            heap.integers(state[1])?.isEmpty == true, case .list(let list) = state[4], heap.lists[list].count == 1
        else { throw FileProblem("has a pickle of \(root.kind), not of an array with one object") }
        var collector = Collector(heap: heap, file: file)
        let values = try collector.value(heap.lists[list][0], "", depth: 0)
        if case .dictionary = values {
        } else {
            throw FileProblem("holds \(heap.lists[list][0].kind), not a dictionary of arrays")
        }
        contents = CheckpointContents(tensors: collector.tensors, values: values, notRun: heap.unknown)
        leftOut = collector.leftOut
    }

    /// Makes the tree of plain values of a pickle, and the tensors of its arrays.
    private struct Collector {
        let heap: PickleHeap
        let file: MappedFile
        var tensors: [String: Tensor] = [:]
        var leftOut: [String] = []

        /// Shared and circular containers are entered each time they occur, hence the budget and the limit on the
        /// depth.
        mutating func value(_ value: PickleValue, _ name: String, depth: Int) throws -> PlainValue {
            if depth > 16 { throw FileProblem("nests its containers more than 16 deep, at '\(name.prefix(80))'") }
            if name.utf8.count > 1024 {
                throw FileProblem("has a name of more than 1,024 bytes, '\(name.prefix(80))...'")
            }
            try file.budget.step()
            try file.budget.allocate(name.utf8.count + 256)
            func path(_ key: String?) -> String {
                guard let key else { return name }
                return name.isEmpty ? key : "\(name).\(key)"
            }
            switch value {
            case .none: return .none
            case .bool(let value): return .bool(value)
            case .integer(let value): return .integer(value)
            case .real(let value): return .real(value)
            case .text(let text): return .text(text)
            case .bytes: return value.text.map { .text($0) } ?? .other
            case .list, .tuple:
                var items: [PlainValue] = []
                for (position, item) in (heap.items(value) ?? []).enumerated() {
                    items.append(try self.value(item, path(String(position)), depth: depth + 1))
                }
                return .list(items)
            case .dictionary(let index):
                var entries: [PlainValue.Entry] = []
                for (key, value) in heap.dictionaries[index] {
                    let text = key.text ?? key.integer.map(String.init)
                    let plain: PlainValue = key.text.map { .text($0) } ?? key.integer.map { .integer($0) } ?? .other
                    // Without a key that is text there is no name.
                    entries.append(
                        .init(plain, text == nil ? .other : try self.value(value, path(text), depth: depth + 1)))
                }
                return .dictionary(entries)
            case .array(let index): return try array(heap.arrays[index], name)
            case .object(let index): return .record(type: heap.objects[index].type, fields: [])
            default: return .other
            }
        }

        private mutating func array(_ array: NumPyReference?, _ name: String) throws -> PlainValue {
            guard let array, array.type.isReadable else {
                leftOut.append(name)
                return .other
            }
            if tensors[name] != nil { throw FileProblem("has two arrays of the name '\(name)'") }
            tensors[name] = try array.tensor(name, of: file)
            return .tensor(name)
        }
    }
}
