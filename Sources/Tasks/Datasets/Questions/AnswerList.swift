import Foundation

/// The answers of a set of questions, the most frequent first; answers of equal counts in the order of their
/// characters.
/// - Parameter maximum: the number of answers to keep.
public func answerList(_ questions: [Question], maximum: Int) -> [String] {
    var counts: [String: Int] = [:]
    for question in questions { counts[question.answer, default: 0] += 1 }
    let sorted = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    return sorted.prefix(max(0, maximum)).map(\.key)
}

/// A file of answers: UTF-8, one a line in the order of the model's scores.
public enum AnswerFile {
    /// The contents of the file.
    /// - Precondition: no answer has a line feed.
    public static func text(_ answers: [String]) -> String {
        precondition(!answers.contains { $0.utf8.contains(0x0A) }, "an answer is one line")
        return answers.map { $0 + "\n" }.joined()
    }

    /// - Throws: ``DatasetError`` with the line, for a repeated answer or an empty file.
    public static func read(_ url: URL) throws -> [String] {
        var answers: [String] = []
        var lines: [String: Int] = [:]
        try DatasetFile.lines(DatasetFile.data(url, of: "answers"), path: url.path) { line, number in
            let answer = line.trimmingCharacters(in: .whitespaces)
            if let first = lines.updateValue(number, forKey: answer) {
                throw DatasetError(
                    path: url.path, line: number,
                    problem: "\(DatasetFile.quoted(answer)) is there already, on line \(first)")
            }
            answers.append(answer)
        }
        if answers.isEmpty { throw DatasetError(path: url.path, problem: "has no answers") }
        return answers
    }
}
