import Explain
import Foundation
import Language
import Tasks
import Tensors
import Vision

/// Maps of the head words of phrases in reference captions, each given the words before it. The maps are compared with
/// the boxes of the phrases (Flickr30k Entities).
public struct PhraseMaps: RandomisableMaps {
    /// Each method by its name for the phrase's head word, and with ":phrase" for all words of the phrase. The model's
    /// attention is last, for the head word, if the model has it.
    public let methods: [String]
    /// The names of the images that have phrases to measure.
    public let images: [String]
    /// Messages about phrases that were left out.
    public let notes: [String]
    private var evaluated: EvaluatedModel<Captioner>
    private let data: CaptionDataset
    private let phrases: URL
    private let noImage: NoImage
    /// Masks of phrases without boxes.
    private let masks: PhraseMasks?
    /// The captions of each image that have phrases to measure, in their order.
    private let captions: [[PhraseCaption]]
    /// The head words of all measured phrases, where the model's own captions are measured; else nil.
    private let objects: Set<String>?
    /// Other tools' maps of the phrases.
    private var others: OtherMaps?

    private static let suffix = ":phrase"

    /// Selects the phrases that have boxes or a mask, are no scenes, and have a head word that the model knows.
    /// - Parameters:
    ///   - captioner: the model.
    ///   - model: the model's folder.
    ///   - options: the methods, the layer and the word score.
    ///   - data: the images and their captions.
    ///   - phrases: tab-separated phrases with boxes, as `PhraseFile` describes.
    ///   - masks: a folder with masks of phrases without boxes. The mask of a phrase of chain C in the image NAME.* is
    ///     `NAME-C.png` or `NAME-C.jpg`. It has the size of the image and is white where the phrase is.
    ///   - kinds: selects phrases of these types, which may include scenes. If it is empty, all but scenes are
    ///     selected.
    ///   - limit: the largest number of phrases.
    ///   - smoothing: side of the smoothing square, odd. Without it, the model's own.
    ///   - noImage: what evidence is measured against.
    ///   - ownCaptions: whether the captions that the model writes are measured too (``GroundingScores``).
    ///   - otherMaps: a folder with other tools' maps of the phrases (``OtherMaps``), which are measured too.
    /// - Throws: `DatasetError` if no phrase is left, if the file has no phrase of a kind, or if another tool's map is
    ///   missing. `ExplanationError` for an unknown layer, or for a method that does not apply.
    public init(
        _ captioner: Captioner, model: URL, options: ExplanationOptions = ExplanationOptions(), data: CaptionDataset,
        phrases: URL, masks: URL? = nil, kinds: [String] = [], limit: Int? = nil, smoothing: Int? = nil,
        noImage: NoImage = .typical, ownCaptions: Bool = false, otherMaps: URL? = nil
    ) throws {
        evaluated = try EvaluatedModel(captioner, folder: model, options: options, smoothing: smoothing)
        others = try otherMaps.map(OtherMaps.init)
        let own = evaluated.methods(Self.suffix)
        methods = own + (others?.methods ?? [])
        self.data = data
        self.phrases = phrases
        self.noImage = noImage
        self.masks = masks.map(PhraseMasks.init)
        let found = try CaptionPhrases(
            data, phrases: phrases, masks: self.masks, kinds: kinds, limit: limit, vocabulary: captioner.vocabulary)
        (images, captions, notes) = (found.images, found.captions, found.notes)
        let heads = captions.flatMap { $0.flatMap { caption in caption.targets.map { caption.words[$0.head] } } }
        objects = ownCaptions ? Set(heads.map(captioner.vocabulary.word)) : nil
        let asked = captions.flatMap { $0.flatMap { caption in caption.targets.map { ($0.phrase, caption.row) } } }
        try others?.check(asked, own: own + ImageEvaluation.references)
    }

    /// The file of an image.
    public func url(ofImage index: Int) -> URL { data.imageURL(images[index]) }

    /// The maps of one image.
    /// - Throws: `DatasetError` for boxes or a mask that do not suit the image, `ExplanationError` for a method that
    ///   does not apply, `ModelError` for a model whose probabilities are not finite, `NumPyArrayError` for another
    ///   tool's map that cannot be read.
    public func maps(ofImage index: Int, photo: Image) throws -> ImageMaps {
        let prepared = evaluated.prepare(photo), image = evaluated.explainer.encode(prepared.tensor)
        let explainer = try evaluated.explainer(of: photo, noImage: noImage)
        let own = try ownEvidence(image, explainer, captions[index])
        var found = try evaluated.imageMaps(
            prepared, image, targets: targets(ofImage: index, photo, image, explainer, own: own, others: others))
        found.ownCaption = try ownCaption(ofImage: index, photo, image)
        found.remade = { input in
            let changed = evaluated.explainer.encode(input)
            return try evaluated.imageMaps(
                (input, prepared.placement), changed,
                targets: targets(ofImage: index, photo, changed, explainer, own: nil, others: nil))
        }
        return found
    }

    /// The caption that the model writes, with the maps of its object words.
    private func ownCaption(ofImage index: Int, _ photo: Image, _ image: EncodedImage) throws -> OwnCaption? {
        guard let objects else { return nil }
        let vocabulary = evaluated.model.vocabulary, words = evaluated.explainer.caption(image)
        let places = words.indices.filter { objects.contains(vocabulary.word(at: words[$0])) }
        let explained = try evaluated.explainer.explain(
            image, input: words, targets: places.map { .span($0..<$0 + 1) })
        let references = try captions[index].map { caption -> OwnCaption.Reference in
            let found = try caption.targets.map {
                (
                    word: vocabulary.word(at: caption.words[$0.head]),
                    box: try region(of: $0.phrase, in: photo).surroundingBox
                )
            }
            let heads = Set(caption.targets.map(\.head))
            let others = caption.words.indices.filter { !heads.contains($0) }
            return .init(objects: found, others: Set(others.map { vocabulary.word(at: caption.words[$0]) }))
        }
        return OwnCaption(
            methods: evaluated.chosen + [evaluated.attention].compactMap { $0 },
            words: zip(places, explained.targets).map { place, target in
                .init(
                    word: vocabulary.word(at: words[place]), maps: evaluated.maps(target, nil, suffix: Self.suffix))
            }, references: references)
    }

    /// The phrases of one image with their maps.
    /// - Parameters:
    ///   - photo: the photograph, whose size the boxes have.
    ///   - image: the photograph as the model takes it, or a changed one, encoded.
    ///   - own: the evidence of the caption that the model writes.
    private func targets(
        ofImage index: Int, _ photo: Image, _ image: EncodedImage, _ explainer: Explainer<Captioner>,
        own: (words: Double, functionWords: Double)?, others: OtherMaps?
    ) throws -> [MapTarget] {
        let captioner = evaluated.model
        var targets: [MapTarget] = []
        var own = own
        for caption in captions[index] {
            let (explanation, spans) = try explain(caption, image, explainer)
            try ModelError.check(explanation.output.logProbabilities, of: evaluated.folder)
            let functionEvidence = Self.functionEvidence(explanation.output)
            for target in caption.targets {
                let phrase = target.phrase, words = caption.words
                let asked = [target.head..<target.head + 1, target.span]
                let explained = asked.map { explanation.targets[spans[$0] ?? 0] }
                var fields: [String: RecordValue] = [
                    "captionRow": .number(caption.row), "word": .text(explanation.output.words[target.head]),
                    "phrase": .text(phrase.words.joined(separator: " ")), "position": .number(target.head),
                ]
                fields["evidence"] = explained[0].evidence.evidence.map { .fraction(Double($0)) }
                fields["functionEvidence"] = functionEvidence.map { .fraction($0) }
                fields["ownEvidence"] = own.map { .fraction($0.words) }
                fields["ownFunctionEvidence"] = own.map { .fraction($0.functionWords) }
                try targets.append(
                    MapTarget(
                        kind: phrase.types.joined(separator: "/"), context: "\(caption.row)",
                        fields: fields,
                        region: region(of: phrase, in: photo),
                        confidences: asked.map { span in
                            { captioner.probabilities(of: span, in: words, features: $0) }
                        },
                        maps: evaluated.maps(explained[0], explained[1], suffix: Self.suffix)
                            + (others?.maps(of: phrase, row: caption.row, score: 1) ?? [])))
                // The image's own caption counts once.
                own = nil
            }
        }
        return targets
    }

    /// Explains the head words and the phrases of a caption, each once.
    /// - Returns: the explanation, and the index of each span's target in it.
    private func explain(
        _ caption: PhraseCaption, _ image: EncodedImage, _ explainer: Explainer<Captioner>
    ) throws -> (Explanation<Captioner>, spans: [Range<Int>: Int]) {
        var spans: [Range<Int>] = [], places: [Range<Int>: Int] = [:]
        for span in caption.targets.flatMap({ [$0.head..<$0.head + 1, $0.span] }) where places[span] == nil {
            places[span] = spans.count
            spans.append(span)
        }
        return (try explainer.explain(image, input: caption.words, targets: spans.map { .span($0) }), places)
    }

    /// The mean evidence of a caption's function words, in nats; nil where there is none.
    private static func functionEvidence(_ output: CaptionOutput) -> Double? {
        meanEvidence(output) { FunctionWords.all.contains($0) }
    }

    private static func meanEvidence(_ output: CaptionOutput, of isWanted: (String) -> Bool) -> Double? {
        let found = zip(output.words, output.evidence).filter { isWanted($0.0) }
            .compactMap { $0.1.evidence.map(Double.init) }
        return found.isEmpty ? nil : found.reduce(0, +) / Double(found.count)
    }

    /// The mean evidence of two kinds of words in the caption that the model writes: head words of the image's phrases,
    /// and function words. nil where it has not both, or the model has no calibration.
    private func ownEvidence(
        _ image: EncodedImage, _ explainer: Explainer<Captioner>, _ captions: [PhraseCaption]
    ) throws -> (words: Double, functionWords: Double)? {
        let captioner = evaluated.model
        guard captioner.calibration != nil else { return nil }
        let heads = Set(
            captions.flatMap { caption in
                caption.targets.map { captioner.vocabulary.word(at: caption.words[$0.head]) }
            })
        let output = try explainer.explain(image, input: evaluated.explainer.caption(image), targets: []).output
        guard let words = Self.meanEvidence(output, of: heads.contains),
            let functionWords = Self.functionEvidence(output)
        else { return nil }
        return (words, functionWords)
    }

    /// The pixels of a phrase's boxes or of its mask.
    private func region(of phrase: Phrase, in photo: Image) throws -> Region {
        if phrase.boxes.isEmpty, let masks { return try masks.region(of: phrase, in: photo) }
        guard let region = Region(boxes: phrase.boxes, width: photo.width, height: photo.height) else {
            throw DatasetError(
                path: phrases.path,
                problem: "the boxes of \"\(phrase.words.joined(separator: " "))\" in \(phrase.image) lie "
                    + "outside of the image, which has \(photo.width)x\(photo.height) pixels")
        }
        return region
    }

    // MARK: Other parameters

    /// A hash of the model, the options, the phrases and the captions.
    public var fingerprint: String {
        let asked = zip(images, captions).map { image, captions in
            "\(image) \(captions.map { "\($0.row) \($0.words) \($0.targets.map { "\($0.head) \($0.span)" })" })"
        }
        return evaluated.fingerprint(
            ["phrases", masks?.folder.path ?? "", "no image: \(noImage)", "own captions: \(objects != nil)"] + asked,
            files: [phrases] + (others.map { [$0.folder.appendingPathComponent(OtherMaps.list)] } ?? []))
    }

    /// The values of the model's parameters by name, as the file has them.
    /// - Throws: `SafeTensorsError`.
    public func parameters() throws -> [String: Tensor] { try evaluated.parameters() }

    /// The names of the parameters in the order in which the model uses them.
    public func parameterOrder() throws -> [String] { try evaluated.parameterOrder() }

    /// The same phrases and methods, with other values of the model's parameters.
    public func with(parameters: [String: Tensor]) throws -> PhraseMaps {
        var changed = self
        changed.evaluated = try evaluated.with(parameters: parameters)
        // Other tools' maps are not of this model.
        changed.others = nil
        return changed
    }
}
