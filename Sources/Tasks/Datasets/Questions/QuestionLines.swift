import Foundation
import Support
import Vision
import Weights

/// Questions as JSON lines, one object a line:
/// `{"answer":"red","boxes":[[x0,y0,x1,y1]],"image":"a.jpg","kind":"color","question":"what color is the shirt?"}`.
///
/// `image`, `question` and `answer` are required; `kind`, `boxes` (pixels of the image file) and `answers` (all given
/// answers, where there are several) are optional. Other keys are ignored.
public enum QuestionLines {
    /// - Throws: ``DatasetError`` with the line and the key.
    public static func read(_ url: URL) throws -> [Question] {
        var questions: [Question] = []
        let path = url.path
        let decoder = JSONDecoder()
        try DatasetFile.lines(DatasetFile.data(url, of: "questions"), path: path) { line, number in
            let found: Line
            do { found = try decoder.decode(Line.self, from: Data(line.utf8)) } catch {
                found = try DatasetFile.decode(Line.self, Data(line.utf8), path: path, line: number)
            }
            questions.append(try question(found, path: path, line: number))
        }
        try QuestionFile.checkNotEmpty(questions, path: path)
        return questions
    }

    /// Writes the lines, keys sorted, into a file that is written whole or not at all.
    /// - Throws: ``AtomicFileError``.
    public static func write(_ questions: [Question], to url: URL) throws {
        try AtomicFile.write(to: url) { writer in
            for question in questions { try writer.write(line(question) + "\n") }
        }
    }

    /// One line of the file, without its line feed.
    public static func line(_ question: Question) throws -> String {
        let several = question.answers != [question.answer]
        return try JSON.line(
            Line(
                image: question.image, question: question.text, answer: question.answer,
                answers: several ? question.answers : nil, kind: question.kind,
                boxes: question.boxes.map { [$0.x0, $0.y0, $0.x1, $0.y1] }))
    }

    private struct Line: Codable {
        var image: String
        var question: String
        var answer: String
        var answers: [String]?
        var kind: String?
        var boxes: [[Double]]?
    }

    private static func question(_ line: Line, path: String, line number: Int) throws -> Question {
        func refuse(_ problem: String) -> DatasetError { DatasetError(path: path, line: number, problem: problem) }
        if let fault = DatasetFile.fault(ofImage: line.image) { throw refuse("image: \(fault)") }
        for (key, value) in [("question", line.question), ("answer", line.answer)]
        where value.allSatisfy(\.isWhitespace) {
            throw refuse("'\(key)' is empty")
        }
        if line.answers?.isEmpty == true { throw refuse("'answers' is an empty list; leave it out") }
        let boxes = try (line.boxes ?? []).enumerated().map { index, sides in
            guard sides.count == 4 else {
                throw refuse("boxes[\(index)] has \(sides.count) numbers; a box is [x0, y0, x1, y1]")
            }
            guard sides[0] <= sides[2], sides[1] <= sides[3] else {
                throw refuse("boxes[\(index)] ends before it begins: \(sides); a box is [x0, y0, x1, y1]")
            }
            return Rectangle(x0: sides[0], y0: sides[1], x1: sides[2], y1: sides[3])
        }
        return Question(
            image: line.image, text: line.question, answer: line.answer, answers: line.answers, kind: line.kind ?? "",
            boxes: boxes)
    }
}
