import Foundation
import Support

/// A data set that cannot be used: which file, which line, and why.
public typealias DatasetError = FileError<DatasetFile>

/// Functions that the readers of data set files share.
public enum DatasetFile: FileErrorSubject {
    public static let messageStart = ""
    public static let failureCode = FailureCode.dataset

    static func data(_ url: URL, of what: String) throws -> Data {
        do { return try Data(contentsOf: url) } catch {
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else {
                throw DatasetError(path: url.path, problem: "the file of \(what) is missing")
            }
            let problem = isFolder.boolValue ? "is a folder; a file of \(what) is needed" : "is not a readable file"
            throw DatasetError(path: url.path, problem: problem)
        }
    }

    /// Calls `body` with each line that is not blank and its number, counted from 1.
    static func lines(_ data: Data, path: String, _ body: (String, Int) throws -> Void) throws {
        var number = 0
        for bytes in data.split(separator: 0x0A, omittingEmptySubsequences: false) {
            number += 1
            guard var line = String(validating: bytes, as: UTF8.self) else {
                throw DatasetError(path: path, line: number, problem: "is not valid UTF-8")
            }
            if number == 1, line.unicodeScalars.first == "\u{FEFF}" { line.unicodeScalars.removeFirst() }
            if line.unicodeScalars.last == "\r" { line.unicodeScalars.removeLast() }
            if !line.utf8.contains(where: { $0 != 0x20 && $0 != 0x09 }) { continue }
            try body(line, number)
        }
    }

    /// The problem of an image's name that leads out of the image folder; nil for a good name.
    static func fault(ofImage name: String) -> String? {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        let leaves =
            name.utf8.count > 1024 || name.unicodeScalars.contains { $0.value < 0x20 }
            || parts.contains { $0.isEmpty || $0 == "." || $0 == ".." }
        return leaves ? "\(quoted(name)) is no name of an image inside the image folder" : nil
    }

    /// A text of a file for an error message: shortened, with control characters escaped.
    static func quoted(_ text: String) -> String {
        (text.count > 60 ? text.prefix(60) + "..." : text).debugDescription
    }

    /// Decodes JSON.
    /// - Throws: ``DatasetError`` with the problem's place in the file.
    static func decode<T: Decodable>(_ type: T.Type, _ data: Data, path: String, line: Int? = nil) throws -> T {
        do { return try JSONDecoder().decode(type, from: data) } catch let error as DecodingError {
            throw DatasetError(path: path, line: line, problem: describe(error))
        }
    }

    private static func describe(_ error: DecodingError) -> String {
        func place(_ keys: [any CodingKey]) -> String {
            keys.reduce("") { text, key in
                key.intValue.map { "\(text)[\($0)]" } ?? (text.isEmpty ? key.stringValue : "\(text).\(key.stringValue)")
            }
        }
        func at(_ context: DecodingError.Context) -> String {
            context.codingPath.isEmpty ? "the JSON" : place(context.codingPath)
        }
        switch error {
        case .keyNotFound(let key, let context):
            let inside = context.codingPath.isEmpty ? "" : " in \(place(context.codingPath))"
            return "the key '\(key.stringValue)' is missing\(inside)"
        case .typeMismatch(let type, let context):
            return "\(at(context)) is of another type: expected \(name(of: type))"
        case .valueNotFound(let type, let context): return "\(at(context)) is null: expected \(name(of: type))"
        case .dataCorrupted(let context):
            if context.codingPath.isEmpty { return "is not valid JSON" }
            return "\(place(context.codingPath)): \(context.debugDescription)"
        @unknown default: return "cannot be read as JSON"
        }
    }

    private static func name(of type: Any.Type) -> String {
        switch type {
        case is String.Type: "a string"
        case is Int.Type, is Int64.Type, is UInt64.Type: "a whole number"
        case is Double.Type: "a number"
        default: "\(type)".hasPrefix("Array") ? "an array" : "an object"
        }
    }
}
