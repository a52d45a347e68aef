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

            A word that is not in the caption is explained where the model held it likeliest. Beside the pictures, a manifest \
            (JSON) says everything about how they were made.
            """)

    @Argument(help: ArgumentHelp("A JPEG or PNG file.", valueName: "photo")) var photo: String?
    @Option(name: .long, help: ArgumentHelp("Explain this word; may be given several times.", valueName: "word"))
    var explainWord: [String] = []
    @Option(help: ArgumentHelp("Explain these words in a row, as one score.", valueName: "phrase"))
    var explainPhrase: [String] = []
    @Flag(help: "Explain the caption as a whole.") var explainCaption = false
    @Flag(help: "One contact sheet: each word over its map.") var explainAll = false
    @Option(help: ArgumentHelp("Which one, where a word occurs several times.", valueName: "n")) var occurrence = 1
    @Option(help: ArgumentHelp("Explain this caption instead of the model's own.", valueName: "text")) var caption: String?
    @Option(help: ArgumentHelp("Captions kept at once in the search; 1 is greedy. The model's own by default.", valueName: "n"))
    var beam: Int?
    @Option(help: ArgumentHelp("Model: a folder, or the name of an installed one.", valueName: "model"))
    var model = ModelFolder.defaultCaptioner
    @Option(help: ArgumentHelp("Layer over which the maps are drawn; the encoder's last by default.", valueName: "layer"))
    var layer: String?
    @Flag(help: "List the model's layers, with channels and pixels per cell.") var listLayers = false
    @Option(name: .shortAndLong, help: ArgumentHelp("Folder for the pictures.", valueName: "dir")) var output = "mmx-output"
    @Option(help: ArgumentHelp("Colours: \(ColorMap.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "name"))
    var colorMap = ColorMap.turbo
    @Option(help: ArgumentHelp("How much the colours cover, 0 to 1.", valueName: "part")) var opacity: Float = 0.6
    @Flag(help: "Print the manifest instead of text.") var json = false

    func validate() throws {
        guard photo != nil || listLayers else { throw ValidationError("Missing expected argument '<photo>'") }
        guard occurrence >= 1 else { throw ValidationError("--occurrence counts from 1") }
        guard (0...1).contains(opacity) else { throw ValidationError("--opacity is between 0 and 1") }
        if let beam, !(1...100).contains(beam) { throw ValidationError("--beam is between 1 and 100") }
    }

    func run() throws {
        if listLayers { return try printLayers() }
        guard let photo else { return }
        let targets = explainWord.map { CaptionTarget.word($0, occurrence: occurrence) }
            + explainPhrase.map { .phrase($0, occurrence: occurrence) } + (explainCaption ? [.wholeCaption] : [])
        let manifest = try CaptionPipeline.run(
            CaptionRequest(
                photo: URL(fileURLWithPath: photo), model: model, caption: caption, targets: targets, sheet: explainAll, layer: layer,
                beam: beam, output: URL(fileURLWithPath: output), colorMap: colorMap, opacity: opacity))
        for warning in manifest.warnings + manifest.scores.flatMap(\.warnings) {
            FileHandle.standardError.write(Data("mmx: warning: \(warning)\n".utf8))
        }
        print(json ? try manifest.json() : CaptionText.lines(manifest).joined(separator: "\n"))
    }

    private func printLayers() throws {
        let captioner = try Captioner.load(ModelFolder.find(model))
        let last = captioner.encoder.lastLayer
        for stage in captioner.encoder.stages {
            print("\(stage.name)\t\(stage.channels) channels\t\(stage.stride) px\(stage.name == last ? "\tdefault" : "")")
        }
    }
}

extension ColorMap: ExpressibleByArgument {}

/// What a person reads.
private enum CaptionText {
    static func lines(_ manifest: CaptionManifest) -> [String] {
        var lines = [manifest.caption]
        for score in manifest.scores {
            guard let overlay = score.files.overlay else { continue }
            lines.append("\(score.name) (log p \(String(format: "%.3f", score.logProbability))): \(overlay)")
        }
        if let sheet = manifest.sheet { lines.append("every word: \(sheet)") }
        return lines
    }
}
