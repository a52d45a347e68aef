import Foundation

/// A JSON document that uses no type of the program, so that golden files do not depend on those types.
enum JSONValue: Decodable, Equatable {
    case null
    case bool(Bool)
    case number(Double)
    case text(String)
    case list([JSONValue])
    case object([String: JSONValue])

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let found = try? value.decode(Bool.self) {
            self = .bool(found)
        } else if let found = try? value.decode(Double.self) {
            self = .number(found)
        } else if let found = try? value.decode(String.self) {
            self = .text(found)
        } else if let found = try? value.decode([JSONValue].self) {
            self = .list(found)
        } else {
            self = .object(try value.decode([String: JSONValue].self))
        }
    }

    static func parse(_ text: some StringProtocol) throws -> JSONValue {
        try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
    }

    /// The lines of a text.
    static func lines(of text: String) -> JSONValue {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { JSONValue.text(String($0)) }
        return .list(text.isEmpty || text.hasSuffix("\n") ? lines.dropLast() : lines)
    }

    subscript(key: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members[key]
    }

    /// An object without one of its members.
    func without(_ key: String) -> JSONValue {
        guard case .object(let members) = self else { return self }
        return .object(members.filter { $0.key != key })
    }

    /// Replaces every string by what `change` returns for it and for the key that it belongs to.
    func replacingTexts(key: String = "", _ change: (_ key: String, _ text: String) -> String) -> JSONValue {
        switch self {
        case .text(let own): return .text(change(key, own))
        case .list(let own): return .list(own.map { $0.replacingTexts(key: key, change) })
        case .object(let own):
            return .object(
                Dictionary(uniqueKeysWithValues: own.map { ($0, $1.replacingTexts(key: $0, change)) }))
        case .null, .bool, .number: return self
        }
    }
}

extension JSONValue {
    /// JSON that people can compare line by line: keys are sorted, numbers have six digits, and what fits into one line
    /// stands in one line.
    func lines(indentation: String = "", before: Int = 0) -> String {
        let inline = inline
        if indentation.count + before + inline.count < 118 { return inline }
        let inner = indentation + " "
        switch self {
        case .list(let own):
            let lines = own.map { inner + $0.lines(indentation: inner) }
            return "[\n" + lines.joined(separator: ",\n") + "\n" + indentation + "]"
        case .object(let own):
            let lines = own.sorted { $0.key < $1.key }.map { key, value -> String in
                let name = Self.quoted(key) + ": "
                return inner + name + value.lines(indentation: inner, before: name.count)
            }
            return "{\n" + lines.joined(separator: ",\n") + "\n" + indentation + "}"
        case .null, .bool, .number, .text: return inline
        }
    }

    private var inline: String {
        switch self {
        case .null: return "null"
        case .bool(let own): return own ? "true" : "false"
        case .number(let own):
            return own == own.rounded() && abs(own) < 1e15 ? String(Int(own)) : String(format: "%.6g", own)
        case .text(let own): return Self.quoted(own)
        case .list(let own): return "[" + own.map(\.inline).joined(separator: ", ") + "]"
        case .object(let own):
            let members = own.sorted { $0.key < $1.key }.map { "\(Self.quoted($0)): \($1.inline)" }
            return "{" + members.joined(separator: ", ") + "}"
        }
    }

    private static func quoted(_ text: String) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        return (try? encoder.encode(text)).map { String(decoding: $0, as: UTF8.self) } ?? "\"\""
    }
}
