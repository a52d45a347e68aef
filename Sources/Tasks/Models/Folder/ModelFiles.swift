import Foundation
import Language
import Support
import Tensors
import Weights

/// The files of a model folder of any task: `config.json`, `model.safetensors`, and the text files that the config
/// names.
struct ModelFiles {
    let folder: URL

    init(_ folder: URL) { self.folder = folder }

    private struct Task: Decodable { var task: String }

    /// Reads `config.json`.
    /// - Parameters:
    ///   - task: the expected kind of model, as in "is not a captioning model's configuration".
    ///   - problem: why a configuration cannot be used, nil where it can; asked before anything is allocated.
    func configuration<T: Decodable>(_ type: T.Type, of task: String, problem: (T) -> String?) throws -> T {
        let url = folder.appendingPathComponent("config.json")
        guard let data = try? Data(contentsOf: url) else {
            throw ModelError(path: folder.path, problem: "config.json is missing or not readable")
        }
        let configuration: T
        do {
            configuration = try JSONDecoder().decode(T.self, from: data)
        } catch {
            let other = (try? JSONDecoder().decode(Task.self, from: data)).map { " (its task is '\($0.task)')" } ?? ""
            throw ModelError(path: url.path, problem: "is not \(task)'s configuration\(other): \(explain(error))")
        }
        if let problem = problem(configuration) { throw ModelError(path: url.path, problem: problem) }
        return configuration
    }

    /// Reads a text file that the configuration names, relative to the folder.
    func text(_ name: String, what: String) throws -> (data: Data, url: URL) {
        let url = folder.appendingPathComponent(name).standardizedFileURL
        guard let data = try? Data(contentsOf: url) else {
            throw ModelError(path: folder.path, problem: "its \(what) \(url.path) is missing or not readable")
        }
        return (data, url)
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
        let model = try make(store.scope())
        try store.checkComplete()
        return model
    }

    /// Writes the folder: weights first, the configuration last, each under a temporary name that is then renamed.
    /// - Parameter texts: the text files' contents, by their paths relative to the folder.
    func save(
        _ configuration: some Encodable, state: [String: Tensor], type: SafeTensors.DataType, texts: [String: String]
    ) throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try SafeTensors.write(
            state, to: folder.appendingPathComponent("model.safetensors"), type: type, metadata: ["format": "mmx"])
        for (name, text) in texts.sorted(by: { $0.key < $1.key }) {
            try AtomicFile.write(Data(text.utf8), to: folder.appendingPathComponent(name).standardizedFileURL)
        }
        try AtomicFile.write(try JSON.file(configuration), to: folder.appendingPathComponent("config.json"))
    }

    /// A decoding error as one line of text.
    private func explain(_ error: Error) -> String {
        func place(_ context: DecodingError.Context) -> String {
            let path = context.codingPath.map(\.stringValue).joined(separator: ".")
            return path.isEmpty ? "" : " in \(path)"
        }
        switch error {
        case DecodingError.keyNotFound(let key, let context): return "'\(key.stringValue)' is missing\(place(context))"
        case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
            return "\(context.debugDescription)\(place(context))"
        case DecodingError.dataCorrupted(let context): return "\(context.debugDescription)\(place(context))"
        default: return "\(error)"
        }
    }
}
