import Foundation
import Support
import Tensors
import Vision
import Weights

/// Makes a model folder from a file of weights that another program wrote.
public struct ModelImport {
    public var file: URL
    /// One of ``Architectures/names``.
    public var encoder: String
    public var output: URL
    /// The classes' names, one a line; ImageNet's where the network has 1,000 classes and no file is given.
    public var classes: URL?
    /// Whether to import the encoder alone, even if the file has a head.
    public var headless = false
    public var type = SafeTensors.DataType.f32
    /// Only the file's tensors under this key, or whose names have this prefix ("model_ema"). Nil for those that fit
    /// best.
    public var key: String?
    /// How pixels are normalised; nil for the network's own way.
    public var pixels: PixelScale?

    /// The ways in which networks expect their pixels.
    public enum PixelScale: String, CaseIterable, Sendable {
        /// ImageNet's mean and standard deviation.
        case imageNet = "imagenet"
        /// -1...1: (pixel - 127.5) / 127.5.
        case plusMinusOne = "plus-minus-one"

        func applied(to usual: Preprocessing) -> Preprocessing {
            let imageNet = Preprocessing.imageNet(), half: [Float] = [127.5, 127.5, 127.5]
            return usual.normalizing(
                mean: self == .imageNet ? imageNet.mean : half, std: self == .imageNet ? imageNet.std : half)
        }
    }

    public init(file: URL, encoder: String, output: URL) {
        self.file = file
        self.encoder = encoder
        self.output = output
    }

    /// The record of an import: `import.json` in the model's folder.
    public struct Record: Codable, Equatable, Sendable {
        public var file: String
        /// SHA-256 of the imported file, and of the `model.safetensors` that was written.
        public var sha256: String
        public var weights: String
        public var format: WeightsFile.Format
        public var encoder: String
        public var task: String
        public var tensors: Int
        public var parameters: Int
        public var folded: Bool
        public var leftOut: [String]
        /// The key and the prefix that were removed from the file's names; nil where there was none.
        public var removedPrefix: String?
        /// What a pickle names and would have Python call. Nothing of it was looked up or called.
        public var notRun: [String]?
        /// SHA-256 of the files that an index names, by their names.
        public var shards: [String: String]?
        /// What a person should know of this import.
        public var warnings: [String]?
        /// Of a captioner or a VQA model: the family of checkpoints, where the CNN came from, and what differs from the
        /// original (``FamilyImport``).
        public var family: String?
        public var encoderWeights: String?
        public var notes: [String]?
    }

    /// Imports. Batch normalisation is folded into the convolutions. Nothing is written unless everything fits.
    /// - Parameter sha256: gives the SHA-256 of data, in hexadecimal.
    /// - Throws: ``ImportError``, ``ModelError``, `UnknownEncoder`, or the readers' own errors.
    public func run(sha256: (Data) -> String) throws -> Record {
        let architecture = try Architectures.named(encoder)
        guard !FileManager.default.fileExists(atPath: output.appendingPathComponent("config.json").path) else {
            throw ModelError(path: output.path, problem: "is a model already; give another --output, or remove it")
        }
        let file = try WeightsFile(file, for: NamedCheckpoint.names(architecture), key: key)
        var named = try NamedCheckpoint(file, as: architecture, path: self.file.path)
        let isHead = { (name: String) in name.hasPrefix("\(architecture.headModule).") }
        if headless { named.leaveOut(where: isHead) }
        let labels: [String]?
        do {
            labels = headless ? nil : try self.labels(named.tensors, architecture)
            try check(named.tensors, architecture, classes: labels?.count, folded: false)
        } catch var error as ImportError {
            if !error.missing.isEmpty || !error.leftOver.isEmpty {
                let hints = [error.hint, attempt(file.choice)].compactMap(\.self)
                error.hint = hints.isEmpty ? nil : hints.joined(separator: "\n  ")
            }
            throw error
        }

        let state = try foldingBatchNorms(named.tensors, pairs: architecture.normPairs, epsilon: architecture.epsilon)
        try check(state, architecture, classes: labels?.count, folded: true)
        let prefixed = Dictionary(
            uniqueKeysWithValues: state.map { ((isHead($0.key) ? "head." : "encoder.") + $0.key, $0.value) })
        let encoder = EncoderConfiguration(name: architecture.name, folded: true)
        let usual = named.preprocessing ?? architecture.preprocessing
        let preprocessing = pixels?.applied(to: usual) ?? usual
        let files = ModelFiles(output)
        if let labels {
            try files.save(
                ClassifierConfiguration(
                    encoder: encoder, preprocessing: preprocessing, classes: labels.count, labels: "classes.txt"),
                state: prefixed, type: type, texts: ["classes.txt": labels.joined(separator: "\n") + "\n"])
        } else {
            try files.save(
                EncoderModelConfiguration(encoder: encoder, preprocessing: preprocessing), state: prefixed, type: type,
                texts: [:])
        }
        let warnings = warnings(file)
        let record = Record(
            file: self.file.lastPathComponent, sha256: sha256(try Data(contentsOf: self.file, options: .mappedIfSafe)),
            weights: sha256(try Data(contentsOf: try files.weights(), options: .mappedIfSafe)), format: file.format,
            encoder: architecture.name,
            task: labels == nil ? EncoderModelConfiguration.task : ClassifierConfiguration.task,
            tensors: prefixed.count, parameters: prefixed.values.reduce(0) { $0 + $1.count },
            folded: !architecture.normPairs.isEmpty,
            leftOut: named.leftOut.sorted(),
            removedPrefix: file.choice.prefix.isEmpty ? nil : String(file.choice.prefix.dropLast()),
            notRun: file.notRun.isEmpty ? nil : file.notRun,
            shards: file.shards.isEmpty
                ? nil
                : Dictionary(
                    uniqueKeysWithValues: try file.shards.map {
                        ($0.lastPathComponent, sha256(try Data(contentsOf: $0, options: .mappedIfSafe)))
                    }),
            warnings: warnings.isEmpty ? nil : warnings)
        try AtomicFile.write(try JSON.file(record), to: output.appendingPathComponent("import.json"))
        return record
    }

    // MARK: What a person should know

    private func warnings(_ file: WeightsFile) -> [String] {
        var result: [String] = []
        if !file.choice.alternatives.isEmpty {
            let others = TensorChoice.list(file.choice.alternatives)
            result.append(
                "the file has the network more than once; the weights under '\(file.choice.prefix.dropLast())' were "
                    + "taken, and --key takes others: \(others)")
        }
        // A checkpoint does not hold torchvision's `transform_input`.
        if pixels == nil, ["googlenet", "inception_v3"].contains(encoder) {
            result.append(
                "pixels are scaled to -1...1, as torchvision's pretrained \(encoder) needs it (transform_input=True); "
                    + "weights that were trained with transform_input=False need --pixels imagenet")
        }
        return result
    }

    /// How far the names of the file fit, for the error where they do not.
    private func attempt(_ choice: TensorChoice) -> String? {
        let prefix = choice.prefix
        if choice.matches == 0 { return nil }
        let removed = prefix.isEmpty ? "" : " once '\(prefix)' is removed from the file's names"
        let text = "\(choice.matches) of the network's \(choice.wanted) names match\(removed)"
        if prefix.isEmpty || choice.others.count == 0 { return text }
        return text + "; \(choice.others.count) of the file's names have another beginning "
            + "(\(TensorChoice.list(choice.others.names))). "
            + "--key \(prefix.dropLast()) imports only those that begin with it"
    }

    // MARK: Checks

    /// The names of the head's classes, as many as the file's head has outputs.
    private func labels(_ tensors: [String: Tensor], _ architecture: any Architecture) throws -> [String] {
        func refused(_ problem: String, hint: String? = nil) -> ImportError {
            ImportError(path: file.path, encoder: architecture.name, problem: problem, hint: hint)
        }
        guard let head = tensors[architecture.classesKey] else {
            // For a file of a quite different network, the list of all names is the better message.
            if tensors.keys.contains(where: { $0.hasPrefix("\(architecture.headModule).") }) {
                try check(tensors, architecture, classes: 1, folded: false)
            }
            try check(tensors, architecture, classes: nil, folded: false)
            throw refused(
                "it has no head (\(architecture.classesKey) is missing)",
                hint: "--headless imports the encoder alone, to train on")
        }
        let count = head.shape.first ?? 0
        guard (1...ClassifierConfiguration.mostClasses).contains(count) else {
            throw refused("\(architecture.classesKey) has shape \(head.shape)")
        }
        guard let url = classes ?? (count == 1000 ? ModelFolder.vocabulary("imagenet-1k.txt") : nil) else {
            throw refused(
                "it has \(count) classes whose names are not known",
                hint: "give --classes FILE with \(count) lines, a name in each")
        }
        guard let data = try? Data(contentsOf: url) else {
            throw ModelError(path: url.path, problem: "is missing or not readable")
        }
        let names = try ClassNames.read(data, name: url.path)
        guard names.count == count else {
            throw refused(
                "it has \(count) classes (\(architecture.classesKey) has shape \(head.shape)), "
                    + "but \(url.path) names \(names.count)"
            )
        }
        return names
    }

    /// Checks that every tensor is used, has the right shape and is finite.
    private func check(_ tensors: [String: Tensor], _ architecture: any Architecture, classes: Int?, folded: Bool)
        throws
    {
        let store = ParameterStore(strict: tensors, origin: file.path)
        // With a tape, layers do not spend time on preparing their weights.
        let p = store.scope(on: Tape())
        _ = architecture.encoder(p, folded: folded)
        if let classes { _ = architecture.head(p, classes: classes) }
        do { try store.checkComplete() } catch let error as ParameterError {
            throw ImportError(
                path: file.path, encoder: architecture.name, missing: error.missing,
                leftOver: error.unused.map { name in
                    "\(name) \(tensors[name]?.shape ?? [])"
                }, misshapen: error.misshapen, hint: Self.guess(tensors, instead: architecture))
        }
        let negative = architecture.normPairs.map { "\($0.norm).running_var" }.filter { name in
            tensors[name].map { $0.array.contains { $0 < 0 } } ?? false
        }
        if let name = negative.first {
            throw ImportError(
                path: file.path, encoder: architecture.name,
                problem: "\(name) has negative variances; the file is damaged")
        }
        try checkFinite(tensors)
    }

    private func checkFinite(_ tensors: [String: Tensor]) throws {
        let bad = ModelCheck.notFinite(tensors)
        guard let first = bad.first else { return }
        throw ImportError(
            path: file.path, encoder: encoder,
            problem:
                "\(first.count) of the \(tensors[first.name]?.count ?? 0) numbers in \(first.name) "
                + "are infinite or no numbers (NaN)"
                + (bad.count > 1 ? ", and so are some in \(bad.count - 1) more tensors" : "")
                + "; training has failed, or the file is damaged")
    }

    /// A hint with the networks whose layers have the names in this file; of those with the same names, the usual one.
    static func guess(_ tensors: [String: Tensor], instead architecture: any Architecture) -> String? {
        let convolutions = Set(tensors.filter { $0.value.shape.count == 4 }.keys)
        let fitting = Architectures.all.filter { other in
            let names = Set(other.normPairs.map { "\($0.convolution).weight" })
            return other.name != architecture.name && other.twin == nil && !names.isEmpty && names == convolutions
        }
        return fitting.isEmpty ? nil : "its layers have the names of \(fitting.map(\.name).joined(separator: ", "))"
    }
}

extension NamedCheckpoint {
    mutating func leaveOut(where isUnwanted: (String) -> Bool) {
        for name in tensors.keys where isUnwanted(name) {
            tensors[name] = nil
            leftOut.append(name)
        }
    }
}
