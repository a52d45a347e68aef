import Foundation
import Language
import Support
import Tensors
import Vision
import Weights

/// Trains a captioner from pictures and captions: first the decoder on cached features, then with the encoder's last
/// stages, then, if asked, on the reward of its own captions. The best average of the weights by dev CIDEr-D is what is
/// kept.
public final class CaptionTrainer {
    public let options: CaptionTrainingOptions
    let train: CaptionDataset
    let dev: CaptionDataset
    let vocabulary: Vocabulary
    let configuration: CaptionerConfiguration
    let model: ModelInTraining
    let report: (TrainingEvent) -> Void

    private let tokens: [[[Int]]]
    private let devReferences: [[[String]]]
    private let phrases: GroundedPhrases?
    private var store: ParameterStore { model.store }
    var log: [TrainingEpoch] = []

    /// - Parameters:
    ///   - encoderWeights: the encoder's own checkpoint (`.pth` or `.safetensors`); nil trains the encoder from
    ///     nothing.
    ///   - sharedEncoder: the folder of another model. The decoder is trained on its encoder as it is, and the model that is
    ///     written refers to it; `options.encoder`, `encoderWeights` and `preprocessing` have no part then.
    ///   - phrases: phrases of the training captions with boxes, needed where ``CaptionTrainingOptions/grounding`` is
    ///     not 0.
    ///   - decoder: the folder of a captioner of the same vocabulary and sizes, whose decoder this one starts from.
    ///   - output: the model folder to write; checkpoints and caches go into `training` inside it.
    /// - Throws: ``ModelError``, ``DatasetError`` and the readers' own errors.
    public init(
        options: CaptionTrainingOptions, train: CaptionDataset, dev: CaptionDataset, encoderWeights: URL?,
        sharedEncoder: URL? = nil, phrases phraseFile: URL? = nil, decoder start: URL? = nil, output: URL,
        vocabularyFile: String = "vocabulary.txt", preprocessing: Preprocessing? = nil,
        report: @escaping (TrainingEvent) -> Void
    ) throws {
        self.train = train
        self.dev = dev
        self.report = report
        let tokenizer = CaptionTokenizer()
        let captions = train.entries.map { $0.captions.map { tokenizer.tokens($0) } }
        vocabulary = Vocabulary(tokens: captions.flatMap { $0 }, minimumCount: options.minimumCount)
        let vocabulary = vocabulary
        tokens = captions.map { $0.map { vocabulary.encode($0) } }
        devReferences = dev.entries.map { $0.captions.map { tokenizer.tokens($0) } }
        model = try ModelInTraining(
            encoder: .init(shared: sharedEncoder, weights: encoderWeights, name: options.encoder),
            preprocessing: preprocessing, seed: options.seed,
            averageDecay: options.averageDecay, output: output, report: report)
        var options = options
        options.encoder = model.encoder.name
        self.options = options
        let decoder = DecoderConfiguration(
            kind: options.decoder, features: model.channels, vocabulary: vocabulary.count, embedding: options.embedding,
            hidden: options.hidden, attention: options.attention,
            normalisesImage: options.decoder == .showAndTell ? true : nil,
            visual: options.grounding > 0 ? options.visual : nil)
        _ = decoder.makeDecoder(model.store.scope()["decoder"])
        if let start { try Self.load(decoder, from: start, vocabulary: vocabulary, into: model.store) }
        configuration = CaptionerConfiguration(
            encoder: model.encoder, preprocessing: model.preprocessing, sharedEncoder: model.sharedEncoder,
            decoder: decoder, vocabulary: vocabularyFile, search: SearchOptions())
        guard (options.grounding > 0) == (phraseFile != nil) else {
            throw ModelError(
                path: output.path, problem: "a file of phrases and a weight of grounding above 0 go together")
        }
        if options.grounding > 0, options.decoder != .showAttendAndTell {
            throw ModelError(
                path: output.path,
                problem: "\(options.decoder.rawValue) has no term that is linear in the feature map, which phrases with "
                    + "boxes could teach; take \(DecoderConfiguration.Kind.showAttendAndTell.rawValue)")
        }
        let preprocessing = model.preprocessing
        phrases = try phraseFile.map { file in
            try GroundedPhrases(
                file, of: train, vocabulary: vocabulary, preprocessing: preprocessing,
                augmentation: Augmentation(crops: options.crops, flips: options.flips, seed: options.seed))
        }
        report(
            .note(
                "\(train.entries.count) training and \(dev.entries.count) dev pictures, \(vocabulary.count) words, "
                    + "\(model.parameterCount) parameters"))
    }

    /// Puts the decoder of the captioner in `folder` into `store`, strictly.
    private static func load(
        _ decoder: DecoderConfiguration, from folder: URL, vocabulary: Vocabulary, into store: ParameterStore
    ) throws {
        let other = try Captioner.load(folder)
        guard other.vocabulary == vocabulary else {
            throw ModelError(
                path: folder.path,
                problem: "has another vocabulary (\(other.vocabulary.count) words) than these captions "
                    + "(\(vocabulary.count) words); its decoder is no start for this one")
        }
        let state = try SafeTensors.read(folder.appendingPathComponent("model.safetensors")).filter {
            $0.key.hasPrefix("decoder.")
        }
        let strict = ParameterStore(strict: state, origin: folder.path)
        // What the other one lacks stays new: its visual term adds nothing yet.
        var decoder = decoder
        if other.configuration.decoder.visual == nil { decoder.visual = nil }
        _ = decoder.makeDecoder(strict.scope()["decoder"])
        try strict.checkComplete()
        for (name, value) in strict.values { store.set(name, value.copy()) }
    }

    // MARK: The loop

    /// Trains until the last epoch of the last phase.
    /// - Parameter resume: go on from the checkpoint in `output`, if there is one.
    public func run(resume: Bool) throws {
        try model.makeFolder()
        let next = resume ? try restore() ?? 0 : 0
        if next > 0 { report(.note("resuming at epoch \(next + 1) of \(options.epochs)")) }
        try model.run(
            options.phases, from: next, train: runEpoch,
            evaluate: { epoch, loss, start in
                let scores = try evaluate(epoch.phase)
                let best = scores.ciderD > (log.map(\.devCIDEr).max() ?? -1)
                log.append(
                    TrainingEpoch(
                        epoch: epoch.number + 1,
                        phase: epoch.phase.kind.rawValue + (epoch.phase.from.map { " from \($0)" } ?? ""), loss: loss,
                        devCIDEr: scores.ciderD, devBLEU4: scores.bleu4, seconds: Date().timeIntervalSince(start),
                        best: best))
                return best
            },
            checkpoint: {
                try model.checkpoint(Run(options: options, model: configuration, log: log), data: dataHash, next: $0)
            },
            report: { if let last = log.last { report(.epoch(last)) } })
        try export()
    }

    /// What a checkpoint keeps beside the tensors.
    private struct Run: Codable {
        var options: CaptionTrainingOptions
        var model: CaptionerConfiguration
        var log: [TrainingEpoch]
    }

    private func restore() throws -> Int? {
        let found = try model.restore(
            Run.self, data: dataHash,
            isSameRun: {
                // The stretches to train may change: a run may be made longer.
                var compared = $0.options
                compared.phases = options.phases
                return compared == options
            }, isSameModel: { $0.model == configuration })
        if let found { log = found.run.log }
        return found?.next
    }

    private var dataHash: String {
        Fingerprint(
            of: (train.entries + dev.entries).map { ([$0.image] + $0.captions).joined(separator: "\n") }
                + (phrases.map { $0.targets.map { "\($0)" } } ?? [])
        ).hexadecimal
    }

    private func runEpoch(_ epoch: RunningEpoch) throws -> Double {
        let cut = try model.cut(from: epoch.phase.from)
        let cache = try cache(cut, of: train, name: "train")
        var generator = ModelInTraining.generator(seed: options.seed, epoch: epoch)
        let batches = batches(using: &generator)
        let reward = epoch.phase.kind == .reward ? CaptionReward(tokens: tokens, end: vocabulary.end) : nil
        if reward != nil { silence([vocabulary.pad, vocabulary.start, vocabulary.unknown]) }
        return try model.steps(epoch, batches, cache, using: &generator) { pictures, copies, input, generator in
            try step(pictures, copies, input, cut: cut, reward: reward, seed: generator.next())
        }
    }

    /// Takes words that are never written out of the distribution, by their bias. The reward never sees them, so that
    /// probability would drift to them otherwise, and log p of the written words would say nothing.
    private func silence(_ words: [Int]) {
        let name = "decoder.output.words.bias"
        func silenced(_ bias: Tensor?) -> Tensor? {
            guard let bias = bias?.copy() else { return nil }
            for word in words { bias.pointer[word] = -10_000 }
            return bias
        }
        if let bias = silenced(store.values[name]) { store.set(name, bias) }
        model.average[name] = silenced(model.average[name])
    }

    /// Pictures in random order; within a stretch of several batches sorted by length, because a batch is as long as
    /// its longest caption.
    private func batches(using generator: inout SeededGenerator) -> [[Int]] {
        let order = Array(tokens.indices).shuffled(using: &generator)
        let length = tokens.map { $0.map(\.count).max() ?? 0 }
        var result: [[Int]] = []
        for from in stride(from: 0, to: order.count, by: options.batch * 10) {
            let stretch = order[from..<min(order.count, from + options.batch * 10)].sorted {
                (length[$0], $0) < (length[$1], $1)
            }
            for start in stride(from: 0, to: stretch.count, by: options.batch) {
                result.append(Array(stretch[start..<min(stretch.count, start + options.batch)]))
            }
        }
        return result.shuffled(using: &generator)
    }

    /// One step of the optimiser. input `[M, ...]`: the encoder's stage `cut` onwards is run on it.
    private func step(_ pictures: [Int], _ copies: [Int], _ input: Tensor, cut: Int, reward: CaptionReward?, seed: UInt64) throws
        -> Double
    {
        let tape = Tape()
        let p = store.scope(on: tape)
        let features = try model.features(input, p, cut: cut)
        let decoder = configuration.decoder.makeDecoder(p["decoder"])
        let dropout = Dropout(rate: options.dropout, seed: seed)
        let captions: [[Int]], weights: [Float]
        var shown = 0.0
        if let reward {
            let sampler = configuration.decoder.makeDecoder(store.scope()["decoder"])
            var random = SeededGenerator(seed: seed ^ 0xA5A5)
            captions = sampleCaptions(
                sampler, features: features.value, rows: options.captionsPerPicture, start: vocabulary.start,
                end: vocabulary.end,
                forbidden: [vocabulary.pad, vocabulary.start, vocabulary.unknown], maximumLength: options.maximumLength,
                using: &random)
            let (advantages, mean) = reward.advantages(captions, pictures: pictures, rows: options.captionsPerPicture)
            weights = advantages
            shown = mean
        } else {
            var random = SeededGenerator(seed: seed ^ 0xC0DE)
            captions = pictures.flatMap { picture -> [[Int]] in
                Self.choose(options.captionsPerPicture, of: tokens[picture], using: &random).map {
                    Array($0.prefix(options.maximumLength))
                }
            }
            weights = [Float](repeating: 1, count: captions.count)
        }
        let batch = TeacherForcing(
            captions: captions, weights: weights, start: vocabulary.start, end: vocabulary.end, pad: vocabulary.pad)
        let logits = decoder.logits(features: features, words: batch.inputs, dropout: reward == nil ? dropout : nil)
        var loss = crossEntropy(
            logits.reshaped([-1, vocabulary.count]), targets: batch.targets, weights: batch.weights,
            smoothing: reward == nil ? options.labelSmoothing : 0)
        if reward == nil { shown = Double(loss.value.scalar) }
        if let phrases, let visual = decoder.visual {
            var random = SeededGenerator(seed: seed ^ 0x9B0D)
            let batch = GroundingBatch(
                phrases, pictures: pictures, copies: copies, rows: features.shape[1], columns: features.shape[2],
                perPicture: options.phrasesPerPicture, using: &random)
            let taught = batch.loss(regions: visual.regions(of: features, dropout: dropout), table: visual.words.weight)
            loss = loss + taught.scaled(by: options.grounding)
        }
        model.step(loss, tape, clipNorm: options.clipNorm)
        return shown
    }

    /// All of a picture's captions, or as many of them as asked for, at random; more than there are, and some come
    /// again.
    static func choose<Caption>(_ wanted: Int, of own: [Caption], using random: inout SeededGenerator) -> [Caption] {
        if wanted < own.count { return Array(own.shuffled(using: &random).prefix(wanted)) }
        return own + (own.count..<wanted).map { _ in own[Int(random.next() % UInt64(own.count))] }
    }

    // MARK: Evaluation, files

    private func evaluate(_ phase: TrainingPhase) throws -> CaptionScores {
        let cut = try model.cut(from: phase.from)
        return try model.withAverage {
            let encoder = try model.encoder.makeEncoder(store.scope()["encoder"])
            let decoder = configuration.decoder.makeDecoder(store.scope()["decoder"])
            let cache = try cache(cut, of: dev, name: "dev")
            var options = configuration.search
            options.beam = 1
            var candidates: [[String]] = []
            for from in stride(from: 0, to: dev.entries.count, by: 50) {
                let input = cache.batch(Array(from..<min(dev.entries.count, from + 50)))
                let features = encoder(Variable(input), stages: cut..<encoder.stages.count).value
                let found = beamSearch(
                    decoder, features: features, start: vocabulary.start, end: vocabulary.end,
                    forbidden: [vocabulary.pad, vocabulary.start, vocabulary.unknown], options: options)
                candidates += found.map { vocabulary.decode($0.first?.words ?? []) }
            }
            return CaptionMetrics.score(candidates: candidates, references: devReferences)
        }
    }

    private func cache(_ cut: Int, of data: CaptionDataset, name: String) throws -> FeatureCache {
        try model.cache(
            cut, images: data.entries.map { ($0.image, data.imageURL($0.image)) },
            augmentation: data === train
                ? Augmentation(crops: options.crops, flips: options.flips, seed: options.seed) : .none, name: name)
    }

    /// Writes the model folder from the best weights.
    private func export() throws {
        var configuration = configuration
        let (state, encoder) = try model.exported()
        configuration.encoder = encoder
        try Captioner.save(
            configuration: configuration, vocabulary: vocabulary, state: state, type: .f16, to: model.output)
    }
}
