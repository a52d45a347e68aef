import Foundation
import Tensors
import Vision
import Weights

/// A model of any task during training: the parameters and their running average, the optimiser, the encoder with the
/// cached features of its frozen stages, and the model folder.
final class ModelInTraining {
    let encoder: EncoderConfiguration
    let preprocessing: Preprocessing
    /// The model that the encoder is shared with; nil for an encoder of its own.
    let sharedEncoder: SharedEncoder?
    let store: ParameterStore
    let optimizer = Adam(learningRate: 0)
    /// The model folder; checkpoints and caches go into `training` inside it.
    let output: URL
    /// The running average of the trained parameters. It is evaluated and kept.
    var average: [String: Tensor] = [:]
    var averagedSteps = 0
    /// Channels of the encoder's feature map.
    let channels: Int
    let stageNames: [String]

    private let averageDecay: Float
    let report: (TrainingEvent) -> Void
    private var caches: [String: FeatureCache] = [:]
    private lazy var hashes = ImageHashes(url("images.json"))
    /// The epoch whose averaged weights are the best so far, counted from 1; nil before the first one ends.
    var bestEpoch: Int?

    /// Where the encoder comes from.
    enum EncoderSource {
        /// Trained from nothing.
        case new(name: String)
        /// Its own checkpoint (`.pth` or `.safetensors`), or another model's weights.
        case weights(name: String, URL)
        /// The folder of another model, whose encoder this model shares. It is never trained.
        case shared(URL)

        /// The first source that is given.
        init(shared: URL?, weights: URL?, name: String) {
            if let shared {
                self = .shared(shared)
            } else if let weights {
                self = .weights(name: name, weights)
            } else {
                self = .new(name: name)
            }
        }
    }

    /// - Parameter size: side of the square that images are squashed to; nil for the encoder's own preprocessing. A
    ///   shared encoder keeps its own.
    /// - Throws: ``ModelError``, or the readers' own errors, for weights that do not fit.
    init(
        encoder source: EncoderSource, size: Int? = nil, seed: UInt64, averageDecay: Float, output: URL,
        report: @escaping (TrainingEvent) -> Void
    ) throws {
        var shared: (encoder: ModelEncoder, store: ParameterStore)?
        var reference: SharedEncoder?
        switch source {
        case .new(let name): encoder = EncoderConfiguration(name: name, folded: false)
        case .weights(let name, _): encoder = EncoderConfiguration(name: name, folded: true)
        case .shared(let folder):
            guard
                folder.standardizedFileURL.resolvingSymlinksInPath().path
                    != output.standardizedFileURL.resolvingSymlinksInPath().path
            else {
                throw ModelError(
                    path: folder.path, problem: "is the model whose encoder is to be shared; train into another folder")
            }
            let found = try ModelFiles(folder).encoder()
            (shared, encoder) = (found, found.encoder.identity.encoder)
            reference = SharedEncoder(
                model: SharedEncoder.path(from: output, to: folder), weights: found.encoder.identity.weights)
        }
        sharedEncoder = reference
        let encoder = encoder
        preprocessing =
            try shared?.encoder.identity.preprocessing ?? size.map { try encoder.preprocessing(squashedTo: $0) }
            ?? encoder.defaultPreprocessing()
        try encoder.check(preprocessing)
        if case .shared(let folder) = source { try preprocessing.checkOneSize(of: folder, for: "training") }
        self.averageDecay = averageDecay
        self.output = output
        self.report = report
        store = ParameterStore(seed: seed)
        // All parameters are made first; then the encoder's are replaced by pretrained ones.
        let network = try encoder.makeEncoder(store.scope()["encoder"])
        channels = network.channels
        stageNames = network.stages.map(\.name)
        if case .weights(_, let url) = source { try load(url) }
        if case .shared(let folder) = source, let shared, let reference {
            for (name, value) in shared.store.values { store.set("encoder.\(name)", value) }
            report(
                .note(
                    "the encoder, \(encoder.name), is that of \(folder.path); "
                        + "config.json refers to it as \(reference.model)"))
        }
    }

    var parameterCount: Int { store.values.values.reduce(0) { $0 + $1.count } }

    var folder: URL { output.appendingPathComponent("training") }

    func url(_ name: String) -> URL { folder.appendingPathComponent(name) }

    func set(_ values: [String: Tensor]) { for (name, value) in values { store.set(name, value) } }

    /// Reads an encoder's checkpoint strictly, folds its batch normalisation and puts it into the store. From the
    /// weights of an mmx model of any task, only the encoder is taken; it is folded already.
    private func load(_ url: URL) throws {
        let architecture = try encoder.architecture()
        // Of a model of mmx's own, folded, few names are left that a checkpoint has: its encoder is named.
        let isOwn = (try? SafeTensors.names(url))?.contains(where: Self.isOfEncoder) ?? false
        let file = try WeightsFile(url, for: NamedCheckpoint.names(architecture), key: isOwn ? "encoder" : nil)
        let (pairs, epsilon) = try encoder.normPairs()
        var state = file.tensors
        // A model of mmx's own is folded already: its convolutions have biases, and no statistics are left.
        let isFolded = pairs.allSatisfy { convolution, norm in
            state["\(convolution).bias"] != nil && state["\(norm).running_mean"] == nil
        }
        if pairs.isEmpty || !isFolded {
            state = try NamedCheckpoint(file, as: architecture, path: url.path).tensors
            do {
                state = try foldingBatchNorms(state, pairs: pairs, epsilon: epsilon)
            } catch let error as FoldingError {
                throw ModelError(path: url.path, problem: "does not fit the encoder \(encoder.name): \(error)")
            }
        }
        state = architecture.encoderTensors(state)
        let strict = ParameterStore(strict: state, origin: url.path)
        _ = try encoder.makeEncoder(strict.scope())
        try strict.checkComplete()
        for (name, value) in strict.values { store.set("encoder.\(name)", value.copy()) }
    }

    // MARK: The encoder's two parts

    /// Whether a parameter of the store is one of the encoder's.
    static func isOfEncoder(_ name: String) -> Bool { name.hasPrefix("encoder.") }

    /// - Parameter p: the root of the parameters.
    func makeEncoder(_ p: Parameters) throws -> Encoder { try encoder.makeEncoder(p["encoder"]) }

    /// The index of the first stage that is trained.
    /// - Parameter name: that stage (``TrainingPhase/from``); nil trains none.
    /// - Throws: ``ModelError`` when the encoder has no such stage.
    func cut(from name: String?) throws -> Int {
        guard let name else { return stageNames.count }
        if let sharedEncoder {
            throw ModelError(
                path: output.path, problem: "shares the encoder of \(sharedEncoder.model), which is not trained again")
        }
        if name == TrainingPhase.allStages { return 0 }
        guard let index = stageNames.firstIndex(of: name) else {
            throw ModelError(
                path: name,
                problem: "is no stage of \(encoder.name); its stages are \(stageNames.joined(separator: ", "))")
        }
        return index
    }

    /// The feature map `[M, u, v, K]` of a step. The encoder's stages from `cut` on are recorded on the tape.
    /// - Parameter input: the output of the stages before `cut`, `[M, ...]`.
    func features(_ input: Tensor, _ p: Parameters, cut: Int) throws -> Variable {
        if cut >= stageNames.count { return Variable(input) }
        let names = stageNames[cut...]
        let only = p.training { name in
            guard Self.isOfEncoder(name) else { return true }
            let rest = name.dropFirst("encoder.".count)
            return cut == 0 || names.contains { rest.hasPrefix($0 + ".") || rest == $0 }
        }
        return try makeEncoder(only)(Variable(input), stages: cut..<stageNames.count)
    }

    /// The outputs of the stages before `cut` for the images, read from the folder or computed now.
    func cache(
        _ cut: Int, images: [TrainingImage], augmentation: Augmentation, name: String
    ) throws -> FeatureCache {
        let fingerprint = fingerprint(cut)
        let name = "\(name)-\(cut)"
        if let cache = caches[name + fingerprint] { return cache }
        let network = try makeEncoder(store.scope())
        let report = report
        let hashes = hashes
        let files = images.map(\.url)
        let front = stageNames.prefix(cut).joined(separator: ",")
        // The contents of the images, whatever they are called.
        let contents = try hashes.hashes(files).joined(separator: ",")
        let cache = try FeatureCache(
            images: files, preprocessing: preprocessing, augmentation: augmentation, folder: folder, name: name,
            key: "\(encoder.name) \(front) \(preprocessing) \(augmentation) \(fingerprint) \(contents)",
            front: { network(Variable($0), stages: 0..<cut).value }, check: { try hashes.checkUnchanged(files) },
            progress: { report(.caching(done: $0, of: $1)) })
        caches[name + fingerprint] = cache
        return cache
    }

    /// The fingerprint of the weights of the stages before `cut`.
    private func fingerprint(_ cut: Int) -> String {
        let front = stageNames.prefix(cut).map { "\($0)." }
        return store.scope()["encoder"].fingerprint { name in front.contains { name.hasPrefix($0) } }
    }

    // MARK: Steps and averages

    /// One step of the optimiser along the gradient of `loss`, and of the running average.
    func step(_ loss: Variable, _ tape: Tape, clipNorm: Float) {
        let leaves = store.leaves.sorted { $0.key < $1.key }
        let gradients = tape.gradients(of: loss, withRespectTo: leaves.map(\.value))
        optimizer.step(
            store, gradients: Dictionary(uniqueKeysWithValues: zip(leaves.map(\.key), gradients)), clipNorm: clipNorm)
        averagedSteps += 1
        let decay = min(averageDecay, Float(1 + averagedSteps) / Float(10 + averagedSteps))
        for name in leaves.map(\.key) {
            guard let value = store.values[name] else { continue }
            average[name] = average[name].map { mixed($0, value, decay) } ?? value.copy()
        }
    }

    /// All parameters, the averaged ones where there are any, in memory layout.
    private var averaged: [String: Tensor] { store.values.merging(average) { $1 } }

    /// Runs `body` with the averaged parameters in place.
    func withAverage<T>(_ body: () throws -> T) rethrows -> T {
        let current = store.values
        set(averaged)
        defer { set(current) }
        return try body()
    }

    /// An element of a parameter; nil where the model has no such parameter.
    func value(_ name: String, at index: Int) -> Float? {
        guard let parameter = store.values[name], index < parameter.count else { return nil }
        return parameter.array[index]
    }

    /// Sets elements of a parameter and of its average.
    func fill(_ name: String, at indices: [Int], with value: Float) {
        func filled(_ tensor: Tensor?) -> Tensor? {
            guard let tensor = tensor?.copy() else { return nil }
            for index in indices { tensor.pointer[index] = value }
            return tensor
        }
        if let parameter = filled(store.values[name]) { store.set(name, parameter) }
        average[name] = filled(average[name])
    }

    private func best(_ epoch: Int) -> URL { url("best-\(epoch).safetensors") }

    /// Keeps the averaged weights after `epoch` as the best so far. Those before stay until the next checkpoint, which
    /// refers to these, is complete.
    func keepBest(epoch: Int) throws {
        // A new run's files may have the names of an old run's, so the old checkpoint ends before they are written.
        if bestEpoch == nil { try? FileManager.default.removeItem(at: url("state.json")) }
        try SafeTensors.write(averaged, to: best(epoch), type: .f32, durable: true)
        bestEpoch = epoch
    }

    /// Puts the best weights so far in place; nothing where there are none.
    private func setBest() throws {
        guard let bestEpoch else { return }
        set(try checkpointTensors(best(bestEpoch), like: store.values.mapValues(\.shape)))
    }

    /// Continues from the best weights so far, with a new optimiser.
    func restartFromBest() throws {
        try setBest()
        optimizer.reset()
        average = [:]
        averagedSteps = 0
    }

    /// The encoder as it will be read from the model folder, which holds halves; a shared encoder as it is.
    /// - Parameters:
    ///   - state: what ``exported()`` gives.
    ///   - encoder: its configuration there.
    func exportedEncoder(
        _ state: [String: Tensor], _ encoder: EncoderConfiguration
    ) throws -> (network: Encoder, weights: String) {
        if let sharedEncoder { return (try makeEncoder(store.scope()), sharedEncoder.weights) }
        let prefix = "encoder."
        var halves: [String: Tensor] = [:]
        for (name, tensor) in state where Self.isOfEncoder(name) {
            halves[String(name.dropFirst(prefix.count))] = Tensor(
                tensor.shape, tensor.array.map { Float(Float16($0)) })
        }
        let store = ParameterStore(strict: halves, origin: output.path)
        let read = try ModelEncoder(encoder, preprocessing: preprocessing, parameters: store.scope())
        return (read.network, read.identity.weights)
    }

    /// The best weights for the model folder, with batch normalisation folded, and the encoder's configuration for
    /// them. A shared encoder's weights are not included.
    func exported() throws -> (state: [String: Tensor], encoder: EncoderConfiguration) {
        try setBest()
        var state = store.stateDictionary()
        var encoder = encoder
        if sharedEncoder != nil { return (state.filter { !Self.isOfEncoder($0.key) }, encoder) }
        if !encoder.folded {
            let (pairs, epsilon) = try encoder.normPairs()
            state = try foldingBatchNorms(
                state, pairs: pairs.map { ("encoder.\($0.convolution)", "encoder.\($0.norm)") }, epsilon: epsilon)
            encoder.folded = true
        }
        return (state, encoder)
    }
}

extension EncoderConfiguration {
    /// The encoder's own preprocessing, for images squashed to a square of `size` pixels a side.
    func preprocessing(squashedTo size: Int) throws -> Preprocessing {
        let usual = try defaultPreprocessing()
        return Preprocessing(
            width: size, height: size, fit: .squash, filter: usual.filter, mean: usual.mean, std: usual.std)
    }
}
