import Foundation
import Language
import Tasks

/// A reference caption with the phrases whose maps are measured.
struct PhraseCaption {
    /// A phrase of the caption.
    struct Target {
        var phrase: Phrase
        /// Position of the head word in ``words``.
        var head: Int
        /// Positions of the phrase in ``words``.
        var span: Range<Int>
    }

    /// Index among the image's captions, from 0.
    var row: Int
    /// The caption as word indices.
    var words: [Int]
    /// In the order of their positions.
    var targets: [Target]
}

/// The phrases of a data set's captions for which a model has maps.
struct CaptionPhrases {
    /// The images with such phrases.
    private(set) var images: [String] = []
    /// The captions of each of ``images`` that have such phrases, in their order.
    private(set) var captions: [[PhraseCaption]] = []
    /// Messages about phrases that were left out.
    let notes: [String]

    /// Selects the phrases that have boxes or a mask, are no scenes, and have a head word that the model knows.
    /// - Parameters:
    ///   - data: the images and their captions.
    ///   - file: tab-separated phrases with boxes, as `PhraseFile` describes.
    ///   - masks: for phrases without boxes.
    ///   - kinds: selects phrases of these types, which may include scenes. If it is empty, all but scenes are
    ///     selected.
    ///   - limit: the largest number of phrases.
    ///   - vocabulary: the model's.
    /// - Throws: `DatasetError` if no phrase is left, or if the file has no phrase of a kind.
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

    /// The captions of an image that have phrases to measure.
    /// - Parameters:
    ///   - left: how many phrases may still be selected. It is reduced by those of this image.
    ///   - counts: of phrases that were left out.
    private static func captions(
        of entry: CaptionDataset.Entry, phrases: [Phrase], vocabulary: Vocabulary, left: inout Int, counts: inout Counts
    ) -> [PhraseCaption] {
        let tokenizer = CaptionTokenizer()
        let byRow = Dictionary(grouping: phrases, by: \.captionRow)
        counts.strange += byRow[nil]?.count ?? 0
        return byRow.keys.compactMap { $0 }.sorted().compactMap { row in
            guard left > 0, let phrases = byRow[row] else { return nil }
            // The phrases count words as Flickr30k Entities splits them, with punctuation. A word can have several
            // tokens.
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

    /// Numbers of phrases that were left out, by reason.
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
