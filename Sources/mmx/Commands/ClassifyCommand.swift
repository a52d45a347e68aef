import ArgumentParser
import Explain
import Foundation
import Tasks

struct ClassifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "classify", abstract: "Say what a photograph shows and where that came from.",
        discussion: """
            mmx classify photo.jpg                          the likeliest classes
            mmx classify photo.jpg --explain                overlay, heat map and raw map of the likeliest
            mmx classify photo.jpg --explain tabby          of another class, by its name or its number
            mmx classify photo.jpg --contrast tabby "tiger cat"
                                                            why a tabby rather than a tiger cat
            mmx classify photo.jpg --model resnet18         another network (mmx model import, make models)

            A class is found by its number (from 0), one of its names, or words of one that no other class has; what \
            fits several is answered with a list. The map is of the class's score before the softmax: Grad-CAM, or \
            another --method (CAM only where the network ends in global average pooling and one linear layer). Beside the pictures, a manifest \
            (JSON) says everything about how they were made.
            """)

    @Argument(help: ArgumentHelp("A JPEG or PNG file.", valueName: "photo")) var photo: String?
    @Option(help: ArgumentHelp("Classes to print.", valueName: "k")) var top = 5
    @Option(
        defaultAsFlag: Self.best,
        help: ArgumentHelp("Explain this class; the likeliest without a name.", valueName: "class"))
    var explain: String?
    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("Explain why the first class rather than the second: two, after the photo.", valueName: "classes"))
    var contrast: [String] = []
    @Option(help: ArgumentHelp("Model: a folder, or the name of an installed one.", valueName: "model"))
    var model = ModelFolder.defaultClassifier
    @OptionGroup var methods: MethodOptions
    @OptionGroup var drawing: DrawingOptions

    /// Stands for the likeliest class; no class is called so.
    private static let best = "\u{0}"

    func validate() throws {
        if !contrast.isEmpty && contrast.count != 2 {
            throw ValidationError(
                "--contrast takes two classes, found \(contrast.count); the photo stands before it, "
                    + "a class of several words in quotes")
        }
        guard top >= 1 else { throw ValidationError("--top is at least 1") }
        if drawing.sheet && explain == nil && contrast.isEmpty {
            throw ValidationError("--sheet shows what is explained: add --explain")
        }
        guard photo != nil || drawing.listLayers || methods.listMethods else {
            let taken = explain.map { $0 != Self.best } ?? false
            throw ValidationError(
                "Missing expected argument '<photo>'" + (taken ? "; it stands before --explain" : ""))
        }
    }

    func run() throws {
        if methods.listMethods { return MethodOptions.printMethods() }
        if drawing.listLayers {
            return DrawingOptions.printLayers(of: try Classifier.load(ModelFolder.findClassifier(model)).encoder)
        }
        guard let photo else { return }
        var targets = explain.map { [$0 == Self.best ? ClassTarget.best : .named($0)] } ?? []
        if contrast.count == 2 { targets.append(.contrast(contrast[0], against: contrast[1])) }
        let options = try drawing.explanationOptions(methods)
        let progress = Progress()
        let manifest = try progress.clearing {
            try ClassRun.run(
                ClassRequest(
                    photo: URL(fileURLWithPath: photo), model: model, targets: targets, top: top, options: options,
                    output: drawing.outputOptions), progress: progress.runs)
        }
        Failure.warn(manifest.allWarnings)
        print(drawing.json ? try manifest.json() : lines(manifest).joined(separator: "\n"))
    }

    /// What a person reads.
    private func lines(_ manifest: ClassManifest) -> [String] {
        let width = manifest.classes.map { String($0.index).count }.max() ?? 0
        var lines = manifest.classes.map { found in
            let index = String(found.index)
            return String(format: "%5.1f %%", found.probability * 100) + "  "
                + String(repeating: " ", count: width - index.count) + "\(index)  \(found.name)"
        }
        let namesMethods = Set(manifest.scores.map(\.method)).count > 1
        for score in manifest.scores {
            guard let overlay = score.files.overlay else { continue }
            let method = namesMethods ? ", \(score.method)" : ""
            lines.append("\(score.name) (score \(String(format: "%.3f", score.value))\(method)): \(overlay)")
        }
        if let sheet = manifest.methodSheet { lines.append("sheet: \(sheet)") }
        return lines
    }
}
