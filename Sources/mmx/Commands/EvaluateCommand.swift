import ArgumentParser
import Explain
import Foundation
import Language
import Tasks
import Weights

struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate", abstract: "Measure a model on a data set.", subcommands: [EvaluateCaption.self, EvaluateVQA.self])
}

struct EvaluateCaption: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "caption", abstract: "BLEU, ROUGE-L and CIDEr-D of a captioner.",
        discussion: """
            The values agree with pycocoevalcap's. Tokens are made as mmx trains on them: lower case, split as the Penn Treebank \
            does, punctuation dropped.
            """)

    @Option(help: ArgumentHelp("Folder of the images.", valueName: "dir")) var images: String
    @Option(help: ArgumentHelp("CSV file 'image,caption'.", valueName: "csv")) var captions: String
    @Option(help: ArgumentHelp("File with the names of the images to caption; all of the CSV's without it.", valueName: "txt")) var split: String?
    @Option(help: ArgumentHelp("Model: a folder, or the name of an installed one.", valueName: "model"))
    var model = ModelFolder.defaultCaptioner
    @Option(help: "Beam width; the model's own by default.") var beam: Int?
    @Option(help: ArgumentHelp("Only the first so many images.", valueName: "count")) var limit: Int?
    @Flag(help: "Print JSON.") var json = false
    @Option(help: ArgumentHelp("Write each image's caption as one JSON line.", valueName: "jsonl")) var predictions: String?

    func validate() throws {
        if let beam, !(1...100).contains(beam) { throw ValidationError("--beam is in 1...100") }
        if let limit, limit < 1 { throw ValidationError("--limit is at least 1") }
    }

    func run() throws {
        let captioner = try Captioner.load(ModelFolder.find(model))
        let data = try CaptionDataset(
            images: URL(fileURLWithPath: images), captions: URL(fileURLWithPath: captions),
            split: split.map { URL(fileURLWithPath: $0) })
        var options = captioner.configuration.search
        if let beam { options.beam = beam }
        let progress = Progress()
        let evaluation = try CaptionEvaluation.run(captioner, on: data, options: options, limit: limit) { done, of in
            progress.update("\(done)/\(of) pictures", fraction: Double(done) / Double(of))
        }
        if let predictions {
            try AtomicFile.write(Data(try evaluation.jsonLines().utf8), to: URL(fileURLWithPath: predictions))
        }
        print(json ? try evaluation.scores.json(images: evaluation.captions.count) : evaluation.scores.table(images: evaluation.captions.count))
    }
}

struct EvaluateVQA: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vqa", abstract: "How often a model's answers are right, overall and by kind of question.",
        discussion: """
            An answer is right when it is exactly the one expected. Where a question has several given answers (VQA's ten), VQA's \
            own metric is printed too.
            """)

    @Option(help: ArgumentHelp("Folder of the images.", valueName: "dir")) var images: String
    @Option(help: ArgumentHelp("File of questions and answers.", valueName: "file")) var questions: String
    @Option(help: ArgumentHelp("Format of the questions: \(QuestionFormat.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "format"))
    var format = QuestionFormat.jsonl
    @Flag(help: "Leave out the questions whose answer is a list of words, as DAQUAR's single-word results do.")
    var singleWord = false
    @Option(help: ArgumentHelp("Model: a folder, or the name of an installed one.", valueName: "model")) var model: String
    @Option(help: ArgumentHelp("Only the first so many questions.", valueName: "count")) var limit: Int?
    @Flag(help: "Print JSON.") var json = false
    @Option(help: ArgumentHelp("Write each question's answer as one JSON line.", valueName: "jsonl")) var predictions: String?

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit is at least 1") }
    }

    func run() throws {
        let answerer = try Answerer.load(ModelFolder.find(model))
        let all = try format.read(URL(fileURLWithPath: questions), singleWordOnly: singleWord)
        let progress = Progress()
        let evaluation = try AnswerEvaluation.run(
            answerer, images: URL(fileURLWithPath: images), questions: Array(all.prefix(limit ?? all.count))
        ) { done, of in progress.update("\(done)/\(of) questions", fraction: Double(done) / Double(of)) }
        if let predictions {
            try AtomicFile.write(Data(try evaluation.jsonLines().utf8), to: URL(fileURLWithPath: predictions))
        }
        print(json ? try evaluation.scores.json() : evaluation.scores.table())
    }
}
