import ArgumentParser
import Foundation
import Tasks

/// A file of questions with answers, and the folder of its images.
struct QuestionOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Folder of the images.", valueName: "dir")) var images: String
    @Option(help: ArgumentHelp("File of questions and answers.", valueName: "file")) var questions: String
    @Option(help: ArgumentHelp("Format of the questions.", valueName: "name")) var format = QuestionFormat.jsonl
    @Flag(help: "Leave out the questions whose answer is a list of words, as DAQUAR's single-word results do.")
    var singleWord = false

    var folder: URL { URL(fileURLWithPath: images) }

    /// - Throws: `DatasetError`.
    func read() throws -> [Question] { try read(questions) }

    /// Another file of the same format.
    func read(_ path: String) throws -> [Question] {
        try format.read(URL(fileURLWithPath: path), singleWordOnly: singleWord)
    }
}

extension QuestionFormat: ExpressibleByArgument {
    public static var allValueDescriptions: [String: String] {
        [
            "jsonl": "One JSON object a line, as mmx data questions writes.",
            "daquar": "DAQUAR: image, question, answer, separated by tabs.",
            "easy-vqa": "questions.json of the Python package easy-vqa.",
            "vqa": "Questions of VQA v1 or v2, their annotations beside them.",
        ]
    }
}
