import Foundation
import Language

/// The answers of a set of questions, the most frequent first; answers of equal counts in the order of their
/// characters. Those that cannot be a line of a file (``AnswerFile``) are left out.
/// - Parameter maximum: the number of answers to keep.
public func answerList(_ questions: [Question], maximum: Int) -> [String] {
    var counts: [String: Int] = [:]
    for question in questions { counts[question.answer, default: 0] += 1 }
    let sorted = counts.filter { AnswerFile.fault(of: $0.key) == nil }.sorted {
        ($1.value, $0.key) < ($0.value, $1.key)
    }
    return sorted.prefix(min(max(0, maximum), EntryList.largestCount)).map(\.key)
}

/// A file of answers: one a line (``EntryList``), in the order of the model's scores.
public enum AnswerFile {
    /// Why an answer cannot be a line of the file; nil where it can.
    public static func fault(of answer: String) -> String? { EntryList.fault(of: answer, as: .phrase) }

    /// The contents of the file.
    /// - Precondition: no answer has a ``fault(of:)``.
    public static func text(_ answers: [String]) -> String {
        precondition(answers.allSatisfy { fault(of: $0) == nil }, "an answer is one line")
        return answers.map { $0 + "\n" }.joined()
    }

    /// The answers in the contents of a file.
    /// - Parameter path: the file's, for errors.
    /// - Throws: ``DatasetError`` with the line, for one that is no answer or is there already.
    public static func read(_ data: Data, path: String) throws -> [String] {
        try EntryList.read(data, path: path, as: .phrase, of: DatasetFile.self)
    }
}
