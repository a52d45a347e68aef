import Tasks
import Tensors
import Vision

/// An encoder cut behind the layers over whose output the maps are drawn.
struct EncoderCut {
    let view: SeenPicture.View
    /// From the picture on.
    var layers: [String] { view.layers }
    private let encoder: Encoder
    private let stages: [Int]
    var lastLayer: String { encoder.lastLayer }
    /// Whether the only layer's output is the feature map itself.
    var isLast: Bool { stages == [encoder.stages.count - 1] }

    /// - Parameter layers: in any order; the encoder's last where there is none.
    /// - Throws: ``ExplanationError`` when the encoder has no such layer.
    init(_ encoder: ModelEncoder, layers: [String]) throws {
        self.encoder = encoder.network
        let network = encoder.network
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
        view = SeenPicture.View(encoder: encoder.identity, layers: stages.compactMap { names[$0] })
    }

    /// Runs the encoder once, recording the part of it behind the first layer; all of it where one of `methods` goes back
    /// to the pixels. picture `[1, height, width, 3]`, prepared.
    func look(at picture: Tensor, for methods: [any ExplanationMethod] = []) -> SeenPicture {
        SeenPicture(
            view, encoder: encoder, stages: stages, picture: picture,
            toPixels: methods.contains { $0 is any PixelMethod })
    }

    func checkView(of seen: SeenPicture) {
        precondition(
            seen.view == view, "a picture seen by another encoder or cut at other layers: ask canExplain before")
    }
}
