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
        /// exp of ``logProbability``, 0...1.
        public var probability: Float
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
        case caption, captionGivenByUser, search, words, endLogProbability, wordScore, scores, sheet, methodSheet
        case answers
    }

    /// The warnings of the targets, then those of the answers.
    public var warnings: [String] { scores.flatMap(\.warnings) + (answers?.allWarnings ?? []) }
}

/// Words as a sentence: parts of contractions go back to their word.
public func sentence(_ words: [String]) -> String {
    words.reduce("") { text, word in
        text.isEmpty || word.hasPrefix("'") || word == "n't" ? text + word : text + " " + word
    }
}
