import Foundation
import Vision

/// What a source says about a target or a map in the records.
public enum RecordValue: Encodable, Equatable, Sendable {
    case text(String)
    case number(Int)

    public func encode(to encoder: any Swift.Encoder) throws {
        var value = encoder.singleValueContainer()
        switch self {
        case .text(let text): try value.encode(text)
        case .number(let number): try value.encode(number)
        }
    }
}

/// One map measured: a JSON line of `image`, `kind`, `method`, `x` and `y` (the pixel of the maximum; null where no
/// value is positive), `energyInside`, `hit`, and what the source says, as `question` and `answer`.
public struct MapRecord: Encodable, Equatable, Sendable {
    public var image: String
    public var kind: String
    public var method: String
    public var peak: Pixel?
    public var hit: Bool
    /// nil for a point, which is no map.
    public var energyInside: Double?
    public var fields: [String: RecordValue]

    private struct Key: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    public func encode(to encoder: any Swift.Encoder) throws {
        var values = encoder.container(keyedBy: Key.self)
        for (name, value) in fields { try values.encode(value, forKey: Key(stringValue: name)) }
        try values.encode(image, forKey: Key(stringValue: "image"))
        try values.encode(kind, forKey: Key(stringValue: "kind"))
        try values.encode(method, forKey: Key(stringValue: "method"))
        try values.encode(peak?.x, forKey: Key(stringValue: "x"))
        try values.encode(peak?.y, forKey: Key(stringValue: "y"))
        try values.encode(hit, forKey: Key(stringValue: "hit"))
        try values.encode(energyInside, forKey: Key(stringValue: "energyInside"))
    }

    /// One JSON object a line, keys sorted.
    public static func lines(_ records: [MapRecord]) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try records.map { String(decoding: try encoder.encode($0), as: UTF8.self) + "\n" }.joined()
    }
}
