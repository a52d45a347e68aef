import Foundation
import Support

/// Finds model folders.
public enum ModelFolder {
    /// The captioner that is used by default.
    public static let defaultCaptioner = "caption-flickr8k"
    /// The VQA model that is used by default; it shares the captioner's encoder.
    public static let defaultVQAModel = "vqa-flickr8k"

    /// The classifier that is used by default. It is not in the repository: `make models` fetches and imports it.
    public static let defaultClassifier = "efficientnet-lite0"

    /// The folder of the classifier `name`, as ``find(_:)`` finds it.
    /// - Throws: ``ModelError`` that says how to install the default one, and which others are installed.
    public static func findClassifier(_ name: String) throws -> URL {
        do { return try find(name) } catch let error as ModelError {
            guard name == defaultClassifier else { throw error }
            let others = InstalledModel.all().models.filter { $0.task == ClassifierConfiguration.task }.map(\.name)
            throw ModelError(
                path: name,
                problem: "is not installed: run 'make models ENCODERS=\(name)' in mmx's source folder, or import a "
                    + "checkpoint of your own (mmx model import FILE --encoder NAME)"
                    + (others.isEmpty ? "" : "; installed, for --model: \(others.joined(separator: ", "))"))
        }
    }

    /// The folder of the model `name`, which is a path to a folder, or the name of one in a `models` folder. These are
    /// `MMX_MODELS`, that of the installation (`../share/mmx/models` beside the executable's folder), and that of the
    /// source tree in which the executable was built.
    /// - Throws: ``ModelError`` that lists the places searched.
    public static func find(_ name: String) throws -> URL {
        var looked: [String] = []
        func isModel(_ url: URL) -> Bool {
            looked.append(url.path)
            return Self.isModel(url)
        }
        let direct = URL(fileURLWithPath: name)
        if name.contains("/") || FileManager.default.fileExists(atPath: direct.path) {
            if isModel(direct) { return direct }
            throw ModelError(path: direct.path, problem: "is no model folder: it has no config.json")
        }
        for root in roots() {
            let url = root.appendingPathComponent(name)
            if isModel(url) { return url }
        }
        throw ModelError(
            path: name,
            problem: "was not found; its config.json was searched for in \(looked.joined(separator: ", ")). "
                + "Give --model a folder, or set MMX_MODELS.")
    }

    /// Whether a folder holds a model. If a model's replacement was interrupted there, it is finished first, so that
    /// the folder's files can be read by their names.
    static func isModel(_ folder: URL) -> Bool {
        try? ModelFiles.finishReplacement(in: folder)
        return FileManager.default.fileExists(atPath: folder.appendingPathComponent("config.json").path)
    }

    /// All model folders in the order in which they are searched.
    static func installed() -> [URL] {
        roots().flatMap { root in
            let names = (try? FileManager.default.contentsOfDirectory(atPath: root.path)) ?? []
            return names.sorted().map { root.appendingPathComponent($0) }.filter(isModel)
        }
    }

    /// The file `name` in a `vocab` folder beside one of the `models` folders.
    public static func vocabulary(_ name: String) -> URL? {
        roots().map { $0.deletingLastPathComponent().appendingPathComponent("vocab/\(name)") }.first {
            FileManager.default.fileExists(atPath: $0.path)
        }
    }

    private static func roots() -> [URL] {
        var roots: [URL] = []
        if let path = ProcessInfo.processInfo.environment["MMX_MODELS"], !path.isEmpty {
            roots.append(URL(fileURLWithPath: path))
        }
        var folder = executable().deletingLastPathComponent()
        roots.append(folder.deletingLastPathComponent().appendingPathComponent("share/mmx/models"))
        for _ in 0..<6 {
            roots.append(folder.appendingPathComponent("models"))
            if folder.path == "/" { break }
            folder.deleteLastPathComponent()
        }
        return roots
    }

    /// The running program's file, links resolved.
    private static func executable() -> URL {
        let path =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        return URL(fileURLWithPath: path).resolvingSymlinksInPath()
    }
}

/// A model folder that cannot be used.
public typealias ModelError = FileError<ModelFolder>

extension ModelFolder: FileErrorSubject {
    public static let messageStart = "model "
}

extension ModelError {
    /// - Parameters:
    ///   - folder: the model's folder; nil for a model that was made in memory.
    ///   - image: the image that the scores belong to.
    /// - Throws: ``ModelError`` when one of `scores` is NaN or infinite: some of the model's weights are damaged.
    public static func check(_ scores: some Sequence<Float>, of folder: URL?, about image: String? = nil) throws {
        guard scores.allSatisfy(\.isFinite) else {
            throw ModelError(
                path: folder?.path ?? "",
                problem: "gives scores that are no numbers\(image.map { " for \($0)" } ?? ""); "
                    + "its weights are damaged, fetch them again")
        }
    }
}
