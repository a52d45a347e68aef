/// A value that a file of weights holds beside its tensors: a vocabulary, a program's options, a network's description.
///
/// Objects of any class are records: the name of their class and their fields. Nothing of a class is ever run.
public indirect enum PlainValue: Equatable, Sendable {
    case none
    case bool(Bool)
    case integer(Int)
    case real(Double)
    case text(String)
    /// Lists, tuples and sets.
    case list([PlainValue])
    /// In the file's order.
    case dictionary([Entry])
    /// An object: its class ("argparse.Namespace", "nn.Linear") and its fields, in the file's order.
    case record(type: String, fields: [Entry])
    /// A tensor, by its full name in ``CheckpointContents/tensors``.
    case tensor(String)
    /// Something that is of no use here: a function, bytes that are no text.
    case other

    /// A key with its value.
    public struct Entry: Equatable, Sendable {
        public var key: PlainValue
        public var value: PlainValue

        public init(_ key: PlainValue, _ value: PlainValue) { (self.key, self.value) = (key, value) }
    }

    public var integer: Int? {
        switch self {
        case .integer(let value): value
        case .real(let value): Int(exactly: value)
        default: nil
        }
    }

    public var number: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .real(let value): value
        default: nil
        }
    }

    public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    public var text: String? { if case .text(let value) = self { value } else { nil } }
    public var list: [PlainValue]? { if case .list(let items) = self { items } else { nil } }

    /// The entries of a dictionary, or the fields of a record; nil for other values.
    public var entries: [Entry]? {
        switch self {
        case .dictionary(let entries), .record(_, let entries): entries
        default: nil
        }
    }

    /// The class of a record; nil for other values.
    public var type: String? { if case .record(let type, _) = self { type } else { nil } }

    /// The value of a dictionary or a record under a key that is this text; nil where there is none.
    public subscript(key: String) -> PlainValue? { entries?.first { $0.key == .text(key) }?.value }
}
