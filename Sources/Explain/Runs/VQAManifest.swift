import Tasks

/// Everything about one photograph's answered questions.
public typealias VQAManifest = Manifest<VQAManifestBody>

/// The part of a VQA manifest that other tasks do not have.
public struct VQAManifestBody: ManifestBody {
    /// One question, its best answers and what was explained.
    public struct Question: Codable, Sendable {
        /// Counted from 1; part of the files' names.
        public var number: Int
        /// As asked.
        public var question: String
        /// As the model reads it.
        public var words: [String]
        /// Words that the model does not know; it reads each as an unknown word.
        public var unknownWords: [String]
        /// The likeliest first.
        public var answers: [Answer]
        /// The attributions: of each target, one for each method.
        public var scores: [ManifestTarget<AnswerSubject>]
        /// File of the sheet of methods x answers (`--sheet`).
        public var methodSheet: String?
        /// Of the question as a whole; each target has its own.
        public var warnings: [String]
    }

    /// An answer with its score.
    public struct Answer: Codable, Sendable {
        /// The answer, as it stands in the model's list.
        public var answer: String
        /// The score before the softmax.
        public var logit: Float
        /// After the softmax over all answers, 0...1.
        public var probability: Float
    }

    /// How the words' contributions were made; nil where they were not asked for.
    public var questionMethod: String?
    /// In the order in which they were asked.
    public var questions: [Question]

    private enum CodingKeys: CodingKey { case questionMethod, questions }

    /// The warnings of each question, then of its targets.
    public var warnings: [String] { questions.flatMap { $0.warnings + $0.scores.flatMap(\.warnings) } }
}
