import Foundation
import Support
import Tensors

/// A file that Torch7's `torch.save` wrote (`.t7`, binary, of a 64-bit machine): tables, tensors, and networks of nn,
/// cudnn and nngraph as records of their fields. Functions in it are passed over. Nothing in it is ever run.
///
/// The names of tensors join the keys on the shortest way to them with dots, and positions count from 1 as in Lua:
/// `protos.cnn.modules.1.weight`. A tensor without elements has the shape [0].
public struct Torch7File: Sendable {
    /// Tables with the keys 1 to n are lists. A table with other tables in it that is reached by several ways, or by a
    /// circle, stands at the shortest of them and is ``PlainValue/other`` at the others; ``objects`` has all the ways.
    public let contents: CheckpointContents
    /// All tables and objects of the file, each once, in the order of the file.
    public let objects: [Object]
    /// The file's outermost value.
    public let root: Value
    /// The names of the tensors that were left out because they hold integers.
    public let leftOut: [String]

    /// A table, or an object of a class.
    public struct Object: Sendable, Equatable {
        /// The keys on the shortest way to it, joined with dots: "protos.lm.core.modules.3"; empty for the outermost.
        /// Nil for what only a function refers to.
        public let name: String?
        /// The class, "nn.Linear"; nil for a plain table.
        public let type: String?
        /// In the order of the file.
        public let fields: [Field]

        /// The value under a key that is this text, or this number.
        public subscript(key: String) -> Value? {
            fields.first { $0.key == .text(key) || Int(key).map(PlainValue.integer) == $0.key }?.value
        }
    }

    /// A key of a table with its value.
    public struct Field: Sendable, Equatable {
        public let key: PlainValue
        public let value: Value
    }

    /// A value in a table.
    public enum Value: Sendable, Equatable {
        /// A number, a text, the name of a tensor...; no list, except for the integers of a short `torch.LongStorage`.
        case plain(PlainValue)
        /// A table or an object, by its position in ``Torch7File/objects``.
        case object(Int)

        public var plain: PlainValue? { if case .plain(let value) = self { value } else { nil } }
        public var object: Int? { if case .object(let index) = self { index } else { nil } }
    }

    /// The positions in ``objects`` of the objects of a class.
    public func objects(of type: String) -> [Int] { objects.indices.filter { objects[$0].type == type } }

    /// The value that is reached from the object at position `index` along keys: `value(node, "data", "annotations",
    /// "name")`. Nil where there is none.
    public func value(_ index: Int, _ keys: String...) -> Value? {
        var value = Value.object(index)
        for key in keys {
            guard case .object(let place) = value, objects.indices.contains(place), let next = objects[place][key]
            else { return nil }
            value = next
        }
        return value
    }

    /// Reads the file at `url`. Float tensors borrow the mapped file where they are aligned.
    /// - Throws: ``WeightsFileError``.
    public init(_ url: URL) throws {
        try self.init(WeightsFileError.naming(url) { try MappedFile(url) }, at: url)
    }

    /// The same of a file that is mapped already.
    init(_ file: MappedFile, at url: URL) throws { self = try WeightsFileError.naming(url) { try Self(file) } }

    /// True where the file begins as `torch.save` of a table or an object does, binary or as text.
    static func looksLike(_ bytes: UnsafeRawBufferPointer) -> Bool {
        isText(bytes) || [3, 4].contains { bytes.starts(with: [$0, 0, 0, 0, 1, 0, 0, 0]) }
    }

    private static func isText(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.starts(with: "3\n1\n".utf8) || bytes.starts(with: "4\n1\n3\nV ".utf8)
    }

    private init(_ file: MappedFile) throws {
        if Self.isText(file.bytes) {
            throw FileProblem(
                "is a Torch7 file in the form of text, which is not read; save it in the binary form: "
                    + "torch.save(NEW_FILE, torch.load(FILE, 'ascii'))")
        }
        if !Self.looksLike(file.bytes) {
            throw FileProblem("does not begin as a binary file of Torch7's torch.save does")
        }
        var reader = Torch7Reader(file)
        let root = try reader.read()
        let heap = reader.heap
        let names = try Torch7Names(root, heap, file.budget)
        let tree = Torch7Tree(heap: heap, names: names, budget: file.budget)
        let values = try tree.value(root)

        var tensors: [String: Tensor] = [:]
        var leftOut: [String] = []
        var storages: [Int: Storage] = [:]
        for (index, tensor) in heap.tensors.enumerated() {
            guard let name = names.tensors[index] else { continue }
            if !tensor.type.isReadable {
                leftOut.append(name)
                continue
            }
            let result = try Self.tensor(tensor, name, heap, &storages, file)
            if tensors.updateValue(result, forKey: name) != nil {
                throw FileProblem("has two tensors of the name '\(name)'")
            }
        }
        contents = CheckpointContents(
            tensors: tensors, values: values, notRun: names.functions.map { "the Lua function '\($0)'" })
        self.leftOut = leftOut.sorted()

        func plain(_ value: Torch7Value) -> Value {
            if case .table(let index) = value { .object(index) } else { .plain(tree.leaf(value)) }
        }
        var objects: [Object] = []
        for (index, table) in heap.tables.enumerated() {
            try file.budget.step(table.entries.count)
            let fields = table.entries.map { Field(key: tree.leaf($0.key), value: plain($0.value)) }
            objects.append(Object(name: names.tables[index], type: table.type, fields: fields))
        }
        self.objects = objects
        self.root = plain(root)
    }

    /// Each storage is turned into floats once; contiguous tensors are views of that, others are copied.
    private static func tensor(
        _ tensor: Torch7Heap.Tensor, _ name: String, _ heap: Torch7Heap, _ storages: inout [Int: Storage],
        _ file: MappedFile
    ) throws -> Tensor {
        guard let view = tensor.view else { return Tensor(tensor.shape) }
        let storage = heap.storages[view.storage]
        let floats = storages[view.storage] ?? storage.reference.type.floats(storage.bytes, keeper: file)
        storages[view.storage] = floats
        return try view.reference.tensor(of: floats, name, file.budget)
    }
}
