import Foundation
import Language
import Support
import Tasks
import Vision

/// Everything about one explained caption, as written beside its pictures and printed by `--json`.
public struct CaptionManifest: Codable, Sendable {
    public struct Model: Codable, Sendable {
        public var name: String
        public var path: String
        /// SHA-256 of `model.safetensors`.
        public var sha256: String
        public var encoder: String
        /// The model whose encoder it is, where it is another's.
        public var sharedEncoder: SharedEncoder?
        public var decoder: String
    }

    public typealias Photo = ManifestParts.Photo
    public typealias Map = ManifestParts.Map
    public typealias Point = ManifestParts.Point
    public typealias Files = ManifestParts.Files
    public typealias Rendering = ManifestParts.Rendering

    public struct Word: Codable, Sendable {
        public var word: String
        /// log p of the word given those before it and the picture.
        public var logProbability: Float
        public var probability: Float
    }

    public struct Score: Codable, Sendable {
        public var name: String
        /// Positions in the caption, from 0; the caption's end comes after its last word.
        public var positions: [Int]
        public var inCaption: Bool
        /// The number explained.
        public var value: Float
        /// Of the score's own words.
        public var logProbability: Float
        public var method: String
        /// The layers whose cells the map has, or "pixels".
        public var place: String
        public var map: Map
        public var files: Files
        public var warnings: [String]
    }

    public var tool: String
    public var task: String
    public var model: Model
    public var photo: Photo
    public var preprocessing: Preprocessing
    public var caption: String
    public var captionGivenByUser: Bool
    public var search: SearchOptions?
    public var words: [Word]
    public var endLogProbability: Float
    public var layer: String
    /// What of a word is explained.
    public var wordScore: WordScore
    /// Whether the maps show what speaks against the scores (`--counterfactual`).
    public var isCounterfactual: Bool
    public var scores: [Score]
    public var rendering: Rendering
    public var sheet: String?
    /// The sheet of methods x words (`--sheet`).
    public var methodSheet: String?
    public var manifest: String?
    /// The answers to the questions that were asked with it; nil where none were.
    public var answers: AnswerManifest?
    public var warnings: [String]

    /// Pretty-printed, keys sorted.
    public func json() throws -> String {
        try JSON.pretty(self)
    }
}

/// Words as a sentence: parts of contractions go back to their word.
public func sentence(_ words: [String]) -> String {
    words.reduce("") { text, word in
        text.isEmpty || word.hasPrefix("'") || word == "n't" ? text + word : text + " " + word
    }
}
