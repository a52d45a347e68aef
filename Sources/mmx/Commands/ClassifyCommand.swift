import ArgumentParser
import Explain
import Foundation
import Support
import Tasks

/// A class as a user names it.
enum ClassChoice: ExpressibleByArgument, CustomStringConvertible {
    case likeliest
    case named(String)

    init(argument: String) { self = .named(argument) }

    var description: String {
        switch self {
        case .likeliest: "the likeliest class"
        case .named(let name): name
        }
    }
}

/// Which classes are explained.
struct ClassTargetOptions: ParsableArguments {
    @Option(
        defaultAsFlag: ClassChoice.likeliest,
        help: ArgumentHelp("Explain this class, by its number or a name.", valueName: "class"))
    var explain: ClassChoice?
    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Explain why the first class and not the second. Takes two classes and stands after the photograph.",
            valueName: "classes"))
    var contrast: [String] = []
    @Option(help: ArgumentHelp("How many classes to print.", valueName: "k")) var top = 5

    func validate() throws {
        if !contrast.isEmpty && contrast.count != 2 {
            throw ValidationError(
                "--contrast takes two classes, found \(contrast.count); the photo stands before it, "
                    + "a class of several words in quotes")
        }
        guard top >= 1 else { throw ValidationError("--top is at least 1") }
    }

    var targets: [ChoiceTarget] {
        let explained: [ChoiceTarget] =
            switch explain {
            case .likeliest: [.best]
            case .named(let name): [.named(name)]
            case nil: []
            }
        return explained + (contrast.count == 2 ? [.contrast(contrast[0], against: contrast[1])] : [])
    }
}

struct ClassifyCommand: CheckedCommand {
    static let configuration = CommandConfiguration(
        commandName: "classify", abstract: "Classify a photograph and draw where a class comes from.",
        usage: """
            mmx classify <photo> [<options>]
            mmx classify <photos>... --output <dir> [<options>]
            mmx classify --list-methods | --list-layers
            """,
        discussion: """
              mmx classify photo.jpg --explain
                  Print the likeliest classes and draw the map of the first.
              mmx classify photo.jpg
                  Print the likeliest classes alone.
              mmx classify photo.jpg --explain tabby
                  Explain another class, by its name or its number.
              mmx classify photo.jpg --contrast tabby "tiger cat"
                  Explain why "tabby" and not "tiger cat".
              mmx classify photo.jpg --explain --model resnet18
                  Use another network (mmx model import, make models).
              mmx classify photos/ --explain --output run
                  Classify many photographs, with a map each.

            The map explains the class's score before the softmax. It is made by Grad-CAM (--method grad-cam), unless \
            the model's config.json names another method. --method cam is for networks that end in global average \
            pooling and one linear layer.

            A class is found by its number (from 0), by one of its names, or by words that only one class has. A name \
            that fits several classes is an error that lists them. Each target gets an overlay, a heat map and a raw \
            map (.npy). The manifest beside them, a JSON file, records how they were made.
            """)

    @Argument(
        help: ArgumentHelp("A JPEG or PNG file, or - for standard input; or many.", valueName: "photo"))
    var photo: String?
    @Argument(help: .private) var extra: [String] = []
    @OptionGroup(title: HelpGroup.targets) var what: ClassTargetOptions
    @OptionGroup(title: HelpGroup.model) var models: ClassifierOptions
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
            let isTaken = if case .named = what.explain { true } else { false }
            throw ValidationError(
                "Missing expected argument '<photo>'" + (isTaken ? "; it stands before --explain" : ""))
        }
    }

    func checkRequest(_ arguments: [String]) throws {
        let names = photographs.names
        try ExtraArguments(extra: names.allSatisfy(Photographs.isNamed) ? [] : extra, arguments: arguments).check(
            textOptions: ["--explain": "--explain"], photo: photo)
        if methods.listLayers || methods.listMethods { return }
        try names.forEach(PhotoArgument.check)
        try photographs.check()
        if what.targets.isEmpty { try drawing.checkUnused(add: "--explain") }
    }

    func run() throws {
        if methods.listMethods { return try MethodOptions.printMethods() }
        if methods.listLayers {
            return try MethodOptions.printLayers(
                of: try Classifier.load(ModelFolder.findClassifier(models.model)).encoder)
        }
        guard let photo else { return }
        if output.timings { Timings.start() }
        let request = ClassRequest(
            photo: PhotoArgument.url(photo), model: models.model, targets: what.targets, top: what.top,
            options: try methods.options(settings: settings.settings),
            rendering: drawing.rendering(into: output.folder),
            limits: image.limits)
        let photographs = photographs
        if photographs.areMany { return try photographs.run { try Batch.classes(request, $0, progress: $1) } }
        let progress = Progress()
        let result = try progress.clearing {
            try ClassRun.result(request, bytes: photographs.bytes(), progress: progress.runs)
        }
        try result.print(asJSON: output.json) { lines(result) }
    }

    /// What a person reads.
    private func lines(_ result: RunResult<ClassManifestBody>) -> [String] {
        let manifest = result.manifest
        let width = manifest.classes.map { String($0.index).count }.max() ?? 0
        let namesMethods = Set(manifest.scores.map(\.method)).count > 1
        var lines = manifest.classes.map { found in
            let index = String(found.index)
            return ResultText.percent(found.probability) + "  " + String(repeating: " ", count: width - index.count)
                + "\(index)  \(found.name)"
        }
        lines += manifest.scores.compactMap {
            ResultText.map(
                $0, probability: $0.probability, namesMethod: namesMethods, path: result.path(of:))
        }
        if let sheet = manifest.methodSheet { lines.append("sheet: \(result.path(of: sheet))") }
        return lines
    }
}
