import Foundation
import Language
import Tensors
import Vision

/// Captioning, as ``Trainer`` trains it.
final class CaptionTask: TrainingTask {
    let options: CaptionTrainingOptions
    let configuration: CaptionerConfiguration
    let vocabulary: Vocabulary
    let trainImages: [TrainingImage]
    let devImages: [TrainingImage]

    /// By image, then by caption; after those of ``trainImages`` the ones of ``texts``.
    private let tokens: [[[Int]]]
    private let devReferences: [[[String]]]
    private let devTokens: [[[Int]]]
    private let captionTexts: [String]
    let dataNames: [String]
    /// Captions without images; their feature maps are made up.
    private let texts: TextOnlyImages?
    private var phrases: GroundedPhrases?
    private lazy var reward = CaptionReward(tokens: tokens, end: vocabulary.end)
    /// Words that are never written.
    private var forbidden: [Int] { [vocabulary.pad, vocabulary.start, vocabulary.unknown] }

    /// The place of the decoder's parameters in the model.
    private static let place = "decoder"

    /// Makes the decoder's parameters in `model`.
    init(
        _ options: CaptionTrainingOptions, train: CaptionDataset, dev: CaptionDataset, text: TextOnlyData? = nil,
        model: ModelInTraining, vocabularyFile: String
    ) throws {
        var options = options
        options.encoder = model.encoder.name
        self.options = options
        let tokenizer = CaptionTokenizer()
        let captions = train.entries.map { $0.captions.map { tokenizer.tokens($0) } }
        let textTokens = text?.texts.map { $0.map { tokenizer.tokens($0) } } ?? []
        let vocabulary = Vocabulary(
            tokens: captions.flatMap { $0 }, minimumCount: options.minimumCount,
            others: textTokens.flatMap { $0 }, othersCount: options.textMinimumCount)
        self.vocabulary = vocabulary
        let training = captions.map { $0.map { vocabulary.encode($0) } }
        texts = text.map {
            TextOnlyImages(
                textTokens, vocabulary: vocabulary, classes: $0.words, prototypes: $0.prototypes, training: training)
        }
        tokens = training + (texts?.captions ?? [])
        let devReferences = dev.entries.map { $0.captions.map { tokenizer.tokens($0) } }
        self.devReferences = devReferences
        devTokens = devReferences.map { $0.map { vocabulary.encode($0) } }
        dataNames = train.names + dev.names
        captionTexts =
            (train.entries + dev.entries).map { ([$0.image] + $0.captions).joined(separator: "\n") }
            + (text.map { ["\($0.words.rows)", $0.prototypes.hash] + $0.texts.map { $0.joined(separator: "\n") } } ?? [])
        (trainImages, devImages) = (train.trainingImages, dev.trainingImages)
        let decoder = DecoderConfiguration(
            kind: options.decoder, features: model.channels, vocabulary: vocabulary.count, embedding: options.embedding,
            hidden: options.hidden, attention: options.attention,
            normalisesImage: options.decoder == .showAndTell ? true : nil,
            visual: options.decoder == .showAttendAndTell && options.grounding > 0 ? options.visual : nil)
        _ = decoder.makeDecoder(model.store.scope()[Self.place])
        configuration = CaptionerConfiguration(
            encoder: model.encoder, preprocessing: model.preprocessing, sharedEncoder: model.sharedEncoder,
            decoder: decoder, vocabulary: vocabularyFile, search: SearchOptions())
        if let text, let phase = options.phases.first(where: { $0.from != nil }) {
            throw ModelError(
                path: text.file.path,
                problem: "captions without images train the decoder on a frozen encoder only; a phase trains the "
                    + "encoder from \(phase.from ?? "") on")
        }
        if let text, texts?.captions.isEmpty == true {
            throw ModelError(
                path: text.file.path,
                problem: "names nothing that a class shows in captions whose words are all known (a word is known that "
                    + "occurs \(options.textMinimumCount) times)")
        }
        // Better now than after hours of training.
        if let problem = configuration.problem { throw ModelError(path: model.output.path, problem: problem) }
        if configuration.files.contains(where: \.isShared) {
            try ModelFiles(model.output).checkShared(vocabularyFile, text: vocabulary.text())
        }
    }

    /// Puts the decoder of the captioner in `folder` into `store`, strictly.
    /// - Returns: of a decoder of another kind, the names of the parameters that were taken.
    func load(from folder: URL, into store: ParameterStore) throws -> [String]? {
        try StartingDecoder(folder: folder).put(
            into: store, at: Self.place, of: configuration.decoder, vocabulary: vocabulary)
    }

    /// - Parameter file: needed where ``CaptionTrainingOptions/grounding`` is above 0, and only there.
    func readPhrases(_ file: URL?, of train: CaptionDataset, for output: URL) throws {
        guard (options.grounding > 0) == (file != nil) else {
            throw ModelError(
                path: output.path, problem: "a file of phrases and a weight of grounding above 0 go together")
        }
        guard let file else { return }
        guard options.decoder.hasVisualTerm else {
            throw ModelError(
                path: output.path,
                problem: "\(options.decoder.rawValue) has no term that is linear in the feature map, which phrases "
                    + "with boxes could train; take \(DecoderConfiguration.Kind.showAttendAndTell.rawValue) or "
                    + DecoderConfiguration.Kind.bilinearAttention.rawValue)
        }
        phrases = try GroundedPhrases(
            file, of: train, vocabulary: vocabulary, preprocessing: configuration.preprocessing,
            augmentation: options.augmentation)
    }

    /// The number of captions' groups without images; nil where none are trained on.
    var textCount: Int? { texts?.captions.count }

    var dataTexts: [String] { captionTexts + (phrases.map { $0.targets.map { "\($0)" } } ?? []) }

    // MARK: An epoch

    /// Images in random order; within a stretch of several batches sorted by length, because a batch is as long as its
    /// longest caption.
    func batches(using generator: inout SeededGenerator) -> [[Int]] {
        var order = Array(trainImages.indices)
        if texts != nil {
            let count = Int((Float(order.count) * options.textShare).rounded())
            order += (trainImages.count..<tokens.count).shuffled(using: &generator).prefix(count)
        }
        order.shuffle(using: &generator)
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

    func input(_ images: [Int], draws: [UInt64], from cache: FeatureCache) -> (copies: [Int], input: Tensor) {
        texts?.input(images, draws: draws, from: cache, phrases: phrases) ?? cache.batch(images, draws: draws)
    }

    private func isMadeUp(_ image: Int) -> Bool { texts?.isMadeUp(image) ?? false }

    /// Of an image that is not there; nil for the others.
    private func plan(_ image: Int, seed: Int) -> TextOnlyImages.Plan? {
        texts?.plan(ofImage: image, seed: seed, copies: options.augmentation.copies)
    }

    /// Where the things of phrases lie in a batch: the boxes of real images are in pixels, those of made-up ones in
    /// parts of the feature map.
    private func cells(
        of boxes: [Rectangle], image: Int, copy: Int, rows: Int, columns: Int, _ coverage: BoxCoverage
    ) -> [Float] {
        guard isMadeUp(image) else {
            return coverage.cells(of: boxes, image: image, copy: copy, rows: rows, columns: columns)
        }
        return boxes.map { TextOnlyImages.cells(of: $0, rows: rows, columns: columns) }.reduce(
            [Float](repeating: 0, count: rows * columns)
        ) { zip($0, $1).map { max($0, $1) } }
    }

    /// Before the reward is trained on, the words that are never written lose their probability. The reward never
    /// sees them: probability would drift to them, and log p of the written words would mean nothing.
    ///
    /// Before cross-entropy, which has such words among its targets, those that an earlier reward has silenced get their
    /// probability back: no step of the optimiser could bring them back from so low a score.
    func begin(_ phase: TrainingPhase, _ model: ModelInTraining) {
        let bias = "\(Self.place).\(DecoderConfiguration.outputBias)"
        switch phase.kind {
        case .reward: model.fill(bias, at: forbidden, with: Self.silent)
        case .words:
            let silenced = forbidden.filter { (model.value(bias, at: $0) ?? 0) < Self.silent / 2 }
            if !silenced.isEmpty { model.fill(bias, at: silenced, with: 0) }
        }
    }

    /// The bias of a word that is never written.
    private static let silent: Float = -10_000

    func learningRateScale(of parameter: String, in phase: TrainingPhase) -> Float {
        // Where the image speaks through this term alone, the term is all that the reward trains, at the reward's rate.
        options.decoder == .showAttendAndTell
            && parameter.hasPrefix("\(Self.place).\(DecoderConfiguration.visualTerm).") ? phase.visualScale : 1
    }

    func loss(_ batch: TrainingBatch, in phase: TrainingPhase, using generator: inout SeededGenerator) -> (
        loss: Variable, shown: Double
    ) {
        let seed = generator.next()
        let decoder = configuration.decoder.makeDecoder(batch.parameters[Self.place])
        let dropout = Dropout(rate: options.dropout, seed: seed)
        var (loss, shown) =
            switch phase.kind {
            case .words: wordLoss(batch, decoder, dropout, smoothing: options.labelSmoothing, seed: seed)
            case .reward: rewardLoss(batch.choosing { !isMadeUp($0) }, decoder, seed: seed)
            }
        // What captions say of made-up images is not all there, so that their words are no fair reward. Their
        // cross-entropy keeps the language. Label smoothing would pull at the words that the reward has silenced.
        if phase.kind == .reward, texts != nil {
            let madeUp = batch.choosing(isMadeUp)
            if !madeUp.images.isEmpty {
                loss =
                    loss + wordLoss(madeUp, decoder, dropout, smoothing: 0, seed: seed).0.scaled(by: options.textWeight)
            }
        }
        let (rows, columns) = (batch.features.shape[1], batch.features.shape[2])
        func covered(_ m: Int, _ boxes: [Rectangle], by coverage: BoxCoverage) -> [Float] {
            cells(
                of: boxes, image: batch.images[m], copy: batch.copies[m], rows: rows, columns: columns, coverage)
        }
        if let phrases, let visual = decoder.visual {
            var random = SeededGenerator(seed: seed ^ 0x9B0D)
            let targets = zip(batch.images, batch.copies).map { image, copy in
                plan(image, seed: copy)?.targets ?? phrases.targets[image]
            }
            let grounding = GroundingBatch(
                targets: targets, regions: rows * columns, perImage: options.phrasesPerPicture, using: &random
            ) { covered($0, $1, by: phrases.coverage) }
            let taught = grounding.loss(
                regions: visual.regions(of: batch.features, dropout: dropout), table: visual.words.weight)
            loss = loss + taught.scaled(by: options.grounding)
        }
        if let phrases, options.attentionGrounding > 0 {
            var random = SeededGenerator(seed: seed ^ 0xA77E)
            let captions = zip(batch.images, batch.copies).map { image, copy in
                plan(image, seed: copy)?.captions(tokens[image]) ?? phrases.captions[image]
            }
            let lesson = AttentionLesson(
                captions, regions: rows * columns, perImage: options.boxedCaptionsPerPicture,
                longest: options.maximumLength, vocabulary: vocabulary, using: &random
            ) { covered($0, $1, by: phrases.coverage) }
            let dropout = Dropout(rate: options.dropout, seed: seed &+ 1)
            if let looks = decoder.looks(features: batch.features, words: lesson.inputs, dropout: dropout) {
                let taught = lesson.loss(scores: looks.scores) + lesson.loss(regionScores: looks.regionScores)
                loss = loss + taught.scaled(by: options.attentionGrounding)
            } else if let attention = decoder.attention(
                features: batch.features, words: lesson.inputs, dropout: dropout)
            {
                loss = loss + lesson.loss(attention: attention).scaled(by: options.attentionGrounding)
            }
        }
        return (loss, shown)
    }

    /// Cross-entropy of the reference captions' words.
    private func wordLoss(
        _ batch: TrainingBatch, _ decoder: any CaptionDecoder, _ dropout: Dropout, smoothing: Float, seed: UInt64
    ) -> (Variable, Double) {
        var random = SeededGenerator(seed: seed ^ 0xC0DE)
        let captions = batch.images.flatMap { image -> [[Int]] in
            Self.choose(options.captionsPerPicture, of: tokens[image], using: &random).map {
                Array($0.prefix(options.maximumLength))
            }
        }
        let loss = crossEntropy(
            of: captions, weights: [Float](repeating: 1, count: captions.count), batch, decoder, dropout: dropout,
            smoothing: smoothing)
        return (loss, Double(loss.value.scalar))
    }

    /// The cross-entropy of sampled captions, each weighed by how much more its reward is than its image's others'.
    private func rewardLoss(
        _ batch: TrainingBatch, _ decoder: any CaptionDecoder, seed: UInt64
    ) -> (Variable, Double) {
        if batch.images.isEmpty { return (Variable(Tensor([], [0])), 0) }
        let sampler = configuration.decoder.makeDecoder(batch.constants[Self.place])
        var random = SeededGenerator(seed: seed ^ 0xA5A5)
        let captions = sampleCaptions(
            sampler, features: batch.features.value, rows: options.captionsPerPicture, start: vocabulary.start,
            end: vocabulary.end, forbidden: forbidden, maximumLength: options.maximumLength, using: &random)
        let (advantages, mean) = reward.advantages(captions, images: batch.images, rows: options.captionsPerPicture)
        let loss = crossEntropy(of: captions, weights: advantages, batch, decoder, dropout: nil, smoothing: 0)
        return (loss, mean)
    }

    private func crossEntropy(
        of captions: [[Int]], weights: [Float], _ batch: TrainingBatch, _ decoder: any CaptionDecoder,
        dropout: Dropout?, smoothing: Float
    ) -> Variable {
        let forced = TeacherForcing(
            captions: captions, weights: weights, start: vocabulary.start, end: vocabulary.end, pad: vocabulary.pad)
        let logits = decoder.logits(features: batch.features, words: forced.inputs, dropout: dropout)
        return Tensors.crossEntropy(
            logits.reshaped([-1, vocabulary.count]), targets: forced.targets, weights: forced.weights,
            smoothing: smoothing)
    }

    /// All of an image's captions, or as many of them as asked for, at random; where it has fewer, some are repeated.
    static func choose<Caption>(_ wanted: Int, of own: [Caption], using random: inout SeededGenerator) -> [Caption] {
        if wanted < own.count { return Array(own.shuffled(using: &random).prefix(wanted)) }
        return own + (own.count..<wanted).map { _ in own[Int(random.next() % UInt64(own.count))] }
    }

    // MARK: Evaluation, files

    func devScores(_ parameters: Parameters, features: (Range<Int>) -> Tensor) -> [DevScore] {
        let decoder = configuration.decoder.makeDecoder(parameters[Self.place])
        var search = configuration.search
        search.beam = 1
        var candidates: [[String]] = []
        for from in stride(from: 0, to: devImages.count, by: 50) {
            let found = beamSearch(
                decoder, features: features(from..<min(devImages.count, from + 50)), start: vocabulary.start,
                end: vocabulary.end, forbidden: forbidden, options: search)
            candidates += found.map { vocabulary.decode($0.first?.words ?? []) }
        }
        let scores = CaptionMetrics.score(candidates: candidates, references: devReferences)
        return [
            DevScore(name: "CIDEr-D", value: scores.ciderD, unit: .number),
            DevScore(name: "BLEU-4", value: scores.bleu4, unit: .number),
        ]
    }

    func name(of phase: TrainingPhase) -> String? { phase.kind.rawValue + (phase.from.map { " from \($0)" } ?? "") }

    func calibrate(_ calibration: inout Calibration, _ parameters: Parameters, dev: FeatureMaps) throws {
        calibration.temperature = try .fit(
            configuration.decoder.makeDecoder(parameters[Self.place]), vocabulary: vocabulary, captions: devTokens,
            features: dev)
    }

    func save(
        _ state: [String: Tensor], encoder: EncoderConfiguration, calibration: Calibration, to folder: URL
    ) throws {
        var configuration = configuration
        configuration.encoder = encoder
        try Captioner.save(
            configuration: configuration, vocabulary: vocabulary, state: state, type: .f16, calibration: calibration,
            to: folder)
    }
}

extension CaptionDataset {
    var trainingImages: [TrainingImage] { entries.map { ($0.image, imageURL($0.image)) } }
}
