import Foundation

/// The questions of the PyPI package easy-vqa: a JSON array of `[question, answer, image number]`. Image 7 is
/// `7.png` in the folder `images` beside the file.
///
/// The file has no kinds; the answer decides: "yes/no", "color" or "shape".
public enum EasyVQAQuestions {
    /// - Throws: ``DatasetError`` with the place in the file.
    public static func read(_ url: URL) throws -> [Question] {
        let entries = try DatasetFile.decode([Entry].self, DatasetFile.data(url, of: "questions"), path: url.path)
        try QuestionFile.checkNotEmpty(entries.map(\.question), path: url.path)
        return entries.map(\.question)
    }

    private struct Entry: Decodable {
        let question: Question

        init(from decoder: any Decoder) throws {
            var fields = try decoder.unkeyedContainer()
            let text = try fields.decode(String.self)
            let answer = try fields.decode(String.self)
            let number = try fields.decode(Int.self)
            func refuse(_ problem: String) -> DecodingError {
                DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: problem))
            }
            guard fields.isAtEnd else { throw refuse("has more than 3 values: question, answer, image number") }
            guard number >= 0 else { throw refuse("the image's number is negative: \(number)") }
            guard !text.isEmpty, !answer.isEmpty else { throw refuse("the question or the answer is empty") }
            question = Question(image: "\(number).png", text: text, answer: answer, kind: Self.kind(of: answer))
        }

        private static func kind(of answer: String) -> String {
            switch answer {
            case "yes", "no": "yes/no"
            case "circle", "rectangle", "triangle": "shape"
            case "red", "green", "blue", "black", "gray", "teal", "brown", "yellow": "color"
            default: ""
            }
        }
    }
}
