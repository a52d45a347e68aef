/// The classes and functions of PyTorch and NumPy that a state dictionary may name, with their meaning here. This is
/// the whole allow-list: any other name is refused, and nothing is ever executed.
enum PickleGlobal {
    case orderedDictionary
    /// `_rebuild_tensor` and `_rebuild_tensor_v2`: (storage, offset, shape, strides, ...).
    case rebuildTensor
    /// `_rebuild_parameter` and `..._with_state`: (tensor, ...).
    case rebuildParameter
    /// `torch.storage._load_from_bytes`: (bytes of the older stream with one storage).
    case loadFromBytes
    case size
    case device
    case dataType
    case storage(ElementType)
    /// `numpy.ndarray` and `_reconstruct`: the empty array, which a BUILD then fills.
    case array, reconstructArray
    /// `numpy.core.numeric._frombuffer`: (bytes, type, shape, order).
    case arrayFromBuffer
    /// `numpy.dtype`: ("f4", ...).
    case arrayType
    /// `numpy.core.multiarray.scalar`: a number.
    case scalar

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
        // NumPy 2 renamed numpy.core.
        let place = module.hasPrefix("numpy._core.") ? "numpy." + module.dropFirst("numpy._".count) : module
        switch (place, name) {
        case ("collections", "OrderedDict"): self = .orderedDictionary
        case ("torch._utils", "_rebuild_tensor"), ("torch._utils", "_rebuild_tensor_v2"): self = .rebuildTensor
        case ("torch._utils", "_rebuild_parameter"), ("torch._utils", "_rebuild_parameter_with_state"):
            self = .rebuildParameter
        case ("torch.storage", "_load_from_bytes"): self = .loadFromBytes
        case ("torch", "Size"): self = .size
        case ("torch", "device"): self = .device
        case ("torch", _) where Self.dataTypes.contains(name): self = .dataType
        case ("torch", _) where Self.storages[name] != nil, ("torch.cuda", _) where Self.storages[name] != nil:
            self = .storage(Self.storages[name] ?? .float32)
        case ("numpy", "ndarray"): self = .array
        case ("numpy", "dtype"): self = .arrayType
        case ("numpy.core.multiarray", "_reconstruct"): self = .reconstructArray
        case ("numpy.core.multiarray", "scalar"): self = .scalar
        case ("numpy.core.numeric", "_frombuffer"): self = .arrayFromBuffer
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
        case .loadFromBytes: "torch.storage._load_from_bytes"
        case .size: "torch.Size"
        case .device: "torch.device"
        case .dataType: "a torch element type"
        case .storage(let type): "a torch storage of \(type.rawValue)"
        case .array: "numpy.ndarray"
        case .reconstructArray: "numpy.core.multiarray._reconstruct"
        case .arrayFromBuffer: "numpy.core.numeric._frombuffer"
        case .arrayType: "numpy.dtype"
        case .scalar: "numpy.core.multiarray.scalar"
        }
    }
}

extension Unpickler {
    /// What Python's call of `global` with `arguments` would give.
    mutating func reduce(_ global: PickleGlobal, _ arguments: [PickleValue]) throws -> PickleValue {
        switch global {
        case .orderedDictionary:
            var entries: [(key: PickleValue, value: PickleValue)] = []
            let pairs = arguments.first.map { heap.items($0) ?? [] } ?? []
            // The same list may be passed many times.
            try count(pairs.count)
            for pair in pairs {
                guard let items = heap.items(pair), items.count == 2 else {
                    throw FileProblem("makes an OrderedDict of something else than pairs")
                }
                entries.append((key: items[0], value: items[1]))
            }
            heap.dictionaries.append(entries)
            return .dictionary(heap.dictionaries.count - 1)
        case .rebuildTensor:
            heap.tensors.append(try TensorReference(arguments, heap))
            return .tensor(heap.tensors.count - 1)
        case .rebuildParameter:
            guard case .tensor(let tensor)? = arguments.first else {
                throw FileProblem("makes a parameter without a tensor")
            }
            return .tensor(tensor)
        case .loadFromBytes:
            guard let bytes = arguments.first?.bytes else {
                throw FileProblem("loads a storage from something else than bytes")
            }
            heap.storages.append(try embedded.storage(in: bytes))
            return .storage(heap.storages.count - 1)
        case .size:
            guard let sizes = arguments.first, heap.integers(sizes) != nil else {
                throw FileProblem("makes a torch.Size of something else than whole numbers")
            }
            return sizes
        case .reconstructArray:
            guard case .global(.array)? = arguments.first else {
                throw FileProblem("makes a NumPy array of another class than numpy.ndarray")
            }
            heap.arrays.append(nil)
            return .array(heap.arrays.count - 1)
        case .arrayFromBuffer:
            heap.arrays.append(try NumPyReference(buffer: arguments, heap))
            return .array(heap.arrays.count - 1)
        case .arrayType:
            guard let code = arguments.first?.text else { throw FileProblem("makes a NumPy type without a name") }
            heap.elementTypes.append(NumPyElementType(code: code))
            return .elementType(heap.elementTypes.count - 1)
        case .device, .scalar: return .other
        case .dataType, .storage, .array: throw FileProblem("calls \(global.name)")
        }
    }
}
