import Tensors
import Vision

/// A picture on its way: the chosen layer's output A `[1, u, v, K]` and the feature map `[1, u', v', K']`.
public struct SeenPicture: Sendable {
    let activations: Tensor
    let features: Tensor
}

/// An encoder cut behind the layer over whose output the maps are drawn.
struct EncoderCut {
    let encoder: Encoder
    let layer: String
    private let stage: Int

    /// - Throws: ``ExplanationError`` when the encoder has no such layer.
    init(_ encoder: Encoder, layer: String?) throws {
        self.encoder = encoder
        let name = layer ?? encoder.lastLayer
        guard let stage = encoder.index(of: name) else {
            throw ExplanationError(
                kind: .noSuchLayer,
                description: "the encoder has no layer '\(name)'; it has \(encoder.stages.map(\.name).joined(separator: ", "))")
        }
        self.layer = name
        self.stage = stage
    }

    /// Runs the encoder once. picture `[1, height, width, 3]`, prepared.
    func look(at picture: Tensor) -> SeenPicture {
        let activations = activations(of: picture)
        return SeenPicture(activations: activations, features: features(of: Variable(activations)).value)
    }

    /// The layer's output A `[1, u, v, K]`. picture `[1, height, width, 3]`, prepared.
    func activations(of picture: Tensor) -> Tensor { encoder(Variable(picture), stages: 0..<stage + 1).value }

    /// The feature map that follows from the layer's output.
    func features(of activations: Variable) -> Variable { encoder(activations, stages: stage + 1..<encoder.stages.count) }

    /// True when the layer's output is the feature map itself.
    var isLast: Bool { stage + 1 == encoder.stages.count }
}
