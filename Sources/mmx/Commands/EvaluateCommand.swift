import ArgumentParser
import Explain
import Foundation
import Language
import Tasks

struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate", abstract: "Measure a model on a data set.",
        discussion: """
              mmx evaluate caption --images DIR --captions captions.csv --split dev.txt
                  Measure captions: BLEU, ROUGE-L, CIDEr-D.
              mmx evaluate vqa --images DIR --questions dev.jsonl
                  Measure answers: accuracy by kind of question.
              mmx evaluate maps --images DIR --questions dev.jsonl --kind color
                  Measure maps: do they point at what the question asks about?
            """, subcommands: [EvaluateCaption.self, EvaluateVQA.self, EvaluateMaps.self])
}

/// Images with captions.
struct CaptionDataOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Folder of the images.", valueName: "dir")) var images: String
    @Option(help: ArgumentHelp("CSV file with a line 'image,caption' for each caption.", valueName: "csv"))
    var captions: String
    @Option(
        help: ArgumentHelp(
            "File with the names of the images to caption, one a line. Without it, all images of the CSV file.",
            valueName: "txt"))
    var split: String?
    @Option(help: ArgumentHelp("Take this many images, from the first on.", valueName: "count")) var limit: Int?

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit is at least 1") }
    }
}

struct EvaluateCaption: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "caption", abstract: "Measure a captioner by BLEU, ROUGE-L and CIDEr-D.",
        usage: "mmx evaluate caption --images <dir> --captions <csv> [<options>]",
        discussion: """
              mmx evaluate caption --images DIR --captions captions.csv --split dev.txt
                  Caption the images that dev.txt names and print the scores.

            The scores agree with those of pycocoevalcap. Tokens are made as in training: lower case, split as in the \
            Penn Treebank, without punctuation.
            """)

    @OptionGroup(title: HelpGroup.data) var data: CaptionDataOptions
    @OptionGroup(title: HelpGroup.data) var images: ImageLimitOptions
    @OptionGroup(title: HelpGroup.model) var models: CaptionerOptions
    @OptionGroup(title: HelpGroup.output) var results: ResultOptions

    func run() throws {
        let captioner = try Captioner.load(ModelFolder.find(models.model))
        let dataset = try CaptionDataset(
            images: URL(fileURLWithPath: data.images), captions: URL(fileURLWithPath: data.captions),
            split: data.split.map { URL(fileURLWithPath: $0) })
        try results.tryOutput()
        var options = captioner.configuration.search
        if let beam = models.beam { options.beam = beam }
        let progress = Progress()
        let evaluation = try CaptionEvaluation.run(
            captioner, on: dataset, options: options, limit: data.limit, imageLimits: images.limits
        ) { done, of in progress.count(done, of: of, "images") }
        Failure.warn(evaluation.warnings)
        try results.write(try evaluation.jsonLines())
        let scores = evaluation.scores
        let count = evaluation.captions.count
        if results.json { return try StandardOutput.printJSON(scores.json(images: count)) }
        try StandardOutput.print(scores.table(images: count))
    }
}

/// How many questions are asked.
struct QuestionRangeOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Take this many questions, from the first on.", valueName: "count")) var limit: Int?

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit is at least 1") }
    }
}

struct EvaluateVQA: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vqa", abstract: "Measure how often a model's answers are right, by kind of question.",
        usage: "mmx evaluate vqa --images <dir> --questions <file> [<options>]",
        discussion: """
              mmx evaluate vqa --images DIR --questions dev.jsonl
                  Answer the questions and print the accuracy.

            An answer is right if it equals the expected answer. Where questions have several given answers (VQA's \
            ten), VQA's own metric is printed too.
            """)

    @OptionGroup(title: HelpGroup.data) var data: QuestionOptions
    @OptionGroup(title: HelpGroup.data) var range: QuestionRangeOptions
    @OptionGroup(title: HelpGroup.data) var images: ImageLimitOptions
    @OptionGroup(title: HelpGroup.model) var models: VQAModelOptions
    @OptionGroup(title: HelpGroup.output) var results: ResultOptions

    func run() throws {
        let answerer = try VQAModel.load(ModelFolder.find(models.model))
        let all = try data.read()
        let questions = Array(all.prefix(range.limit ?? all.count))
        // Every image must be in the folder before the first is read.
        _ = try QuestionDataset(images: data.folder, questions: questions, path: data.questions)
        try results.tryOutput()
        let progress = Progress()
        let evaluation = try AnswerEvaluation.run(
            answerer, images: data.folder, questions: questions, imageLimits: images.limits
        ) { done, of in progress.count(done, of: of, "questions") }
        Failure.warn(evaluation.warnings)
        try results.write(try evaluation.jsonLines())
        if results.json { return try StandardOutput.printJSON(evaluation.scores.json()) }
        try StandardOutput.print(evaluation.scores.table())
    }
}
