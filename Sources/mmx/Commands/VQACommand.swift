import ArgumentParser
import Explain
import Foundation
import Tasks

struct VQACommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vqa", abstract: "Answer a question about a photograph and show where the answer came from.",
        discussion: """
            mmx vqa photo.jpg "what color is the dog?"
                                                            the best answers; overlay, heat map and raw map of the first
            mmx vqa photo.jpg "what color is the dog?" --answer white
                                                            explain an answer that was not chosen
            mmx vqa photo.jpg "what color is the dog?" --contrast brown white
                                                            why brown rather than white
            mmx vqa photo.jpg --question-file questions.txt
                                                            many questions, the photograph looked at once

            The map is Grad-CAM of the answer's score before the softmax; --method takes another. Beside the pictures, a manifest (JSON) says \
            everything about how they were made. --contrast takes two answers; put an answer of several words in quotes.
            """)

    @Argument(help: ArgumentHelp("A JPEG or PNG file.", valueName: "photo")) var photo: String?
    @Argument(help: ArgumentHelp("A question about it, in quotes.", valueName: "question")) var question: String?
    @Option(help: ArgumentHelp("A file of questions, one a line, instead of one question.", valueName: "txt"))
    var questionFile: String?
    @Option(help: ArgumentHelp("Answers to print for each question.", valueName: "k")) var top = 3
    @Option(help: ArgumentHelp("Explain this answer, chosen or not; may be given several times.", valueName: "answer"))
    var answer: [String] = []
    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Explain why the first answer rather than the second: two answers, after photo and question.",
            valueName: "answers"))
    var contrast: [String] = []
    @Flag(help: "How much each word of the question carried (gradient times input).") var explainQuestion = false
    @Option(help: ArgumentHelp("Model: a folder, or the name of an installed one.", valueName: "model"))
    var model = ModelFolder.defaultVQAModel
    @OptionGroup var methods: MethodOptions
    @OptionGroup var drawing: DrawingOptions

    func validate() throws {
        if !contrast.isEmpty && contrast.count != 2 {
            throw ValidationError(
                "--contrast takes two answers, found \(contrast.count); photo and question stand before it, "
                    + "an answer of several words in quotes")
        }
        guard top >= 1 else { throw ValidationError("--top is at least 1") }
        if drawing.listLayers || methods.listMethods { return }
        guard photo != nil else { throw ValidationError("Missing expected argument '<photo>'") }
        if question == nil && questionFile == nil {
            throw ValidationError("Missing expected argument '<question>' (or --question-file)")
        }
        if question != nil && questionFile != nil {
            throw ValidationError(
                "give a question or --question-file, not both; a question of several words goes in quotes")
        }
    }

    func run() throws {
        if methods.listMethods { return MethodOptions.printMethods() }
        if drawing.listLayers {
            return DrawingOptions.printLayers(of: try VQAModel.load(ModelFolder.find(model)).encoder)
        }
        guard let photo else { return }
        let questions =
            try questionFile.map { try AskedQuestion.read(URL(fileURLWithPath: $0)) }
            ?? [AskedQuestion(text: question ?? "")]
        var targets = answer.map { AnswerTarget.answer($0) }
        if contrast.count == 2 { targets.append(.contrast(contrast[0], against: contrast[1])) }
        let maps = drawing.request(try methods.recipe())
        let progress = Progress()
        let manifest = try progress.clearing {
            try AnswerPipeline.run(
                AnswerRequest(
                    photo: URL(fileURLWithPath: photo), model: model, questions: questions,
                    targets: targets.isEmpty ? [.best] : targets, explainsQuestion: explainQuestion, top: top,
                    maps: maps), progress: progress.runs)
        }
        Failure.warn(manifest.warnings)
        if drawing.json { return print(try manifest.json()) }
        let text = AnswerText(isColored: AnswerText.isColoredOutput, namesQuestions: questionFile != nil)
        print(text.lines(manifest).joined(separator: "\n"))
    }
}
