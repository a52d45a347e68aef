import ArgumentParser
import Explain
import Foundation
import Support
import Tasks

/// Which words of a caption are explained.
struct CaptionTargetOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Explain this word. Repeat it for several words.", valueName: "word"))
    var explainWord: [String] = []
    @Option(
        help: ArgumentHelp("Explain these consecutive words as one target: their scores' sum.", valueName: "phrase"))
    var explainPhrase: [String] = []
    @Flag(help: "Explain the whole caption as one target.") var explainCaption = false
    @Flag(help: "Explain every word: one sheet with each word over its map.") var explainAll = false
    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Explain why the first word and not the second, at the first word's position. Takes two words and stands "
                + "after the photograph.", valueName: "words"))
    var contrast: [String] = []
    @Option(
        help: ArgumentHelp(
            """
            Which one to explain where a word occurs several times. With --score visual, a word has one map at all its \
            places; --score log-probability tells them apart.
            """, valueName: "n"))
    var occurrence = 1
    @Option(help: ArgumentHelp("Explain this caption instead of the model's.", valueName: "text"))
    var caption: String?
    @Option(
        help: ArgumentHelp(
            "Answer this question too and explain its best answer. Repeat it for several questions.",
            valueName: "question"))
    var question: [String] = []

    func validate() throws {
        if !contrast.isEmpty && contrast.count != 2 {
            throw ValidationError("--contrast takes two words, found \(contrast.count); the photo stands before it")
        }
        guard occurrence >= 1 else { throw ValidationError("--occurrence counts from 1") }
    }

    /// What is explained one by one; `--explain-all` and the questions are apart.
    var targets: [CaptionTarget] {
        explainWord.map { .word($0, occurrence: occurrence) }
            + explainPhrase.map { .phrase($0, occurrence: occurrence) } + (explainCaption ? [.wholeCaption] : [])
            + (contrast.count == 2 ? [.contrast(contrast[0], against: contrast[1], occurrence: occurrence)] : [])
    }

    /// Whether there is a map to draw.
    var isExplaining: Bool { explainAll || !targets.isEmpty || !question.isEmpty }
}

struct CaptionCommand: CheckedCommand {
    static let configuration = CommandConfiguration(
        commandName: "caption", abstract: "Caption a photograph and draw where its words come from.",
        usage: """
            mmx caption <photo> [<options>]
            mmx caption <photos>... --output <dir> [<options>]
            mmx caption --list-methods | --list-layers
            """,
        discussion: """
              mmx caption photo.jpg --explain-word dog
                  Print the caption and draw the map of the word "dog".
              mmx caption photo.jpg
                  Print the caption alone.
              mmx caption photo.jpg --explain-all
                  Draw every word over its map, on one sheet.
              mmx caption photo.jpg --caption "a dog runs" --explain-word dog
                  Explain a caption of your own.
              mmx caption photo.jpg --contrast dog cat
                  Explain why "dog" and not "cat".
              mmx caption photo.jpg --explain-word dog --method hirescam --method occlusion
                  Compare two methods.
              mmx caption photo.jpg --question "what color is the dog?"
                  Answer a question too, as mmx vqa does.
              mmx caption photos/ more/*.jpg --explain-all --output run
                  Caption many photographs, with every word's map.

            The shipped model's map of a word explains the visual part of the word's score (--score \
            \(ShippedDefaults.captionScore)), by Grad-CAM of centred activations (--method \
            \(ShippedDefaults.captionMethod)), smoothed (--smooth \(ShippedDefaults.smoothing)). The map of the \
            Grad-CAM paper is --score log-probability --method grad-cam --smooth 1 --scale each.

            A map is drawn as strong as its evidence: how much likelier the image makes the word, in nats. A word that \
            follows from the words before it gets a gray picture that says so. In a terminal, the caption's words are \
            shaded by their evidence.

            A word that is not in the caption is explained at the position where the model gives it the highest \
            probability. mmx prints a warning then. A word that the model does not know is an error that names the \
            nearest words.

            Many photographs are files, folders, archives (.tar), lists (.jsonl), or names or JSON on standard input. Each \
            becomes a record in results.jsonl; interrupted, the same command goes on. docs/scale.md says more.

            Each target gets an overlay, a heat map and a raw map (.npy). The manifest beside them, a JSON file, \
            records how they were made. Where the model that answers shares the captioner's encoder, the encoder runs \
            once.
            """)

    @Argument(
        help: ArgumentHelp("A JPEG or PNG file, or - for standard input; or many.", valueName: "photo"))
    var photo: String?
    @Argument(help: .private) var extra: [String] = []
    @OptionGroup(title: HelpGroup.targets) var what: CaptionTargetOptions
    @OptionGroup(title: HelpGroup.model) var captioner: CaptionerOptions
    @OptionGroup(title: HelpGroup.model) var vqa: AnswererOption
    @OptionGroup(title: HelpGroup.explanation) var scores: WordScoreOptions
    @OptionGroup(title: HelpGroup.explanation) var methods: MethodOptions
    @OptionGroup(title: HelpGroup.methodSettings) var settings: MethodSettingOptions
    @OptionGroup(title: HelpGroup.drawing) var drawing: DrawingOptions
    @OptionGroup(title: HelpGroup.photo) var image: ImageLimitOptions
    @OptionGroup(title: HelpGroup.output) var output: OutputOptions
    @OptionGroup(title: HelpGroup.batch) var batch: BatchOptions

    private var photographs: Photographs {
        Photographs(
            names: [photo].compactMap(\.self) + extra, batch: batch, output: output, limits: image.limits)
    }

    func validate() throws {
        guard photo != nil || methods.listLayers || methods.listMethods else {
            throw ValidationError("Missing expected argument '<photo>'")
        }
        if what.question.isEmpty && vqa.answerer != nil { throw ValidationError("--answerer goes with --question") }
    }

    func checkRequest(_ arguments: [String]) throws {
        let names = photographs.names
        let areNamed = names.allSatisfy(Photographs.isNamed)
        try ExtraArguments(extra: areNamed ? [] : extra, arguments: arguments).check(
            textOptions: [
                "--explain-word": "--explain-phrase", "--explain-phrase": "--explain-phrase", "--caption": "--caption",
                "--question": "--question",
            ], photo: photo)
        if methods.listLayers || methods.listMethods { return }
        try names.forEach(PhotoArgument.check)
        try photographs.check()
        if !what.isExplaining { try drawing.checkUnused(add: "--explain-word WORD or --explain-all") }
    }

    func run() throws {
        if methods.listMethods { return try MethodOptions.printMethods() }
        if methods.listLayers {
            return try MethodOptions.printLayers(of: try Captioner.load(ModelFolder.find(captioner.model)).encoder)
        }
        guard let photo else { return }
        if output.timings { Timings.start() }
        let request = CaptionRequest(
            photo: PhotoArgument.url(photo), model: captioner.model, caption: what.caption,
            targets: what.targets, questions: what.question.map { QuestionText(text: $0) },
            vqaModel: vqa.answerer ?? ModelFolder.defaultVQAModel, hasWordSheet: what.explainAll,
            beam: captioner.beam, options: try methods.options(settings: settings.settings, wordScore: scores.score),
            rendering: drawing.rendering(into: output.folder), limits: image.limits)
        let photographs = photographs
        if photographs.areMany {
            return try photographs.run { try Batch.captions(request, $0, progress: $1) }
        }
        let progress = Progress()
        let result = try progress.clearing {
            try CaptionRun.result(request, bytes: photographs.bytes(), progress: progress.runs)
        }
        try result.print(asJSON: output.json, isEscaped: true) { lines(result) }
    }

    /// The caption, in a terminal on grounds that show each word's evidence.
    private func caption(_ manifest: CaptionManifest) -> String {
        guard ResultText.isColoredOutput, manifest.evidence != nil else {
            return PrintableText.escaped(manifest.caption)
        }
        return sentence(
            manifest.words.map { $0.word },
            shown: manifest.words.map {
                ResultText.shaded(PrintableText.escaped($0.word), Evidence(evidence: $0.evidence).shade)
            })
    }

    /// What a person reads, escaped for a terminal.
    private func lines(_ result: RunResult<CaptionManifestBody>) -> [String] {
        let manifest = result.manifest
        let namesMethods = Set(manifest.scores.map(\.method)).count > 1
        let kind = manifest.wordScore == .logProbability ? "log p" : "score"
        var lines: [String] = []
        lines += manifest.scores.compactMap {
            ResultText.map(
                $0, probability: $0.probability, language: "sentence", kind: kind, namesMethod: namesMethods,
                path: result.path(of:))
        }
        if let sheet = manifest.sheet { lines.append("every word: \(result.path(of: sheet))") }
        if let sheet = manifest.methodSheet { lines.append("sheet: \(result.path(of: sheet))") }
        let escaped = [caption(manifest)] + lines.map { PrintableText.escaped($0) }
        if let answers = manifest.answers {
            return escaped
                + AnswerText(isColored: ResultText.isColoredOutput, namesQuestions: true).lines(
                    answers, path: result.path(of:))
        }
        return escaped
    }
}
