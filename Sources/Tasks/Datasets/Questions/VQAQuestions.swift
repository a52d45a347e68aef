import Foundation

/// VQA v1 and v2 (Antol et al. 2015, Goyal et al. 2017): a file of questions and one of annotations with ten answers
/// to each.
public enum VQAQuestions {
    /// - Parameters:
    ///   - url: `..._questions.json`.
    ///   - annotations: nil looks beside the questions for the name that VQA gives it:
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
        where byQuestion.updateValue(annotation, forKey: annotation.question_id) != nil {
            throw DatasetError(
                path: annotations.path, problem: "question_id \(annotation.question_id) is annotated twice")
        }
        let name = try ImageName(file, path: url.path)
        let questions = try file.questions.map { asked in
            guard let annotation = byQuestion[asked.question_id] else {
                throw DatasetError(
                    path: annotations.path,
                    problem: "question_id \(asked.question_id) of \(url.lastPathComponent) has no annotation; "
                        + "do the two files belong together?")
            }
            guard annotation.image_id == asked.image_id else {
                throw DatasetError(
                    path: annotations.path,
                    problem: "question_id \(asked.question_id) is about image \(annotation.image_id) here and about "
                        + "image \(asked.image_id) in \(url.lastPathComponent)")
            }
            let given = annotation.answers.map(\.answer)
            guard let answer = annotation.multiple_choice_answer ?? QuestionFile.commonest(given), !given.isEmpty else {
                throw DatasetError(path: annotations.path, problem: "question_id \(asked.question_id) has no answers")
            }
            return Question(
                image: try name.of(asked.image_id), text: asked.question, answer: answer, answers: given,
                kind: annotation.answer_type ?? "")
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

    /// `COCO_val2014_000000000042.jpg` for image 42 of the subset `val2014`; scenes of clip art likewise.
    private struct ImageName {
        let prefix: String
        let suffix: String
        let path: String

        init(_ file: QuestionsFile, path: String) throws {
            let subset = file.data_subtype
            guard !subset.isEmpty, subset.utf8.count < 64,
                subset.utf8.allSatisfy({ ($0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A) || ($0 >= 0x30 && $0 <= 0x39) })
            else {
                throw DatasetError(
                    path: path,
                    problem: "data_subtype is \(DatasetFile.quoted(subset)), expected such as \"val2014\"")
            }
            switch file.data_type {
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

    // The files' own keys.
    private struct QuestionsFile: Decodable {
        struct Asked: Decodable {
            let question_id: Int
            let image_id: Int
            let question: String
        }
        let data_type: String?
        let data_subtype: String
        let questions: [Asked]
    }

    private struct AnnotationsFile: Decodable {
        struct Given: Decodable { let answer: String }
        struct Annotation: Decodable {
            let question_id: Int
            let image_id: Int
            let multiple_choice_answer: String?
            let answer_type: String?
            let answers: [Given]
        }
        let annotations: [Annotation]
    }
}
