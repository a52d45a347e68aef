import Foundation
import Language
import Tasks

/// A reference caption and what of it is asked for.
struct PhraseCaption {
    struct Target {
        var phrase: Phrase
        /// Positions among ``words``.
        var head: Int
        var span: Range<Int>
    }

    var row: Int
    /// As the model reads them.
    var words: [Int]
    var targets: [Target]
}

/// The phrases of a data set's captions that a model's maps can be asked for.
struct CaptionPhrases {
    /// Those that have some.
    private(set) var images: [String] = []
    /// Of each image, in the captions' order.
    private(set) var captions: [[PhraseCaption]] = []
    /// What was left out, in words.
    let notes: [String]

    /// Takes the phrases with boxes or a mask that are no scenes and whose head word the model knows.
    /// - Parameters:
    ///   - file: tab-separated phrases with boxes, as ``PhraseFile`` describes.
    ///   - kinds: only phrases of these types, scenes too where they are named; all but scenes where it is empty.
    ///   - limit: only the first so many.
    /// - Throws: ``DatasetError`` where no phrase is left, or a kind is not there.
    init(
        _ data: CaptionDataset, phrases file: URL, masks: PhraseMasks?, kinds: [String], limit: Int?,
        vocabulary: Vocabulary
    ) throws {
        let path = file.path
        let all = try PhraseFile.read(file, images: Set(data.entries.map(\.image)))
        let types = Set(all.flatMap(\.types))
        for kind in kinds where !types.contains(kind) {
            throw DatasetError(
                path: path,
                problem: "has no phrases of the kind '\(kind)'; it has \(types.sorted().joined(separator: ", "))")
        }
        var counts = Counts()
        let wanted = all.filter { phrase in
            guard !phrase.boxes.isEmpty || masks?.has(phrase) == true else { return counts.leaveOut(\.boxless) }
            if !kinds.isEmpty { return phrase.types.contains { kinds.contains($0) } }
            return phrase.types.contains("scene") ? counts.leaveOut(\.scenes) : true
        }
        let byImage = Dictionary(grouping: wanted, by: \.image)
        var left = limit ?? Int.max
        for entry in data.entries {
            let asked = Self.captions(
                of: entry, phrases: byImage[entry.image] ?? [], vocabulary: vocabulary, left: &left, counts: &counts)
            if asked.isEmpty { continue }
            images.append(entry.image)
            captions.append(asked)
        }
        guard !images.isEmpty else {
            throw DatasetError(
                path: path, problem: "has no phrase with boxes that could be explained in these captions")
        }
        notes = counts.notes
    }

    private static func captions(
        of entry: CaptionDataset.Entry, phrases: [Phrase], vocabulary: Vocabulary, left: inout Int, counts: inout Counts
    ) -> [PhraseCaption] {
        let tokenizer = CaptionTokenizer()
        let byRow = Dictionary(grouping: phrases, by: \.captionRow)
        counts.strange += byRow[nil]?.count ?? 0
        return byRow.keys.compactMap { $0 }.sorted().compactMap { row in
            guard left > 0, let phrases = byRow[row] else { return nil }
            // The phrases count words as Flickr30k Entities splits them, punctuation included.
            let parts = phrases[0].caption.map { tokenizer.tokens($0) }
            let starts = parts.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count) }
            let tokens = parts.flatMap { $0 }
            guard row < entry.captions.count, tokens == tokenizer.tokens(entry.captions[row]) else {
                counts.strange += phrases.count
                return nil
            }
            let words = vocabulary.encode(tokens)
            var targets: [PhraseCaption.Target] = []
            for phrase in phrases.sorted(by: { ($0.first, $0.count) < ($1.first, $1.count) }) where left > 0 {
                let head = starts[phrase.head + 1] - 1
                guard head >= starts[phrase.head], words[head] != vocabulary.unknown else {
                    counts.unknown += 1
                    continue
                }
                let span = starts[phrase.first]..<starts[phrase.first + phrase.count]
                targets.append(.init(phrase: phrase, head: head, span: span))
                left -= 1
            }
            return targets.isEmpty ? nil : PhraseCaption(row: row, words: words, targets: targets)
        }
    }

    /// Phrases left out, and why.
    private struct Counts {
        var boxless = 0
        var scenes = 0
        var strange = 0
        var unknown = 0

        mutating func leaveOut(_ reason: WritableKeyPath<Counts, Int>) -> Bool {
            self[keyPath: reason] += 1
            return false
        }

        var notes: [String] {
            [
                (boxless, "without boxes"), (scenes, "that are scenes"),
                (strange, "of captions that are not among the captions word for word"),
                (unknown, "whose head word the model does not know"),
            ].filter { $0.0 > 0 }.map { "\($0) phrase\($0 == 1 ? "" : "s") \($1) left out" }
        }
    }
}
