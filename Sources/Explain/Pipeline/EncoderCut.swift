import Tasks
import Tensors
import Vision

/// An encoder cut behind the layer over whose output the maps are drawn.
struct EncoderCut {
    let view: SeenPicture.View
    var layer: String { view.layer }
    private let encoder: Encoder
    private let stage: Int
    /// Whether the layer's output is the feature map itself.
    var isLast: Bool { stage + 1 == encoder.stages.count }

    /// - Throws: ``ExplanationError`` when the encoder has no such layer.
    init(_ encoder: ModelEncoder, layer: String?) throws {
        self.encoder = encoder.network
        let name = layer ?? self.encoder.lastLayer
        guard let stage = self.encoder.index(of: name) else {
            let names = self.encoder.stages.map(\.name).joined(separator: ", ")
            throw ExplanationError(
                kind: .noSuchLayer, description: "the encoder has no layer '\(name)'; it has \(names)")
        }
        view = SeenPicture.View(encoder: encoder.identity, layer: name)
        self.stage = stage
    }

    /// Runs the encoder once, recording the part of it behind the layer. picture `[1, height, width, 3]`, prepared.
    func look(at picture: Tensor) -> SeenPicture {
        let activations = encoder(Variable(picture), stages: 0..<stage + 1).value, count = encoder.stages.count
        return SeenPicture(
            view, activations: activations, rest: stage + 1 == count ? nil : { encoder($0, stages: stage + 1..<count) })
    }

    func checkView(of seen: SeenPicture) {
        precondition(
            seen.view == view, "a picture seen by another encoder or cut at another layer: ask canExplain before")
    }
}
