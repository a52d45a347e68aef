import ArgumentParser
import Explain
import Foundation
import Support
import Tasks

/// Which answers are explained, to which questions.
struct AnswerTargetOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Explain this answer, chosen or not. Repeat it for several.", valueName: "answer"))
    var answer: [String] = []
    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Explain why the first answer and not the second. Takes two answers and stands after photograph and "
                + "question.", valueName: "answers"))
    var contrast: [String] = []
    @Flag(help: "Print and draw what each word of the question adds to the answer, in nats.")
    var explainQuestion = false
    @Option(help: ArgumentHelp("Ask the questions of this file, one a line.", valueName: "txt"))
    var questionFile: String?
    @Option(help: ArgumentHelp("How many answers to print for each question.", valueName: "k")) var top = 3

    func validate() throws {
        if !contrast.isEmpty && contrast.count != 2 {
            throw ValidationError(
                "--contrast takes two answers, found \(contrast.count); photo and question stand before it, "
                    + "an answer of several words in quotes")
        }
        guard top >= 1 else { throw ValidationError("--top is at least 1") }
    }

    /// The likeliest answer where none was asked for.
    var targets: [ChoiceTarget] {
        let named =
            answer.map { ChoiceTarget.named($0) }
            + (contrast.count == 2 ? [.contrast(contrast[0], against: contrast[1])] : [])
        return named.isEmpty ? [.best] : named
    }
}

struct VQACommand: CheckedCommand {
    static let configuration = CommandConfiguration(
        commandName: "vqa", abstract: "Answer a question on a photograph; draw where the answer comes from.",
        usage: """
            mmx vqa <photo> <question> [<options>]
            mmx vqa <photos>... <question> --output <dir> [<options>]
            mmx vqa <photo> --question-file <txt> [<options>]
            mmx vqa --list-methods | --list-layers
            """,
        discussion: """
              mmx vqa photo.jpg "what color is the dog?"
                  Print the best answers and draw the map of the first.
              mmx vqa photo.jpg "what color is the dog?" --answer white
                  Explain an answer that was not chosen.
              mmx vqa photo.jpg "what color is the dog?" --contrast brown white
                  Explain why "brown" and not "white".
              mmx vqa photo.jpg --question-file questions.txt
                  Ask many questions; the encoder runs once.
              mmx vqa photos/ "is there a dog?" --output run
                  Answer for many photographs, with a map each.

            The map explains the answer's score before the softmax. The shipped model's map is made of each cell's own \
            part of it (--method \(ShippedDefaults.answerMethod)) and smoothed (--smooth \
            \(ShippedDefaults.smoothing)). The map of the Grad-CAM paper is --method grad-cam --smooth 1 --scale each. \
            A map is drawn as strong as its evidence: how much likelier the image makes the answer, in nats.

            Put the question in quotes, and an answer of several words too. Each target gets an overlay, a heat map \
            and a raw map (.npy). The manifest beside them, a JSON file, records how they were made.
            """)

    @Argument(
        help: ArgumentHelp("A JPEG or PNG file, or - for standard input; or many.", valueName: "photo"))
    var photo: String?
    @Argument(help: ArgumentHelp("A question about it, in quotes.", valueName: "question")) var question: String?
    @Argument(help: .private) var extra: [String] = []
    @OptionGroup(title: HelpGroup.targets) var what: AnswerTargetOptions
    @OptionGroup(title: HelpGroup.model) var models: VQAModelOptions
    @OptionGroup(title: HelpGroup.explanation) var methods: MethodOptions
    @OptionGroup(title: HelpGroup.methodSettings) var settings: MethodSettingOptions
    @OptionGroup(title: HelpGroup.drawing) var drawing: DrawingOptions
    @OptionGroup(title: HelpGroup.photo) var image: ImageLimitOptions
    @OptionGroup(title: HelpGroup.output) var output: OutputOptions
    @OptionGroup(title: HelpGroup.batch) var batch: BatchOptions

    /// The photographs and the question: the last of several arguments, where it is no photograph itself. With a file
    /// of questions, or a list whose lines have their own, there may be none.
    private var parts: (photographs: Photographs, question: String?) {
        var names = [photo, question].compactMap(\.self) + extra
        var asked: String?
        let isLast = what.questionFile == nil && !(names.count == 1 && names.allSatisfy(PhotoInputs.isList))
        if isLast, names.count > 1, names.dropLast().allSatisfy(Photographs.isNamed) || names.count == 2 {
            asked = names.popLast()
        }
        return (Photographs(names: names, batch: batch, output: output, limits: image.limits), asked)
    }

    func validate() throws {
        if methods.listLayers || methods.listMethods { return }
        guard let photo else { throw ValidationError("Missing expected argument '<photo>'") }
        if question == nil && what.questionFile == nil && !PhotoInputs.isList(photo) {
            let isQuestion = photo.contains(" ") && !PhotoArgument.looksLikeFile(photo)
            throw ValidationError(
                isQuestion
                    ? "Missing expected argument '<photo>': it stands before the question"
                    : "Missing expected argument '<question>' (or --question-file)")
        }
        if let question, what.questionFile != nil, !Photographs.isNamed(question) {
            throw ValidationError(
                "give a question or --question-file, not both; a question of several words goes in quotes")
        }
    }

    func checkRequest(_ arguments: [String]) throws {
        let (photographs, asked) = parts
        let areNamed = photographs.names.allSatisfy(Photographs.isNamed)
        if let asked, areNamed, Photographs.isNamed(asked) {
            throw ValidationError("Missing expected argument '<question>' (or --question-file) behind the photographs")
        }
        if !areNamed || extra.isEmpty {
            if let photo, let question, what.questionFile == nil {
                try QuestionArguments(photo: photo, question: question, extra: extra).check()
            }
            try ExtraArguments(extra: extra, arguments: arguments).check(
                textOptions: ["--answer": "--answer"], photo: nil)
        }
        if methods.listLayers || methods.listMethods { return }
        try photographs.names.forEach(PhotoArgument.check)
        try photographs.check()
    }

    func run() throws {
        if methods.listMethods { return try MethodOptions.printMethods() }
        if methods.listLayers {
            return try MethodOptions.printLayers(of: try VQAModel.load(ModelFolder.find(models.model)).encoder)
        }
        guard let photo else { return }
        if output.timings { Timings.start() }
        let (photographs, asked) = parts
        let questions =
            try what.questionFile.map { try QuestionText.read(URL(fileURLWithPath: $0)) }
            ?? asked.map { [QuestionText(text: $0)] } ?? []
        var options = try methods.options(settings: settings.settings)
        options.explainsWords = what.explainQuestion
        let request = VQARequest(
            photo: PhotoArgument.url(photo), model: models.model, questions: questions, targets: what.targets,
            top: what.top, options: options, rendering: drawing.rendering(into: output.folder), limits: image.limits)
        if photographs.areMany { return try photographs.run { try Batch.answers(request, $0, progress: $1) } }
        let progress = Progress()
        let result = try progress.clearing {
            try VQARun.result(request, bytes: photographs.bytes(), progress: progress.runs)
        }
        try result.print(asJSON: output.json, isEscaped: true) {
            AnswerText(isColored: ResultText.isColoredOutput, namesQuestions: what.questionFile != nil).lines(
                result.manifest, path: result.path(of:))
        }
    }
}
