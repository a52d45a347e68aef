import ArgumentParser
import Explain
import Foundation
import Support
import Tasks
import Vision
import Weights

struct ModelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model", abstract: "Import weights of your own; look at models.",
        discussion: """
              mmx model import resnet18-f37072fd.pth --encoder resnet18
                  Make a model folder of a file of weights.
              mmx model list
                  List the installed models.
            """,
        subcommands: [ModelImportCommand.self, ModelCalibrate.self, ModelList.self, ModelInfo.self, ModelVerify.self])
}

/// What is imported.
struct ImportOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            Network: \(EncoderConfiguration.names.joined(separator: ", ")). Of a captioner or a VQA model: its CNN, where \
            several fit.
            """, valueName: "name"))
    var encoder: String?
    @Option(
        help: ArgumentHelp(
            "Names of the classes, one a line. Without it, ImageNet's where there are 1,000 classes.",
            valueName: "file"))
    var classes: String?
    @Flag(help: "Import the encoder without a classifier, for --encoder-weights of mmx train.") var headless = false
    @Option(
        help: ArgumentHelp(
            """
            Take the tensors under this key of the file, or with this prefix (model_ema). Without it, those that fit \
            the network best.
            """,
            valueName: "key"))
    var key: String?
    @Option(
        help: ArgumentHelp(
            """
            How the network wants its pixels: imagenet (ImageNet's mean and deviation) or plus-minus-one (-1...1). \
            Without it, as its pretrained weights do.
            """,
            valueName: "scale"))
    var pixels: ModelImport.PixelScale?

    func validate() throws {
        if headless, classes != nil { throw ValidationError("--headless leaves the classes out; --classes names them") }
    }
}

/// What belongs to a captioner or a VQA model beside its weights.
struct FamilyOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Words of a captioner or a VQA model: JSON, a pickle, or a text with a word a line.", valueName: "file"))
    var vocabulary: String?
    @Option(help: ArgumentHelp("Answers of a VQA model, one a line.", valueName: "file")) var answers: String?
    @Option(
        help: ArgumentHelp(
            "The CNN where it is not in the files: a file of weights, a model folder, or an installed model.",
            valueName: "path"))
    var encoderWeights: String?

    var isGiven: Bool { vocabulary != nil || answers != nil || encoderWeights != nil }
}

/// The model folder that an import writes.
struct ImportOutputOptions: ParsableArguments {
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "Model folder to write. Without it, $MMX_MODELS/NAME or models/NAME, with the network's or the file's name.",
            valueName: "dir"))
    var output: String?
    @Flag(help: "Store weights as 16-bit floats, in half the space.") var half = false
    @Flag(help: "Print the families of captioners and VQA models that can be imported.") var list = false
    @Flag(help: "Print JSON instead of text.") var json = false
}

extension ModelImport.PixelScale: ExpressibleByArgument {}

struct ModelImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Make a model folder of a CNN, a captioner or a VQA model.",
        usage: """
            mmx model import <file> --encoder <name> [<options>]
            mmx model import <file> ... --vocabulary <file> [<options>]
            mmx model import --list
            """,
        discussion: """
              mmx model import resnet18-f37072fd.pth --encoder resnet18
                  Import a classifier, to be used as --model resnet18.
              mmx model import vgg16.pth --encoder vgg16 --headless --output my-encoder
                  Import an encoder alone, to train on.
              mmx model import BEST_checkpoint.pth.tar --vocabulary WORDMAP.json -o mine
                  Import another program's captioner, to be used as --model mine.

            Reads PyTorch checkpoints (.pth, both forms; pickles of tensors and of whole modules), safetensors (one file, \
            or the index of several), NumPy's .npz, pickled dictionaries of NumPy arrays, and Caffe's .caffemodel (VGG, \
            SqueezeNet). Names and shapes of CNNs are those of torchvision. A dictionary around them (state_dict, model) \
            and a prefix of all names (module.) are removed. Every tensor must be used and have the right shape. \
            Otherwise nothing is written, and the error lists the tensors that are missing, left over or of another \
            shape. A pickle never runs code: what it would have Python call is passed over and named, and refused where \
            it would run programs.

            What a captioner or a VQA model is, its names and shapes tell; --list prints the families. docs/captioners.md \
            has a section for each.

            Batch normalisation is folded into the convolutions. The model folder has config.json, model.safetensors, \
            its words or classes, and import.json, which records where the weights came from.
            """)

    @Argument(help: ArgumentHelp("The file of weights; encoder and decoder where they are apart.", valueName: "file"))
    var files: [String] = []
    @OptionGroup(title: "What to import") var weights: ImportOptions
    @OptionGroup(title: "Captioners and VQA models") var family: FamilyOptions
    @OptionGroup(title: HelpGroup.output) var output: ImportOutputOptions

    func validate() throws {
        if output.list { return }
        if files.isEmpty { throw ValidationError("Give the file of weights, or --list.") }
        if isFamily, weights.classes != nil || weights.headless || weights.key != nil || weights.pixels != nil {
            throw ValidationError(
                "--classes, --headless, --key and --pixels are for a CNN, which needs --encoder; --vocabulary, --answers "
                    + "and --encoder-weights are for captioners and VQA models")
        }
    }

    /// Whether the files are a captioner's or a VQA model's, rather than a CNN's.
    private var isFamily: Bool { weights.encoder == nil || family.isGiven || files.count > 1 }

    private func folder(_ name: String) -> URL {
        let models = ProcessInfo.processInfo.environment["MMX_MODELS"].flatMap { $0.isEmpty ? nil : $0 } ?? "models"
        return URL(fileURLWithPath: output.output ?? "\(models)/\(name)")
    }

    func run() throws {
        if output.list { return try printFamilies() }
        let record: ModelImport.Record, folder: URL
        if let encoder = weights.encoder, !isFamily {
            folder = self.folder(encoder)
            var task = ModelImport(file: URL(fileURLWithPath: files[0]), encoder: encoder, output: folder)
            task.classes = weights.classes.map { URL(fileURLWithPath: $0) }
            task.headless = weights.headless
            task.type = output.half ? .f16 : .f32
            task.key = weights.key
            task.pixels = weights.pixels
            record = try task.run { sha256($0) }
        } else {
            let urls = files.map { URL(fileURLWithPath: $0) }
            let stem = urls[urls.count - 1].lastPathComponent.prefix { $0 != "." }
            folder = self.folder(stem.isEmpty ? "imported" : String(stem))
            var task = FamilyImport(files: urls, output: folder)
            task.vocabulary = family.vocabulary.map { URL(fileURLWithPath: $0) }
            task.answers = family.answers.map { URL(fileURLWithPath: $0) }
            task.encoderWeights = family.encoderWeights
            task.encoder = weights.encoder
            task.type = output.half ? .f16 : .f32
            record = try task.run()
        }
        Failure.warn(record.warnings ?? [])
        if output.json { return try StandardOutput.printJSON(JSON.pretty(record)) }
        try StandardOutput.print(folder.path)
        StandardError.line(Self.notes(record).joined(separator: "\n"))
    }

    private static func notes(_ record: ModelImport.Record) -> [String] {
        var notes = [
            "\(record.family.map { "\($0), " } ?? "")\(record.encoder) (\(record.task)): \(record.tensors) tensors, "
                + "\(record.parameters) parameters from \(record.format.rawValue)"
        ]
        if let removed = record.removedPrefix { notes.append("names without their beginning '\(removed).'") }
        if record.folded { notes.append("batch normalisation folded into the convolutions") }
        if !record.leftOut.isEmpty {
            let more = record.leftOut.count > 4 ? ", ..." : ""
            notes.append(
                "left out: \(record.leftOut.count) (\(record.leftOut.prefix(4).joined(separator: ", "))\(more))")
        }
        if let names = record.notRun {
            notes.append("objects in the file, not built, and nothing of them was run: \(TensorChoice.list(names))")
        }
        return notes + (record.notes ?? []).map { "note: \($0)" }
    }

    private func printFamilies() throws {
        struct Family: Encodable {
            let name: String, title: String
        }
        let families = FamilyImport.families
        if output.json {
            return try StandardOutput.printJSON(JSON.pretty(families.map { Family(name: $0.name, title: $0.title) }))
        }
        try StandardOutput.print(Table.text(families.map { [$0.name, $0.title] }))
    }
}

struct ModelList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the installed models: task, encoder, size.",
        discussion: """
              mmx model list
                  Print a table of the installed models.

            Models are looked for in $MMX_MODELS, in share/mmx/models of the installation, and in models of the source \
            folder that mmx was built in.
            """)

    @OptionGroup(title: HelpGroup.output) var output: JSONOption

    func run() throws {
        let (models, broken) = InstalledModel.all()
        Failure.warn(broken.map { "\($0)" })
        if output.json { return try StandardOutput.printJSON(JSON.pretty(models)) }
        if models.isEmpty { return try StandardOutput.print("no models are installed") }
        let rows = models.map {
            [$0.name, $0.task, $0.encoder, String(format: "%.1f MB", Double($0.bytes) / 1e6), $0.path]
        }
        try StandardOutput.print(Table.text([["model", "task", "encoder", "size", "folder"]] + rows, right: [3]))
    }
}

struct ModelInfo: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "info", abstract: "Print a network's layers with shapes, parameters and cost.",
        discussion: """
              mmx model info vgg16
                  Print the layers of VGG-16.

            NAME is an installed model, a model folder, or a network: \
            \(EncoderConfiguration.names.joined(separator: ", ")).

            Costs are those of one image of the size that the network was trained with. A multiplication with its \
            addition counts as two operations.
            """)

    @Argument(help: ArgumentHelp("Model or network.", valueName: "name")) var name: String
    @OptionGroup(title: HelpGroup.output) var output: JSONOption

    func run() throws {
        let summary = try NetworkSummary(named: name)
        if output.json { return try StandardOutput.printJSON(JSON.pretty(summary)) }
        let head = summary.classes == 0 ? "without a head" : "\(summary.classes) classes"
        let cost = String(
            format: "%.3f GFLOP (%.3f G multiply-adds)", Double(summary.flops) / 1e9,
            Double(summary.multiplyAdds) / 1e9)
        try StandardOutput.print(
            Table.text([
                ["network", "\(summary.encoder), \(head)"],
                ["input", "\(ResultText.shape(summary.input[1...2])) (height x width)"],
                ["parameters", "\(summary.parameters)"], ["cost", cost],
                ["explanation layer", summary.explanationLayer],
            ]))
        try StandardOutput.print("\nlayers that maps can be drawn over (--layer)")
        try StandardOutput.print(
            Table.text(
                summary.stages.map { stage in
                    [
                        "  " + stage.name, ResultText.shape(stage.output.dropFirst()),
                        stage.aliases.joined(separator: ", "),
                    ]
                }, right: [1]))
        try StandardOutput.print("\nlayers with weights")
        let layers = summary.layers.map { layer in
            [
                "  " + layer.name, ResultText.shape(layer.weight), ResultText.shape(layer.output.dropFirst()),
                "\(layer.parameters)", String(format: "%.1f", Double(2 * layer.multiplyAdds) / 1e6),
            ]
        }
        try StandardOutput.print(
            Table.text([["  layer", "weight", "output", "parameters", "MFLOP"]] + layers, right: [1, 2, 3, 4]))
    }
}

struct ModelVerify: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check a model: complete, right shapes, finite numbers, its hash.",
        discussion: """
              mmx model verify caption-flickr8k
                  Check the shipped captioner.
            """)

    @Argument(help: ArgumentHelp("Model: a folder, or the name of an installed model.", valueName: "model"))
    var model: String
    @OptionGroup(title: HelpGroup.output) var output: JSONOption

    func run() throws {
        let check = try ModelCheck.run(ModelFolder.find(model)) { sha256($0) }
        if output.json { return try StandardOutput.printJSON(JSON.pretty(check)) }
        try StandardOutput.print(
            "\(check.model): complete and finite (\(check.task), \(check.encoder), "
                + "\(check.tensors) tensors, \(check.parameters) numbers)"
        )
        try StandardOutput.print("sha256 \(check.sha256)\(check.imported == nil ? "" : ", as imported")")
    }
}
