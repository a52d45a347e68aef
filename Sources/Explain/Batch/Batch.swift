import Foundation
import Support
import Tasks
import Tensors
import Vision

/// What a command on many photographs is asked beside what it is asked of each.
public struct BatchRequest {
    /// Files, folders, archives (`.tar`), lists (`.jsonl`), or "-" for standard input.
    public var inputs: [String]
    /// The folder of the results; nil keeps none.
    public var output: URL?
    /// Takes each record, one line of JSON, in the photographs' order; nil where the folder alone takes them.
    public var line: ((String) throws -> Void)?
    /// The part of the photographs that is wanted.
    public var shard: Shard
    /// Whether the first photograph that cannot be explained ends the work.
    public var isStrict: Bool
    /// Whether raw maps get a file each, in place of archives.
    public var hasMapFiles: Bool
    /// Whether images are drawn.
    public var hasImages: Bool
    /// Whether the flat columns are written to a table, `results.csv`.
    public var hasTable: Bool
    /// The largest photograph to read.
    public var limits: ImageLimits

    /// A request; only the photographs have no default.
    public init(
        inputs: [String], output: URL? = nil, line: ((String) throws -> Void)? = nil, shard: Shard = .all,
        isStrict: Bool = false, hasMapFiles: Bool = false, hasImages: Bool = false, hasTable: Bool = false,
        limits: ImageLimits = .standard
    ) {
        (self.inputs, self.output, self.line, self.shard) = (inputs, output, line, shard)
        (self.isStrict, self.hasMapFiles, self.hasImages) = (isStrict, hasMapFiles, hasImages)
        (self.hasTable, self.limits) = (hasTable, limits)
    }
}

/// How far a batch is.
public struct BatchProgress: Sendable {
    /// Records that are written, those of earlier runs in the same folder included.
    public var done = 0
    /// Of these, how many have an error.
    public var failed = 0
    /// Records that this run wrote.
    public var written = 0
    /// How many there will be; nil where only reading them tells.
    public var total: Int?
    /// Since this run began to explain.
    public var seconds = 0.0
    /// Files in folders that are no photographs by their names, by their endings.
    public var passedOver: [String: Int] = [:]
    /// The signal that ended the run before the last photograph; nil where none did.
    public var interruption: Int32?
}

/// The same request for one photograph after another: a model is loaded once, as many photographs are decoded, explained
/// and drawn at once as there are threads, and the records are written in the photographs' order.
///
/// A photograph that cannot be read or explained is a record with its error. Errors of the model, of the output, and of
/// what is asked of all photographs end the run.
public enum Batch {
    /// Captions; see ``CaptionRun``.
    /// - Parameters:
    ///   - request: what is asked of each photograph; its `photo` is not looked at.
    ///   - batch: the photographs, and where the records go.
    ///   - progress: called after each record, by several threads, never at once.
    /// - Throws: errors of the model, of the request, of the output; with `isStrict`, of a photograph.
    public static func captions(
        _ request: CaptionRequest, _ batch: BatchRequest, progress: @escaping (BatchProgress) -> Void = { _ in }
    ) throws -> BatchProgress {
        let folder = try ModelFolder.find(request.model), weights = FileHash(model: folder)
        let model = try CaptioningModel(request, folder: folder, weights: weights)
        var models = [folder.lastPathComponent: try weights.value]
        if !request.questions.isEmpty {
            let folder = try ModelFolder.find(request.vqaModel)
            models[folder.lastPathComponent] = try FileHash(model: folder).value
        }
        return try run(
            "captioning", models, options(request), batch, isOfPixels: request.options.hasPixelMaps,
            flat: CaptionColumns().flat
        ) { own in
            var request = request
            if let caption = own.caption { request.caption = caption }
            if let words = own.words { request.targets = words.map { .word($0) } }
            if let questions = own.questions { request.questions = questions.map { QuestionText(text: $0) } }
            return request
        } explain: {
            model.outcomes($0)
        } progress: {
            progress($0)
        }
    }

    /// Answers; see ``VQARun``. Parameters and errors as those of ``captions(_:_:progress:)``.
    public static func answers(
        _ request: VQARequest, _ batch: BatchRequest, progress: @escaping (BatchProgress) -> Void = { _ in }
    ) throws -> BatchProgress {
        let folder = try ModelFolder.find(request.model), weights = FileHash(model: folder)
        let model = try AnsweringModel(request, folder: folder, weights: weights)
        return try run(
            "question-answering", [folder.lastPathComponent: try weights.value], options(request), batch,
            isOfPixels: request.options.hasPixelMaps, flat: VQAColumns().flat
        ) { own in
            var request = request
            if let questions = own.questions { request.questions = questions.map { QuestionText(text: $0) } }
            if let answers = own.answers { request.targets = answers.map { .named($0) } }
            guard !request.questions.isEmpty else {
                throw PhotoListError(description: "no question is asked of this photograph")
            }
            return request
        } explain: {
            $0.map { task in Result { try model.outcome(task) } }
        } progress: {
            progress($0)
        }
    }

    /// Classes; see ``ClassRun``. Parameters and errors as those of ``captions(_:_:progress:)``.
    public static func classes(
        _ request: ClassRequest, _ batch: BatchRequest, progress: @escaping (BatchProgress) -> Void = { _ in }
    ) throws -> BatchProgress {
        let folder = try ModelFolder.findClassifier(request.model), weights = FileHash(model: folder)
        let model = try ClassifyingModel(request, folder: folder, weights: weights)
        return try run(
            ClassifierConfiguration.task, [folder.lastPathComponent: try weights.value], options(request), batch,
            isOfPixels: request.options.hasPixelMaps, flat: ClassColumns().flat
        ) { own in
            var request = request
            if let classes = own.classes { request.targets = classes.map { .named($0) } }
            return request
        } explain: {
            $0.map { task in Result { try model.outcome(task) } }
        } progress: {
            progress($0)
        }
    }

    /// Every option of a request as text, by its path: "rendering.style.opacity".
    private static func options(_ request: some RunRequest) -> [String: String] {
        var request = request, texts: [String: String] = [:]
        request.photo = URL(fileURLWithPath: "/")
        request.rendering.folder = URL(fileURLWithPath: "/")
        func add(_ value: Any, _ path: String) {
            let mirror = Mirror(reflecting: value)
            if mirror.displayStyle == .struct, !(value is URL), !mirror.children.isEmpty {
                for (name, child) in mirror.children { add(child, path.isEmpty ? name ?? "" : "\(path).\(name ?? "")") }
            } else {
                texts[path] = String(reflecting: value)
            }
        }
        add(request, "")
        texts["photo"] = nil
        texts["rendering.folder"] = nil
        return texts
    }

    /// - Parameters:
    ///   - request: what is asked of a photograph of which its list asks something of its own.
    ///   - explain: explains some photographs, on one thread; a result for each.
    private static func run<Request, Columns: RecordColumns>(
        _ task: String, _ models: [String: String], _ options: [String: String], _ batch: BatchRequest,
        isOfPixels: Bool, flat: [(name: String, value: String?)],
        request: (OwnRequest) throws -> Request,
        explain: ([PhotoTask<Request>]) -> [Result<PhotoOutcome<Columns>, any Error>],
        progress: @escaping (BatchProgress) -> Void
    ) throws -> BatchProgress {
        let inputs = batch.inputs.map(PhotoSources.Input.init)
        // Archives of maps of pixels stay below 4 GiB.
        let photographsInArchive = isOfPixels ? 50 : 1000
        var options = options
        options["--files"] = "\(batch.hasMapFiles)"
        options["--pictures"] = "\(batch.hasImages)"
        options["--csv"] = "\(batch.hasTable)"
        let description = BatchDescription(
            tool: Version.tool, task: task, models: models, options: options, inputs: batch.inputs,
            shard: batch.shard.description, photographsInArchive: photographsInArchive)
        let total = PhotoSources.count(inputs, output: batch.output, shard: batch.shard)
        if PhotoSources.count(inputs, output: batch.output, shard: .all) == 0 {
            throw ImageError(
                .missing, batch.inputs.joined(separator: ", "),
                "there is no photograph in it: no file whose name ends in .jpg, .jpeg or .png")
        }
        let header =
            (["index", "image", "sha256", "width", "height"] + flat.map(\.name) + ["warnings", "error"])
            .joined(separator: ",") + "\n"
        let folder = try batch.output.map {
            try BatchFolder($0, description, header: batch.hasTable ? header : nil)
        }
        let sources = PhotoSources(inputs, output: batch.output, shard: batch.shard)
        try skip(folder, sources)
        let work = BatchWork(
            batch, folder, sources, total: total, progress: progress)
        Parallel.forEach(Parallel.threads) { _ in
            while true {
                let group = work.next()
                if group.isEmpty { return }
                work.record(group, request: request, explain: explain)
            }
        }
        return try work.finish()
    }

    /// Passes over the photographs whose records are there.
    /// - Throws: ``BatchFolderError`` where they are not those that the command names first.
    private static func skip(_ folder: BatchFolder?, _ sources: PhotoSources) throws {
        guard let folder, folder.checkpoint.photographs > 0 else { return }
        for (place, name) in try folder.names().enumerated() {
            let item = sources.next(readsBytes: false)
            guard item?.name == name else {
                throw BatchFolderError(
                    description:
                        "\(folder.url.path): the photographs are others than before: photograph \(place + 1) is "
                        + (item.map { "'\($0.name)'" } ?? "missing")
                        + ", in the folder '\(name)'. Give another folder with --output")
            }
        }
    }
}

extension ExplanationOptions {
    /// Whether a method's maps have a number for each pixel of the model's input.
    var hasPixelMaps: Bool { methods.contains { $0.support == .pixels } }
}
