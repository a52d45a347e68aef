import ArgumentParser
import Explain
import Foundation
import Support
import Tasks
import Vision
import Weights

struct ModelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model", abstract: "Bring your own weights; look at models.",
        subcommands: [ModelImportCommand.self, ModelList.self, ModelInfo.self, ModelVerify.self])

    static func json(_ value: some Encodable) throws -> String {
        try JSON.pretty(value)
    }

    /// Rows of cells in columns: the first column is text, the others are aligned to the right unless they are text
    /// too.
    static func table(_ rows: [[String]], right: Set<Int> = []) -> String {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
        return rows.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                let space = String(repeating: " ", count: widths[column] - cell.count)
                line +=
                    (column == 0 ? "" : "  ")
                    + (right.contains(column) ? space + cell : column == row.count - 1 ? cell : cell + space)
            }
            return line
        }.joined(separator: "\n")
    }
}

struct ModelImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Make a model of a file of weights.",
        discussion: """
            mmx model import resnet18-f37072fd.pth --encoder resnet18
            mmx model import vgg16.ckpt --encoder vgg16 --headless --output models/vgg16-trunk

            Reads PyTorch checkpoints (.pth, both forms; pickles of tensors), safetensors, NumPy's .npz, pickled \
            dictionaries of \
            NumPy arrays, and Caffe's .caffemodel (VGG, SqueezeNet). Names and shapes are torchvision's. Every tensor \
            must be used and \
            have the right shape, or nothing is written and all that is missing, left over or misshapen is listed. A \
            pickle never runs \
            code: what is outside a short list of names is refused by name.

            Batch normalisation is folded into the convolutions. The model folder has config.json, model.safetensors, \
            classes.txt, and \
            import.json, which says where the weights came from.
            """)

    @Argument(help: ArgumentHelp("The file of weights.", valueName: "file")) var file: String
    @Option(help: ArgumentHelp("Network: \(EncoderConfiguration.names.joined(separator: ", ")).", valueName: "name"))
    var encoder: String
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "Model folder; $MMX_MODELS/NAME or models/NAME by default, by the network's name.", valueName: "dir"))
    var output: String?
    @Option(
        help: ArgumentHelp(
            "The classes' names, one a line; ImageNet's where there are 1,000 and no file is given.", valueName: "file")
    )
    var classes: String?
    @Flag(help: "Import the encoder alone, without a classifier: to train on (--encoder-weights).") var headless = false
    @Flag(help: "Store weights as 16-bit floats, in half the space.") var half = false
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        if headless, classes != nil { throw ValidationError("--headless leaves the classes out; --classes names them") }
    }

    func run() throws {
        let models = ProcessInfo.processInfo.environment["MMX_MODELS"].flatMap { $0.isEmpty ? nil : $0 } ?? "models"
        let folder = URL(fileURLWithPath: output ?? "\(models)/\(encoder)")
        var task = ModelImport(file: URL(fileURLWithPath: file), encoder: encoder, output: folder)
        task.classes = classes.map { URL(fileURLWithPath: $0) }
        task.headless = headless
        task.type = half ? .f16 : .f32
        let record = try task.run { sha256($0) }
        if json { return print(try ModelCommand.json(record)) }
        print(folder.path)
        var notes = [
            "\(record.encoder) (\(record.task)): \(record.tensors) tensors, "
                + "\(record.parameters) parameters from \(record.format.rawValue)"
        ]
        if record.folded { notes.append("batch normalisation folded into the convolutions") }
        if !record.leftOut.isEmpty {
            let more = record.leftOut.count > 4 ? ", ..." : ""
            notes.append(
                "left out: \(record.leftOut.count) (\(record.leftOut.prefix(4).joined(separator: ", "))\(more))")
        }
        FileHandle.standardError.write(Data((notes.joined(separator: "\n") + "\n").utf8))
    }
}

struct ModelList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "The installed models: task, encoder, size.")

    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let (models, broken) = InstalledModel.all()
        for error in broken { FileHandle.standardError.write(Data("mmx: warning: \(error)\n".utf8)) }
        if json { return print(try ModelCommand.json(models)) }
        if models.isEmpty { return print("no models are installed") }
        let rows = models.map {
            [$0.name, $0.task, $0.encoder, String(format: "%.1f MB", Double($0.bytes) / 1e6), $0.path]
        }
        print(ModelCommand.table([["model", "task", "encoder", "size", "folder"]] + rows, right: [3]))
    }
}

struct ModelInfo: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "info", abstract: "A network's layers with shapes, parameters and cost.",
        discussion: """
            NAME is an installed model, a model folder, or a network \
            (\(EncoderConfiguration.names.joined(separator: ", "))). Costs are for \
            one picture of the size that the network was trained with; a multiplication with its addition counts as \
            two operations.
            """)

    @Argument(help: ArgumentHelp("Model or network.", valueName: "name")) var name: String
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let summary = try NetworkSummary(named: name)
        if json { return print(try ModelCommand.json(summary)) }
        func shape(_ sizes: [Int]) -> String { sizes.map(String.init).joined(separator: "x") }
        print(
            "network            \(summary.encoder)"
                + (summary.classes == 0 ? ", without a head" : ", \(summary.classes) classes")
        )
        print("input              \(summary.input[1])x\(summary.input[2]) (height x width)")
        print("parameters         \(summary.parameters)")
        print(
            String(
                format: "cost               %.3f GFLOP (%.3f G multiply-adds)", Double(summary.flops) / 1e9,
                Double(summary.multiplyAdds) / 1e9))
        print("explanation layer  \(summary.explanationLayer)")
        print("\nlayers that maps can be drawn over (--layer)")
        print(
            ModelCommand.table(
                summary.stages.map { stage in
                    ["  " + stage.name, shape(Array(stage.output.dropFirst())), stage.aliases.joined(separator: ", ")]
                }, right: [1]))
        print("\nlayers with weights")
        print(
            ModelCommand.table(
                [["  layer", "weight", "output", "parameters", "MFLOP"]]
                    + summary.layers.map { layer in
                        [
                            "  " + layer.name, shape(layer.weight), shape(Array(layer.output.dropFirst())),
                            "\(layer.parameters)",
                            String(format: "%.1f", Double(2 * layer.multiplyAdds) / 1e6),
                        ]
                    }, right: [1, 2, 3, 4]))
    }
}

struct ModelVerify: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check an installed model: complete, right shapes, finite numbers, its hash.")

    @Argument(help: ArgumentHelp("Model: a folder, or the name of an installed one.", valueName: "model")) var model:
        String
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let check = try ModelCheck.run(ModelFolder.find(model)) { sha256($0) }
        if json { return print(try ModelCommand.json(check)) }
        print(
            "\(check.model): complete and finite (\(check.task), \(check.encoder), "
                + "\(check.tensors) tensors, \(check.parameters) numbers)"
        )
        print("sha256 \(check.sha256)\(check.imported == nil ? "" : ", as imported")")
    }
}
