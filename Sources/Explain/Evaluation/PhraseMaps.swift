import Foundation
import Language
import Tasks
import Tensors
import Vision

/// Maps of words of reference captions, each given the words before it, held against the boxes of the phrases that they
/// head (Flickr30k Entities).
public struct PhraseMaps: MapSource {
    /// Of the phrase's head word, and of all of its words together.
    public static let word = "grad-cam", phrase = "grad-cam:phrase"

    public let methods = [word, phrase]
    public let images: [String]
    /// What was left out, in words.
    public let notes: [String]
    private let explainer: CaptionExplainer
    private let smoothing: Int
    private let model: URL
    private let data: CaptionDataset
    private let path: String
    /// Of each image, in the captions' order.
    private let captions: [[AskedCaption]]

    /// A reference caption and what of it is asked for.
    private struct AskedCaption {
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

    /// Takes the phrases with boxes that are no scenes and whose head word the model knows.
    /// - Parameters:
    ///   - model: the model's folder, for messages.
    ///   - phrases: tab-separated phrases with boxes, as ``PhraseFile`` describes.
    ///   - kinds: only phrases of these types, scenes too where they are named; all but scenes where it is empty.
    ///   - limit: only the first so many.
    ///   - smoothing: cells of the square over whose mean maps are drawn, odd; nil takes the model's own.
    /// - Throws: ``DatasetError`` where no phrase is left, or a kind is not there.
    public init(
        _ explainer: CaptionExplainer, model: URL, data: CaptionDataset, phrases: URL, kinds: [String] = [],
        limit: Int? = nil, smoothing: Int? = nil
    ) throws {
        self.explainer = explainer
        self.smoothing = smoothing ?? explainer.captioner.configuration.maps?.smoothing ?? 1
        self.model = model
        self.data = data
        path = phrases.path
        let all = try PhraseFile.read(phrases, images: Set(data.entries.map(\.image)))
        let types = Set(all.flatMap(\.types))
        for kind in kinds where !types.contains(kind) {
            throw DatasetError(
                path: path,
                problem: "has no phrases of the kind '\(kind)'; it has \(types.sorted().joined(separator: ", "))")
        }
        var counts = Counts()
        let wanted = all.filter { phrase in
            guard !phrase.boxes.isEmpty else { return counts.leaveOut(\.boxless) }
            if !kinds.isEmpty { return phrase.types.contains { kinds.contains($0) } }
            return phrase.types.contains("scene") ? counts.leaveOut(\.scenes) : true
        }
        let byImage = Dictionary(grouping: wanted, by: \.image)
        var left = limit ?? Int.max
        var images: [String] = []
        var captions: [[AskedCaption]] = []
        for entry in data.entries {
            let asked = Self.captions(
                of: entry, phrases: byImage[entry.image] ?? [], vocabulary: explainer.captioner.vocabulary, left: &left,
                counts: &counts)
            if asked.isEmpty { continue }
            images.append(entry.image)
            captions.append(asked)
        }
        guard !images.isEmpty else {
            throw DatasetError(
                path: path, problem: "has no phrase with boxes that could be explained in these captions")
        }
        self.images = images
        self.captions = captions
        notes = counts.notes
    }

    private static func captions(
        of entry: CaptionDataset.Entry, phrases: [Phrase], vocabulary: Vocabulary, left: inout Int, counts: inout Counts
    ) -> [AskedCaption] {
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
            var targets: [AskedCaption.Target] = []
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
            return targets.isEmpty ? nil : AskedCaption(row: row, words: words, targets: targets)
        }
    }

    public func url(ofImage index: Int) -> URL { data.imageURL(images[index]) }

    public func maps(ofImage index: Int, photo: Image) throws -> PictureMaps {
        let picture = explainer.captioner.configuration.preprocessing.prepare(photo)
        let seen = explainer.look(at: picture.tensor)
        var targets: [MapTarget] = []
        for caption in captions[index] {
            // What comes after the last word asked for changes nothing before it.
            let end = caption.targets.map(\.span.upperBound).max() ?? 0
            let found = try explainer.explain(
                seen, words: Array(caption.words.prefix(end)),
                targets: caption.targets.flatMap { [.span($0.head..<$0.head + 1), .span($0.span)] })
            try ModelError.check(found.logProbabilities, of: model)
            for (index, target) in caption.targets.enumerated() {
                let phrase = target.phrase
                guard let region = Region(boxes: phrase.boxes, width: photo.width, height: photo.height) else {
                    throw DatasetError(
                        path: path,
                        problem: "the boxes of \"\(phrase.words.joined(separator: " "))\" in \(phrase.image) lie "
                            + "outside of the picture, which has \(photo.width)x\(photo.height) pixels")
                }
                targets.append(
                    MapTarget(
                        kind: phrase.types.joined(separator: "/"), context: "\(caption.row)",
                        fields: [
                            "captionRow": .number(caption.row), "word": .text(found.words[target.head]),
                            "phrase": .text(phrase.words.joined(separator: " ")), "position": .number(target.head),
                        ],
                        region: region,
                        maps: [
                            .init(method: Self.word, fields: [:], raw: found.scores[2 * index].map),
                            .init(method: Self.phrase, fields: [:], raw: found.scores[2 * index + 1].map),
                        ]))
            }
        }
        return PictureMaps(
            placement: picture.placement, smoothing: smoothing, wordBlind: ReferenceMaps.activity(seen.activations),
            targets: targets)
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
