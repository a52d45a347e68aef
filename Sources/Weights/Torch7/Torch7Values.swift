/// A value of a `.t7` file. Tables, tensors and storages are positions in ``Torch7Heap``: a file may share them, nest
/// them as deep as it likes, or in circles, without anything here recursing.
enum Torch7Value {
    case none
    case bool(Bool)
    case number(Double)
    case text(String)
    /// A table, or an object of a class.
    case table(Int)
    case tensor(Int)
    case storage(Int)
    /// A Lua function, which is never run.
    case function
    /// Bytes that are no text.
    case bytes

    /// The number, where it is a whole one that a double holds exactly.
    var integer: Int? {
        if case .number(let value) = self, value.magnitude <= 0x1p53 { Int(exactly: value) } else { nil }
    }

    /// What stands in a name for a key; nil for keys that are neither texts nor numbers.
    var keyText: String? {
        switch self {
        case .text(let text): text
        case .number(let value): integer.map(String.init) ?? "\(value)"
        default: nil
        }
    }
}

/// What a `.t7` file describes, each part once.
struct Torch7Heap {
    /// In the order of appearance.
    var tables: [Table] = []
    /// In the order of appearance.
    var tensors: [Tensor] = []
    var storages: [Storage] = []

    /// A table, or an object with its fields.
    struct Table {
        /// The class; nil for a plain table.
        let type: String?
        var entries: [(key: Torch7Value, value: Torch7Value)] = []
    }

    struct Tensor {
        let type: ElementType
        /// Where the elements lie: a storage's position, and the checked view of it; nil for a tensor without elements.
        let view: (storage: Int, reference: TensorReference)?
        let shape: [Int]
    }

    struct Storage {
        let reference: StorageReference
        let bytes: UnsafeRawBufferPointer
    }
}

/// How an object's contents are written.
enum Torch7Class {
    case tensor(ElementType)
    case storage(ElementType)
    /// As one table of its fields.
    case record

    private static let elements: [Substring: ElementType] = [
        "Float": .float32, "Double": .float64, "Half": .float16, "Byte": .uint8, "Char": .int8, "Short": .int16,
        "Int": .int32, "Long": .int64, "Cuda": .float32, "CudaDouble": .float64, "CudaHalf": .float16,
        "CudaByte": .uint8, "CudaChar": .int8, "CudaShort": .int16, "CudaInt": .int32, "CudaLong": .int64,
    ]

    /// - Throws: a problem for Torch's own classes that are written in another way.
    init(_ name: String) throws {
        self = .record
        if name.hasPrefix("torch.") {
            let kind = name.dropFirst("torch.".count)
            if kind.hasSuffix("Tensor"), let type = Self.elements[kind.dropLast("Tensor".count)] {
                self = .tensor(type)
            } else if kind.hasSuffix("Storage"), let type = Self.elements[kind.dropLast("Storage".count)] {
                self = .storage(type)
            } else {
                throw FileProblem(
                    "has an object of the class '\(name)', which cannot be read; save the file without it")
            }
        } else if name.hasPrefix("tds.") {
            throw FileProblem(
                "has an object of the class '\(name)', which cannot be read; turn it into a table before saving")
        }
    }
}
