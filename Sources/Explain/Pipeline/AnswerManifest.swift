import Foundation
import Support
import Tasks
import Vision

/// Everything about one photograph's answered questions, as written beside their pictures and printed by `--json`.
public struct AnswerManifest: Codable, Sendable {
    public struct Model: Codable, Sendable {
        public var name: String
        public var path: String
        /// SHA-256 of `model.safetensors`.
        public var sha256: String
        public var encoder: String
        /// The model whose encoder it is, where `model.safetensors` holds the answerer alone.
        public var sharedEncoder: SharedEncoder?
        public var answerer: String
    }

    /// One question, its best answers and what was explained.
    public struct Question: Codable, Sendable {
        /// Counted from 1; part of the files' names.
        public var number: Int
        /// As asked.
        public var question: String
        /// As the model reads it.
        public var words: [String]
        public var unknownWords: [String]
        /// The likeliest first.
        public var answers: [Answer]
        public var scores: [Score]
        /// The sheet of methods x answers (`--sheet`).
        public var methodSheet: String?
        public var warnings: [String]
    }

    public struct Answer: Codable, Sendable {
        public var answer: String
        /// Before the softmax.
        public var logit: Float
        public var probability: Float
    }

    public struct Score: Codable, Sendable {
        public var name: String
        public var answer: String
        /// The answer that it is held against (`--contrast`).
        public var against: String?
        /// logit(answer), less logit(against) where there is one.
        public var value: Float
        /// How many answers are likelier than `answer`, plus 1.
        public var rank: Int
        /// Of `answer`.
        public var probability: Float
        public var method: String
        /// The layers whose cells the map has, or "pixels".
        public var place: String
        public var map: ManifestParts.Map
        public var files: ManifestParts.Files
        /// Gradient times input, word by word in the question's order (`--explain-question`).
        public var words: [Word]?
        public var warnings: [String]
    }

    public struct Word: Codable, Sendable {
        public var word: String
        /// Positive where the word speaks for the answer.
        public var contribution: Float
    }

    public var tool: String
    public var task: String
    public var model: Model
    public var photo: ManifestParts.Photo
    public var preprocessing: Preprocessing
    /// How the words' contributions were made; nil where they were not asked for.
    public var questionMethod: String?
    public var layer: String
    /// Whether the maps show what speaks against the scores (`--counterfactual`).
    public var isCounterfactual: Bool
    public var questions: [Question]
    public var rendering: ManifestParts.Rendering
    public var manifest: String?

    /// Every warning, in the questions' order.
    public var warnings: [String] { questions.flatMap { $0.warnings + $0.scores.flatMap(\.warnings) } }

    /// Pretty-printed, keys sorted.
    public func json() throws -> String {
        try JSON.pretty(self)
    }
}
