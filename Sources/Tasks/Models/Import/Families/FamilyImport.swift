import Foundation
import Language
import Support
import Tensors
import Vision
import Weights

/// Makes a model folder of a captioner or a VQA model that another program trained.
public struct FamilyImport {
    /// The files of the checkpoint: one, or encoder and decoder apart.
    public var files: [URL]
    public var output: URL
    /// The words: JSON, a pickle, a text. nil where the checkpoint has them.
    public var vocabulary: URL?
    /// The answers of a VQA model, one a line. nil where the checkpoint has them.
    public var answers: URL?
    /// The CNN where it is in no checkpoint: a file of weights, a model folder, or the name of an installed model.
    public var encoderWeights: String?
    /// The CNN's architecture where several fit, or where its names are those of another program.
    public var encoder: String?
    public var type = SafeTensors.DataType.f32

    public init(files: [URL], output: URL) {
        self.files = files
        self.output = output
    }

    /// The families, each with a line that says what it is.
    public static var families: [(name: String, title: String)] { CheckpointFamily.all.map { ($0.name, $0.title) } }

    /// Imports. Nothing is written unless everything fits.
    /// - Throws: ``ModelError``, or the readers' own errors.
    public func run() throws -> ModelImport.Record {
        guard !FileManager.default.fileExists(atPath: output.appendingPathComponent("config.json").path) else {
            throw ModelError(path: output.path, problem: "is a model already; give another --output, or remove it")
        }
        let hashes = try files.flatMap { try ImportedFile.files(of: $0) }.map { ($0, try Self.hash($0)) }
        var record = try imported()
        record.sha256 = hashes.first { $0.0.lastPathComponent == record.file }?.1 ?? ""
        let others = hashes.filter { $0.0.lastPathComponent != record.file }
        if !others.isEmpty {
            record.shards = Dictionary(others.map { ($0.0.lastPathComponent, $0.1) }) { first, _ in first }
        }
        record.weights = try sha256(file: ModelFiles(output).weights())
        try AtomicFile.write(try JSON.file(record), to: output.appendingPathComponent("import.json"))
        return record
    }

    /// A file's SHA-256. A path that is no file has none; its reader says so.
    private static func hash(_ url: URL) throws -> String {
        var information = stat()
        guard stat(url.path, &information) == 0, information.st_mode & S_IFMT == S_IFREG else { return "" }
        do { return try sha256(file: url) } catch {
            throw ModelError(path: url.path, problem: "cannot be read")
        }
    }

    /// Writes the model folder. The record has no hashes yet.
    private func imported() throws -> ModelImport.Record {
        let parts = try files.map { try ImportedFile($0) }
        var found: (family: CheckpointFamily, part: Int, match: TensorPattern.Match)?
        for family in CheckpointFamily.all where found == nil {
            for (index, part) in parts.enumerated() where found == nil {
                found = family.evidence.match(part.contents.tensors.mapValues(\.shape)).map { (family, index, $0) }
            }
        }
        guard let (family, place, match) = found else { throw unknown(parts) }
        let path = parts[place].url.path
        do {
            var run = try Run(self, family, parts, place, match, path)
            return try run.result()
        } catch let problem as FamilyProblem {
            throw ModelError(path: path, problem: "looks like \(family.name), but \(problem.text)")
        }
    }

    private func unknown(_ parts: [ImportedFile]) -> ModelError {
        let path = files[0].path
        for part in parts {
            if let reason = KnownRefusals.reason(part.contents) {
                return ModelError(path: part.url.path, problem: reason)
            }
        }
        let names = parts.flatMap { $0.contents.tensors.keys.sorted().prefix(6) }
        return ModelError(
            path: path,
            problem: "is no captioner or VQA model of a family that mmx knows (mmx model import --list), as far as its "
                + "names and shapes tell: \(TensorChoice.list(names)). A CNN alone needs --encoder NAME")
    }
}

/// A file of a checkpoint.
struct ImportedFile: Sendable {
    /// The files on the disk of a path that a person gives.
    static func files(of url: URL) throws -> [URL] {
        TensorFlowCheckpoint.looksLike(url) ? try TensorFlowCheckpoint.files(of: url) : [url]
    }

    let url: URL
    let contents: CheckpointContents
    /// What the formats have beside tensors and values: the layers in their order, and the graph of objects.
    var keras: KerasFile?
    var torch7: Torch7File?

    /// The files on the disk: TensorFlow's checkpoints have several.
    let files: [URL]

    init(_ url: URL) throws {
        self.url = url
        let contents = try CheckpointContents(url) { !CheckpointFamily.isTraining($0) }
        files = try Self.files(of: url)
        try PickledCalls.check(contents, path: url.path)
        switch contents.format {
        case .keras:
            self.contents = contents
            keras = try KerasFile(url)
        case .torch7:
            let file = try Torch7File(url)
            torch7 = file
            self.contents = NeuralTalkNames(file).map { contents.with(tensors: $0.tensors) } ?? contents
        case .tensorflow: self.contents = contents.with(tensors: Im2txtNames.renamed(contents.tensors))
        case .npy: self.contents = contents.with(tensors: DeepRNNNames.renamed(contents.tensors))
        default: self.contents = contents
        }
    }
}

/// What a pickle may have Python call when it is loaded. Objects of any class are records, and nothing is called here
/// either way; a file that asks for another call is refused all the same, because no captioner needs one.
enum PickledCalls {
    /// Classes whose objects Python makes by a call, and a relict of PyTorch 0.4.
    private static let harmless = [
        "datetime.", "pathlib.", "collections.", "argparse.", "functools.partial", "enum.", "uuid.", "decimal.",
        "torch.nn.backends.thnn._get_thnn_function_backend", "torch.Generator", "numpy.", "torch._C._from_",
    ]

    /// - Throws: ``ModelError`` that names the first.
    static func check(_ contents: CheckpointContents, path: String) throws {
        guard let name = contents.called.first(where: { name in !harmless.contains { name.hasPrefix($0) } }) else {
            return
        }
        throw ModelError(
            path: path,
            problem: "asks Python to call \(name) when it is loaded, which no captioner needs. Nothing was called; get "
                + "the file from a source that you trust, or save the state_dict() alone")
    }
}

/// Checkpoints that are known, and cannot be explained.
enum KnownRefusals {
    static func reason(_ contents: CheckpointContents) -> String? {
        func has(_ end: String) -> Bool { contents.tensors.keys.contains { $0 == end || $0.hasSuffix("." + end) } }
        if has("v_att.linear.weight_v") || has("q_emb.rnn.weight_ih_l0") && has("w_emb.emb.weight") {
            return "is a bottom-up-attention VQA model: it reads 36 boxes of an object detector, which have no "
                + "convolutional map to explain"
        }
        if has("seq2vec.rnn.weight_ih_l0") || contents.tensors.keys.contains(where: { $0.contains("skip_thoughts") }) {
            return "is a VQA model on skip-thought vectors (vqa.pytorch), whose question encoder is not read"
        }
        if has("encoder_w_q") && has("multimodal_w") {
            return
                "is a model of VQA_LSTM_CNN: its weights are three vectors without names, whose order Torch7 decides "
                + "when it builds the network, and which cannot be told from the file"
        }
        if has("wparams") && has("qparams") {
            return "is a model of HieCoAttenVQA: its weights are vectors without names, which are not read"
        }
        if has("lmparam") || contents.tensors.keys.contains(where: { $0.hasPrefix("protos.cnn_") }) {
            return
                "is a captioner of AdaptiveAttention: its language model is one vector without names, which is not read"
        }
        if contents.tensors.keys.contains(where: { $0.contains("self_attn") || $0.contains("multi_head") }) {
            return "is a transformer; mmx explains models whose language part is an LSTM"
        }
        return nil
    }
}

/// One import, when the family is known.
private struct Run {
    let task: FamilyImport
    let family: CheckpointFamily
    let parts: [ImportedFile]
    let place: Int
    let path: String
    private var context: FamilyContext
    private var notRun: [String] = []
    /// Full names of the matched file's tensors that the CNN in it takes.
    private var encoderNames: Set<String> = []
    private var warnings: [String] = []

    init(
        _ task: FamilyImport, _ family: CheckpointFamily, _ parts: [ImportedFile], _ place: Int,
        _ match: TensorPattern.Match, _ path: String
    ) throws {
        (self.task, self.family, self.parts, self.place, self.path) = (task, family, parts, place, path)
        context = FamilyContext(
            file: parts[place], tensors: parts[place].contents.tensors, values: parts[place].contents.values,
            match: match)
        // The options of ruotianluo's are in a pickle of their own, which a person gives as the vocabulary or a file.
        let beside =
            try parts.filter { $0.url != parts[place].url }.map(\.contents.values)
            + (task.vocabulary.flatMap { url in
                ["pkl", "p", "pickle"].contains(url.pathExtension.lowercased())
                    ? [try CheckpointContents(pickle: url).values] : nil
            } ?? [])
        context.options = beside.first { $0["opt"] != nil || $0["vocab"] != nil } ?? .none
        if let reason = family.refusal(context) { throw FamilyProblem(reason) }
        notRun = Array(Set(parts.flatMap(\.contents.notRun))).sorted()
        try findEncoder()
    }

    /// In the file itself, in the other files, or where `--encoder-weights` says.
    private mutating func findEncoder() throws {
        func take(_ found: EncoderTensors, of part: ImportedFile, _ named: EncoderNames? = nil) throws {
            context.encoder = try ImportedEncoder(
                found, origin: part.url.lastPathComponent, preprocessing: named?.preprocessing)
            let head = found.names.subtracting(found.tensors.keys.map { found.prefix + $0 })
            context.besideEncoder = (named?.tensors ?? part.contents.tensors).filter { name, _ in
                !found.names.contains(name) || head.contains(name)
            }
            if part.url == parts[place].url {
                context.isEncoderInside = true
                encoderNames = found.names
            }
        }
        for part in [parts[place]] + parts where context.encoder == nil && task.encoderWeights == nil {
            if let found = try EncoderTensors(
                in: part.contents.tensors, preferred: family.preferredEncoders, only: task.encoder)
            {
                try take(found, of: part)
            }
        }
        if context.encoder != nil { return }
        guard let weights = task.encoderWeights else {
            throw FamilyProblem(
                "the CNN is not in this file: give --encoder-weights \(family.usualEncoder), or a model folder of "
                    + "mmx's with such a CNN")
        }
        let url = URL(fileURLWithPath: weights)
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder), !isFolder.boolValue {
            let part = try ImportedFile(url)
            let named = try EncoderNames(part)
            if let found = try EncoderTensors(
                in: named.tensors, preferred: named.preferred + family.preferredEncoders, only: task.encoder)
            {
                return try take(found, of: part, named)
            }
        }
        context.encoder = try ImportedEncoder(
            weights, preferred: family.preferredEncoders, only: task.encoder)
        // The layer behind the CNN is in a file without it: in the other one, where there are two.
        let others = parts.filter { $0.url != parts[place].url }
        context.isEncoderInside = others.isEmpty
        context.besideEncoder = (others.first ?? parts[place]).contents.tensors
    }

    /// The words and answers, from the files that a person gave or from the checkpoint.
    private func words() throws -> WordOrder {
        let list: WordList
        if let found = family.vocabulary(context).flatMap({
            WordList(in: $0, origin: task.vocabulary?.path ?? path)
        }) {
            list = found
        } else if let url = task.vocabulary {
            list = try WordList(url, form: family.wordFile)
        } else {
            throw FamilyProblem("its words are not in this file: give --vocabulary, the file that was made with it")
        }
        let rows = context.match[tableSymbol]
        return try WordOrder(family.completed(list, rows), count: rows, special: family.special, path: path)
    }

    private var tableSymbol: Character { context.match.sizes["V"] != nil ? "V" : "Q" }

    private func answers(_ count: Int) throws -> [String] {
        let list: WordList
        if let url = task.answers {
            list = try WordList(url, answers: true)
        } else if let found = (context.values["vocab"]?["answer"]).flatMap({ WordList(in: $0, origin: path) }) {
            list = found
        } else {
            throw FamilyProblem("its answers are not in this file: give --answers, a file with one answer a line")
        }
        guard list.count == count else {
            throw ModelError(
                path: list.origin,
                problem: "is a list of \(list.count) answers; the model in \(path) gives \(count). Take the file that "
                    + "was made with this checkpoint")
        }
        var known = Set<String>()
        return (0..<count).map { index in
            var answer = list.words[index] ?? ""
            if EntryList.fault(of: answer, as: .phrase) != nil || known.contains(answer) { answer = "<\(index)>" }
            known.insert(answer)
            return answer
        }
    }

    // MARK: The model

    mutating func result() throws -> ModelImport.Record {
        let order = try words()
        warnings += order.warnings
        context.vocabulary = order.vocabulary.count
        let model = try family.model(context)
        guard let encoder = context.encoder else { throw FamilyProblem("it has no CNN") }
        try check(features: model.features, encoder)
        var head = try headTensors()
        for name in family.inputRows { head[name] = head[name]?.selectingRows(order.inputs, missing: 0) }
        for name in family.outputRows {
            let missing = name.hasSuffix("bias") ? WordOrder.never : 0
            head[name] = head[name]?.selectingRows(order.outputs, missing: missing)
        }
        try checkFinite(head.merging(encoder.state) { first, _ in first })
        let preprocessing = family.preprocessing(context)
        var state = encoder.state.prefixed("encoder.")
        let name: String
        switch model {
        case .captioner(let decoder, let search):
            name = CaptionerConfiguration.task
            state.merge(head.prefixed("decoder.")) { first, _ in first }
            try encoder.configuration.check(preprocessing)
            let configuration = CaptionerConfiguration(
                encoder: encoder.configuration, preprocessing: preprocessing, decoder: decoder,
                vocabulary: "vocabulary.txt", search: search)
            try fits(state, encoder.configuration) { _ = decoder.makeDecoder($0["decoder"]) }
            try Captioner.save(
                configuration: configuration, vocabulary: order.vocabulary, state: state, type: task.type,
                to: task.output)
        case .vqa(let answerer, let tokens):
            name = VQAConfiguration.task
            state.merge(head.prefixed("answerer.")) { first, _ in first }
            let answers = try answers(answerer.answers)
            try encoder.configuration.check(preprocessing)
            var configuration = VQAConfiguration(
                encoder: encoder.configuration, preprocessing: preprocessing, answerer: answerer,
                vocabulary: "vocabulary.txt", answers: "answers.txt")
            configuration.tokens = tokens
            try fits(state, encoder.configuration) { _ = answerer.makeHead($0["answerer"]) }
            try VQAModel.save(
                configuration: configuration, vocabulary: order.vocabulary, answers: answers, state: state,
                type: task.type, to: task.output)
        }
        return record(name, state, encoder)
    }

    private func check(features: Int, _ encoder: ImportedEncoder) throws {
        if features != encoder.channels {
            throw FamilyProblem(
                "its head reads \(features) channels, and the CNN \(encoder.configuration.name) of \(encoder.origin) "
                    + "gives \(encoder.channels): they do not belong together")
        }
    }

    /// mmx's tensors of the head. Every tensor of the file must be used.
    private func headTensors() throws -> [String: Tensor] {
        var used = encoderNames.union(context.match.names)
        used.formUnion(family.unneeded.map { context.match.root + $0 })
        var missing: [String] = []
        var head: [String: Tensor] = [:]
        for rename in try family.renames(context) {
            let names = rename.from.map { context.match.name($0) }
            let tensors = names.compactMap { context.tensors[$0] }
            missing += names.filter { context.tensors[$0] == nil }
            used.formUnion(names)
            used.formUnion(rename.used)
            if tensors.count == names.count { head[rename.name] = try rename.apply(tensors) }
        }
        if !missing.isEmpty { throw FamilyProblem("these tensors are missing: \(TensorChoice.list(missing))") }
        let left = context.tensors.keys.filter { $0.hasPrefix(context.match.root) && !used.contains($0) }.sorted()
        if !left.isEmpty {
            throw FamilyProblem(
                "\(left.count) of its tensors have no place in it: \(TensorChoice.list(left)). It is another model, or "
                    + "a changed one")
        }
        return head
    }

    /// Checks that the tensors are those that the configuration asks for. No copy of them is made.
    /// - Throws: `ParameterError`, or `UnknownEncoder`.
    private func fits(
        _ state: [String: Tensor], _ encoder: EncoderConfiguration, _ makeHead: (Parameters) -> Void
    ) throws {
        let store = ParameterStore.measuring()
        let p = store.scope(on: Tape())
        _ = try encoder.makeEncoder(p["encoder"])
        makeHead(p)
        var error = ParameterError(origin: path)
        for (name, shape) in store.shapes {
            guard let found = state[name] else {
                error.missing.append(name)
                continue
            }
            if found.shape != shape { error.misshapen.append("\(name) (expected \(shape), found \(found.shape))") }
        }
        error.unused = state.keys.filter { store.shapes[$0] == nil }.sorted()
        error.missing.sort()
        if !error.isEmpty { throw error }
    }

    private func checkFinite(_ tensors: [String: Tensor]) throws {
        guard let first = ModelCheck.notFinite(tensors).first else { return }
        throw FamilyProblem(
            "\(first.count) of the numbers in \(first.name) are infinite or no numbers (NaN): training has failed, or "
                + "the file is damaged")
    }

    private func record(
        _ taskName: String, _ state: [String: Tensor], _ encoder: ImportedEncoder
    ) -> ModelImport.Record {
        let notes = family.notes + family.furtherNotes(context)
        return ModelImport.Record(
            file: (parts[place].files.first ?? parts[place].url).lastPathComponent, sha256: "", weights: "",
            format: parts[place].contents.format,
            encoder: encoder.configuration.name, task: taskName, tensors: state.count,
            parameters: state.values.reduce(0) { $0 + $1.count }, folded: encoder.configuration.folded, leftOut: [],
            removedPrefix: context.match.root.isEmpty ? nil : String(context.match.root.dropLast()),
            notRun: notRun.isEmpty ? nil : notRun, warnings: warnings.isEmpty ? nil : warnings, family: family.name,
            encoderWeights: encoder.origin, notes: notes.isEmpty ? nil : notes)
    }
}

extension CheckpointFamily.Model {
    /// Channels of the feature map that the head reads.
    fileprivate var features: Int {
        switch self {
        case .captioner(let decoder, _): decoder.features
        case .vqa(let head, _): head.features
        }
    }
}

extension Dictionary where Key == String {
    fileprivate func prefixed(_ prefix: String) -> [String: Value] {
        Dictionary(uniqueKeysWithValues: map { (prefix + $0.key, $0.value) })
    }
}
