import Language
import Tasks

/// Everything about one explained caption.
public typealias CaptionManifest = Manifest<CaptionManifestBody>

/// The part of a caption's manifest that other tasks do not have.
public struct CaptionManifestBody: ManifestBody {
    /// A word of the caption with its probability.
    public struct Word: Codable, Sendable {
        /// The word, as the user wrote it where the caption is the user's.
        public var word: String
        /// log p of the word given those before it and the image, in nats.
        public var logProbability: Float
        /// At the temperature that was fitted on dev, 0...1; without one, exp of ``logProbability``.
        public var probability: Float
        /// log p less that without the image, in nats; nil for a model without a calibration.
        public var evidence: Float?
        /// What the image's regions add to the word's log-odds; nil for a decoder without a visual term.
        public var regions: Float?
        /// The word's log-odds without the regions' part.
        public var language: Float?
        /// false for a word of the user's that the model does not know: it reads an unknown word, whose probability
        /// this is. nil for all others.
        public var known: Bool?
    }

    /// The caption as a sentence.
    public var caption: String
    /// Whether the user gave the caption (`--caption`); otherwise the model wrote it.
    public var captionGivenByUser: Bool
    /// How the caption was searched; nil for a caption given by the user.
    public var search: SearchOptions?
    /// The caption's words, in order.
    public var words: [Word]
    /// log p of the end, given all words and the image, in nats.
    public var endLogProbability: Float
    /// The whole caption's probability, its end included: the product of its words', 0...1.
    public var probability: Double
    /// The whole caption's evidence, its end included, in nats; nil for a model without a calibration.
    public var evidence: Float?
    /// Which number of a word is explained.
    public var wordScore: WordScore
    /// The attributions: of each target, one for each method.
    public var scores: [ManifestTarget<CaptionSubject>]
    /// File of the sheet of every word (`--explain-all`).
    public var sheet: String?
    /// File of the sheet of methods x words (`--sheet`).
    public var methodSheet: String?
    /// The answers to the questions that were asked with it; nil where none were.
    public var answers: VQAManifest?

    private enum CodingKeys: String, CodingKey {
        case caption, captionGivenByUser, search, words, endLogProbability, probability, evidence, wordScore, scores,
            sheet, methodSheet
        case answers
    }

    /// The warnings of the targets, then those of the answers.
    public var warnings: [String] { scores.flatMap(\.warnings) + (answers?.allWarnings ?? []) }
}

/// Words as a sentence: parts of contractions go back to their word.
/// - Parameter shown: what stands for each word; the words themselves without it.
public func sentence(_ words: [String], shown: [String]? = nil) -> String {
    zip(words, shown ?? words).reduce("") { text, word in
        let isTail = word.0.hasPrefix("'") || word.0 == "n't"
        return text.isEmpty || isTail ? text + word.1 : text + " " + word.1
    }
}
