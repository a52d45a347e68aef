import Foundation
import Vision

/// `config.json` of a classifier. Its weights are named `encoder.…` and `head.…`, each followed by the checkpoint's own
/// name (`encoder.features.0.weight`, `head.classifier.6.weight`).
public struct ClassifierConfiguration: Codable, Equatable, Sendable {
    public static let task = "classification"

    public var format = 1
    public var task = Self.task
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

    /// Why this configuration cannot be used; nil where it can. Asked before anything is allocated.
    var problem: String? {
        if format != 1 { return "has format \(format); this version reads format 1" }
        if task != Self.task { return "is a model for '\(task)', not for classification" }
        if !(1...Self.mostClasses).contains(classes) { return "classes is \(classes), not in 1...\(Self.mostClasses)" }
        return maps?.problem
    }
}

/// `config.json` of an encoder without a head, for training (`--encoder-weights`). Its weights are named
/// `encoder.…`.
public struct EncoderModelConfiguration: Codable, Equatable, Sendable {
    public static let task = "encoder"

    public var format = 1
    public var task = Self.task
    public var encoder: EncoderConfiguration
    public var preprocessing: Preprocessing

    public init(encoder: EncoderConfiguration, preprocessing: Preprocessing) {
        self.encoder = encoder
        self.preprocessing = preprocessing
    }
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
        if let empty = lines.firstIndex(of: "") {
            throw ModelError(path: name, problem: "has no name in line \(empty + 1)")
        }
        return lines
    }
}
