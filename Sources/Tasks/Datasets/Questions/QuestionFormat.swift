import Foundation

/// The files of questions that can be read.
public enum QuestionFormat: String, CaseIterable, Sendable {
    /// mmx's own format: one JSON object a line, ``QuestionLines``.
    case jsonl
    /// Tab-separated `image`, `question`, `answer`: ``DAQUARQuestions``.
    case daquar
    /// `questions.json` of the PyPI package easy-vqa: ``EasyVQAQuestions``.
    case easyVQA = "easy-vqa"
    /// VQA v1's and v2's questions and annotations: ``VQAQuestions``.
    case vqa

    /// Reads a file of this format.
    /// - Parameter singleWordOnly: leaves out the questions whose answer is a list of words, as for DAQUAR's
    ///   single-word results.
    /// - Throws: ``DatasetError`` that names the file, and the line or the place in it.
    public func read(_ url: URL, singleWordOnly: Bool = false) throws -> [Question] {
        var questions: [Question]
        switch self {
        case .jsonl: questions = try QuestionLines.read(url)
        case .daquar: questions = try DAQUARQuestions.read(url)
        case .easyVQA: questions = try EasyVQAQuestions.read(url)
        case .vqa: questions = try VQAQuestions.read(url)
        }
        if singleWordOnly {
            questions.removeAll { $0.answer.contains { $0 == "," || $0.isWhitespace } }
            guard !questions.isEmpty else {
                throw DatasetError(path: url.path, problem: "has no question with an answer of a single word")
            }
        }
        return questions
    }
}
