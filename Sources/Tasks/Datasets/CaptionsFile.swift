import Foundation

/// A captions file: CSV with the header `image,caption`, one caption a row.
///
/// Quoted fields follow RFC 4180: `"a dog , a ""big"" one"`, line breaks allowed inside. A caption that does not begin
/// with a quote ends with its line; commas and quotes in it are part of it, as in Flickr8k's own file. Lines end with
/// LF or CRLF; a byte-order mark and blank lines are ignored.
public enum CaptionsFile {
    public struct Row: Equatable, Sendable {
        /// Its first line, counted from 1.
        public var line: Int
        public var image: String
        public var caption: String
    }

    /// - Throws: ``DatasetError`` with the line.
    public static func read(_ url: URL) throws -> [Row] {
        var reader = Reader(bytes: [UInt8](try DatasetFile.data(url, of: "captions")), path: url.path)
        return try reader.rows()
    }

    private struct Reader {
        let bytes: [UInt8]
        let path: String
        var at = 0
        var line = 1

        static let quote = UInt8(ascii: "\""), comma = UInt8(ascii: ","), feed = UInt8(ascii: "\n"),
            carriage = UInt8(ascii: "\r")

        mutating func rows() throws -> [Row] {
            if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { at = 3 }
            guard let header = try row() else {
                throw DatasetError(path: path, problem: "the file is empty; it must begin with 'image,caption'")
            }
            guard header.image == "image", header.caption == "caption" else {
                throw DatasetError(
                    path: path, line: header.line,
                    problem: "the header must be 'image,caption', found "
                        + "'\(shortened(header.image)),\(shortened(header.caption))'")
            }
            var rows: [Row] = []
            while let row = try row() {
                guard !row.image.isEmpty else {
                    throw DatasetError(path: path, line: row.line, problem: "the image's name is empty")
                }
                guard !row.caption.isEmpty else {
                    throw DatasetError(
                        path: path, line: row.line, problem: "the caption of \(shortened(row.image)) is empty")
                }
                rows.append(row)
            }
            return rows
        }

        mutating func row() throws -> Row? {
            skipBlankLines()
            guard at < bytes.count else { return nil }
            let first = line
            let image = bytes[at] == Self.quote ? try quoted(endsAtComma: true) : try plain(until: Self.comma)
            guard at < bytes.count, bytes[at] == Self.comma else {
                throw DatasetError(
                    path: path, line: first, problem: "has no comma; a row is an image's name, a comma and a caption")
            }
            at += 1
            let caption =
                at < bytes.count && bytes[at] == Self.quote ? try quoted(endsAtComma: false) : try plain(until: nil)
            if at < bytes.count {
                at += 1
                line += 1
            }
            return Row(line: first, image: trimmed(image), caption: trimmed(caption))
        }

        private mutating func skipBlankLines() {
            var i = at
            while i < bytes.count {
                switch bytes[i] {
                case Self.feed:
                    line += 1
                    at = i + 1
                case UInt8(ascii: " "), UInt8(ascii: "\t"), Self.carriage: break
                default: return
                }
                i += 1
            }
            at = i
        }

        /// The bytes before `end` or the line's end.
        private mutating func plain(until end: UInt8?) throws -> String {
            let from = at
            while at < bytes.count, bytes[at] != Self.feed, bytes[at] != end { at += 1 }
            return try string(bytes[from..<at])
        }

        /// A quoted field. Only spaces may follow it before the comma or the line's end.
        private mutating func quoted(endsAtComma: Bool) throws -> String {
            let first = line
            var content: [UInt8] = []
            at += 1
            while true {
                guard at < bytes.count else {
                    throw DatasetError(path: path, line: first, problem: "a quote is opened here and never closed")
                }
                let byte = bytes[at]
                at += 1
                if byte == Self.feed { line += 1 }
                if byte == Self.quote {
                    guard at < bytes.count, bytes[at] == Self.quote else { break }
                    at += 1
                }
                content.append(byte)
            }
            while at < bytes.count, bytes[at] == UInt8(ascii: " ") || bytes[at] == Self.carriage { at += 1 }
            guard at == bytes.count || bytes[at] == Self.feed || (endsAtComma && bytes[at] == Self.comma) else {
                throw DatasetError(
                    path: path, line: line,
                    problem: "text follows the closing quote; inside a quoted field a quote is written twice")
            }
            return try string(content[...])
        }

        private func string(_ bytes: ArraySlice<UInt8>) throws -> String {
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw DatasetError(path: path, line: line, problem: "is not valid UTF-8")
            }
            return text
        }

        private func trimmed(_ text: String) -> String { text.trimmingCharacters(in: .whitespacesAndNewlines) }
        private func shortened(_ text: String) -> String { text.count > 60 ? text.prefix(60) + "..." : text }
    }
}
