import Foundation
import Tensors
import Vision
import Weights

/// The photograph that the next commands are about.
struct PreparedPhoto {
    private var prepared: Tensor?

    /// Reads and prepares it, and writes the prepared tensor, so that the peers see the same numbers.
    mutating func read(_ photo: String, _ preprocessing: Preprocessing, output: String?) throws {
        let tensor = preprocessing.prepare(try Image.read(URL(fileURLWithPath: photo))).tensor
        if let output { try NumPyArray.write(tensor, to: URL(fileURLWithPath: output)) }
        prepared = tensor
    }

    /// `[1, H, W, 3]`
    var tensor: Tensor {
        get throws {
            guard let prepared else { throw BenchError(description: "no photograph was prepared") }
            return prepared
        }
    }
}
