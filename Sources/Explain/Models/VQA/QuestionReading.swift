import Language
import Tasks

extension VQAModel {
    /// A question as the model reads it, with a warning for each word that it does not know. Where the question hangs on
    /// such words, the warning says that the answer is a guess.
    /// - Throws: `QuestionError` for a question without words or of unknown words only; ``ExplanationError`` for one
    ///   that is too long.
    public func question(_ text: String) throws -> (question: ReadQuestion, warnings: [String]) {
        let limit = WordLimit(what: "question", words: Self.maximumWords, kind: .badQuestion)
        try limit.check(text)
        let question = try read(text)
        try limit.check(question.tokens, of: text)
        let hangs = QuestionWords.hang(question.tokens, on: Set(question.unknown))
        var named = Set<String>()
        let warnings = question.unknown.filter { named.insert($0).inserted }.map { word in
            "the model does not know the word '\(word)'\(vocabulary.nearestKnown(to: word)); it reads it as an unknown "
                + "word"
                + (hangs && QuestionWords.isContent(word) ? ". The question hangs on it: the answer is a guess" : "")
        }
        return (question, warnings)
    }
}
