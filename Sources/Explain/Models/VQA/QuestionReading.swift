import Language
import Tasks

extension VQAModel {
    /// Longer questions are refused: memory grows with the number of words.
    public static var maximumWords: Int { 500 }

    /// A question as the model reads it, with a warning for each word that it does not know.
    /// - Throws: `QuestionError` for a question without words or of unknown words only; ``ExplanationError`` for one
    ///   that is too long.
    public func question(_ text: String) throws -> (question: ReadQuestion, warnings: [String]) {
        let limit = Self.maximumWords
        func tooLong(_ count: String) -> ExplanationError {
            ExplanationError(
                kind: .badQuestion,
                description: "the question '\(text.prefix(40))...' has \(count); at most \(limit) words can be read")
        }
        // No word is shorter than a character: what is far too long is refused before it is split.
        guard text.utf8.count <= 64 * limit else { throw tooLong("\(text.utf8.count) bytes") }
        let question = try read(text)
        guard question.tokens.count <= limit else { throw tooLong("\(question.tokens.count) words") }
        var named = Set<String>()
        let warnings = question.unknown.filter { named.insert($0).inserted }.map { word in
            "the model does not know the word '\(word)'\(vocabulary.nearestKnown(to: word)); it reads it as an unknown "
                + "word"
        }
        return (question, warnings)
    }
}
