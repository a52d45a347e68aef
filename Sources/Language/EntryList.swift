import Foundation
import Support

/// The rules of a file that lists what a model can say, its vocabulary or its answers: UTF-8, one entry a line, each
/// line ended by a line feed, no line empty, no entry twice.
public enum EntryList {
    /// The most entries of a file.
    public static let largestCount = 1_000_000
    /// The longest entry, in bytes of UTF-8.
    public static let longestEntry = 1000
    /// The largest file, in bytes.
    public static let largestFile = 64 << 20

    /// What an entry is.
    public enum Kind: Sendable {
        /// A word, without spaces.
        case word
        /// Words with spaces between them.
        case phrase
    }

    /// Why a text is no entry, as the end of a sentence about its line; nil where it is one.
    public static func fault(of entry: String, as kind: Kind) -> String? {
        if entry.isEmpty { return "is empty" }
        if entry.utf8.count > longestEntry {
            return "is \(entry.utf8.count) bytes long, which is no \(kind == .word ? "word" : "answer")"
        }
        if entry.utf8.last == 0x0D { return "ends with a carriage return; lines end with a line feed alone" }
        let scalars = entry.unicodeScalars
        switch kind {
        case .word:
            if scalars.contains(where: { isSpace($0) || isControl($0) }) {
                return "has a space or a control character; a line holds one word"
            }
        case .phrase:
            if scalars.contains(where: isControl) { return "has a control character" }
            if [scalars.first, scalars.last].contains(where: { $0.map(isSpace) ?? false }) {
                return "begins or ends with a space"
            }
        }
        return nil
    }

    /// Control characters, line separators, byte order marks, and what turns the direction of the text after it.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return scalar.value < 0x20 || scalar.value == 0x7F }
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: return true
        default: break
        }
        switch scalar.value {
        case 0xFEFF, 0x202A...0x202E, 0x2066...0x2069: return true
        default: return false
        }
    }

    /// White space that is no control character.
    private static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        scalar.isASCII ? scalar == " " : scalar.properties.isWhitespace
    }

    /// The entries of a file, in order.
    /// - Parameters:
    ///   - path: the file's, for errors.
    ///   - subject: the kind of file, for errors.
    ///   - check: why an entry cannot have its place (counted from 0); nil where it can.
    /// - Throws: `FileError` with the line.
    public static func read<Subject: FileErrorSubject>(
        _ data: Data, path: String, as kind: Kind, of subject: Subject.Type,
        check: (String, Int) -> String? = { _, _ in nil }
    ) throws(FileError<Subject>) -> [String] {
        func refuse(_ problem: String, line: Int? = nil) -> FileError<Subject> {
            FileError(path: path, line: line, problem: problem)
        }
        guard !data.isEmpty else { throw refuse("the file is empty") }
        guard data.last == 0x0A else { throw refuse("does not end with a line feed; it may have been cut off") }
        let count = data.reduce(0) { $1 == 0x0A ? $0 + 1 : $0 }
        guard count <= largestCount else { throw refuse("has \(count) lines; it may have \(largestCount)") }
        var entries: [String] = []
        var lines: [String: Int] = [:]
        entries.reserveCapacity(count)
        lines.reserveCapacity(count)
        for (index, bytes) in data.dropLast().split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            let line = index + 1
            guard let entry = String(validating: bytes, as: UTF8.self) else {
                throw refuse("is not valid UTF-8", line: line)
            }
            if let fault = fault(of: entry, as: kind) ?? check(entry, index) { throw refuse(fault, line: line) }
            if let first = lines.updateValue(line, forKey: entry) {
                throw refuse("'\(shortened(entry))' is there already, on line \(first)", line: line)
            }
            entries.append(entry)
        }
        return entries
    }

    static func shortened(_ entry: String) -> String { entry.count > 40 ? entry.prefix(40) + "..." : entry }
}
