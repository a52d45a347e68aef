import Language
import Support
import Tasks
import Tensors

/// A captioner explains its words: the input is a caption.
extension Captioner: ExplainableModel {
    /// The caption: indices into the vocabulary, and the spelling of unknown words.
    public typealias Input = CaptionWords
    /// Words, phrases and contrasts of words.
    public typealias Request = CaptionTarget
    /// The words and their log-probabilities.
    public typealias Output = CaptionOutput
    /// Positions in the caption.
    public typealias Subject = CaptionSubject

    /// `maps` of the model's `config.json`.
    public var mapConfiguration: MapConfiguration? { configuration.maps }

    /// - Throws: ``ExplanationError`` for a decoder that has no such word score.
    public func read(
        _ caption: CaptionWords, features: Variable, on tape: Tape, options: ExplanationOptions
    ) throws -> HeadReading<Captioner> {
        let reading = try CaptionReading(
            self, caption: caption, features: features, options: options)
        let words = caption.indices
        let attention = CaptionAttention(self, features: features.value, words: words)
        let cells = CaptionCells(
            self, features: features.value, words: words, kind: reading.wordOutputs.kind,
            logProbabilities: reading.logProbabilities.value, language: reading.language)
        let head = ModelHead(
            name: configuration.decoder.kind.rawValue, choices: reading.outputs.shape[1],
            attention: { attention.map(at: reading.positions(of: $0)) }, cellScores: { cells.map(of: $0) },
            outputs: { reading.wordOutputs($0, words: words).reshaped([$0.shape[0], -1]) })
        return HeadReading(
            output: reading.output, head: head, outputs: reading.outputs.reshaped([1, -1]),
            evidence: reading.evidence, targets: reading.targets)
    }

    /// Longer captions of a person's own are refused: with a map for every word, memory grows with the square of their
    /// number.
    public static var maximumWords: Int { 200 }

    /// A caption that a person gives, with a warning for each word that the model does not know.
    /// - Throws: ``ExplanationError`` when the text has no word, none that the model knows, or too many
    ///   (``maximumWords``).
    public func words(of caption: String) throws -> (words: CaptionWords, warnings: [String]) {
        let limit = WordLimit(what: "caption", words: Self.maximumWords, kind: .badCaption)
        try limit.check(caption)
        let tokens = CaptionTokenizer().tokens(caption)
        try limit.check(tokens, of: caption)
        let words = CaptionWords(tokens, in: vocabulary)
        guard !tokens.isEmpty else {
            throw ExplanationError(kind: .badCaption, description: "the caption '\(caption)' has no words")
        }
        let unknown = zip(tokens, words.indices).filter { $0.1 == vocabulary.unknown }.map(\.0)
        if unknown.count == tokens.count {
            throw ExplanationError(
                kind: .unknownWord, description: "the model knows no word of the caption '\(caption)'")
        }
        var named = Set<String>()
        return (words, unknown.filter { named.insert($0).inserted }.map(unknownWordWarning))
    }

    private func unknownWordWarning(_ word: String) -> String {
        "the model does not know the word '\(word)'\(vocabulary.nearestKnown(to: word)); it reads it as an unknown word"
    }
}

extension Explainer where Model == Captioner {
    /// The best caption's word indices. The image's feature map must be this encoder's (``accepts(_:)``).
    public func caption(_ image: EncodedImage, options: SearchOptions? = nil) -> [Int] {
        model.captions(features: image.features, options: options)[0].first?.words ?? []
    }

    /// The best caption's word indices of each image. The search runs once for all, so the decoder's weights are read
    /// once for each step.
    func captions(_ images: [EncodedImage], options: SearchOptions? = nil) -> [[Int]] {
        guard let first = images.first else { return [] }
        // Photographs that keep their own size have maps of different sizes.
        if images.contains(where: { $0.features.shape != first.features.shape }) {
            return images.map { caption($0, options: options) }
        }
        let features = Tensor(
            [images.count] + first.features.shape.dropFirst(), images.flatMap(\.features.array))
        return Timings.measure(.beams) {
            model.captions(features: features, options: options).map { $0.first?.words ?? [] }
        }
    }
}
