import ArgumentParser
import Explain
import Foundation
import Tasks

struct VQACommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vqa", abstract: "Answer a question about a photograph and show where the answer came from.",
        discussion: """
            mmx vqa photo.jpg "what color is the dog?" --model DIR
                                                            the best answers; overlay, heat map and raw map of the first
            mmx vqa photo.jpg "what color is the dog?" --model DIR --answer white
                                                            explain an answer that was not chosen
            mmx vqa photo.jpg "what color is the dog?" --model DIR --contrast brown white
                                                            why brown rather than white
            mmx vqa photo.jpg --question-file questions.txt --model DIR
                                                            many questions, the photograph looked at once

            The map is Grad-CAM of the answer's score before the softmax. Beside the pictures, a manifest (JSON) says \
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
        help: ArgumentHelp("Explain why the first answer rather than the second: two answers, after photo and question.", valueName: "answers"))
    var contrast: [String] = []
    @Flag(help: "How much each word of the question carried (gradient times input).") var explainQuestion = false
    @Option(help: ArgumentHelp("Model: a folder, or the name of an installed one. Needed.", valueName: "model")) var model: String?
    @Option(help: ArgumentHelp("Layer over which the maps are drawn; the encoder's last by default.", valueName: "layer"))
    var layer: String?
    @Flag(help: "List the model's layers, with channels and pixels per cell.") var listLayers = false
    @Option(name: .shortAndLong, help: ArgumentHelp("Folder for the pictures.", valueName: "dir")) var output = "mmx-output"
    @Option(help: ArgumentHelp("Colours: \(ColorMap.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "name"))
    var colorMap = ColorMap.turbo
    @Option(help: ArgumentHelp("How much the colours cover, 0 to 1.", valueName: "part")) var opacity: Float = 0.6
    @Flag(help: "Print the manifest instead of text.") var json = false

    func validate() throws {
        guard model != nil else {
            throw ValidationError("--model is needed: no model that answers questions comes with mmx yet; give the folder of one")
        }
        if !contrast.isEmpty && contrast.count != 2 {
            throw ValidationError(
                "--contrast takes two answers, found \(contrast.count); photo and question stand before it, an answer of several words in quotes")
        }
        guard top >= 1 else { throw ValidationError("--top is at least 1") }
        guard (0...1).contains(opacity) else { throw ValidationError("--opacity is between 0 and 1") }
        if listLayers { return }
        guard photo != nil else { throw ValidationError("Missing expected argument '<photo>'") }
        if question == nil && questionFile == nil {
            throw ValidationError("Missing expected argument '<question>' (or --question-file)")
        }
        if question != nil && questionFile != nil {
            throw ValidationError("give a question or --question-file, not both; a question of several words goes in quotes")
        }
    }

    func run() throws {
        guard let model else { return }
        if listLayers { return try printLayers(model) }
        guard let photo else { return }
        let questions =
            try questionFile.map { try AskedQuestion.read(URL(fileURLWithPath: $0)) } ?? [AskedQuestion(text: question ?? "")]
        var targets = answer.map { AnswerTarget.answer($0) }
        if contrast.count == 2 { targets.append(.contrast(contrast[0], against: contrast[1])) }
        let manifest = try AnswerPipeline.run(
            AnswerRequest(
                photo: URL(fileURLWithPath: photo), model: model, questions: questions, targets: targets.isEmpty ? [.best] : targets,
                explainsQuestion: explainQuestion, top: top, layer: layer, output: URL(fileURLWithPath: output), colorMap: colorMap,
                opacity: opacity))
        for warning in manifest.warnings { FileHandle.standardError.write(Data("mmx: warning: \(warning)\n".utf8)) }
        if json { return print(try manifest.json()) }
        let isColored = isatty(STDOUT_FILENO) == 1 && ProcessInfo.processInfo.environment["NO_COLOR", default: ""].isEmpty
        print(AnswerText(isColored: isColored, namesQuestions: questionFile != nil).lines(manifest).joined(separator: "\n"))
    }

    private func printLayers(_ model: String) throws {
        let encoder = try Answerer.load(ModelFolder.find(model)).encoder
        for stage in encoder.stages {
            print("\(stage.name)\t\(stage.channels) channels\t\(stage.stride) px\(stage.name == encoder.lastLayer ? "\tdefault" : "")")
        }
    }
}

/// What a person reads.
private struct AnswerText {
    let isColored: Bool
    let namesQuestions: Bool

    func lines(_ manifest: AnswerManifest) -> [String] {
        manifest.questions.flatMap { question -> [String] in
            var lines = namesQuestions ? ["\(question.number). \(question.question)"] : []
            lines += question.answers.map { "\(String(format: "%5.1f %%", $0.probability * 100))  \($0.answer)" }
            for score in question.scores {
                if let words = score.words { lines.append("\(score.name): \(line(words))") }
                if let overlay = score.files.overlay {
                    lines.append("\(score.name) (score \(String(format: "%.3f", score.value))): \(overlay)")
                }
            }
            return lines
        }
    }

    /// The words with what each carried: red speaks for the answer, blue against it, the stronger the fuller.
    private func line(_ words: [AnswerManifest.Word]) -> String {
        let largest = words.map { abs($0.contribution) }.max() ?? 0
        return words.map { word in
            let number = String(format: "%+.3g", word.contribution)
            guard isColored, largest > 0, largest.isFinite else { return "\(word.word) \(number)" }
            let part = word.contribution / largest
            let faint = UInt8(255 - 175 * min(1, abs(part)))
            let ground = part >= 0 ? "255;\(faint);\(faint)" : "\(faint);\(faint);255"
            return "\u{1B}[30;48;2;\(ground)m\(word.word)\u{1B}[0m \(number)"
        }.joined(separator: isColored ? " " : ", ")
    }
}
