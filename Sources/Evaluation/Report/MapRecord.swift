import Foundation
import Support
import Vision

/// What a source says about a target or a map in the records.
public enum RecordValue: Codable, Equatable, Sendable {
    case text(String)
    case number(Int)

    public init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if let number = try? value.decode(Int.self) {
            self = .number(number)
        } else {
            self = .text(try value.decode(String.self))
        }
    }

    public func encode(to encoder: any Swift.Encoder) throws {
        var value = encoder.singleValueContainer()
        switch self {
        case .text(let text): try value.encode(text)
        case .number(let number): try value.encode(number)
        }
    }
}

/// One map measured: a JSON line of `run`, `image`, `target` (its number among the image's), `kind`, `method`, `x`
/// and `y` (the pixel of the maximum; null where no value is positive), `energyInside`, `hit` (null for chance, which
/// has no maximum), `figures` (what it adds to each figure, `[value, weight]`), and what the source says, as `captionRow`,
/// `word` and `phrase`, or `question` and `answer`. The figures of a whole run are those of its records.
public struct MapRecord: Codable, Equatable, Sendable {
    /// Of what model, data and options; records of several runs say nothing together.
    public var run: String
    public var image: String
    public var target: Int
    public var kind: String
    public var method: String
    public var peak: Pixel?
    public var hit: Bool?
    /// nil for a point, which is no map.
    public var energyInside: Double?
    public var figures: [String: Ratio]
    public var fields: [String: RecordValue]

    private struct Key: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
        init(_ name: String) { stringValue = name }
    }

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

    /// One JSON object a line, keys sorted.
    public static func lines(_ records: [MapRecord]) throws -> String {
        try JSON.lines(records)
    }
}

extension TargetFigures {
    /// The targets that records were written of, in their order. Records of one target follow one another.
    /// - Parameter images: number of each image.
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
