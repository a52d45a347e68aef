import Foundation
import Language
import Tensors
import Vision
import Weights

/// Trains a captioner from pictures and captions: first the decoder on cached features, then with the encoder's last stages, then, if asked, on the
/// reward of its own captions. The best average of the weights by dev CIDEr-D is what is kept.
public final class CaptionTrainer {
    public let options: CaptionTrainingOptions
    let train: CaptionDataset
    let dev: CaptionDataset
    let vocabulary: Vocabulary
    let configuration: CaptionerConfiguration
    let store: ParameterStore
    let output: URL
    let report: (TrainingEvent) -> Void

    private let tokens: [[[Int]]]
    private let devReferences: [[[String]]]
    let optimizer: Adam
    var average: [String: Tensor] = [:]
    private var caches: [String: FeatureCache] = [:]
    private var generator: SeededGenerator
    var log: [TrainingEpoch] = []
    var averagedSteps = 0
    private var began = Date()

    /// - Parameters:
    ///   - encoderWeights: the encoder's own checkpoint (`.pth` or `.safetensors`); nil trains the encoder from nothing.
    ///   - output: the model folder to write; checkpoints and caches go into `training` inside it.
    public init(
        options: CaptionTrainingOptions, train: CaptionDataset, dev: CaptionDataset, encoderWeights: URL?, output: URL,
        vocabularyFile: String = "vocabulary.txt", preprocessing: Preprocessing? = nil, report: @escaping (TrainingEvent) -> Void
    ) throws {
        self.options = options
        self.train = train
        self.dev = dev
        self.output = output
        self.report = report
        let tokenizer = CaptionTokenizer()
        let captions = train.entries.map { $0.captions.map { tokenizer.tokens($0) } }
        vocabulary = Vocabulary(tokens: captions.flatMap { $0 }, minimumCount: options.minimumCount)
        let vocabulary = vocabulary
        tokens = captions.map { $0.map { vocabulary.encode($0) } }
        devReferences = dev.entries.map { $0.captions.map { tokenizer.tokens($0) } }
        let encoder = EncoderConfiguration(name: options.encoder, folded: encoderWeights != nil)
        store = ParameterStore(seed: options.seed)
        // Made once on the store, so that every parameter exists before the encoder's are replaced by pretrained ones.
        let channels = try encoder.makeEncoder(store.scope()["encoder"]).channels
        if let encoderWeights { try Self.load(encoderWeights, encoder, into: store) }
        let decoder = DecoderConfiguration(
            kind: options.decoder, features: channels, vocabulary: vocabulary.count, embedding: options.embedding,
            hidden: options.hidden, attention: options.attention,
            normalisesImage: options.decoder == .showAndTell ? true : nil)
        _ = decoder.makeDecoder(store.scope()["decoder"])
        configuration = CaptionerConfiguration(
            encoder: encoder, preprocessing: try preprocessing ?? encoder.defaultPreprocessing(), decoder: decoder,
            vocabulary: vocabularyFile, search: SearchOptions())
        optimizer = Adam(learningRate: 0)
        generator = SeededGenerator(seed: options.seed ^ 0x5EED)
        report(
            .note(
                "\(train.entries.count) training and \(dev.entries.count) dev pictures, \(vocabulary.count) words, \(store.values.values.reduce(0) { $0 + $1.count }) parameters"
            ))
    }

    /// Reads an encoder's checkpoint strictly, folds its batch normalisation and puts it into the store.
    private static func load(_ url: URL, _ encoder: EncoderConfiguration, into store: ParameterStore) throws {
        var state = url.pathExtension == "safetensors" ? try SafeTensors.read(url) : try PyTorchCheckpoint.read(url)
        let (pairs, epsilon) = try encoder.normPairs()
        do {
            state = try foldingBatchNorms(state, pairs: pairs, epsilon: epsilon)
        } catch let error as FoldingError {
            throw ModelError(path: url.path, problem: "does not fit the encoder \(encoder.name): \(error)")
        }
        // The classifier is not part of the encoder.
        for name in ["_fc.weight", "_fc.bias"] { state[name] = nil }
        let strict = ParameterStore(strict: state, origin: url.path)
        _ = try encoder.makeEncoder(strict.scope())
        try strict.checkComplete()
        for (name, value) in strict.values { store.set("encoder.\(name)", value.copy()) }
    }

    // MARK: The loop

    /// Trains until the last epoch of the last phase.
    /// - Parameter resume: go on from the checkpoint in `output`, if there is one.
    public func run(resume: Bool) throws {
        try makeFolder()
        var epoch = 0
        if resume, let next = try restore() {
            epoch = next
            report(.note("resuming at epoch \(epoch + 1) of \(options.epochs)"))
        }
        let first = epoch
        while let (phase, index, epochInPhase) = options.phase(epoch) {
            if epochInPhase == 0, index > 0 { try startPhase() }
            let start = Date()
            let loss = try runEpoch(epoch, phase: phase, epochInPhase: epochInPhase, first: first)
            let scores = try evaluate(phase)
            let best = scores.ciderD > (log.map(\.devCIDEr).max() ?? -1)
            log.append(
                TrainingEpoch(
                    epoch: epoch + 1, phase: phase.kind.rawValue + (phase.from.map { " from \($0)" } ?? ""), loss: loss,
                    devCIDEr: scores.ciderD, devBLEU4: scores.bleu4, seconds: Date().timeIntervalSince(start), best: best))
            if best { try keepBest() }
            epoch += 1
            try checkpoint(next: epoch)
            report(.epoch(log[log.count - 1]))
        }
        try export()
    }

    /// A phase starts from the best weights so far, with a fresh optimiser.
    private func startPhase() throws {
        let url = output.appendingPathComponent("training/best.safetensors")
        guard FileManager.default.fileExists(atPath: url.path) else { return }
        set(try SafeTensors.read(url))
        optimizer.reset()
        average = [:]
        averagedSteps = 0
    }

    private func runEpoch(
        _ epoch: Int, phase: CaptionTrainingOptions.Phase, epochInPhase: Int, first: Int
    ) throws -> Double {
        let cut = try cut(phase)
        let cache = try cache(cut, of: train, name: "train")
        if epoch == first { began = Date() }  // the time left is reckoned without the making of the cache
        var generator = SeededGenerator(seed: options.seed &* 1_000_003 &+ UInt64(epoch))
        let batches = batches(using: &generator)
        let total = phase.epochs * batches.count
        var lossSum = 0.0
        let reward = phase.kind == .reward ? CaptionReward(tokens: tokens, end: vocabulary.end) : nil
        if reward != nil { silence([vocabulary.pad, vocabulary.start, vocabulary.unknown]) }
        for (position, pictures) in batches.enumerated() {
            let progress = Float(epochInPhase * batches.count + position) / Float(max(1, total))
            let warmUp = min(1, Float(epochInPhase * batches.count + position + 1) / 100)
            optimizer.learningRate = phase.learningRate * warmUp * (0.05 + 0.95 * 0.5 * (1 + cos(progress * .pi)))
            optimizer.scale = { $0.hasPrefix("encoder.") ? phase.encoderScale : 1 }
            let copies = pictures.map { _ in Int(generator.next() % UInt64(cache.copies)) }
            let input = cache.batch(pictures, copies: copies)
            let loss = step(pictures, input, cut: cut, reward: reward, seed: generator.next())
            guard loss.isFinite else {
                throw ModelError(
                    path: output.path, problem: "training diverged in epoch \(epoch + 1) (loss \(loss)); use a smaller learning rate")
            }
            lossSum += loss
            let done = Double((epoch - first) * batches.count + position + 1)
            let left = Date().timeIntervalSince(began) / done * (Double((options.epochs - first) * batches.count) - done)
            report(
                .step(
                    epoch: epoch + 1, of: options.epochs, batch: position + 1, batches: batches.count,
                    loss: lossSum / Double(position + 1), secondsLeft: left))
        }
        return lossSum / Double(max(1, batches.count))
    }

    /// Takes words that are never written out of the distribution, by their bias. The reward never sees them, so that probability would drift to
    /// them otherwise, and log p of the written words would say nothing.
    private func silence(_ words: [Int]) {
        let name = "decoder.output.words.bias"
        func silenced(_ bias: Tensor?) -> Tensor? {
            guard let bias = bias?.copy() else { return nil }
            for word in words { bias.pointer[word] = -10_000 }
            return bias
        }
        if let bias = silenced(store.values[name]) { store.set(name, bias) }
        average[name] = silenced(average[name])
    }

    /// Pictures in random order; within a stretch of several batches sorted by length, because a batch is as long as its longest caption.
    private func batches(using generator: inout SeededGenerator) -> [[Int]] {
        let order = Array(tokens.indices).shuffled(using: &generator)
        let length = tokens.map { $0.map(\.count).max() ?? 0 }
        var result: [[Int]] = []
        for from in stride(from: 0, to: order.count, by: options.batch * 10) {
            let stretch = order[from..<min(order.count, from + options.batch * 10)].sorted { (length[$0], $0) < (length[$1], $1) }
            for start in stride(from: 0, to: stretch.count, by: options.batch) {
                result.append(Array(stretch[start..<min(stretch.count, start + options.batch)]))
            }
        }
        return result.shuffled(using: &generator)
    }

    /// One step of the optimiser. input `[M, ...]`: the encoder's stage `cut` onwards is run on it.
    private func step(_ pictures: [Int], _ input: Tensor, cut: Int, reward: CaptionReward?, seed: UInt64) -> Double {
        let tape = Tape()
        let p = store.scope(on: tape)
        var features = Variable(input)
        if let encoder = try? encoder(p, cut: cut) { features = encoder(features, stages: cut..<encoder.stages.count) }
        let decoder = configuration.decoder.makeDecoder(p["decoder"])
        let dropout = Dropout(rate: options.dropout, seed: seed)
        let captions: [[Int]], weights: [Float]
        var shown = 0.0
        if let reward {
            let sampler = configuration.decoder.makeDecoder(store.scope()["decoder"])
            var random = SeededGenerator(seed: seed ^ 0xA5A5)
            captions = sampleCaptions(
                sampler, features: features.value, rows: options.captionsPerPicture, start: vocabulary.start, end: vocabulary.end,
                forbidden: [vocabulary.pad, vocabulary.start, vocabulary.unknown], maximumLength: options.maximumLength, using: &random)
            let (advantages, mean) = reward.advantages(captions, pictures: pictures, rows: options.captionsPerPicture)
            weights = advantages
            shown = mean
        } else {
            var random = SeededGenerator(seed: seed ^ 0xC0DE)
            captions = pictures.flatMap { picture -> [[Int]] in
                // All of a picture's captions, or as many of them as asked for; more than there are, and some come twice.
                let own = tokens[picture], wanted = options.captionsPerPicture
                let chosen = wanted < own.count ? Array(own.shuffled(using: &random).prefix(wanted)) : own
                let again = (own.count..<max(own.count, wanted)).map { _ in own[Int(random.next() % UInt64(own.count))] }
                return (chosen + again).map { Array($0.prefix(options.maximumLength)) }
            }
            weights = [Float](repeating: 1, count: captions.count)
        }
        let batch = TeacherForcing(captions: captions, weights: weights, start: vocabulary.start, end: vocabulary.end, pad: vocabulary.pad)
        let logits = decoder.logits(features: features, words: batch.inputs, dropout: reward == nil ? dropout : nil)
        let loss = crossEntropy(
            logits.reshaped([-1, vocabulary.count]), targets: batch.targets, weights: batch.weights,
            smoothing: reward == nil ? options.labelSmoothing : 0)
        let leaves = store.leaves.sorted { $0.key < $1.key }
        let gradients = tape.gradients(of: loss, withRespectTo: leaves.map(\.value))
        optimizer.step(store, gradients: Dictionary(uniqueKeysWithValues: zip(leaves.map(\.key), gradients)), clipNorm: options.clipNorm)
        updateAverage(leaves.map(\.key))
        return reward == nil ? Double(loss.value.scalar) : shown
    }

    /// The encoder with its stages from `cut` on recorded, or nil when nothing of it runs in a step.
    private func encoder(_ p: Parameters, cut: Int) throws -> Encoder? {
        if cut >= stageNames.count { return nil }
        let names = stageNames[cut...]
        let only = p.training { name in
            guard name.hasPrefix("encoder.") else { return true }
            let rest = name.dropFirst("encoder.".count)
            return cut == 0 || names.contains { rest.hasPrefix($0 + ".") || rest == $0 }
        }
        return try configuration.encoder.makeEncoder(only["encoder"])
    }

    private lazy var stageNames: [String] =
        (try? configuration.encoder.makeEncoder(store.scope()["encoder"]).stages.map(\.name)) ?? []

    private func cut(_ phase: CaptionTrainingOptions.Phase) throws -> Int {
        guard let from = phase.from else { return stageNames.count }
        guard let index = stageNames.firstIndex(of: from) else {
            throw ModelError(path: from, problem: "is no stage of \(options.encoder); its stages are \(stageNames.joined(separator: ", "))")
        }
        return index
    }

    // MARK: Averages, evaluation, files

    private func updateAverage(_ names: [String]) {
        averagedSteps += 1
        let decay = min(options.averageDecay, Float(1 + averagedSteps) / Float(10 + averagedSteps))
        for name in names {
            guard let value = store.values[name] else { continue }
            average[name] = average[name].map { mixed($0, value, decay) } ?? value.copy()
        }
    }

    /// All parameters, the averaged ones where there are any, in memory layout.
    private var averaged: [String: Tensor] { store.values.merging(average) { $1 } }

    private func evaluate(_ phase: CaptionTrainingOptions.Phase) throws -> CaptionScores {
        let cut = try cut(phase)
        let current = store.values
        set(averaged)
        defer { set(current) }
        let p = store.scope()
        let encoder = try configuration.encoder.makeEncoder(p["encoder"])
        let decoder = configuration.decoder.makeDecoder(p["decoder"])
        let cache = try cache(cut, of: dev, name: "dev")
        var options = configuration.search
        options.beam = 1
        var candidates: [[String]] = []
        for from in stride(from: 0, to: dev.entries.count, by: 50) {
            let indices = Array(from..<min(dev.entries.count, from + 50))
            let input = cache.batch(indices)
            let features = encoder(Variable(input), stages: cut..<encoder.stages.count).value
            let found = beamSearch(
                decoder, features: features, start: vocabulary.start, end: vocabulary.end,
                forbidden: [vocabulary.pad, vocabulary.start, vocabulary.unknown], options: options)
            candidates += found.map { vocabulary.decode($0.first?.words ?? []) }
        }
        return CaptionMetrics.score(candidates: candidates, references: devReferences)
    }

    func set(_ values: [String: Tensor]) { for (name, value) in values { store.set(name, value) } }

    private func cache(_ cut: Int, of data: CaptionDataset, name: String) throws -> FeatureCache {
        let fingerprint = fingerprint(cut)
        let name = "\(name)-\(cut)"
        if let cache = caches[name + fingerprint] { return cache }
        let encoder = try configuration.encoder.makeEncoder(store.scope()["encoder"])
        let report = report
        let images = data.entries.map { data.imageURL($0.image) }
        let augmentation = data === train ? Augmentation(crops: options.crops, flips: options.flips, seed: options.seed) : .none
        let key =
            "\(configuration.encoder.name) \(stageNames.prefix(cut).joined(separator: ",")) \(configuration.preprocessing) \(augmentation) \(fingerprint) \(data.entries.map(\.image).joined(separator: ","))"
        let cache = try FeatureCache(
            images: images, preprocessing: configuration.preprocessing, augmentation: augmentation,
            folder: output.appendingPathComponent("training"), name: name, key: key,
            front: { encoder(Variable($0), stages: 0..<cut).value }, progress: { report(.caching(done: $0, of: $1)) })
        caches[name + fingerprint] = cache
        return cache
    }

    /// A number that changes when the frozen front's weights do.
    private func fingerprint(_ cut: Int) -> String {
        let front = stageNames.prefix(cut)
        let names = store.order.filter { name in front.contains { name.hasPrefix("encoder.\($0).") } }
        return names.reduce(into: 0.0) { sum, name in
            if let value = store.values[name] { for (i, x) in value.array.prefix(64).enumerated() { sum += Double(x) * Double(i + 1) } }
        }.description
    }

    private func keepBest() throws {
        try SafeTensors.write(averaged, to: url("best.safetensors"), type: .f32, metadata: [:])
    }

    /// Writes the model folder from the best weights.
    private func export() throws {
        set(try SafeTensors.read(url("best.safetensors")).mapValues { $0.copy() })
        var state = store.stateDictionary(), configuration = configuration
        if !configuration.encoder.folded {
            let (pairs, epsilon) = try configuration.encoder.normPairs()
            state = try foldingBatchNorms(
                state, pairs: pairs.map { ("encoder.\($0.convolution)", "encoder.\($0.norm)") }, epsilon: epsilon)
            configuration.encoder.folded = true
        }
        try Captioner.save(configuration: configuration, vocabulary: vocabulary, state: state, type: .f16, to: output)
    }
}
