import Foundation
import Support
import Tensors
import Weights

/// The parameters in a model's folder.
enum ModelParameters {
    private static func weights(_ model: URL) -> URL { model.appendingPathComponent("model.safetensors") }

    /// The values of the parameters by name, as the file has them.
    /// - Throws: `SafeTensorsError`.
    static func read(_ model: URL) throws -> [String: Tensor] { try SafeTensors.read(weights(model)) }

    /// A hash of the model's weights and configuration, of `settings` and of the content of `files`.
    static func fingerprint(_ model: URL, settings: [String], files: [URL]) -> String {
        let hashes = ([weights(model), model.appendingPathComponent("config.json")] + files).map {
            sha256((try? Data(contentsOf: $0, options: .mappedIfSafe)) ?? Data())
        }
        return sha256(Data((hashes + settings).joined(separator: "\n").utf8))
    }
}
