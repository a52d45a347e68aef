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
    private let preparation: MapPreparation
    private let model: URL
    private let data: CaptionDataset
    private let phrases: URL
    /// Where the masks of phrases without boxes are.
    private let masks: PhraseMasks?
    /// Of each image, in the captions' order.
    private let captions: [[AskedCaption]]

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
        preparation = MapPreparation(smoothing: smoothing, own: explainer.captioner.configuration.maps)
        self.model = model
        self.data = data
        self.phrases = phrases
        self.masks = masks.map(PhraseMasks.init)
        let asked = try AskedCaptions(
            data, phrases: phrases, masks: self.masks, kinds: kinds, limit: limit,
            vocabulary: explainer.captioner.vocabulary)
        (images, captions, notes) = (asked.images, asked.captions, asked.notes)
    }

    public func url(ofImage index: Int) -> URL { data.imageURL(images[index]) }

    public func maps(ofImage index: Int, photo: Image) throws -> PictureMaps {
        let explainer = explainer
        let picture = explainer.captioner.configuration.preprocessing.prepare(photo)
        let seen = explainer.look(at: picture.tensor, for: recipe.methods)
        var targets: [MapTarget] = []
        for caption in captions[index] {
            let found = try explain(caption, seen)
            try ModelError.check(found.logProbabilities, of: model)
            for target in caption.targets {
                let phrase = target.phrase
                let region = try region(of: phrase, in: photo)
                let words = caption.words
                let confidences = [target.head..<target.head + 1, target.span].map { span -> Confidence in
                    { explainer.probabilities(of: span, in: words, features: $0) }
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
            input: picture.tensor, placement: picture.placement, preparation: preparation,
            wordBlind: ReferenceMaps.activity(seen.activations),
            features: { explainer.captioner.encoder(Variable($0)).value }, targets: targets)
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
                .init(method: word.method, fields: [:], raw: word.map, isOfPixels: word.raw.isOfPixels),
                .init(
                    method: "\(word.method):phrase", score: 1, fields: [:], raw: phrase.map,
                    isOfPixels: phrase.raw.isOfPixels),
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
        let settings = ["phrases", explainer.layer, "\(recipe)", "\(preparation)", masks?.folder.path ?? ""]
        return ModelParameters.fingerprint(model, settings: settings + asked, files: [phrases])
    }

    public func parameters() throws -> [String: Tensor] { try ModelParameters.read(model) }

    public func parameterOrder() throws -> [String] {
        let store = ParameterStore(strict: try parameters(), origin: model.path)
        _ = try captioner(store)
        return store.order
    }

    /// An encoder that the model shares with another keeps its parameters.
    public func with(parameters: [String: Tensor]) throws -> PhraseMaps {
        var changed = self
        let store = ParameterStore(strict: parameters, origin: model.path)
        changed.explainer = try CaptionExplainer(captioner(store), layer: layer)
        return changed
    }

    private func captioner(_ store: ParameterStore) throws -> Captioner {
        let own = explainer.captioner
        let captioner = try Captioner(
            configuration: own.configuration, vocabulary: own.vocabulary,
            encoder: own.configuration.sharedEncoder == nil ? nil : own.modelEncoder, parameters: store.scope())
        try store.checkComplete()
        return captioner
    }
}
