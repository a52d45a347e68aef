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
    /// - Throws: `DatasetError` if no phrase is left, or if the file has no phrase of a kind. `ExplanationError` for an
    ///   unknown layer, or for a method that does not apply.
    public init(
        _ captioner: Captioner, model: URL, options: ExplanationOptions = ExplanationOptions(), data: CaptionDataset,
        phrases: URL, masks: URL? = nil, kinds: [String] = [], limit: Int? = nil, smoothing: Int? = nil,
        noImage: NoImage = .typical
    ) throws {
        evaluated = try EvaluatedModel(captioner, folder: model, options: options, smoothing: smoothing)
        methods = evaluated.methods(Self.suffix)
        self.data = data
        self.phrases = phrases
        self.noImage = noImage
        self.masks = masks.map(PhraseMasks.init)
        let found = try CaptionPhrases(
            data, phrases: phrases, masks: self.masks, kinds: kinds, limit: limit, vocabulary: captioner.vocabulary)
        (images, captions, notes) = (found.images, found.captions, found.notes)
    }

    /// The file of an image.
    public func url(ofImage index: Int) -> URL { data.imageURL(images[index]) }

    /// The maps of one image.
    /// - Throws: `DatasetError` for boxes or a mask that do not suit the image, `ExplanationError` for a method that
    ///   does not apply, `ModelError` for a model whose probabilities are not finite.
    public func maps(ofImage index: Int, photo: Image) throws -> ImageMaps {
        let captioner = evaluated.model
        let prepared = evaluated.prepare(photo), image = evaluated.explainer.encode(prepared.tensor)
        let explainer = try evaluated.explainer(of: photo, noImage: noImage)
        var targets: [MapTarget] = []
        var own = try ownEvidence(image, explainer, captions[index])
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
                targets.append(
                    MapTarget(
                        kind: phrase.types.joined(separator: "/"), context: "\(caption.row)",
                        fields: fields,
                        region: try region(of: phrase, in: photo),
                        confidences: asked.map { span in
                            { captioner.probabilities(of: span, in: words, features: $0) }
                        },
                        maps: evaluated.maps(explained[0], explained[1], suffix: Self.suffix)))
                // The image's own caption counts once.
                own = nil
            }
        }
        return evaluated.imageMaps(prepared, image, targets: targets)
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
            ["phrases", masks?.folder.path ?? "", "no image: \(noImage)"] + asked, files: [phrases])
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
        return changed
    }
}
