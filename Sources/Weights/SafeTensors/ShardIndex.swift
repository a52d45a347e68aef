import Foundation
import Tensors

/// An index of a model whose tensors are in several safetensors files, as Hugging Face's libraries write it
/// (`model.safetensors.index.json`): `{"weight_map": {"conv1.weight": "model-00001-of-00002.safetensors", ...}}`.
struct ShardIndex {
    /// The shard of each tensor.
    private let places: [String: String]
    /// The shards' names, sorted. They are names of files in the index's folder.
    let shards: [String]

    /// - Returns: nil where the file is no JSON text.
    init?(_ file: MappedFile) throws {
        let bytes = file.bytes
        // A safetensors file may begin with {, too, but the header's length has zeros at its end.
        guard bytes[0] == UInt8(ascii: "{"), bytes.count < 8 || bytes[7] != 0 else { return nil }
        var places: [String: String]?
        var scanner = JSONScanner(bytes, file.budget)
        try scanner.object { key, scanner in
            guard key == "weight_map" else { return try scanner.skipValue() }
            if places != nil { throw FileProblem("has two weight_map") }
            var found: [String: String] = [:]
            try scanner.object { name, scanner in
                let shard = try scanner.string()
                // No path: an index that was downloaded must not reach other folders. A link in the folder may.
                if shard.isEmpty || shard == "." || shard == ".." || shard.utf8.count > 255
                    || shard.utf8.contains(where: { $0 == UInt8(ascii: "/") || $0 < 0x20 })
                {
                    throw FileProblem(
                        "places '\(name.prefix(80))' in '\(shard.prefix(80))', which is no name of a file beside it")
                }
                if found.updateValue(shard, forKey: name) != nil { throw FileProblem("places '\(name)' twice") }
            }
            places = found
        }
        try scanner.finish()
        guard let places else {
            throw FileProblem(
                "is a JSON text without a weight_map, so no index of weights; name the file of weights itself")
        }
        self.places = places
        shards = Set(places.values).sorted()
    }

    /// The tensors of all shards, and the names of those that hold no real numbers. Each tensor must be in the shard
    /// that the index says, and in no other.
    /// - Parameter url: the index's.
    func read(_ url: URL) throws -> (tensors: [String: Tensor], leftOut: [String]) {
        func refused(_ problem: String) -> WeightsFileError { WeightsFileError(path: url.path, problem: problem) }
        let folder = url.deletingLastPathComponent()
        let absent = shards.filter { !FileManager.default.fileExists(atPath: folder.appendingPathComponent($0).path) }
        if !absent.isEmpty {
            throw refused(
                "names \(shards.count) shards, of which \(absent.count) are missing: \(TensorChoice.list(absent))")
        }
        var tensors: [String: Tensor] = [:]
        var leftOut: [String] = []
        for shard in shards {
            let part = try SafeTensors.realNumbers(folder.appendingPathComponent(shard))
            for name in Array(part.tensors.keys) + part.leftOut where places[name] != shard {
                let place = places[name].map { "places it in '\($0)'" } ?? "does not list it"
                throw refused("\(place), but '\(shard)' holds the tensor '\(name.prefix(80))'")
            }
            tensors.merge(part.tensors) { first, _ in first }
            leftOut += part.leftOut
        }
        let missing = Set(places.keys).subtracting(tensors.keys).subtracting(leftOut).sorted()
        if let first = missing.first {
            throw refused(
                "lists \(missing.count) tensors that their shards do not hold: \(TensorChoice.list(missing)) "
                    + "(expected in '\(places[first] ?? "")')")
        }
        return (tensors, leftOut)
    }
}
