import ArgumentParser
import Foundation
import Questions
import Support
import Tasks

struct DataCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data", abstract: "Make data sets.", subcommands: [DataQuestions.self])
}

struct DataQuestions: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "questions", abstract: "Make questions with answers out of captions and phrase boxes.",
        discussion: """
            Questions are made in the manner of COCO-QA (Ren et al. 2015) from captions (Flickr8k) and the captions' \
            phrases with boxes (Flickr30k Entities). Kinds: object, number, color, wearing/holding, where, yes/no. \
            Each question carries the boxes of the phrase that it is about. What captions contradict is dropped; \
            answers are balanced, so that a question's words alone say little. The same files and seed make the same \
            questions, of the split's images alone.

            The output has one JSON object a line: answer, boxes ([x0, y0, x1, y1] in pixels), image, kind, question.
            """)

    @Option(help: ArgumentHelp("CSV file 'image,caption'.", valueName: "csv")) var captions: String
    @Option(
        help: ArgumentHelp(
            """
            Tab-separated file: image, caption row, first word, number of words, chain, types, phrase, boxes, caption.
            """, valueName: "tsv"))
    var phrases: String
    @Option(help: ArgumentHelp("File with the names of the images to ask about.", valueName: "txt")) var split: String
    @Option(help: ArgumentHelp("Where the questions go.", valueName: "jsonl")) var output: String
    @Option(help: "Seed of every choice.") var seed: UInt64 = 1
    @Option(help: ArgumentHelp("Ways to ask one thing, at most.", valueName: "count")) var wordings = 2
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        if !(1...10).contains(wordings) { throw ValidationError("--wordings is in 1...10") }
    }

    func run() throws {
        let generator = QuestionGenerator(options: .init(seed: seed, wordings: wordings))
        let (questions, report) = try generator.questions(
            captions: URL(fileURLWithPath: captions), phrases: URL(fileURLWithPath: phrases),
            split: URL(fileURLWithPath: split))
        try QuestionLines.write(questions, to: URL(fileURLWithPath: output))
        let kinds = report.kinds.sorted { $0.key < $1.key }
        for (kind, counts) in kinds {
            note(
                "\(kind): \(counts.questions) questions; dropped \(counts.contradicted) contradicted, "
                    + "\(counts.unbalanced) for balance")
        }
        if json {
            print(try JSON.line(report))
        } else {
            print("images     \(report.images)\nquestions  \(report.questions)")
            print("kind              questions  answers  most frequent answer right")
            for (kind, counts) in kinds {
                func padded(_ text: String, _ width: Int) -> String {
                    text.padding(toLength: width, withPad: " ", startingAt: 0)
                }
                let share = String(format: "%.1f %%, by wording %.1f %%", counts.prior * 100, counts.wordingPrior * 100)
                print(padded(kind, 18) + padded("\(counts.questions)", 11) + padded("\(counts.answers)", 9) + share)
            }
        }
    }

    private func note(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }
}
