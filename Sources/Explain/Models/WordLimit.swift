/// The most words of a text that a person gives.
struct WordLimit {
    /// What the text is, as errors call it: "question".
    let what: String
    let words: Int
    /// The kind of the error.
    let kind: ExplanationError.Kind

    /// Refuses a text that is far too long before it is split: few words are longer than 64 bytes.
    func check(_ text: String) throws {
        if text.utf8.count > 64 * words { throw error(text, "\(text.utf8.count) bytes") }
    }

    func check(_ tokens: [String], of text: String) throws {
        if tokens.count > words { throw error(text, "\(tokens.count) words") }
    }

    private func error(_ text: String, _ count: String) -> ExplanationError {
        ExplanationError(
            kind: kind,
            description: "the \(what) '\(text.prefix(40))...' has \(count); at most \(words) words can be read")
    }
}
