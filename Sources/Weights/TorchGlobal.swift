/// The classes and functions of PyTorch that a state dictionary names, each given a meaning here. This is the whole
/// allow-list: anything else is refused by name, and nothing is ever executed.
enum TorchGlobal {
    case orderedDictionary
    /// `_rebuild_tensor` and `_rebuild_tensor_v2`: (storage, offset, shape, strides, ...).
    case rebuildTensor
    /// `_rebuild_parameter` and `..._with_state`: (tensor, ...).
    case rebuildParameter
    case size
    case device
    case dataType(String)
    case storage(ElementType)

    private static let storages: [String: ElementType] = [
        "FloatStorage": .float32, "HalfStorage": .float16, "BFloat16Storage": .bfloat16, "DoubleStorage": .float64,
        "LongStorage": .int64, "IntStorage": .int32, "ShortStorage": .int16, "CharStorage": .int8,
        "ByteStorage": .uint8, "BoolStorage": .bool, "ComplexFloatStorage": .complex64,
        "ComplexDoubleStorage": .complex128,
    ]
    private static let dataTypes: Set<String> = [
        "float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool",
    ]

    init(module: String, name: String) throws {
        switch (module, name) {
        case ("collections", "OrderedDict"): self = .orderedDictionary
        case ("torch._utils", "_rebuild_tensor"), ("torch._utils", "_rebuild_tensor_v2"): self = .rebuildTensor
        case ("torch._utils", "_rebuild_parameter"), ("torch._utils", "_rebuild_parameter_with_state"):
            self = .rebuildParameter
        case ("torch", "Size"): self = .size
        case ("torch", "device"): self = .device
        case ("torch", _) where Self.dataTypes.contains(name): self = .dataType(name)
        case ("torch", _), ("torch.cuda", _):
            guard let type = Self.storages[name] else { fallthrough }
            self = .storage(type)
        default:
            throw FileProblem(
                "asks for \(module).\(name), which no state dictionary needs. It was refused and nothing was run; "
                    + "save the model's state_dict() alone, or use a safetensors file")
        }
    }

    /// For messages.
    var name: String {
        switch self {
        case .orderedDictionary: "collections.OrderedDict"
        case .rebuildTensor: "torch._utils._rebuild_tensor_v2"
        case .rebuildParameter: "torch._utils._rebuild_parameter"
        case .size: "torch.Size"
        case .device: "torch.device"
        case .dataType(let name): "torch.\(name)"
        case .storage(let type): "a torch storage of \(type.rawValue)"
        }
    }

    /// What Python's call of this with `arguments` would give.
    func reduce(_ arguments: [PickleValue], _ heap: inout PickleHeap) throws -> PickleValue {
        switch self {
        case .orderedDictionary:
            var entries: [(key: PickleValue, value: PickleValue)] = []
            for pair in arguments.first.map({ heap.items($0) ?? [] }) ?? [] {
                guard let items = heap.items(pair), items.count == 2 else {
                    throw FileProblem("makes an OrderedDict of something else than pairs")
                }
                entries.append((key: items[0], value: items[1]))
            }
            heap.dictionaries.append(entries)
            return .dictionary(heap.dictionaries.count - 1)
        case .rebuildTensor: return .tensor(try Self.tensor(arguments, heap))
        case .rebuildParameter:
            guard case .tensor(let tensor)? = arguments.first else {
                throw FileProblem("makes a parameter without a tensor")
            }
            return .tensor(tensor)
        case .size:
            guard let sizes = arguments.first, heap.integers(sizes) != nil else {
                throw FileProblem("makes a torch.Size of something else than whole numbers")
            }
            return sizes
        case .device: return .other
        case .dataType, .storage: throw FileProblem("calls \(name)")
        }
    }

    /// A persistent id: ('storage', class, key, location, number of elements).
    static func storage(_ id: PickleValue, _ heap: PickleHeap) throws -> StorageReference {
        guard let items = heap.items(id), items.count == 5 || items.count == 6, items[0].text == "storage",
            case .global(.storage(let type)) = items[1], let key = items[2].text, let count = items[4].integer
        else { throw FileProblem("has a persistent id that describes no storage") }
        if items.count == 6, case .none = items[5] {
        } else if items.count == 6 {
            throw FileProblem(
                "has the storage '\(key)' that is a view of another, as PyTorch before 0.4 wrote; save it again")
        }
        if count < 0 || count > Int.max / 16 { throw FileProblem("has the storage '\(key)' of \(count) elements") }
        return StorageReference(key: key, type: type, count: count)
    }

    private static func tensor(_ arguments: [PickleValue], _ heap: PickleHeap) throws -> TensorReference {
        guard arguments.count >= 4, case .storage(let storage) = arguments[0], let offset = arguments[1].integer,
            let shape = heap.integers(arguments[2]), let strides = heap.integers(arguments[3]),
            shape.count == strides.count
        else { throw FileProblem("describes a tensor by something else than storage, offset, shape and strides") }
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
        if count > storage.count {
            throw FileProblem(
                "has an expanded tensor: shape \(shape) over a storage of \(storage.count) elements; "
                    + "save a contiguous copy"
            )
        }
        return TensorReference(storage: storage, offset: offset, shape: shape, strides: strides, count: count)
    }
}
