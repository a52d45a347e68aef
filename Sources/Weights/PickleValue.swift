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
    /// Bytes, whose contents nothing here needs.
    case bytes
    case tuple(Int)
    case list(Int)
    case dictionary(Int)
    case global(TorchGlobal)
    case storage(StorageReference)
    case tensor(TensorReference)
    /// Something harmless that holds no tensor (a device).
    case other

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
        case .other: "an object"
        }
    }

    var integer: Int? { if case .integer(let value) = self { value } else { nil } }
    var text: String? { if case .text(let value) = self { value } else { nil } }
}

/// The containers of one pickle.
struct PickleHeap {
    var tuples: [[PickleValue]] = []
    var lists: [[PickleValue]] = []
    var dictionaries: [[(key: PickleValue, value: PickleValue)]] = []

    /// A tuple's or list's items.
    func items(_ value: PickleValue) -> [PickleValue]? {
        switch value {
        case .tuple(let index): tuples[index]
        case .list(let index): lists[index]
        default: nil
        }
    }

    /// A tuple of whole numbers: a shape, strides.
    func integers(_ value: PickleValue) -> [Int]? {
        guard let items = items(value) else { return nil }
        let numbers = items.compactMap(\.integer)
        return numbers.count == items.count ? numbers : nil
    }
}

/// The elements that tensors of a checkpoint look at.
struct StorageReference: Equatable {
    let key: String
    let type: ElementType
    let count: Int
}

/// A strided look at a storage, checked to lie inside it.
struct TensorReference {
    let storage: StorageReference
    let offset: Int
    let shape: [Int]
    let strides: [Int]
    let count: Int
}
