import Foundation
import Support

/// A problem in a vocabulary file, with its line.
public typealias VocabularyError = FileError<Vocabulary>

/// The words that a model reads and writes, each with its index.
///
/// In a file: one word a line (``EntryList``), the index being the line's number counted from 0.
/// The first four are always `<pad>`, `<start>`, `<end>` and `<unknown>`.
public struct Vocabulary: Sendable, Equatable {
    /// In index order, the four special entries first.
    public let words: [String]
    private let indices: [String: Int]

    /// The special entries. The tokenizer never makes them, because it splits off `<` and `>`.
    public static let special = ["<pad>", "<start>", "<end>", "<unknown>"]

    /// Pads captions that are shorter than the longest of their batch.
    public var pad: Int { 0 }
    /// Stands before the first word.
    public var start: Int { 1 }
    /// Stands after the last word.
    public var end: Int { 2 }
    /// Stands for every word that is not in the vocabulary.
    public var unknown: Int { 3 }
    public var count: Int { words.count }

    // MARK: Making

    /// Every word that occurs at least `minimumCount` times in `tokens`, the most frequent first, words of equal counts
    /// in the order of their characters.
    public init(tokens: [[String]], minimumCount: Int) {
        var counts: [String: Int] = [:]
        for caption in tokens { for word in caption { counts[word, default: 0] += 1 } }
        self.init(counts: counts, minimumCount: minimumCount)
    }

    /// As ``init(tokens:minimumCount:)``, and every word that occurs at least `othersCount` times in `others`.
    public init(tokens: [[String]], minimumCount: Int, others: [[String]], othersCount: Int) {
        let first = Vocabulary(tokens: tokens, minimumCount: minimumCount)
        let second = others.isEmpty ? nil : Vocabulary(tokens: others, minimumCount: othersCount)
        self.init(checked: first.words + (second?.words.filter { first.indices[$0] == nil } ?? []))
    }

    /// Every word with a count of at least `minimumCount`, the most frequent first, words of equal counts in the order
    /// of their characters.
    public init(counts: [String: Int], minimumCount: Int) {
        let kept = counts.filter {
            $0.value >= minimumCount && !Self.special.contains($0.key) && EntryList.fault(of: $0.key, as: .word) == nil
        }
        self.init(checked: Self.special + kept.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map(\.key))
    }

    /// Reads the contents of a vocabulary file, strictly.
    /// - Parameters:
    ///   - name: the path of the file, for errors.
    ///   - expectedCount: the model's number of entries; nil accepts any number.
    /// - Throws: ``VocabularyError``.
    public init(data: Data, name: String, expectedCount: Int? = nil) throws {
        func refuse(_ problem: String) -> VocabularyError { VocabularyError(path: name, problem: problem) }
        let words = try EntryList.read(data, path: name, as: .word, of: Vocabulary.self) { word, index in
            index >= Self.special.count || word == Self.special[index]
                ? nil : "found '\(EntryList.shortened(word))', expected the special entry \(Self.special[index])"
        }
        guard words.count >= Self.special.count else {
            throw refuse(
                "the special entry \(Self.special[words.count]) is missing: the first four lines are "
                    + Self.special.joined(separator: ", ")
            )
        }
        if let expectedCount, words.count != expectedCount {
            throw refuse(
                "is a vocabulary of another length: found \(words.count) entries, the model has \(expectedCount)")
        }
        self.init(checked: words)
    }

    /// Words of a vocabulary from elsewhere.
    /// - Parameter words: the four special entries first; each an entry of a vocabulary file, none twice.
    public init(special words: [String]) {
        precondition(
            words.starts(with: Self.special) && Set(words).count == words.count, "words that are no vocabulary")
        self.init(checked: words)
    }

    private init(checked words: [String]) {
        self.words = words
        indices = Dictionary(uniqueKeysWithValues: words.enumerated().map { ($1, $0) })
    }

    // MARK: Use

    /// nil for a word that the vocabulary does not have.
    public func index(of word: String) -> Int? { indices[word] }

    /// - Precondition: `index` is in `0..<count`.
    public func word(at index: Int) -> String { words[index] }

    /// One index for each token; ``unknown`` for those that the vocabulary does not have.
    public func encode(_ tokens: [String]) -> [Int] { tokens.map { indices[$0] ?? unknown } }

    /// The words up to the first `<end>`, without `<pad>` and `<start>`.
    /// - Precondition: every index is in `0..<count`.
    public func decode(_ indices: [Int]) -> [String] {
        indices.prefix { $0 != end }.filter { $0 != pad && $0 != start }.map { words[$0] }
    }

    /// Words of the vocabulary that look like `word`, the most alike first; see ``Support/nearestNames(to:in:count:)``.
    /// Of words at the same distance the more frequent comes first, as far as the vocabulary's order tells.
    public func nearest(to word: String, count: Int = 3) -> [String] {
        nearestNames(to: word, in: words.dropFirst(Self.special.count), count: count)
    }

    /// The contents of its file.
    public func text() -> String { words.joined(separator: "\n") + "\n" }
}

extension Vocabulary: FileErrorSubject {
    public static let messageStart = "vocabulary "
}
