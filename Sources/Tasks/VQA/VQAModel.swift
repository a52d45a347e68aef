import Foundation
import Language
import Support
import Tensors
import Vision
import Weights

/// `config.json` of a model that answers questions.
public struct VQAConfiguration: ModelConfiguration {
    public static let task: String = "question-answering"
    static let taskInWords: String = "question answering"

    public var format = 1
    public var task: String = Self.task
    public var encoder: EncoderConfiguration
    public var preprocessing: Preprocessing
    /// The model that the encoder is shared with; `model.safetensors` then holds the VQA head alone.
    public var sharedEncoder: SharedEncoder?
    public var answerer: VQAHeadConfiguration
    /// The vocabulary's file, relative to the model's folder.
    public var vocabulary: String
    /// The file of the answers (``AnswerFile``), relative to the model's folder.
    public var answers: String
    public var maps: MapConfiguration?
    /// How questions are split into words; nil for ``CaptionTokenizer``.
    public var tokens: QuestionTokens?

    public init(
        encoder: EncoderConfiguration, preprocessing: Preprocessing, sharedEncoder: SharedEncoder? = nil,
        answerer: VQAHeadConfiguration, vocabulary: String, answers: String, maps: MapConfiguration? = nil
    ) {
        self.encoder = encoder
        self.preprocessing = preprocessing
        self.sharedEncoder = sharedEncoder
        self.answerer = answerer
        self.vocabulary = vocabulary
        self.answers = answers
        self.maps = maps
    }

    var numbers: [ConfigurationNumber] {
        let width = ConfigurationNumber.widths
        return [
            .init("answerer.features", answerer.features, width),
            .init("answerer.vocabulary", answerer.vocabulary, 1...EntryList.largestCount),
            .init("answerer.answers", answerer.answers, 1...EntryList.largestCount),
            .init("answerer.embedding", answerer.embedding, width), .init("answerer.hidden", answerer.hidden, width),
            .init("answerer.attention", answerer.attention, width),
            .init("answerer.joint", answerer.joint ?? 1, width), .init("answerer.layers", answerer.layers ?? 1, 1...16),
            .init("answerer.paddedTo", answerer.paddedTo ?? 1, 1...VQAModel.maximumWords),
        ] + (answerer.neck?.numbers("answerer.neck") ?? [])
    }

    var files: [ConfigurationFile] {
        [.init(key: "vocabulary", path: vocabulary), .init(key: "answers", path: answers)]
    }
}

/// A question, split into words and looked up in a model's vocabulary.
public struct ReadQuestion: Equatable, Sendable {
    /// The question's words.
    public var tokens: [String]
    /// Indices into the vocabulary, one for each token.
    public var words: [Int]
    /// The tokens that the vocabulary does not have, in their order.
    public var unknown: [String]
}

/// A question that the model cannot read.
public struct QuestionError: UserFacingError, Equatable {
    public static let failureCode = FailureCode.request
    public let description: String
}

/// A model that answers questions about images: an encoder, a VQA head, a vocabulary and a list of answers.
public struct VQAModel {
    public let configuration: VQAConfiguration
    /// The folder that it was read from; nil for a model that was made in memory.
    public private(set) var folder: URL?
    /// What its folder knows of its training images, and how sure its answers are; nil where the folder has none.
    public var calibration: Calibration?
    public let vocabulary: Vocabulary
    /// In the order of the logits.
    public let answers: [String]
    public let modelEncoder: ModelEncoder
    public var encoder: Encoder { modelEncoder.network }
    public let head: any VQAHead

    /// - Parameter encoder: a shared encoder; nil where the parameters contain the encoder's.
    /// - Throws: ``ModelError`` when the parts do not fit.
    public init(
        configuration: VQAConfiguration, vocabulary: Vocabulary, answers: [String],
        encoder shared: ModelEncoder? = nil,
        parameters p: Parameters
    ) throws {
        self.configuration = configuration
        self.vocabulary = vocabulary
        self.answers = answers
        modelEncoder =
            try shared
            ?? ModelEncoder(configuration.encoder, preprocessing: configuration.preprocessing, parameters: p["encoder"])
        head = configuration.answerer.makeHead(p["answerer"])
        guard encoder.channels == configuration.answerer.features else {
            throw ModelError(
                path: "config.json",
                problem: "the VQA head expects \(configuration.answerer.features) feature channels, "
                    + "the encoder \(configuration.encoder.name) gives \(encoder.channels)")
        }
    }

    /// Reads a model folder: `config.json`, `model.safetensors`, and the vocabulary and the answers that the config
    /// names; the encoder from the folder of another model where the config refers to one.
    /// - Parameter encoder: another model's encoder in memory. A model that shares this encoder uses it and reads none.
    /// - Throws: ``ModelError`` naming the file and what is wrong with it, or the readers' own errors.
    public static func load(_ folder: URL, sharing encoder: ModelEncoder? = nil) throws -> VQAModel {
        try load(folder, sharing: encoder, isCalibrated: true)
    }

    /// - Parameter isCalibrated: whether to read the folder's calibration, where it has one.
    static func load(_ folder: URL, sharing encoder: ModelEncoder? = nil, isCalibrated: Bool) throws -> VQAModel {
        let files = ModelFiles(folder)
        let configuration = try files.configuration(
            VQAConfiguration.self, of: "a question answering model", problem: \.problem)
        let vocabulary = try files.vocabulary(configuration.vocabulary, count: configuration.answerer.vocabulary)
        let list = try files.text(configuration.answers, what: "answer list")
        let answers = try AnswerFile.read(list.data, path: list.url.path)
        guard answers.count == configuration.answerer.answers else {
            throw ModelError(
                path: folder.path,
                problem: "\(configuration.answers) has \(answers.count) answers, "
                    + "config.json says \(configuration.answerer.answers)")
        }
        let shared = try configuration.sharedEncoder.map {
            try files.encoder($0, wanted: (configuration.encoder, configuration.preprocessing), given: encoder)
        }
        var answerer = try files.loading { p in
            var answerer = try VQAModel(
                configuration: configuration, vocabulary: vocabulary, answers: answers, encoder: shared, parameters: p)
            if isCalibrated { answerer.calibration = try Calibration.read(folder, for: answerer.modelEncoder) }
            return answerer
        }
        answerer.folder = folder
        return answerer
    }

    /// Writes the folder, whole or not at all: an interruption leaves the old model or the new one.
    /// - Parameter calibration: the new model's; nil removes that of the old model.
    public static func save(
        configuration: VQAConfiguration, vocabulary: Vocabulary, answers: [String], state: [String: Tensor],
        type: SafeTensors.DataType, calibration: Calibration? = nil, to folder: URL
    ) throws {
        try ModelFiles(folder).save(
            configuration, state: state, type: type,
            texts: [configuration.vocabulary: vocabulary.text(), configuration.answers: AnswerFile.text(answers)],
            calibration: calibration)
    }

    // MARK: Use

    /// The feature map `[1, u, v, K]` of a preprocessed image.
    public func features(_ image: Tensor) -> Tensor { encoder(Variable(image)).value }

    /// The most words of a question: memory grows with their number.
    public static let maximumWords = 500

    /// A question's words, split as the model was trained.
    public func tokens(of question: String) -> [String] {
        configuration.tokens?.tokens(question) ?? CaptionTokenizer().tokens(question)
    }

    /// Splits a question into words as in training (``tokens(of:)``) and looks them up.
    /// - Throws: ``QuestionError`` when it has no words, or none that the vocabulary has.
    public func read(_ question: String) throws -> ReadQuestion {
        let tokens = tokens(of: question)
        guard !tokens.isEmpty else { throw QuestionError(description: "the question '\(question)' has no words") }
        let words = vocabulary.encode(tokens)
        let unknown = zip(tokens, words).filter { $0.1 == vocabulary.unknown }.map(\.0)
        guard unknown.count < tokens.count else {
            throw QuestionError(description: "the model knows no word of the question '\(question)'")
        }
        return ReadQuestion(tokens: tokens, words: words, unknown: unknown)
    }

    /// Scores of every answer before the softmax, `[N, A]`. features `[M, u, v, K]`; question n belongs to image n /
    /// (N / M).
    public func scores(features: Tensor, questions: [[Int]]) -> Tensor {
        head.logits(
            features: Variable(features), embedded: head.embed(questions), lengths: questions.map(\.count),
            dropout: nil
        ).value
    }
}
