/// The classes and functions of PyTorch, NumPy and Python that a state dictionary may name, with their meaning here.
/// Nothing is ever looked up or executed. Any other name is kept as a name (`unknown`), and what Python would make with
/// it becomes a record (``PickleObject``) of what Python would have set on the object.
enum PickleGlobal {
    case orderedDictionary
    /// `collections.defaultdict`: (function that makes a value).
    case defaultDictionary
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
    /// `_codecs.encode`: (text, "latin1"), which is how protocols before 3 write bytes.
    case encode
    /// `bytes`, without arguments: no bytes.
    case bytes
    /// Classes of Python's own that hold no tensor: `set`, `slice`, ...
    case plain
    /// `copyreg._reconstructor`: (class, ...).
    case reconstructor
    case unknown(String)

    private static let storages: [String: ElementType] = [
        "FloatStorage": .float32, "HalfStorage": .float16, "BFloat16Storage": .bfloat16, "DoubleStorage": .float64,
        "LongStorage": .int64, "IntStorage": .int32, "ShortStorage": .int16, "CharStorage": .int8,
        "ByteStorage": .uint8, "BoolStorage": .bool, "ComplexFloatStorage": .complex64,
        "ComplexDoubleStorage": .complex128,
    ]
    private static let dataTypes: Set<String> = [
        "float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool",
    ]

    private static let plainClasses: Set<String> = [
        "set", "frozenset", "object", "bytearray", "complex", "range", "xrange", "slice", "list", "dict", "tuple",
        "int",
        "long", "float", "str", "unicode", "bool",
    ]

    init(module: String, name: String) throws {
        // NumPy 2 renamed numpy.core; Python 3 renamed __builtin__ and copy_reg.
        let place =
            switch module {
            case "__builtin__": "builtins"
            case "copy_reg": "copyreg"
            default: module.hasPrefix("numpy._core.") ? "numpy." + module.dropFirst("numpy._".count) : module
            }
        switch (place, name) {
        case ("collections", "OrderedDict"): self = .orderedDictionary
        case ("collections", "defaultdict"): self = .defaultDictionary
        case ("torch._utils", "_rebuild_tensor"), ("torch._utils", "_rebuild_tensor_v2"): self = .rebuildTensor
        case ("torch._utils", "_rebuild_parameter"), ("torch._utils", "_rebuild_parameter_with_state"):
            self = .rebuildParameter
        // Until PyTorch 0.4, a parameter was made by its class.
        case ("torch.nn.parameter", "Parameter"): self = .rebuildParameter
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
        case ("_codecs", "encode"): self = .encode
        case ("copyreg", "_reconstructor"): self = .reconstructor
        case ("builtins", "bytes"): self = .bytes
        case ("builtins", _) where Self.plainClasses.contains(name): self = .plain
        default:
            // The name goes into messages.
            let full = "\(module).\(name)"
            guard full.utf8.count <= 512, full.allSatisfy({ $0.isLetter || $0.isNumber || "._<>".contains($0) }) else {
                throw FileProblem("names a class by other characters than Python's names have")
            }
            if Self.runsPrograms(module: place, name: name) {
                throw FileProblem(
                    "asks for \(full), with which Python would run a program or other code when it loads the file. It "
                        + "was refused and nothing was run; get the weights from a source that you trust, as safetensors"
                )
            }
            self = .unknown(full)
        }
    }

    /// Whether a name stands for something that runs programs, runs code or opens files. Weights never need one; a file
    /// that has one is an attack, and is refused even though nothing here would run. The list is a warning for people,
    /// not a protection: what is not on it is not run either.
    private static func runsPrograms(module: String, name: String) -> Bool {
        if module == "builtins" {
            return ["eval", "exec", "execfile", "compile", "__import__", "open", "input"].contains(name)
        }
        if module == "torch" { return ["load", "compile"].contains(name) }
        let root = module.prefix { $0 != "." }
        return programModules.contains(String(root)) || module.hasPrefix("torch.hub") || module.hasPrefix("torch.jit")
    }

    private static let programModules: Set = [
        "asyncio", "bdb", "code", "codeop", "commands", "cProfile", "ctypes", "ftplib", "http", "httplib", "imp",
        "importlib", "marshal", "multiprocessing", "nt", "os", "pdb", "pickle", "cPickle", "pip", "platform", "popen2",
        "posix", "profile", "pty", "requests", "runpy", "shutil", "signal", "socket", "subprocess", "sys", "tempfile",
        "threading", "timeit", "trace", "urllib", "urllib2", "webbrowser",
    ]

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
        case .defaultDictionary: "collections.defaultdict"
        case .encode: "_codecs.encode"
        case .bytes: "bytes"
        case .plain: "a class of Python's own"
        case .reconstructor: "copyreg._reconstructor"
        case .unknown(let name): name
        }
    }
}

extension Unpickler {
    /// What Python's call of `global` with `arguments` would give; a record where it is unknown.
    mutating func reduce(_ global: PickleGlobal, _ arguments: [PickleValue]) throws -> PickleValue {
        switch global {
        case .orderedDictionary:
            var entries: [(key: PickleValue, value: PickleValue)] = []
            let pairs = arguments.first.map { heap.items($0) ?? [] } ?? []
            // The same list may be passed many times.
            try file.budget.step(pairs.count)
            for pair in pairs {
                guard let items = heap.items(pair), items.count == 2 else {
                    throw FileProblem("makes an OrderedDict of something else than pairs")
                }
                entries.append((key: items[0], value: items[1]))
            }
            heap.dictionaries.append(entries)
            return .dictionary(heap.dictionaries.count - 1)
        case .defaultDictionary:
            heap.dictionaries.append([])
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
            heap.storages.append(try embedded.storage(in: bytes, of: file))
            return .storage(heap.storages.count - 1)
        case .size:
            guard let sizes = arguments.first, heap.integers(sizes) != nil else {
                throw FileProblem("makes a torch.Size of something else than whole numbers")
            }
            return sizes
        case .reconstructArray:
            guard case .global(.array)? = arguments.first else { return .other }
            heap.arrays.append(nil)
            return .array(heap.arrays.count - 1)
        case .arrayFromBuffer:
            heap.arrays.append(try NumPyReference(buffer: arguments, heap))
            return .array(heap.arrays.count - 1)
        case .arrayType:
            guard let code = arguments.first?.text else { throw FileProblem("makes a NumPy type without a name") }
            heap.elementTypes.append(NumPyElementType(code: code))
            return .elementType(heap.elementTypes.count - 1)
        case .encode:
            if let text = arguments.first?.text { return .bytes(try latin1(text)) }
            return .other
        case .bytes: return arguments.isEmpty ? .bytes(UnsafeRawBufferPointer(start: nil, count: 0)) : .other
        case .reconstructor:
            if case .global(.unknown(let name))? = arguments.first { return heap.makeObject(name) }
            return .other
        case .unknown(let name): return heap.makeObject(name)
        case .device, .scalar, .plain: return .other
        case .dataType, .storage, .array: throw FileProblem("calls \(global.name)")
        }
    }

    /// One byte for each character.
    private func latin1(_ text: String) throws -> UnsafeRawBufferPointer {
        let scalars = text.unicodeScalars
        let memory = try file.allocate(scalars.count)
        for (position, scalar) in scalars.enumerated() {
            guard let byte = UInt8(exactly: scalar.value) else {
                throw FileProblem("encodes the character U+\(String(scalar.value, radix: 16)) as a byte")
            }
            memory[position] = byte
        }
        return UnsafeRawBufferPointer(memory)
    }
}
