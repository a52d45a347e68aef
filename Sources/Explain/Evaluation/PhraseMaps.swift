import Foundation
import Language
import Tasks
import Tensors
import Vision

/// Maps of words of reference captions, each given the words before it, held against the boxes of the phrases that they
/// head (Flickr30k Entities).
public struct PhraseMaps: RandomisableMaps {
    /// Each method by its name for the phrase's head word, and with ":phrase" for all of its words together; then the
    /// model's own attention, where it has one, for the head word.
    public let methods: [String]
    public let images: [String]
    /// What was left out, in words.
    public let notes: [String]
    private var explainer: CaptionExplainer
    private let layer: String?
    /// The methods chosen, and the model's own attention last where it is there to be held against.
    private let recipe: MapRecipe
    /// How many of them were chosen.
    private let chosen: Int
    private let smoothing: Int
    private let model: URL
    private let data: CaptionDataset
    private let phrases: URL
    /// Where the masks of phrases without boxes are.
    private let masks: PhraseMasks?
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

    /// Takes the phrases with boxes or a mask that are no scenes and whose head word the model knows.
    /// - Parameters:
    ///   - model: the model's folder, for messages.
    ///   - phrases: tab-separated phrases with boxes, as ``PhraseFile`` describes.
    ///   - layer: the layer that the maps are drawn over; nil for the encoder's last.
    ///   - recipe: the methods, and which number of a word is explained.
    ///   - masks: a folder of masks for phrases without boxes, as ``PhraseMasks`` describes.
    ///   - kinds: only phrases of these types, scenes too where they are named; all but scenes where it is empty.
    ///   - limit: only the first so many.
    ///   - smoothing: cells of the square over whose mean maps are drawn, odd; nil takes the model's own.
    /// - Throws: ``DatasetError`` where no phrase is left, or a kind is not there.
    public init(
        _ captioner: Captioner, layer: String? = nil, recipe: MapRecipe = MapRecipe(), model: URL,
        data: CaptionDataset, phrases: URL, masks: URL? = nil, kinds: [String] = [], limit: Int? = nil,
        smoothing: Int? = nil
    ) throws {
        explainer = try CaptionExplainer(captioner, layer: layer)
        self.layer = layer
        let own = try explainer.methods(recipe)
        let attends =
            captioner.configuration.decoder.kind == .showAttendAndTell
            && explainer.layer == captioner.encoder.lastLayer
        self.recipe = recipe.beside(own, attention: attends)
        chosen = own.count
        methods =
            own.flatMap { [$0.name, "\($0.name):phrase"] } + self.recipe.methods.dropFirst(chosen).map(\.name)
        self.smoothing = smoothing ?? explainer.captioner.configuration.maps?.smoothing ?? 1
        self.model = model
        self.data = data
        self.phrases = phrases
        self.masks = masks.map(PhraseMasks.init)
        let path = phrases.path
        let all = try PhraseFile.read(phrases, images: Set(data.entries.map(\.image)))
        let types = Set(all.flatMap(\.types))
        for kind in kinds where !types.contains(kind) {
            throw DatasetError(
                path: path,
                problem: "has no phrases of the kind '\(kind)'; it has \(types.sorted().joined(separator: ", "))")
        }
        let masks = self.masks
        var counts = Counts()
        let wanted = all.filter { phrase in
            guard !phrase.boxes.isEmpty || masks?.has(phrase) == true else { return counts.leaveOut(\.boxless) }
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
        let explainer = explainer
        let picture = explainer.captioner.configuration.preprocessing.prepare(photo)
        let seen = explainer.look(at: picture.tensor)
        var targets: [MapTarget] = []
        for caption in captions[index] {
            let found = try explain(caption, seen)
            try ModelError.check(found.logProbabilities, of: model)
            for target in caption.targets {
                let phrase = target.phrase
                let region = try region(of: phrase, in: photo)
                let words = caption.words
                let confidences = [target.head..<target.head + 1, target.span].map { span -> Confidence in
                    { explainer.probabilities(of: span, in: words, pictures: $0) }
                }
                targets.append(
                    MapTarget(
                        kind: phrase.types.joined(separator: "/"), context: "\(caption.row)",
                        fields: [
                            "captionRow": .number(caption.row), "word": .text(found.words[target.head]),
                            "phrase": .text(phrase.words.joined(separator: " ")), "position": .number(target.head),
                        ],
                        region: region, confidences: confidences,
                        maps: maps(of: target, found)))
            }
        }
        return PictureMaps(
            input: picture.tensor, placement: picture.placement, smoothing: smoothing,
            wordBlind: ReferenceMaps.activity(seen.activations),
            targets: targets)
    }

    /// One score for each head word and each phrase, however often it is asked for.
    private func explain(_ caption: AskedCaption, _ seen: SeenPicture) throws -> CaptionExplanation {
        let spans = caption.targets.flatMap { [$0.head..<$0.head + 1, $0.span] }
        var known = Set<Range<Int>>()
        // What comes after the last word asked for changes nothing before it.
        return try explainer.explain(
            seen, words: Array(caption.words.prefix(spans.map(\.upperBound).max() ?? 0)),
            targets: spans.filter { known.insert($0).inserted }.map { .span($0) }, recipe: recipe)
    }

    /// In the order of ``methods``.
    private func maps(of target: AskedCaption.Target, _ found: CaptionExplanation) -> [MapTarget.Map] {
        func scores(_ span: Range<Int>) -> [ExplainedScore] { found.scores.filter { $0.score.positions == span } }
        let words = scores(target.head..<target.head + 1)
        let phrases = scores(target.span)
        let own = zip(words, phrases).prefix(chosen).flatMap { word, phrase -> [MapTarget.Map] in
            [
                .init(method: word.method, fields: [:], raw: word.map),
                .init(method: "\(word.method):phrase", score: 1, fields: [:], raw: phrase.map),
            ]
        }
        return own + words.dropFirst(chosen).map { .init(method: $0.method, fields: [:], raw: $0.map) }
    }

    private func region(of phrase: Phrase, in photo: Image) throws -> Region {
        if phrase.boxes.isEmpty, let masks { return try masks.region(of: phrase, in: photo) }
        guard let region = Region(boxes: phrase.boxes, width: photo.width, height: photo.height) else {
            throw DatasetError(
                path: phrases.path,
                problem: "the boxes of \"\(phrase.words.joined(separator: " "))\" in \(phrase.image) lie "
                    + "outside of the picture, which has \(photo.width)x\(photo.height) pixels")
        }
        return region
    }

    // MARK: The same maps of other parameters

    public var fingerprint: String {
        let asked = zip(images, captions).map { image, captions in
            "\(image) \(captions.map { "\($0.row) \($0.words) \($0.targets.map { "\($0.head) \($0.span)" })" })"
        }
        let settings = ["phrases", explainer.layer, "\(recipe)", "\(smoothing)", masks?.folder.path ?? ""]
        return ModelParameters.fingerprint(model, settings: settings + asked, files: [phrases])
    }

    public func parameters() throws -> [String: Tensor] { try ModelParameters.read(model) }

    public func parameterOrder() throws -> [String] {
        let store = ParameterStore(strict: try parameters(), origin: model.path)
        _ = try captioner(store)
        return store.order
    }

    public func with(parameters: [String: Tensor]) throws -> PhraseMaps {
        var changed = self
        let store = ParameterStore(strict: parameters, origin: model.path)
        changed.explainer = try CaptionExplainer(captioner(store), layer: layer)
        return changed
    }

    private func captioner(_ store: ParameterStore) throws -> Captioner {
        let captioner = try Captioner(
            configuration: explainer.captioner.configuration, vocabulary: explainer.captioner.vocabulary,
            parameters: store.scope())
        try store.checkComplete()
        return captioner
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
