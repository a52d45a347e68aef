import Foundation
import Tensors
import Vision
import Weights

/// A check of an installed model: its files are complete, shapes are right, and all weights are finite.
public struct ModelCheck: Codable, Equatable, Sendable {
    public var model: String
    public var task: String
    public var encoder: String
    public var tensors: Int
    public var parameters: Int
    public var sha256: String
    /// The file's hash when it was imported; nil for a model that was not imported.
    public var imported: String?

    /// Checks the model in `folder`.
    /// - Parameter sha256: gives the SHA-256 of data, in hexadecimal.
    /// - Throws: ``ModelError``, `ParameterError` or the readers' own errors.
    public static func run(_ folder: URL, sha256: (Data) -> String) throws -> ModelCheck {
        let installed = try InstalledModel(folder)
        let files = ModelFiles(folder)
        switch installed.task {
        case "captioning": _ = try Captioner.load(folder)
        case "question-answering": _ = try VQAModel.load(folder)
        case ClassifierConfiguration.task: _ = try Classifier.load(folder)
        case EncoderModelConfiguration.task:
            let configuration = try files.configuration(
                EncoderModelConfiguration.self, of: "an encoder", problem: \.problem)
            try files.loading { p in _ = try configuration.encoder.makeEncoder(p["encoder"]) }
        default:
            throw ModelError(
                path: folder.path, problem: "is a model for '\(installed.task)', which this version does not know")
        }
        let weights = try files.weights()
        let tensors = try SafeTensors.read(weights)
        if let bad = notFinite(tensors).first {
            throw ModelError(
                path: weights.path, problem: "\(bad.count) numbers in \(bad.name) are infinite or no numbers (NaN)")
        }
        let hash = sha256(try Data(contentsOf: weights, options: .mappedIfSafe))
        let record = try? JSONDecoder().decode(
            ModelImport.Record.self, from: Data(contentsOf: folder.appendingPathComponent("import.json")))
        if let record, record.weights != hash {
            throw ModelError(
                path: weights.path,
                problem: "has changed since it was imported: its SHA-256 is \(hash), import.json says \(record.weights)"
            )
        }
        return ModelCheck(
            model: installed.name, task: installed.task, encoder: installed.encoder, tensors: tensors.count,
            parameters: tensors.values.reduce(0) { $0 + $1.count }, sha256: hash, imported: record?.weights)
    }

    /// The number of elements that are not finite, by the tensor's name.
    static func notFinite(_ tensors: [String: Tensor]) -> [(name: String, count: Int)] {
        tensors.sorted { $0.key < $1.key }.compactMap { name, tensor in
            var count = 0
            let values = tensor.pointer
            for i in 0..<tensor.count where !values[i].isFinite { count += 1 }
            return withExtendedLifetime(tensor) { count == 0 ? nil : (name, count) }
        }
    }
}

/// A model in one of the `models` folders.
public struct InstalledModel: Codable, Equatable, Sendable {
    public var name: String
    public var path: String
    public var task: String
    public var encoder: String
    /// The size of all its files, in bytes.
    public var bytes: Int

    private struct Configuration: Decodable {
        var task: String
        var encoder: EncoderConfiguration
    }

    /// - Throws: ``ModelError`` when `folder` has no usable `config.json`.
    public init(_ folder: URL) throws {
        let configuration = try ModelFiles(folder).configuration(Configuration.self, of: "a model") { _ in nil }
        name = folder.lastPathComponent
        path = folder.path
        task = configuration.task
        encoder = configuration.encoder.name
        let files =
            (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: [.fileSizeKey])) ?? []
        bytes = files.reduce(0) { $0 + ((try? $1.resourceValues(forKeys: [.fileSizeKey]))?.fileSize ?? 0) }
    }

    /// All models that ``ModelFolder/find(_:)`` finds by name, the first of each name, sorted; and an error for each
    /// folder whose configuration cannot be read.
    public static func all() -> (models: [InstalledModel], broken: [ModelError]) {
        var models: [String: InstalledModel] = [:]
        var broken: [ModelError] = []
        for folder in ModelFolder.installed() where models[folder.lastPathComponent] == nil {
            do { models[folder.lastPathComponent] = try InstalledModel(folder) } catch {
                broken.append((error as? ModelError) ?? ModelError(path: folder.path, problem: "\(error)"))
            }
        }
        return (models.values.sorted { $0.name < $1.name }, broken)
    }
}
