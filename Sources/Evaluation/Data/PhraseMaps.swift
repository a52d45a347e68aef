import Explain
import Foundation
import Language
import Tasks
import Tensors
import Vision

/// Maps of words of reference captions, each given the words before it, compared with the boxes of the phrases that the
/// words head (Flickr30k Entities).
public struct PhraseMaps: RandomisableMaps {
    /// Each method by its name for the phrase's head word, and with ":phrase" for all of its words together; then the
    /// model's own attention, where it has one, for the head word.
    public let methods: [String]
    public let images: [String]
    /// What was left out, in words.
    public let notes: [String]
    private var evaluated: EvaluatedModel<Captioner>
    private let data: CaptionDataset
    private let phrases: URL
    /// Where the masks of phrases without boxes are.
    private let masks: PhraseMasks?
    /// Of each image, in the captions' order.
    private let captions: [[PhraseCaption]]

    private static let suffix = ":phrase"

    /// Takes the phrases with boxes or a mask that are no scenes and whose head word the model knows.
    /// - Parameters:
    ///   - model: the model's folder.
    ///   - options: the methods, the layer, and which number of a word is explained.
    ///   - phrases: tab-separated phrases with boxes, as ``PhraseFile`` describes.
    ///   - masks: a folder of masks for phrases without boxes, as ``PhraseMasks`` describes.
    ///   - kinds: only phrases of these types, scenes too where they are named; all but scenes where it is empty.
    ///   - limit: only the first so many.
    ///   - smoothing: side of the smoothing square, odd; nil takes the model's own.
    /// - Throws: ``DatasetError`` where no phrase is left, or a kind is not there.
    public init(
        _ captioner: Captioner, model: URL, options: ExplanationOptions = ExplanationOptions(), data: CaptionDataset,
        phrases: URL, masks: URL? = nil, kinds: [String] = [], limit: Int? = nil, smoothing: Int? = nil
    ) throws {
        evaluated = try EvaluatedModel(captioner, folder: model, options: options, smoothing: smoothing)
        methods = evaluated.methods(Self.suffix)
        self.data = data
        self.phrases = phrases
        self.masks = masks.map(PhraseMasks.init)
        let found = try CaptionPhrases(
            data, phrases: phrases, masks: self.masks, kinds: kinds, limit: limit, vocabulary: captioner.vocabulary)
        (images, captions, notes) = (found.images, found.captions, found.notes)
    }

    public func url(ofImage index: Int) -> URL { data.imageURL(images[index]) }

    public func maps(ofImage index: Int, photo: Image) throws -> ImageMaps {
        let captioner = evaluated.model
        let prepared = evaluated.prepare(photo), image = evaluated.explainer.encode(prepared.tensor)
        var targets: [MapTarget] = []
        for caption in captions[index] {
            let (explanation, spans) = try explain(caption, image)
            try ModelError.check(explanation.output.logProbabilities, of: evaluated.folder)
            for target in caption.targets {
                let phrase = target.phrase, words = caption.words
                let own = [target.head..<target.head + 1, target.span]
                let explained = own.map { explanation.targets[spans[$0] ?? 0] }
                targets.append(
                    MapTarget(
                        kind: phrase.types.joined(separator: "/"), context: "\(caption.row)",
                        fields: [
                            "captionRow": .number(caption.row),
                            "word": .text(explanation.output.words[target.head]),
                            "phrase": .text(phrase.words.joined(separator: " ")), "position": .number(target.head),
                        ],
                        region: try region(of: phrase, in: photo),
                        confidences: own.map { span in
                            { captioner.probabilities(of: span, in: words, features: $0) }
                        },
                        maps: evaluated.maps(explained[0], explained[1], suffix: Self.suffix)))
            }
        }
        return evaluated.imageMaps(prepared, image, targets: targets)
    }

    /// Explains each head word and each phrase once, however often it is asked for.
    /// - Returns: the explanation, and the index of each span's target in it.
    private func explain(
        _ caption: PhraseCaption, _ image: EncodedImage
    ) throws -> (Explanation<Captioner>, spans: [Range<Int>: Int]) {
        var spans: [Range<Int>] = [], places: [Range<Int>: Int] = [:]
        for span in caption.targets.flatMap({ [$0.head..<$0.head + 1, $0.span] }) where places[span] == nil {
            places[span] = spans.count
            spans.append(span)
        }
        // What comes after the last word asked for changes nothing before it.
        let words = Array(caption.words.prefix(spans.map(\.upperBound).max() ?? 0))
        return (try evaluated.explainer.explain(image, input: words, targets: spans.map { .span($0) }), places)
    }

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

    // MARK: The same maps of other parameters

    public var fingerprint: String {
        let asked = zip(images, captions).map { image, captions in
            "\(image) \(captions.map { "\($0.row) \($0.words) \($0.targets.map { "\($0.head) \($0.span)" })" })"
        }
        return evaluated.fingerprint(["phrases", masks?.folder.path ?? ""] + asked, files: [phrases])
    }

    public func parameters() throws -> [String: Tensor] { try evaluated.parameters() }

    public func parameterOrder() throws -> [String] { try evaluated.parameterOrder() }

    public func with(parameters: [String: Tensor]) throws -> PhraseMaps {
        var changed = self
        changed.evaluated = try evaluated.with(parameters: parameters)
        return changed
    }
}
