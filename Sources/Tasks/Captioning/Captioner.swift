import Foundation
import Language
import Support
import Tensors
import Vision
import Weights

/// `config.json` of a captioning model.
public struct CaptionerConfiguration: ModelConfiguration {
    public static let task: String = "captioning"
    static let taskInWords: String = "captioning"

    public var format = 1
    public var task: String = Self.task
    public var encoder: EncoderConfiguration
    public var preprocessing: Preprocessing
    /// The model that the encoder is shared with; `model.safetensors` then holds the decoder alone.
    public var sharedEncoder: SharedEncoder?
    public var decoder: DecoderConfiguration
    /// The vocabulary's file, relative to the model's folder.
    public var vocabulary: String
    public var search: SearchOptions
    public var maps: MapConfiguration?

    public init(
        encoder: EncoderConfiguration, preprocessing: Preprocessing, sharedEncoder: SharedEncoder? = nil,
        decoder: DecoderConfiguration, vocabulary: String, search: SearchOptions, maps: MapConfiguration? = nil
    ) {
        self.encoder = encoder
        self.preprocessing = preprocessing
        self.sharedEncoder = sharedEncoder
        self.decoder = decoder
        self.vocabulary = vocabulary
        self.search = search
        self.maps = maps
    }
}

/// A model that captions images: an encoder, a decoder and their vocabulary.
public struct Captioner {
    public let configuration: CaptionerConfiguration
    /// The folder that it was read from; nil for a model that was made in memory.
    public private(set) var folder: URL?
    /// What its folder knows of its training images, and how sure its words are; nil where the folder has none.
    public var calibration: Calibration? { didSet { typicalStart = TypicalStart() } }
    private var typicalStart = TypicalStart()
    public let vocabulary: Vocabulary
    public let modelEncoder: ModelEncoder
    public var encoder: Encoder { modelEncoder.network }
    public let decoder: any CaptionDecoder

    /// - Parameter encoder: a shared encoder; nil where the parameters contain the encoder's.
    /// - Throws: ``ModelError`` when the parts do not fit.
    public init(
        configuration: CaptionerConfiguration, vocabulary: Vocabulary, encoder shared: ModelEncoder? = nil,
        parameters p: Parameters
    ) throws {
        self.configuration = configuration
        self.vocabulary = vocabulary
        modelEncoder =
            try shared
            ?? ModelEncoder(configuration.encoder, preprocessing: configuration.preprocessing, parameters: p["encoder"])
        decoder = configuration.decoder.makeDecoder(p["decoder"])
        guard encoder.channels == configuration.decoder.features else {
            throw ModelError(
                path: "config.json",
                problem: "the decoder expects \(configuration.decoder.features) feature channels, "
                    + "the encoder \(configuration.encoder.name) gives \(encoder.channels)")
        }
    }

    /// Reads a model folder: `config.json`, `model.safetensors` and the vocabulary that the config names; the encoder
    /// from the folder of another model where the config refers to one.
    /// - Throws: ``ModelError`` naming the file and what is wrong with it, or the readers' own errors.
    public static func load(_ folder: URL) throws -> Captioner { try load(folder, isCalibrated: true) }

    /// - Parameter isCalibrated: whether to read the folder's calibration, where it has one.
    static func load(_ folder: URL, isCalibrated: Bool) throws -> Captioner {
        let files = ModelFiles(folder)
        let configuration = try files.configuration(
            CaptionerConfiguration.self, of: "a captioning model", problem: \.problem)
        let vocabulary = try files.vocabulary(configuration.vocabulary, count: configuration.decoder.vocabulary)
        let shared = try configuration.sharedEncoder.map {
            try files.encoder($0, wanted: (configuration.encoder, configuration.preprocessing), given: nil)
        }
        var captioner = try files.loading { p in
            var captioner = try Captioner(
                configuration: configuration, vocabulary: vocabulary, encoder: shared, parameters: p)
            if isCalibrated { captioner.calibration = try Calibration.read(folder, for: captioner.modelEncoder) }
            return captioner
        }
        captioner.folder = folder
        return captioner
    }

    /// Writes the folder, whole or not at all: an interruption leaves the old model or the new one.
    /// - Parameter calibration: the new model's; nil removes that of the old model.
    public static func save(
        configuration: CaptionerConfiguration, vocabulary: Vocabulary, state: [String: Tensor],
        type: SafeTensors.DataType, calibration: Calibration? = nil, to folder: URL
    ) throws {
        try ModelFiles(folder).save(
            configuration, state: state, type: type, texts: [configuration.vocabulary: vocabulary.text()],
            calibration: calibration)
    }

    // MARK: Use

    /// Indices of words that the captioner never writes.
    public var forbidden: [Int] {
        configuration.search.writesSpecialWords == true ? [] : [vocabulary.pad, vocabulary.start, vocabulary.unknown]
    }

    /// The feature map `[1, u, v, K]` of a preprocessed image.
    public func features(_ image: Tensor) -> Tensor { encoder(Variable(image)).value }

    /// Scores of every next word of a caption without an image: for each of the calibration's n typical images, `[n, T,
    /// V]`; nil for a model without a calibration.
    /// - Parameter words: the caption's word indices, which begin with `<start>`.
    public func scoresWithoutImage(_ words: [Int]) -> Tensor? {
        guard let features = calibration?.typicalFeatures else { return nil }
        let state = typicalStart.state { decoder.begin(features: features, rows: 1) }
        let captions = [[Int]](repeating: words, count: features.shape[0])
        return decoder.logits(from: state, words: captions).permuted([1, 0, 2])
    }

    /// Captions of feature maps `[M, u, v, K]`: for each image, best first.
    public func captions(features: Tensor, options: SearchOptions? = nil) -> [[FoundCaption]] {
        beamSearch(
            decoder, features: features, start: vocabulary.start, end: vocabulary.end, forbidden: forbidden,
            options: options ?? configuration.search)
    }
}

extension CaptionerConfiguration {
    var numbers: [ConfigurationNumber] {
        let width = ConfigurationNumber.widths
        return [
            .init("decoder.features", decoder.features, width),
            .init("decoder.vocabulary", decoder.vocabulary, 1...EntryList.largestCount),
            .init("decoder.embedding", decoder.embedding, width), .init("decoder.hidden", decoder.hidden, width),
            .init("decoder.attention", decoder.attention, width),
            .init("decoder.visual", decoder.visual ?? 1, width),
            .init("decoder.layers", decoder.layers ?? 1, 1...16),
            .init("decoder.imageWidth", decoder.imageWidth ?? 1, width),
            .init("decoder.looks.regions", decoder.looks?.regions ?? 1, width),
            .init("decoder.looks.output", decoder.looks?.output ?? 1, width),
        ] + (decoder.neck?.numbers("decoder.neck") ?? []) + [
            .init("search.beam", search.beam, 1...100),
            .init("search.maximumLength", search.maximumLength, 1...1_000),
            .init("search.lengthNormalisation", search.lengthNormalisation, 0...10),
        ]
    }

    var files: [ConfigurationFile] { [.init(key: "vocabulary", path: vocabulary)] }
}

/// What a decoder holds of the typical images before the first word. No caption changes it, so it is kept from its first
/// use on.
private final class TypicalStart: Sendable {
    private let kept = Mutex<DecoderState?>(nil)

    func state(_ begin: () -> DecoderState) -> DecoderState {
        kept.withLock { kept in
            let state = kept ?? begin()
            kept = state
            return state
        }
    }
}
