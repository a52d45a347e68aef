import ArgumentParser
import Explain
import Foundation
import Language
import Tasks

struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate", abstract: "Measure a model on a data set.",
        subcommands: [EvaluateCaption.self, EvaluateVQA.self, EvaluateMaps.self])
}

struct EvaluateCaption: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "caption", abstract: "BLEU, ROUGE-L and CIDEr-D of a captioner.",
        discussion: """
            The values agree with pycocoevalcap's. Tokens are made as mmx trains on them: lower case, split as the \
            Penn Treebank does, punctuation dropped.
            """)

    @Option(help: ArgumentHelp("Folder of the images.", valueName: "dir")) var images: String
    @Option(help: ArgumentHelp("CSV file 'image,caption'.", valueName: "csv")) var captions: String
    @Option(
        help: ArgumentHelp(
            "File with the names of the images to caption; all of the CSV's without it.", valueName: "txt"))
    var split: String?
    @Option(help: ArgumentHelp("Model: a folder, or the name of an installed one.", valueName: "model"))
    var model = ModelFolder.defaultCaptioner
    @Option(help: "Beam width; the model's own by default.") var beam: Int?
    @Option(help: ArgumentHelp("Only the first so many images.", valueName: "count")) var limit: Int?
    @OptionGroup var results: ResultOptions

    func validate() throws {
        if let beam, !(1...100).contains(beam) { throw ValidationError("--beam is in 1...100") }
        if let limit, limit < 1 { throw ValidationError("--limit is at least 1") }
    }

    func run() throws {
        let captioner = try Captioner.load(ModelFolder.find(model))
        let data = try CaptionDataset(
            images: URL(fileURLWithPath: images), captions: URL(fileURLWithPath: captions),
            split: split.map { URL(fileURLWithPath: $0) })
        try results.tryOutput()
        var options = captioner.configuration.search
        if let beam { options.beam = beam }
        let progress = Progress()
        let evaluation = try CaptionEvaluation.run(captioner, on: data, options: options, limit: limit) { done, of in
            progress.update("\(done)/\(of) pictures", fraction: Double(done) / Double(of))
        }
        try results.write(try evaluation.jsonLines())
        let scores = evaluation.scores, count = evaluation.captions.count
        print(results.json ? try scores.json(images: count) : scores.table(images: count))
    }
}

struct EvaluateVQA: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vqa", abstract: "How often a model's answers are right, overall and by kind of question.",
        discussion: """
            An answer is right when it is exactly the one expected. Where a question has several given answers (VQA's \
            ten), VQA's own metric is printed too.
            """)

    @OptionGroup var data: QuestionOptions
    @Option(help: ArgumentHelp("Model: a folder, or the name of an installed one.", valueName: "model"))
    var model = ModelFolder.defaultVQAModel
    @Option(help: ArgumentHelp("Only the first so many questions.", valueName: "count")) var limit: Int?
    @OptionGroup var results: ResultOptions

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit is at least 1") }
    }

    func run() throws {
        let answerer = try VQAModel.load(ModelFolder.find(model))
        let all = try data.read(), questions = Array(all.prefix(limit ?? all.count))
        // Every picture must be there, in the folder, before the first is looked at.
        _ = try QuestionDataset(images: data.folder, questions: questions, path: data.questions)
        try results.tryOutput()
        let progress = Progress()
        let evaluation = try AnswerEvaluation.run(answerer, images: data.folder, questions: questions) { done, of in
            progress.update("\(done)/\(of) questions", fraction: Double(done) / Double(of))
        }
        try results.write(try evaluation.jsonLines())
        print(results.json ? try evaluation.scores.json() : evaluation.scores.table())
    }
}
