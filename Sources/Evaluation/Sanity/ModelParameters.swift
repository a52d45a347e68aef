import Foundation
import Support
import Tensors
import Weights

/// The files of a model's folder, for measurements that need more than the model.
enum ModelParameters {
    private static func weights(_ model: URL) -> URL { model.appendingPathComponent("model.safetensors") }

    /// By their names, in file layout.
    /// - Throws: `SafeTensorsError`.
    static func read(_ model: URL) throws -> [String: Tensor] { try SafeTensors.read(weights(model)) }

    /// Changes with the model's weights and configuration, with `settings` and with what is in `files`.
    static func fingerprint(_ model: URL, settings: [String], files: [URL]) -> String {
        let hashes = ([weights(model), model.appendingPathComponent("config.json")] + files).map {
            sha256((try? Data(contentsOf: $0, options: .mappedIfSafe)) ?? Data())
        }
        return sha256(Data((hashes + settings).joined(separator: "\n").utf8))
    }
}
