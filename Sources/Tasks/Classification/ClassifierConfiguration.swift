import Foundation
import Language
import Vision

/// `config.json` of a classifier. Its weights are named `encoder.…` and `head.…`, each followed by the checkpoint's own
/// name (`encoder.features.0.weight`, `head.classifier.6.weight`).
public struct ClassifierConfiguration: ModelConfiguration {
    public static let task: String = "classification"
    static let taskInWords: String = "classification"

    public var format = 1
    public var task: String = Self.task
    public var encoder: EncoderConfiguration
    public var preprocessing: Preprocessing
    /// The number of classes, and of logits.
    public var classes: Int
    /// The file of the classes' names, one a line in the order of the logits, relative to the model's folder.
    public var labels: String
    public var maps: MapConfiguration?

    public init(
        encoder: EncoderConfiguration, preprocessing: Preprocessing, classes: Int, labels: String,
        maps: MapConfiguration? = nil
    ) {
        self.encoder = encoder
        self.preprocessing = preprocessing
        self.classes = classes
        self.labels = labels
        self.maps = maps
    }

    /// The most classes that a model may have.
    public static let mostClasses = 1_000_000

    var numbers: [ConfigurationNumber] { [.init("classes", classes, 1...Self.mostClasses)] }
    var files: [ConfigurationFile] { [.init(key: "labels", path: labels)] }
}

/// `config.json` of an encoder without a head, for training (`--encoder-weights`). Its weights are named
/// `encoder.…`.
public struct EncoderModelConfiguration: ModelConfiguration {
    public static let task: String = "encoder"
    static let taskInWords: String = "an encoder alone"

    public var format = 1
    public var task: String = Self.task
    public var encoder: EncoderConfiguration
    public var preprocessing: Preprocessing

    public init(encoder: EncoderConfiguration, preprocessing: Preprocessing) {
        self.encoder = encoder
        self.preprocessing = preprocessing
    }

    var maps: MapConfiguration? { nil }
    var numbers: [ConfigurationNumber] { [] }
    var files: [ConfigurationFile] { [] }
}

/// The classes' names, one a line in the order of the logits.
public enum ClassNames {
    /// - Throws: ``ModelError`` for a line without a name, or text that is not UTF-8.
    public static func read(_ data: Data, name: String) throws -> [String] {
        guard let text = String(validating: data, as: UTF8.self) else {
            throw ModelError(path: name, problem: "is not UTF-8 text")
        }
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map {
            $0.trimmingCharacters(in: .whitespacesAndNewlines)
        }
        if lines.last == "" { lines.removeLast() }
        // Two classes may have one name, as in ImageNet; apart from that, a name is what an answer is.
        for (index, line) in lines.enumerated() {
            if line.isEmpty { throw ModelError(path: name, problem: "has no name in line \(index + 1)") }
            if let fault = EntryList.fault(of: line, as: .phrase) {
                throw ModelError(path: name, line: index + 1, problem: fault)
            }
        }
        return lines
    }
}
