import ArgumentParser
import Explain
import Foundation
import Tasks

struct CaptionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "caption", abstract: "Caption a photograph and show where its words came from.",
        discussion: """
            mmx caption photo.jpg                           the caption alone
            mmx caption photo.jpg --explain-word dog        an overlay, a heat map and the raw map of one word
            mmx caption photo.jpg --explain-all             one sheet: each word over its map
            mmx caption photo.jpg --caption "a dog runs" --explain-word dog
                                                            explain a caption of your own
            mmx caption photo.jpg --contrast dog cat        why "dog" rather than "cat"
            mmx caption photo.jpg --explain-word dog --method hirescam --method occlusion
                                                            other methods (--list-methods)
            mmx caption photo.jpg --question "what color is the dog?"
                                                            a question too, as mmx vqa answers it

            A word that is not in the caption is explained where the model held it likeliest. Beside the pictures, a \
            manifest (JSON) says everything about how they were made. Where the model that answers uses the \
            captioner's encoder, the photograph is looked at once for both.
            """)

    @Argument(help: ArgumentHelp("A JPEG or PNG file.", valueName: "photo")) var photo: String?
    @Option(name: .long, help: ArgumentHelp("Explain this word; may be given several times.", valueName: "word"))
    var explainWord: [String] = []
    @Option(help: ArgumentHelp("Explain these words in a row, as one score.", valueName: "phrase"))
    var explainPhrase: [String] = []
    @Flag(help: "Explain the caption as a whole.") var explainCaption = false
    @Flag(help: "One contact sheet: each word over its map.") var explainAll = false
    @Option(help: ArgumentHelp("Which one, where a word occurs several times.", valueName: "n")) var occurrence = 1
    @Option(help: ArgumentHelp("Explain this caption instead of the model's own.", valueName: "text"))
    var caption: String?
    @Option(
        help: ArgumentHelp(
            "Answer this question too, with the map of the best answer; may be given several times.",
            valueName: "question"))
    var question: [String] = []
    @Option(
        help: ArgumentHelp(
            "The model that answers: a folder or a name; \(ModelFolder.defaultVQAModel) by default.",
            valueName: "model"))
    var answerer: String?
    @Option(
        help: ArgumentHelp(
            "Captions kept at once in the search; 1 is greedy. The model's own by default.", valueName: "n"))
    var beam: Int?
    @Option(help: ArgumentHelp("Model: a folder, or the name of an installed one.", valueName: "model"))
    var model = ModelFolder.defaultCaptioner
    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Explain why the first word rather than the second, at the first one's place: two, after the photo.",
            valueName: "words"))
    var contrast: [String] = []
    @Option(
        help: ArgumentHelp(
            """
            What of a word is explained: \(WordScore.allCases.map(\.rawValue).joined(separator: ", ")). The model's \
            own by default, or log-probability.
            """, valueName: "name"))
    var score: WordScore?
    @OptionGroup var methods: MethodOptions
    @OptionGroup var drawing: DrawingOptions

    func validate() throws {
        if !contrast.isEmpty && contrast.count != 2 {
            throw ValidationError("--contrast takes two words, found \(contrast.count); the photo stands before it")
        }
        guard photo != nil || drawing.listLayers || methods.listMethods else {
            throw ValidationError("Missing expected argument '<photo>'")
        }
        guard occurrence >= 1 else { throw ValidationError("--occurrence counts from 1") }
        if let beam, !(1...100).contains(beam) { throw ValidationError("--beam is between 1 and 100") }
        let explains = explainAll || explainCaption || !(explainWord + explainPhrase + contrast + question).isEmpty
        if drawing.sheet && !explains {
            throw ValidationError("--sheet shows what is explained: add --explain-word WORD or --explain-all")
        }
        if question.isEmpty && answerer != nil { throw ValidationError("--answerer goes with --question") }
    }

    func run() throws {
        if methods.listMethods { return MethodOptions.printMethods() }
        if drawing.listLayers {
            return DrawingOptions.printLayers(of: try Captioner.load(ModelFolder.find(model)).encoder)
        }
        guard let photo else { return }
        let targets =
            explainWord.map { CaptionTarget.word($0, occurrence: occurrence) }
            + explainPhrase.map { .phrase($0, occurrence: occurrence) } + (explainCaption ? [.wholeCaption] : [])
            + (contrast.count == 2 ? [.contrast(contrast[0], against: contrast[1], occurrence: occurrence)] : [])
        let maps = drawing.request(try methods.recipe(wordScore: score))
        let progress = Progress()
        let manifest = try progress.clearing {
            try CaptionPipeline.run(
                CaptionRequest(
                    photo: URL(fileURLWithPath: photo), model: model, caption: caption, targets: targets,
                    questions: question.map { AskedQuestion(text: $0) }, answerer: answerer ?? ModelFolder.defaultVQAModel,
                    sheet: explainAll, beam: beam, maps: maps), progress: progress.runs)
        }
        Failure.warn(manifest.warnings + manifest.scores.flatMap(\.warnings) + (manifest.answers?.warnings ?? []))
        print(drawing.json ? try manifest.json() : lines(manifest).joined(separator: "\n"))
    }

    /// What a person reads.
    private func lines(_ manifest: CaptionManifest) -> [String] {
        var lines = [manifest.caption]
        let namesMethods = Set(manifest.scores.map(\.method)).count > 1
        for score in manifest.scores {
            guard let overlay = score.files.overlay else { continue }
            let kind = manifest.wordScore == .logProbability ? "log p" : "score"
            let method = namesMethods ? ", \(score.method)" : ""
            lines.append("\(score.name) (\(kind) \(String(format: "%.3f", score.value))\(method)): \(overlay)")
        }
        if let sheet = manifest.sheet { lines.append("every word: \(sheet)") }
        if let sheet = manifest.methodSheet { lines.append("sheet: \(sheet)") }
        if let answers = manifest.answers {
            lines += AnswerText(isColored: AnswerText.isColoredOutput, namesQuestions: true).lines(answers)
        }
        return lines
    }
}
