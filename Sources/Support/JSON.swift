import Foundation

/// The one place that sets up JSON encoders: keys are sorted and slashes are not escaped.
public enum JSON {
    /// One object in one line, without a line feed.
    public static func line(_ value: some Encodable) throws -> String {
        String(decoding: try encoder([]).encode(value), as: UTF8.self)
    }

    /// JSON Lines: one object a line, each line ended by a line feed.
    public static func lines(_ values: some Sequence<some Encodable>) throws -> String {
        let encoder = encoder([])
        return try values.map { String(decoding: try encoder.encode($0), as: UTF8.self) + "\n" }.joined()
    }

    /// Indented text of several lines, without a line feed at its end.
    public static func pretty(_ value: some Encodable) throws -> String {
        String(decoding: try encoder(.prettyPrinted).encode(value), as: UTF8.self)
    }

    /// The contents of a JSON file: indented, with a line feed at its end.
    public static func file(_ value: some Encodable) throws -> Data { Data(try pretty(value).utf8) + Data("\n".utf8) }

    private static func encoder(_ formatting: JSONEncoder.OutputFormatting) -> JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = formatting.union([.sortedKeys, .withoutEscapingSlashes])
        return encoder
    }
}
