import Foundation
import Language
import Support
import Weights

/// The words of a vocabulary from elsewhere, by their numbers.
struct WordList {
    /// Where it came from, for messages.
    let origin: String
    var words: [Int: String]

    /// One more than the largest number.
    var count: Int { (words.keys.max() ?? -1) + 1 }

    /// How a vocabulary's file is written.
    enum Form: Sendable {
        /// That is found out.
        case any
        /// A word at the beginning of each line, and something else behind a space (im2txt's word_counts.txt). The
        /// lines are numbered from 0, whatever numbers stand in them.
        case beginsLines
        /// A table with commas, whose first line names its columns, among them `word` (pandas). The lines are numbered.
        case table
    }

    /// Reads a vocabulary file of a known form.
    /// - Throws: ``ModelError``.
    init(_ url: URL, form: Form) throws {
        switch form {
        case .any: try self.init(url)
        case .beginsLines:
            let words = try Self.textLines(url).map { line in
                line.split { $0.isWhitespace }.first.map { String($0) } ?? ""
            }
            self.init(origin: url.path, numbering: words)
        case .table:
            let rows = try Self.textLines(url).map { Self.fields($0) }
            guard let column = rows.first?.firstIndex(of: "word") else {
                throw ModelError(path: url.path, problem: "has no column 'word' in its first line")
            }
            self.init(
                origin: url.path, numbering: rows.dropFirst().map { $0.indices.contains(column) ? $0[column] : "" })
        }
    }

    private init(origin: String, numbering words: [String]) {
        self.init(
            origin: origin, words: Dictionary(uniqueKeysWithValues: words.enumerated().map { ($0.offset, $0.element) }))
    }

    /// The fields of a line of a table with commas; a field in quotes may have commas, and quotes that are doubled.
    private static func fields(_ line: String) -> [String] {
        var fields = [""], isQuoted = false, isBehindQuote = false
        for character in line {
            if character == "\"" {
                if !isQuoted, isBehindQuote { fields[fields.count - 1].append(character) }
                isQuoted.toggle()
                isBehindQuote = !isQuoted
                continue
            }
            isBehindQuote = false
            if character == ",", !isQuoted {
                fields.append("")
            } else {
                fields[fields.count - 1].append(character)
            }
        }
        return fields
    }

    /// Reads a vocabulary file: JSON, a Python pickle, a text with a word a line (or `word,number,...`).
    /// - Parameter answers: whether it is a list of answers, whose lines have spaces.
    /// - Throws: ``ModelError``, or the readers' own errors.
    init(_ url: URL, answers: Bool = false) throws {
        let start = Data(try Self.start(of: url))
        let value: PlainValue
        if let first = start.first(where: { $0 > 0x20 }), first == 0x7B || first == 0x5B {
            value = try Self.json(url)
        } else if start.starts(with: "PK".utf8) {
            value = try ImportedFile(url).contents.values
        } else if start.first == 0x80 || ["pkl", "p", "pickle"].contains(url.pathExtension.lowercased()) {
            value = try ImportedFile.pickled(url)
        } else {
            if answers {
                self.init(origin: url.path, numbering: try Self.textLines(url))
            } else {
                self.init(origin: url.path, words: try Self.lines(url))
            }
            return
        }
        guard let list = Self(in: value["answer"].flatMap { answers ? $0 : nil } ?? value, origin: url.path) else {
            throw ModelError(
                path: url.path,
                problem: "has no list of words: words with numbers, numbers with words, or a list of words are looked "
                    + "for, also under word2idx, idx2word, word_index, ix_to_word, vocab and the like")
        }
        self = list
    }

    private init(origin: String, words: [Int: String]) { (self.origin, self.words) = (origin, words) }

    private static let fromWords = [
        "word2idx", "word_index", "wordtoix", "word_to_ix", "word2ix", "stoi", "word_map", "question",
    ]
    private static let fromNumbers = [
        "idx2word", "index_word", "ixtoword", "ix_to_word", "ix2word", "itos", "vocab", "words", "vocabulary",
    ]

    /// Words of a value that is a vocabulary, or that has one under a usual key; nil where there is none.
    init?(in value: PlainValue, origin: String) {
        for key in Self.fromWords + Self.fromNumbers {
            if let words = value[key].flatMap(Self.words) {
                self.init(origin: origin, words: words)
                return
            }
        }
        guard let words = Self.words(value) else { return nil }
        self.init(origin: origin, words: words)
    }

    /// Words with numbers, numbers with words, or a list.
    private static func words(_ value: PlainValue) -> [Int: String]? {
        if let items = value.list {
            let words = items.compactMap(\.text)
            if words.count != items.count || words.isEmpty { return nil }
            return Dictionary(uniqueKeysWithValues: words.enumerated().map { ($0.offset, $0.element) })
        }
        guard let entries = value.entries, !entries.isEmpty else { return nil }
        var result: [Int: String] = [:]
        for entry in entries {
            if let word = entry.key.text, let number = entry.value.integer {
                result[number] = word
            } else if let number = entry.key.integer ?? entry.key.text.flatMap({ Int($0) }), let word = entry.value.text
            {
                result[number] = word
            } else {
                return nil
            }
        }
        return result.keys.allSatisfy { (0..<EntryList.largestCount).contains($0) } ? result : nil
    }

    // MARK: Files

    private static func start(of url: URL) throws -> [UInt8] {
        guard let file = try? FileHandle(forReadingFrom: url), let data = try? file.read(upToCount: 64), !data.isEmpty
        else { throw ModelError(path: url.path, problem: "is missing, empty or not readable") }
        return Array(data)
    }

    private static func text(_ url: URL) throws -> Data {
        do {
            if let data = try SmallFile.read(url, atMost: EntryList.largestFile) { return data }
        } catch { throw ModelError(path: url.path, problem: "\(error)") }
        throw ModelError(path: url.path, problem: "is missing")
    }

    private static func json(_ url: URL) throws -> PlainValue {
        do { return PlainValue(json: try JSONSerialization.jsonObject(with: text(url))) } catch let error as ModelError
        {
            throw error
        } catch { throw ModelError(path: url.path, problem: "is not valid JSON") }
    }

    /// Without the empty lines at the end.
    private static func textLines(_ url: URL) throws -> [String] {
        guard let text = String(data: try text(url), encoding: .utf8) else {
            throw ModelError(path: url.path, problem: "is no text in UTF-8, no JSON and no pickle")
        }
        var lines = text.split(omittingEmptySubsequences: false) { $0.isNewline }.map { String($0) }
        while lines.last?.isEmpty == true { lines.removeLast() }
        return lines
    }

    /// A word a line; or a word and its number, or the frequency, after a comma or a space. Where all second columns are
    /// different numbers, they are the words' numbers.
    private static func lines(_ url: URL) throws -> [Int: String] {
        var lines = try textLines(url)
        if lines.first?.lowercased().hasPrefix("word,") == true || lines.first?.hasPrefix(",word") == true {
            lines.removeFirst()
        }
        let rows = lines.map { line in
            line.split(separator: line.contains(",") && line != "," ? "," : " ", omittingEmptySubsequences: true)
                .map { String($0) }
        }
        // pandas writes a column of row numbers before the words.
        let isNumbered = !rows.isEmpty && rows.allSatisfy { $0.count >= 3 && Int($0[0]) != nil && Int($0[1]) == nil }
        let words = zip(rows, lines).map { row, line in
            row.count < 2 ? line : row[isNumbered ? 1 : 0]
        }
        let numbers = rows.compactMap { $0.count >= 2 ? Int($0[isNumbered ? 2 : 1]) : nil }
        if numbers.count == words.count, Set(numbers).count == numbers.count,
            Set(numbers) == Set(0..<numbers.count)
        {
            return Dictionary(zip(numbers, words)) { first, _ in first }
        }
        return Dictionary(uniqueKeysWithValues: words.enumerated().map { ($0.offset, $0.element) })
    }
}

extension PlainValue {
    /// What `JSONSerialization` made; entries in the keys' order.
    init(json: Any) {
        switch json {
        case let text as String: self = .text(text)
        case let object as [String: Any]:
            self = .dictionary(
                object.sorted { $0.key < $1.key }.map { Entry(.text($0.key), PlainValue(json: $0.value)) })
        case let items as [Any]: self = .list(items.map { PlainValue(json: $0) })
        case let number as NSNumber:
            if String(cString: number.objCType) == "c" {
                self = .bool(number.boolValue)
            } else if let integer = Int(exactly: number.doubleValue) {
                self = .integer(integer)
            } else {
                self = .real(number.doubleValue)
            }
        default: self = .none
        }
    }
}
