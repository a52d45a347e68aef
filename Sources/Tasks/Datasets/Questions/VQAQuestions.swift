import Foundation

/// VQA v1 and v2 (Antol et al. 2015, Goyal et al. 2017): a file of questions, and a file of annotations with ten
/// answers to each question.
public enum VQAQuestions {
    /// - Parameters:
    ///   - url: `..._questions.json`.
    ///   - annotations: nil for the file beside the questions with VQA's own name for it:
    ///     `v2_OpenEnded_mscoco_val2014_questions.json` goes with `v2_mscoco_val2014_annotations.json`.
    /// - Throws: ``DatasetError`` with the file and the key or the question's id.
    public static func read(_ url: URL, annotations: URL? = nil) throws -> [Question] {
        let annotations = try annotations ?? annotationsBeside(url)
        let file = try DatasetFile.decode(QuestionsFile.self, DatasetFile.data(url, of: "questions"), path: url.path)
        let answers = try DatasetFile.decode(
            AnnotationsFile.self, DatasetFile.data(annotations, of: "annotations"), path: annotations.path)
        var byQuestion: [Int: AnnotationsFile.Annotation] = [:]
        byQuestion.reserveCapacity(answers.annotations.count)
        for annotation in answers.annotations
        where byQuestion.updateValue(annotation, forKey: annotation.questionID) != nil {
            throw DatasetError(
                path: annotations.path, problem: "question_id \(annotation.questionID) is annotated twice")
        }
        let name = try ImageName(file, path: url.path)
        let questions = try file.questions.map { asked in
            guard let annotation = byQuestion[asked.questionID] else {
                throw DatasetError(
                    path: annotations.path,
                    problem: "question_id \(asked.questionID) of \(url.lastPathComponent) has no annotation; "
                        + "do the two files belong together?")
            }
            guard annotation.imageID == asked.imageID else {
                throw DatasetError(
                    path: annotations.path,
                    problem: "question_id \(asked.questionID) is about image \(annotation.imageID) here and about "
                        + "image \(asked.imageID) in \(url.lastPathComponent)")
            }
            let given = annotation.answers.map(\.answer)
            guard let answer = annotation.multipleChoiceAnswer ?? QuestionFile.commonest(given), !given.isEmpty else {
                throw DatasetError(path: annotations.path, problem: "question_id \(asked.questionID) has no answers")
            }
            return Question(
                image: try name.of(asked.imageID), text: asked.question, answer: answer, answers: given,
                kind: annotation.answerType ?? "")
        }
        try QuestionFile.checkNotEmpty(questions, path: url.path)
        return questions
    }

    private static func annotationsBeside(_ url: URL) throws -> URL {
        let name = url.lastPathComponent
        let other = name.replacingOccurrences(of: "OpenEnded_", with: "")
            .replacingOccurrences(of: "MultipleChoice_", with: "")
            .replacingOccurrences(of: "questions", with: "annotations")
        let found = url.deletingLastPathComponent().appendingPathComponent(other)
        guard other != name, FileManager.default.fileExists(atPath: found.path) else {
            throw DatasetError(
                path: url.path,
                problem: other == name
                    ? "its name does not say which annotations belong to it; "
                        + "VQA's files are called ..._questions.json and ..._annotations.json"
                    : "its annotations are missing: \(found.path)")
        }
        return found
    }

    /// `COCO_val2014_000000000042.jpg` for image 42 of the subset `val2014`; abstract scenes likewise.
    private struct ImageName {
        let prefix: String
        let suffix: String
        let path: String

        init(_ file: QuestionsFile, path: String) throws {
            let subset = file.dataSubtype
            guard !subset.isEmpty, subset.utf8.count < 64,
                subset.utf8.allSatisfy({ ($0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A) || ($0 >= 0x30 && $0 <= 0x39) })
            else {
                throw DatasetError(
                    path: path,
                    problem: "data_subtype is \(DatasetFile.quoted(subset)), expected such as \"val2014\"")
            }
            switch file.dataType {
            case "mscoco", nil: (prefix, suffix) = ("COCO_\(subset)_", ".jpg")
            case "abstract_v002": (prefix, suffix) = ("abstract_v002_\(subset)_", ".png")
            case let other?:
                throw DatasetError(
                    path: path,
                    problem: "data_type is \(DatasetFile.quoted(other)), expected \"mscoco\" or \"abstract_v002\"")
            }
            self.path = path
        }

        func of(_ id: Int) throws -> String {
            guard id >= 0, id < 1_000_000_000_000 else {
                throw DatasetError(path: path, problem: "image_id \(id) is not in 0..<10^12")
            }
            let digits = String(id)
            return prefix + String(repeating: "0", count: 12 - digits.count) + digits + suffix
        }
    }

    private struct QuestionsFile: Decodable {
        struct Asked: Decodable {
            let questionID: Int
            let imageID: Int
            let question: String

            enum CodingKeys: String, CodingKey {
                case questionID = "question_id"
                case imageID = "image_id"
                case question
            }
        }
        let dataType: String?
        let dataSubtype: String
        let questions: [Asked]

        enum CodingKeys: String, CodingKey {
            case dataType = "data_type"
            case dataSubtype = "data_subtype"
            case questions
        }
    }

    private struct AnnotationsFile: Decodable {
        struct Given: Decodable { let answer: String }
        struct Annotation: Decodable {
            let questionID: Int
            let imageID: Int
            let multipleChoiceAnswer: String?
            let answerType: String?
            let answers: [Given]

            enum CodingKeys: String, CodingKey {
                case questionID = "question_id"
                case imageID = "image_id"
                case multipleChoiceAnswer = "multiple_choice_answer"
                case answerType = "answer_type"
                case answers
            }
        }
        let annotations: [Annotation]
    }
}
