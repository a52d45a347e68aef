import ArgumentParser
import Foundation
import Questions
import Support
import Tasks

struct DataCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data", abstract: "Make data sets.",
        discussion: """
              mmx data questions --captions captions.csv --phrases phrases.tsv \\
                  --split dev.txt --output dev.jsonl
                  Make questions with answers and boxes.
            """, subcommands: [DataQuestions.self])
}

/// Captions, their phrases with boxes, and the images that are taken.
struct PhraseDataOptions: ParsableArguments {
    @Option(help: ArgumentHelp("CSV file with a line 'image,caption' for each caption.", valueName: "csv"))
    var captions: String
    @Option(
        help: ArgumentHelp(
            """
            File of phrases with boxes, separated by tabs: image, caption row, first word, number of words, chain, \
            types, phrase, boxes, caption.
            """, valueName: "tsv"))
    var phrases: String
    @Option(help: ArgumentHelp("File with the names of the images to ask about, one a line.", valueName: "txt"))
    var split: String
}

/// Which questions are made.
struct QuestionMakingOptions: ParsableArguments {
    @Option(help: "Seed of all random choices.") var seed: UInt64 = 1
    @Option(help: ArgumentHelp("Wordings of one question, at most.", valueName: "count")) var wordings = 2
    @Flag(
        help: """
            Also ask what someone is doing, which of two things it is, what stands beside, sports, left and right, and \
            more questions of yes or no.
            """) var wide = false

    func validate() throws {
        if !(1...10).contains(wordings) { throw ValidationError("--wordings is in 1...10") }
    }
}

/// Where the questions go.
struct QuestionFileOptions: ParsableArguments {
    @Option(help: ArgumentHelp("File of questions to write.", valueName: "jsonl")) var output: String
    @Flag(help: "Print JSON instead of text.") var json = false
}

struct DataQuestions: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "questions", abstract: "Make questions with answers from captions and phrases with boxes.",
        usage: """
            mmx data questions --captions <csv> --phrases <tsv> --split <txt>
                --output <jsonl> [<options>]
            """,
        discussion: """
              mmx data questions --captions captions.csv --phrases phrases.tsv \\
                  --split dev.txt --output dev.jsonl
                  Make questions about the images that dev.txt names.

            Questions are made as in COCO-QA (Ren et al. 2015), from captions (Flickr8k) and the captions' phrases \
            with boxes (Flickr30k Entities). The kinds are object, number, color, wearing/holding, where and yes/no; \
            with --wide also doing and either/or. Each question has the boxes of the phrase that it asks about. A question whose answer another caption \
            contradicts is dropped. Answers are balanced, so that the question alone says little about its answer. The \
            same files and the same seed make the same questions.

            The output has one JSON object a line: answer, boxes ([x0, y0, x1, y1] in pixels), image, kind, question.
            """)

    @OptionGroup(title: HelpGroup.data) var data: PhraseDataOptions
    @OptionGroup(title: "Questions") var options: QuestionMakingOptions
    @OptionGroup(title: HelpGroup.output) var file: QuestionFileOptions

    func run() throws {
        let generator = QuestionGenerator(
            options: .init(seed: options.seed, wordings: options.wordings, isWide: options.wide))
        let (questions, report) = try generator.questions(
            captions: URL(fileURLWithPath: data.captions), phrases: URL(fileURLWithPath: data.phrases),
            split: URL(fileURLWithPath: data.split))
        try QuestionLines.write(questions, to: URL(fileURLWithPath: file.output))
        let kinds = report.kinds.sorted { $0.key < $1.key }
        for (kind, counts) in kinds {
            StandardError.line(
                "\(kind): \(counts.questions) questions; dropped \(counts.contradicted) contradicted, "
                    + "\(counts.unbalanced) for balance")
        }
        if file.json {
            try StandardOutput.printJSON(JSON.line(report))
        } else {
            try StandardOutput.print("images     \(report.images)\nquestions  \(report.questions)")
            let rows = kinds.map { kind, counts in
                [
                    kind, "\(counts.questions)", "\(counts.answers)",
                    String(format: "%.1f %%, by wording %.1f %%", counts.prior * 100, counts.wordingPrior * 100),
                ]
            }
            let header = ["kind", "questions", "answers", "most frequent answer right"]
            try StandardOutput.print(Table.text([header] + rows, minimum: [16]))
        }
    }
}
