import Foundation
import Tensors

extension CheckpointContents {
    /// Reads a file of PyTorch's or a Python pickle.
    /// - Parameters:
    ///   - isPickle: whether the file is known to be a pickle, whatever it begins with.
    ///   - isWanted: whether a tensor of this full name is read; the others are left out.
    /// - Throws: ``CheckpointError``.
    init(
        pickled file: MappedFile, at url: URL, isPickle: Bool = false, isWanted: (String) -> Bool
    ) throws {
        self = try CheckpointError.naming(url) {
            let contents = isPickle ? try TorchContents(pickles: file) : try TorchContents(file)
            var reader = TorchTensors(contents)
            var tensors: [String: Tensor] = [:]
            if contents.root.isContainer {
                for item in try contents.items().tensors where item.isReadable && isWanted(item.name) {
                    switch item.value {
                    case .tensor(let index):
                        tensors[item.name] = try reader.tensor(contents.heap.tensors[index], item.name)
                    case .array(let index):
                        tensors[item.name] = try contents.heap.arrays[index].map { try reader.tensor($0, item.name) }
                    default: break
                    }
                }
            }
            reader.discardCopied()
            var result = CheckpointContents(
                tensors: tensors, values: try contents.plain(contents.root, "", depth: 0),
                notRun: contents.heap.unknown)
            result.called = contents.heap.called
            return result
        }
    }
}

extension PickleValue {
    /// Whether tensors may be in it.
    fileprivate var isContainer: Bool {
        switch self {
        case .dictionary, .object: true
        default: false
        }
    }
}

extension TorchContents {
    /// A value as a tree. Shared values are copied and circles followed, hence the budget and the limit on the depth.
    /// - Parameter name: of the value, as ``items()`` names tensors.
    fileprivate func plain(_ value: PickleValue, _ name: String, depth: Int) throws -> PlainValue {
        try file.budget.step()
        // Deeper values are of no use: modules within modules.
        if depth > 24 { return .other }
        func inner(_ value: PickleValue, _ key: String?) throws -> PlainValue {
            let full = key.map { name.isEmpty ? $0 : "\(name).\($0)" } ?? name
            try file.budget.allocate(full.utf8.count)
            return try plain(value, full, depth: depth + 1)
        }
        func entries(_ pairs: [(key: PickleValue, value: PickleValue)]) throws -> [PlainValue.Entry] {
            try file.budget.allocate(64 * pairs.count)
            return try pairs.map { key, value in
                let text = key.text ?? key.integer.map(String.init)
                return .init(try plainKey(key), try inner(value, text))
            }
        }
        switch value {
        case .none: return .none
        case .bool(let value): return .bool(value)
        case .integer(let value): return .integer(value)
        case .real(let value): return .real(value)
        case .text(let text): return .text(text)
        case .bytes: return value.text.map(PlainValue.text) ?? .other
        case .tuple, .list:
            return .list(try (heap.items(value) ?? []).enumerated().map { try inner($0.element, String($0.offset)) })
        case .dictionary(let index): return .dictionary(try entries(heap.dictionaries[index]))
        case .tensor, .array: return .tensor(name)
        case .object(let index):
            let fields = heap.fields(ofObject: index)
            try file.budget.allocate(64 * fields.count)
            return .record(
                type: heap.objects[index].type,
                fields: try fields.map { key, value in
                    let text = key.text ?? ""
                    // A module's own dictionaries have no part in names.
                    return .init(
                        try plainKey(key), try inner(value, Self.moduleDictionaries.contains(text) ? nil : text))
                })
        case .bigInteger, .global, .storage, .elementType, .other: return .other
        }
    }

    private func plainKey(_ key: PickleValue) throws -> PlainValue {
        switch key {
        case .integer(let value): .integer(value)
        default: key.text.map(PlainValue.text) ?? .other
        }
    }
}
