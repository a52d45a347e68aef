/// A value that a pickle describes. Containers are positions in ``PickleHeap``, not references: a pickle may nest
/// them as deep as it likes, or in circles, without anything here recursing or leaking.
enum PickleValue {
    case none
    case bool(Bool)
    case integer(Int)
    /// More than eight bytes, little-endian.
    case bigInteger([UInt8])
    case real(Double)
    case text(String)
    /// Bytes, where they lie in the file or in the memory of its ``MappedFile``. Python 2's strings, which may be
    /// either text or bytes, are these, too.
    case bytes(UnsafeRawBufferPointer)
    case tuple(Int)
    case list(Int)
    case dictionary(Int)
    case global(PickleGlobal)
    case storage(Int)
    case tensor(Int)
    /// A NumPy array and a NumPy element type; their contents may follow after they were kept in the memo.
    case array(Int)
    case elementType(Int)
    /// Something that holds no tensor (a device, a set).
    case other
    /// What a call of a class or function without a meaning here would have given. It was not called.
    case object(Int)

    /// For messages.
    var kind: String {
        switch self {
        case .none: "None"
        case .bool: "a bool"
        case .integer, .bigInteger: "an integer"
        case .real: "a float"
        case .text: "a string"
        case .bytes: "bytes"
        case .tuple: "a tuple"
        case .list: "a list"
        case .dictionary: "a dictionary"
        case .global(let global): global.name
        case .storage: "a storage"
        case .tensor: "a tensor"
        case .array: "an array"
        case .elementType: "a NumPy type"
        case .other: "an object"
        case .object: "an object of a class of its own"
        }
    }

    var integer: Int? { if case .integer(let value) = self { value } else { nil } }
    /// Text, also that of short bytes.
    var text: String? {
        switch self {
        case .text(let value): value
        case .bytes(let bytes) where bytes.count <= 1024: String(validating: bytes, as: UTF8.self)
        default: nil
        }
    }
    var bytes: UnsafeRawBufferPointer? { if case .bytes(let value) = self { value } else { nil } }
    var isNone: Bool { if case .none = self { true } else { false } }
}

/// The containers and the larger values of one pickle.
struct PickleHeap {
    var tuples: [[PickleValue]] = []
    var lists: [[PickleValue]] = []
    var dictionaries: [[(key: PickleValue, value: PickleValue)]] = []
    var storages: [StorageReference] = []
    var tensors: [TensorReference] = []
    /// nil for arrays of objects, texts, records or dates, whose contents are passed over.
    var arrays: [NumPyReference?] = []
    var elementTypes: [NumPyElementType] = []
    var objects: [PickleObject] = []
    /// The classes and functions that were named and have no meaning here, in the order of their first use.
    private(set) var unknown: [String] = []
    /// Those of them that Python would call with arguments, rather than make an empty object of.
    private(set) var called: [String] = []
    private var isUnknown: Set<String> = []

    /// A new record of the class or function `name`.
    mutating func makeObject(_ name: String) -> PickleValue {
        objects.append(PickleObject(type: name))
        return .object(objects.count - 1)
    }

    mutating func noteCall(_ name: String) { if !called.contains(name) { called.append(name) } }

    mutating func noteUnknown(_ name: String) { if isUnknown.insert(name).inserted { unknown.append(name) } }

    /// A tuple's or list's items.
    func items(_ value: PickleValue) -> [PickleValue]? {
        switch value {
        case .tuple(let index): tuples[index]
        case .list(let index): lists[index]
        default: nil
        }
    }

    /// A tuple of whole numbers, 64 at most: a shape, strides.
    func integers(_ value: PickleValue) -> [Int]? {
        guard let items = items(value), items.count <= 64 else { return nil }
        let numbers = items.compactMap(\.integer)
        return numbers.count == items.count ? numbers : nil
    }
}

/// A record of an object that was not built: the name of its class, and what Python would have set on it.
struct PickleObject {
    let type: String
    /// What its `__setstate__` would get: as a rule a dictionary of its attributes.
    var state = PickleValue.none
    /// The items of an object that is a dictionary.
    var entries: [(key: PickleValue, value: PickleValue)] = []
}

extension PickleHeap {
    /// An object's attributes and items. Where the state is a pair, its parts are the attributes and the slots.
    func fields(ofObject index: Int) -> [(key: PickleValue, value: PickleValue)] {
        func attributes(_ state: PickleValue) -> [(key: PickleValue, value: PickleValue)] {
            if case .dictionary(let index) = state { dictionaries[index] } else { [] }
        }
        let object = objects[index]
        let states: [PickleValue] = if case .tuple(let pair) = object.state { tuples[pair] } else { [object.state] }
        return states.prefix(2).flatMap(attributes) + object.entries
    }
}

/// The elements that tensors of a checkpoint are views of.
struct StorageReference: Equatable {
    let key: String
    let type: ElementType
    let count: Int
}

/// A strided view of a storage, checked to lie inside it.
struct TensorReference {
    let storage: StorageReference
    let offset: Int
    let shape: [Int]
    let strides: [Int]
    let count: Int
}

/// A NumPy array: where its elements lie in the file.
struct NumPyReference {
    let type: ElementType
    let shape: [Int]
    let isFortran: Bool
    let bytes: UnsafeRawBufferPointer
}

/// A NumPy element type as a pickle builds it: first the kind and size ("f4"), then the byte order ("<").
struct NumPyElementType {
    var code: String
    var order: String?

    /// False for objects, texts, records and dates.
    var isOfNumbers: Bool { code.first.map { !"OSUVMma".contains($0) } ?? false }
}
