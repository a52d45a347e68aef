import Foundation

/// DAQUAR (Malinowski and Fritz 2014) as tab-separated lines under the header `image`, `question`, `answer`.
///
/// An answer may be a list such as `sink, faucet`, which is kept as it is; ``QuestionFormat/read(_:singleWordOnly:)``
/// can leave such questions out. The file has no kinds; the wording decides, as in Ren et al. 2015: "number", "color",
/// otherwise "object".
public enum DAQUARQuestions {
    /// - Throws: ``DatasetError`` with the line.
    public static func read(_ url: URL) throws -> [Question] {
        let path = url.path
        var questions: [Question] = []
        var hasHeader = false
        try DatasetFile.lines(DatasetFile.data(url, of: "questions"), path: path) { line, number in
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map {
                $0.trimmingCharacters(in: .whitespaces)
            }
            guard hasHeader else {
                guard fields == ["image", "question", "answer"] else {
                    throw DatasetError(
                        path: path, line: number,
                        problem: "the header must be 'image', 'question', 'answer' with tabs between, found "
                            + DatasetFile.quoted(line))
                }
                hasHeader = true
                return
            }
            guard fields.count == 3 else {
                throw DatasetError(
                    path: path, line: number,
                    problem: "has \(fields.count) field\(fields.count == 1 ? "" : "s"), expected 3: image, question "
                        + "and answer with tabs between")
            }
            for (name, field) in zip(["image", "question", "answer"], fields) where field.isEmpty {
                throw DatasetError(path: path, line: number, problem: "the \(name) is empty")
            }
            if let fault = DatasetFile.fault(ofImage: fields[0]) {
                throw DatasetError(path: path, line: number, problem: fault)
            }
            questions.append(
                Question(image: fields[0], text: fields[1], answer: fields[2], kind: kind(of: fields[1])))
        }
        try QuestionFile.checkNotEmpty(questions, path: path)
        return questions
    }

    private static func kind(of question: String) -> String {
        let words = question.lowercased().split { !$0.isLetter }
        if words.contains(where: { ["colour", "color", "colours", "colors"].contains($0) }) { return "color" }
        return zip(words, words.dropFirst()).contains { $0 == "how" && $1 == "many" } ? "number" : "object"
    }
}
