import Foundation
import Language
import Vision

/// The `config.json` of any kind of model: what is checked before anything is read or allocated.
protocol ModelConfiguration: Codable, Equatable, Sendable {
    /// What `task` must say.
    static var task: String { get }
    /// The same for messages: "not for captioning".
    static var taskInWords: String { get }

    var format: Int { get }
    var task: String { get }
    var encoder: EncoderConfiguration { get }
    var preprocessing: Preprocessing { get }
    var sharedEncoder: SharedEncoder? { get }
    var maps: MapConfiguration? { get }
    /// The numbers that this kind of model has beside those of all kinds.
    var numbers: [ConfigurationNumber] { get }
    /// The text files that it names.
    var files: [ConfigurationFile] { get }
}

extension ModelConfiguration {
    var sharedEncoder: SharedEncoder? { nil }

    /// Why this configuration cannot be used; nil where it can.
    var problem: String? {
        if format != 1 { return "has format \(format); this version reads format 1" }
        if task != Self.task { return "is a model for '\(task)', not for \(Self.taskInWords)" }
        return (numbers + preprocessing.numbers).lazy.compactMap(\.problem).first
            ?? files.lazy.compactMap(\.problem).first ?? sharedEncoder?.problem ?? maps?.problem
    }
}

/// A number of `config.json` and what it may be.
struct ConfigurationNumber {
    /// Of a layer, and of a feature map in channels.
    static let widths = 1...16_384

    /// Why it cannot be used; nil where it can.
    let problem: String?

    init(_ name: String, _ value: Int, _ range: ClosedRange<Int>) {
        problem = range.contains(value) ? nil : "\(name) is \(value), not in \(range)"
    }

    init(_ name: String, _ value: Float, _ range: ClosedRange<Float>) {
        problem = range.contains(value) ? nil : "\(name) is \(value), not in \(range)"
    }
}

extension Preprocessing {
    /// - Parameter purpose: what needs feature maps of one shape ("calibrating").
    /// - Throws: ``ModelError`` for a model that takes photographs at their own sizes.
    func checkOneSize(of model: URL, for purpose: String) throws {
        if hasOneSize { return }
        throw ModelError(
            path: model.path,
            problem: "takes photographs at their own size ('preprocessing.fit' in config.json is native), and "
                + "\(purpose) needs images of one size, as the fits squash and crop make them")
    }

    var numbers: [ConfigurationNumber] {
        [
            .init("preprocessing.width", width, 1...Self.largestSide),
            .init("preprocessing.height", height, 1...Self.largestSide),
            .init("preprocessing.resizeShortSide", resizeShortSide ?? 1, 1...2 * Self.largestSide),
            .init("preprocessing.squashedSide", squashedSide ?? 1, 1...Self.largestSide),
            .init("preprocessing.nativeLimit", nativeLimit ?? 1, 1...Self.largestSide),
            .init("preprocessing.nativeSmallest", nativeSmallest ?? 1, 1...Self.largestSide),
        ] + mean.map { .init("preprocessing.mean", $0, -1_000...1_000) }
            + std.map { .init("preprocessing.std", $0, 0.001...1_000) }
    }
}

extension Neck {
    /// - Parameter place: of the neck in `config.json`.
    func numbers(_ place: String) -> [ConfigurationNumber] {
        [
            .init("\(place).side", side, 1...64),
            .init("\(place).width", kind == .fullyConnected ? width ?? 0 : 1, ConfigurationNumber.widths),
        ]
    }
}

/// A text file that `config.json` names.
///
/// It lies in the model's folder or below it (`vocabulary.txt`), or in the folder `vocab` beside the folder of the
/// models (`../../vocab/NAME`), where models share it. A path cannot lead elsewhere: a model that was fetched from
/// somewhere has no business with other files.
struct ConfigurationFile {
    let key: String
    let path: String

    private static let shared = "../../vocab/"

    /// Whether other models may use the file too.
    var isShared: Bool { path.hasPrefix(Self.shared) }

    /// Why the path cannot be used; nil where it can.
    var problem: String? {
        let inside = isShared ? String(path.dropFirst(Self.shared.count)) : path
        if ConfigurationPath.isInside(inside), !isShared || !inside.contains("/") { return nil }
        return "\(key) is \(DatasetFile.quoted(path)), not a file in the model's folder or \(Self.shared)NAME"
    }
}

enum ConfigurationPath {
    /// Whether a relative path stays where it starts. Text alone decides; links are followed when a file is opened.
    static func isInside(_ path: String) -> Bool {
        path.utf8.count <= 1024 && !path.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F }
            && path.split(separator: "/", omittingEmptySubsequences: false).allSatisfy {
                !["", ".", ".."].contains($0)
            }
    }
}

extension SharedEncoder {
    /// Why the reference cannot be followed; nil where it can. The model is a neighbour (`../NAME`), or has the
    /// absolute path that training writes for one elsewhere.
    var problem: String? {
        let inside = model.hasPrefix("/") ? String(model.dropFirst()) : String(model.dropFirst("../".count))
        let isNeighbour = model.hasPrefix("../") && !inside.contains("/")
        if ConfigurationPath.isInside(inside), isNeighbour || model.hasPrefix("/") { return nil }
        return "sharedEncoder.model is \(DatasetFile.quoted(model)), "
            + "not a model beside this one (../NAME) or the absolute path of one"
    }
}
