import Tasks
import Tensors
import Vision

/// The layers of one encoder over whose output maps lie.
struct EncoderLayers {
    let view: EncodedImage.View
    /// From the image on.
    var names: [String] { view.layers }
    private let encoder: Encoder
    private let stages: [Int]
    /// The encoder's last layer.
    var lastLayer: String { encoder.lastLayer }
    /// Whether the only layer's output is the feature map itself.
    var isLast: Bool { stages == [encoder.stages.count - 1] }

    /// - Parameter layers: in any order; the encoder's last where there is none.
    /// - Throws: ``ExplanationError`` when the encoder has no such layer.
    init(_ encoder: ModelEncoder, layers: [String]) throws {
        let network = encoder.network
        self.encoder = network
        var names: [Int: String] = [:]
        for name in layers.isEmpty ? [network.lastLayer] : layers {
            guard let stage = network.index(of: name) else {
                let names = network.stages.map(\.name).joined(separator: ", ")
                throw ExplanationError(
                    kind: .noSuchLayer, description: "the encoder has no layer '\(name)'; it has \(names)")
            }
            names[stage] = name
        }
        stages = names.keys.sorted()
        view = EncodedImage.View(encoder: encoder.identity, layers: stages.compactMap { names[$0] })
    }

    /// Runs the encoder once. pixels `[1, H, W, 3]`, preprocessed.
    func encode(_ pixels: Tensor, recordsPixels: Bool) -> EncodedImage {
        EncodedImage(view, encoder: encoder, stages: stages, pixels: pixels, recordsPixels: recordsPixels)
    }
}
