import Foundation
import Tasks

/// A question and where it came from.
public struct QuestionText: Equatable, Sendable {
    /// The question, as it was written.
    public var text: String
    /// "FILE, line N", for errors; nil for a question on the command line.
    public var source: String?

    /// A question; without a source, errors do not say where it stands.
    public init(text: String, source: String? = nil) {
        self.text = text
        self.source = source
    }

    /// The questions of a file: UTF-8, one a line; blank lines are passed over.
    /// - Throws: `DatasetError` for a file that cannot be read, is larger than 1 MiB, or has no question.
    public static func read(_ url: URL) throws -> [QuestionText] {
        let limit = 1 << 20
        func refuse(_ problem: String, line: Int? = nil) -> DatasetError {
            DatasetError(path: url.path, line: line, problem: problem)
        }
        guard let handle = try? FileHandle(forReadingFrom: url),
            let data = try? handle.read(upToCount: limit + 1) ?? Data()
        else {
            throw refuse("is missing or not a readable file of questions")
        }
        guard data.count <= limit else { throw refuse("is larger than 1 MiB, which is no file of questions") }
        var questions: [QuestionText] = []
        for (index, bytes) in data.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            guard let line = String(validating: bytes, as: UTF8.self) else {
                throw refuse("is not valid UTF-8", line: index + 1)
            }
            let text = line.trimmingCharacters(
                in: .whitespaces.union(.newlines).union(CharacterSet(charactersIn: "\u{FEFF}")))
            if !text.isEmpty { questions.append(QuestionText(text: text, source: "\(url.path), line \(index + 1)")) }
        }
        if questions.isEmpty { throw refuse("has no questions") }
        return questions
    }

    /// Errors of a question in a file say where it stands.
    func locatingErrors<T>(_ body: () throws -> T) throws -> T {
        guard let source else { return try body() }
        do { return try body() } catch let error as QuestionError {
            throw ExplanationError(kind: .badQuestion, description: "\(source): \(error)")
        } catch let error as ExplanationError {
            throw ExplanationError(kind: error.kind, description: "\(source): \(error)")
        }
    }
}
