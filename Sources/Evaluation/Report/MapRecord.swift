import Foundation
import Support
import Vision

/// A field of a record.
public enum RecordValue: Codable, Equatable, Sendable {
    /// Text.
    case text(String)
    /// A whole number.
    case number(Int)
    /// A number with a fraction.
    case fraction(Double)

    /// The number; nil for text.
    var real: Double? {
        switch self {
        case .text: nil
        case .number(let number): Double(number)
        case .fraction(let number): number
        }
    }

    /// Reads a JSON number or string.
    public init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if let number = try? value.decode(Int.self) {
            self = .number(number)
        } else if let number = try? value.decode(Double.self) {
            self = .fraction(number)
        } else {
            self = .text(try value.decode(String.self))
        }
    }

    /// Writes a JSON number or string.
    public func encode(to encoder: any Swift.Encoder) throws {
        var value = encoder.singleValueContainer()
        switch self {
        case .text(let text): try value.encode(text)
        case .number(let number): try value.encode(number)
        case .fraction(let number): try value.encode(number)
        }
    }
}

/// The record of one measured map, a JSON object in one line. Its keys are `run`, `image`, `target` (the target's index
/// in the image), `kind`, `method`, `x` and `y` (the pixel of the maximum, null if no value is positive),
/// `energyInside`, `hit` (null for chance, which has no maximum), `figures` (what the map adds to each figure, `[value,
/// weight]`) and the source's fields, for example `captionRow`, `word` and `phrase`, or `question` and `answer`. The
/// figures of a run are computed from its records.
public struct MapRecord: Codable, Equatable, Sendable {
    /// The name of the run (``MapEvaluation/name(of:_:)``).
    public var run: String
    /// The name of the image.
    public var image: String
    /// The target's index in the image, from 0.
    public var target: Int
    /// The target's kind. It may be empty.
    public var kind: String
    /// The method's or the reference's name.
    public var method: String
    /// The pixel of the maximum. It is nil if no value is positive.
    public var peak: Pixel?
    /// Whether the maximum is in the region. It is nil for chance.
    public var hit: Bool?
    /// The share of the map in the region, 0...1. It is nil for chance and for the centre, which is a point.
    public var energyInside: Double?
    /// What the map adds to each figure, by the column's name.
    public var figures: [String: Ratio]
    /// The source's fields of the target and of the map.
    public var fields: [String: RecordValue]

    private struct Key: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
        init(_ name: String) { stringValue = name }
    }

    /// The keys that are no fields of the source.
    private static let own: Set = [
        "run", "image", "target", "kind", "method", "x", "y", "hit", "energyInside", "figures",
    ]

    init(_ target: TargetFigures, _ one: MapFigures, image: String, number: Int, run: String) {
        self.run = run
        self.image = image
        self.target = number
        kind = target.kind
        method = one.method
        peak = one.peak
        hit = method == "chance" ? nil : one.terms[MapMetric.pointing.name]?.value == 1
        energyInside = method == "chance" ? nil : one.terms[MapMetric.energyInside.name]?.value
        figures = one.terms
        fields = target.fields.merging(one.fields) { _, new in new }
    }

    /// Reads a record. Keys that records do not have themselves become ``fields``.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Key.self)
        run = try values.decode(String.self, forKey: Key("run"))
        image = try values.decode(String.self, forKey: Key("image"))
        target = try values.decode(Int.self, forKey: Key("target"))
        kind = try values.decode(String.self, forKey: Key("kind"))
        method = try values.decode(String.self, forKey: Key("method"))
        let x = try values.decodeIfPresent(Int.self, forKey: Key("x"))
        let y = try values.decodeIfPresent(Int.self, forKey: Key("y"))
        if let x, let y { peak = Pixel(x: x, y: y) }
        hit = try values.decodeIfPresent(Bool.self, forKey: Key("hit"))
        energyInside = try values.decodeIfPresent(Double.self, forKey: Key("energyInside"))
        figures = try values.decode([String: Ratio].self, forKey: Key("figures"))
        fields = [:]
        for key in values.allKeys where !Self.own.contains(key.stringValue) {
            fields[key.stringValue] = try values.decode(RecordValue.self, forKey: key)
        }
    }

    /// Writes a JSON number or string.
    /// Writes a record, with ``fields`` beside its own keys.
    public func encode(to encoder: any Swift.Encoder) throws {
        var values = encoder.container(keyedBy: Key.self)
        for (name, value) in fields { try values.encode(value, forKey: Key(name)) }
        try values.encode(run, forKey: Key("run"))
        try values.encode(image, forKey: Key("image"))
        try values.encode(target, forKey: Key("target"))
        try values.encode(kind, forKey: Key("kind"))
        try values.encode(method, forKey: Key("method"))
        try values.encode(peak?.x, forKey: Key("x"))
        try values.encode(peak?.y, forKey: Key("y"))
        try values.encode(hit, forKey: Key("hit"))
        try values.encode(energyInside, forKey: Key("energyInside"))
        try values.encode(figures, forKey: Key("figures"))
    }

    /// The records as JSON, one object a line with sorted keys.
    /// - Throws: `EncodingError` for a number that is not finite.
    public static func lines(_ records: [MapRecord]) throws -> String {
        try JSON.lines(records)
    }
}

extension TargetFigures {
    /// The targets of records, in their order. The records of one target are next to each other.
    /// - Parameter images: the index of each image, by name. Records of other images are ignored.
    static func targets(of records: [MapRecord], images: [String: Int]) -> [TargetFigures] {
        var found: [TargetFigures] = []
        var last: MapRecord?
        for record in records {
            guard let image = images[record.image] else { continue }
            if last?.image != record.image || last?.target != record.target {
                found.append(
                    TargetFigures(image: image, kind: record.kind, fields: record.fields, figures: []))
            }
            found[found.count - 1].figures.append(
                MapFigures(method: record.method, terms: record.figures, peak: record.peak, fields: record.fields))
            last = record
        }
        return found
    }
}
