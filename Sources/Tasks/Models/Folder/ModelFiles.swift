import Foundation
import Language
import Support
import Tensors
import Weights

/// The files of a model folder of any task: `config.json`, `model.safetensors`, and the text files that the config
/// names.
///
/// A model is replaced as a whole: its new files are written into the folder ``replacement``, which gets its name when
/// they are complete, and are then moved up, `config.json` first. Whoever uses the folder after an interruption goes on
/// with that (``finishReplacement()``), so the model is always the old one or the new one.
struct ModelFiles {
    let folder: URL
    /// Of the configuration that was there at first, to notice a replacement.
    private let configurationAtFirst: UInt64?

    init(_ folder: URL) {
        self.folder = folder
        try? Self.finishReplacement(in: folder)
        configurationAtFirst = Self.identity(of: folder)
    }

    /// The file `config.json` and its place on the disk; nil where it is missing.
    private static func identity(of folder: URL) -> UInt64? {
        var information = stat()
        guard stat(folder.appendingPathComponent("config.json").path, &information) == 0 else { return nil }
        return UInt64(information.st_ino)
    }

    /// A path of `config.json`, relative to the folder. Where the folder is a link, the path is tried from its target
    /// first.
    func url(_ path: String) -> URL {
        if path.hasPrefix("/") { return URL(fileURLWithPath: path) }
        let found = [folder.resolvingSymlinksInPath(), folder].map {
            $0.appendingPathComponent(path).standardizedFileURL
        }
        return found.first { FileManager.default.fileExists(atPath: $0.path) } ?? found[1]
    }

    private struct Task: Decodable { var task: String }

    /// Reads `config.json`.
    /// - Parameters:
    ///   - task: the expected kind of model, as in "is not a captioning model's configuration".
    ///   - problem: why a configuration cannot be used, nil where it can; asked before anything is allocated.
    func configuration<T: Decodable>(_ type: T.Type, of task: String, problem: (T) -> String?) throws -> T {
        let url = folder.appendingPathComponent("config.json")
        try Self.finishReplacement(in: folder)
        let data = try data(url, atMost: Self.largestConfiguration, missing: "config.json is missing or not readable")
        let configuration: T
        do {
            configuration = try JSONDecoder().decode(T.self, from: data)
        } catch {
            let other = (try? JSONDecoder().decode(Task.self, from: data)).map { " (its task is '\($0.task)')" } ?? ""
            throw ModelError(
                path: url.path, problem: "is not \(task)'s configuration\(other): \(Self.explain(error, of: data))")
        }
        if let problem = problem(configuration) { throw ModelError(path: url.path, problem: problem) }
        return configuration
    }

    /// Reads a text file that the configuration names, relative to the folder.
    func text(_ name: String, what: String) throws -> (data: Data, url: URL) {
        let url = url(name)
        return (
            try data(
                url, atMost: EntryList.largestFile, missing: "its \(what) \(url.path) is missing or not readable"), url
        )
    }

    /// The largest `config.json`, in bytes.
    private static let largestConfiguration = 1 << 20

    /// Reads a text file.
    /// - Parameter missing: the problem where there is no such file.
    private func data(_ url: URL, atMost limit: Int, missing: String) throws -> Data {
        guard let data = try existingData(url, atMost: limit) else {
            throw ModelError(path: folder.path, problem: missing)
        }
        return data
    }

    private func existingData(_ url: URL, atMost limit: Int) throws -> Data? {
        do { return try SmallFile.read(url, atMost: limit) } catch {
            throw ModelError(path: url.path, problem: "\(error)")
        }
    }

    /// Reads the vocabulary and checks that it has `count` words.
    func vocabulary(_ name: String, count: Int) throws -> Vocabulary {
        let (data, url) = try text(name, what: "vocabulary")
        let vocabulary = try Vocabulary(data: data, name: url.path)
        guard vocabulary.count == count else {
            throw ModelError(
                path: folder.path, problem: "\(url.path) has \(vocabulary.count) words, config.json says \(count)")
        }
        return vocabulary
    }

    /// The file of the weights.
    func weights() throws -> URL {
        let weights = folder.appendingPathComponent("model.safetensors")
        guard FileManager.default.fileExists(atPath: weights.path) else {
            throw ModelError(path: folder.path, problem: "model.safetensors is missing")
        }
        return weights
    }

    /// Makes a model with the folder's weights. Every tensor of the file must be used and have the right shape.
    func loading<Model>(_ make: (Parameters) throws -> Model) throws -> Model {
        let weights = try weights()
        let store = ParameterStore(strict: try SafeTensors.read(weights), origin: weights.path)
        do {
            let model = try make(store.scope())
            try store.checkComplete()
            try checkNotReplaced()
            return model
        } catch {
            // Parts of two models do not fit, and the replacement is the reason.
            try checkNotReplaced()
            throw error
        }
    }

    private func checkNotReplaced() throws {
        if Self.identity(of: folder) != configurationAtFirst {
            throw ModelError(path: folder.path, problem: "was replaced while it was read; try again")
        }
    }

    /// Writes the folder, whole or not at all. Other files in the folder stay.
    ///
    /// A vocabulary outside the folder (``ConfigurationFile``) may belong to other models: it is made where it is
    /// missing, and never replaced.
    /// - Parameters:
    ///   - texts: the text files' contents, by their paths in the configuration.
    ///   - calibration: the new model's; nil removes the old model's.
    /// - Throws: ``ModelError``, `SafeTensorsError` or `AtomicFileError`. The old model is there then.
    func save(
        _ configuration: some ModelConfiguration, state: [String: Tensor], type: SafeTensors.DataType,
        texts: [String: String], calibration: Calibration? = nil
    ) throws {
        if let problem = configuration.problem { throw ModelError(path: folder.path, problem: problem) }
        try AtomicFile.makeFolder(folder)
        let shared = configuration.files.filter(\.isShared).map(\.path)
        for path in shared { try checkShared(path, text: texts[path] ?? "") }
        for path in shared where !FileManager.default.fileExists(atPath: url(path).path) {
            try AtomicFile.makeFolder(url(path).deletingLastPathComponent())
            try AtomicFile.write(Data((texts[path] ?? "").utf8), to: url(path), durable: true)
        }
        try Self.replace(in: folder) { new in
            try SafeTensors.write(
                state, to: new.appendingPathComponent("model.safetensors"), type: type,
                metadata: ["format": "mmx"], durable: true)
            for (path, text) in texts where !shared.contains(path) {
                let file = new.appendingPathComponent(path)
                try AtomicFile.makeFolder(file.deletingLastPathComponent())
                try AtomicFile.write(Data(text.utf8), to: file, durable: true)
            }
            try calibration?.writeFiles(to: new)
            try AtomicFile.write(
                try JSON.file(configuration), to: new.appendingPathComponent("config.json"), durable: true)
        }
    }

    /// - Throws: ``ModelError`` where a vocabulary outside the folder is there already, and another one.
    func checkShared(_ path: String, text: String) throws {
        let file = url(path)
        guard let old = try existingData(file, atMost: EntryList.largestFile) else { return }
        if old != Data(text.utf8) {
            throw ModelError(
                path: file.path,
                problem: "is a file of other words, which other models may use; it is not replaced. "
                    + "Take another file name, or remove it")
        }
    }

    // MARK: Replacement

    private static let mostAttempts = 8

    /// Where a complete new model waits for its files to be moved up.
    static func replacement(in folder: URL) -> URL { folder.appendingPathComponent(".mmx-replacement") }

    /// Calls `body` to write new files into an empty folder, and moves them up: all or none.
    /// - Throws: ``ModelError`` where the folder cannot be written, or what `body` throws.
    static func replace(in folder: URL, _ body: (URL) throws -> Void) throws {
        // Another process's replacement comes first, as often as there is one; one that stays is in the way.
        for attempt in 1... {
            try finishReplacement(in: folder)
            if try AtomicFile.writeFolder(to: replacement(in: folder), body) { break }
            if attempt == mostAttempts {
                throw ModelError(
                    path: replacement(in: folder).path,
                    problem: "is in the way of the new model and cannot be removed; remove it")
            }
        }
        try finishReplacement(in: folder)
    }

    /// Removes the calibration of an old model that a new one without a calibration replaces. Calibrations are moved up
    /// after the weights: where the weights still wait and no calibration does, the new model has none.
    private static func removeOldCalibration(in folder: URL) {
        let replacement = replacement(in: folder)
        func waits(_ name: String) -> Bool {
            FileManager.default.fileExists(atPath: replacement.appendingPathComponent(name).path)
        }
        // In this order: another process may be moving files.
        if waits(Calibration.numbersFile) || !waits("model.safetensors") { return }
        for name in [Calibration.numbersFile, Calibration.tensorsFile] {
            unlink(folder.appendingPathComponent(name).path)
        }
    }

    /// Moves a complete new model's files up, where there is one. Several processes may do it at once.
    /// - Throws: ``ModelError`` where the folder cannot be written.
    static func finishReplacement(in folder: URL) throws {
        let replacement = replacement(in: folder)
        guard FileManager.default.fileExists(atPath: replacement.path) else { return }
        let names = (try? FileManager.default.subpathsOfDirectory(atPath: replacement.path)) ?? []
        removeOldCalibration(in: folder)
        // The configuration first: readers compare it before and after they have read the others. Then the weights.
        let first = ["config.json", "model.safetensors"]
        func place(_ name: String) -> Int { first.firstIndex(of: name) ?? first.count }
        for name in names.sorted(by: { (place($0), $0) < (place($1), $1) }) {
            let (file, target) = (replacement.appendingPathComponent(name), folder.appendingPathComponent(name))
            var information = stat()
            guard lstat(file.path, &information) == 0, information.st_mode & S_IFMT == S_IFREG else { continue }
            try checkInside(folder, name)
            if name.contains("/") { try AtomicFile.makeFolder(target.deletingLastPathComponent()) }
            // Another process may have moved it.
            if rename(file.path, target.path) != 0, errno != ENOENT {
                throw ModelError(
                    path: folder.path,
                    problem: "was being replaced when that was interrupted, and the new \(name) cannot be put in its "
                        + "place (\(systemMessage(errno))); use the model once as a user who may write to the folder")
            }
        }
        AtomicFile.synchronise(folder: folder.path)
        try? FileManager.default.removeItem(at: replacement)
    }

    /// Checks that no folder on the way to a file is a link: it could lead out of the model's folder, and a model that
    /// was fetched from somewhere would write to other folders as soon as it is used.
    private static func checkInside(_ folder: URL, _ name: String) throws {
        var place = folder
        for part in name.split(separator: "/").dropLast() {
            place.appendPathComponent(String(part))
            var information = stat()
            if lstat(place.path, &information) == 0, information.st_mode & S_IFMT == S_IFLNK {
                throw ModelError(
                    path: folder.path,
                    problem: "has a link, \(part), in place of a folder; a new \(name) is not written through it")
            }
        }
    }

    /// A decoding error as one line of text.
    static func explain(_ error: Error, of data: Data) -> String {
        func place(_ context: DecodingError.Context) -> String {
            let path = context.codingPath.map(\.stringValue).joined(separator: ".")
            return path.isEmpty ? "" : " in \(path)"
        }
        switch error {
        case DecodingError.keyNotFound(let key, let context): return "'\(key.stringValue)' is missing\(place(context))"
        case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
            return "\(context.debugDescription)\(place(context))"
        case DecodingError.dataCorrupted(let context) where context.codingPath.isEmpty: return unreadable(data)
        case DecodingError.dataCorrupted(let context): return "\(context.debugDescription)\(place(context))"
        default: return "\(error)"
        }
    }

    /// Why a decoder that names no place did not read `data`: it is no JSON, or a number of it does not fit its type.
    private static func unreadable(_ data: Data) -> String {
        let object: Any
        do { object = try JSONSerialization.jsonObject(with: data) } catch {
            let reason = (error as NSError).userInfo["NSDebugDescription"] as? String
            return "it is not valid JSON\(reason.map { " (\($0))" } ?? "")"
        }
        var numbers: [(place: String, value: Double)] = []
        func collect(_ value: Any, _ place: String) {
            if let object = value as? [String: Any] {
                for (key, value) in object.sorted(by: { $0.key < $1.key }) {
                    collect(value, place.isEmpty ? key : "\(place).\(key)")
                }
            } else if let array = value as? [Any] {
                for (index, value) in array.enumerated() { collect(value, "\(place)[\(index)]") }
            } else if let number = value as? NSNumber {
                numbers.append((place, number.doubleValue))
            }
        }
        collect(object, "")
        let large = numbers.filter { $0.value.magnitude > 1e9 }
        let fractions = numbers.filter { $0.value != $0.value.rounded() }
        let shown = (large.isEmpty ? fractions : large).prefix(8).map { "\($0.place) (\($0.value))" }
        return "a number is out of range, or has a fraction where a whole number belongs: "
            + shown.joined(separator: ", ")
    }
}
