import Tasks
import Tensors
import Vision

/// A picture that an encoder has seen: once for any number of captions and questions, and for every model that has this
/// encoder.
public struct SeenPicture {
    /// What saw it: two explainers of the same view can explain each other's pictures.
    struct View: Equatable {
        let encoder: EncoderIdentity
        let layers: [String]
    }

    /// A layer's output.
    struct Layer {
        let name: String
        /// Among the encoder's stages.
        let stage: Int
        /// A, `[1, u, v, K]`.
        let activations: Tensor
    }

    let view: View
    let encoder: Encoder
    /// `[1, H, W, 3]`, prepared.
    let picture: Tensor
    /// The layers over which maps are drawn, from the picture on.
    let layers: [Layer]
    /// The last layer's output A `[1, u, v, K]`.
    var activations: Tensor { layers[layers.count - 1].activations }
    /// The encoder's feature map `[1, u', v', K']`.
    let features: Tensor
    /// From the picture or the first layer's output to the feature map; nil where the only layer's output is the map.
    private let back: Back?

    private struct Back {
        let tape: Tape
        /// The picture, where it is recorded.
        let picture: Variable?
        /// The layers' outputs.
        let leaves: [Variable]
        let features: Variable
    }

    /// Whether the way back to the pixels was recorded.
    var reachesPixels: Bool { back?.picture != nil }

    /// Runs the encoder once, recording the part of it behind the first layer.
    /// - Parameters:
    ///   - stages: of the layers in `view`, rising.
    ///   - toPixels: record all of it.
    init(_ view: View, encoder: Encoder, stages: [Int], picture: Tensor, toPixels: Bool = false) {
        self.view = view
        self.encoder = encoder
        self.picture = picture
        let tape = Tape()
        let pixels = toPixels ? tape.leaf(picture) : nil
        let first = encoder(pixels ?? Variable(picture), stages: 0..<stages[0] + 1)
        guard toPixels || stages[0] + 1 < encoder.stages.count else {
            layers = [Layer(name: view.layers[0], stage: stages[0], activations: first.value)]
            (features, back) = (first.value, nil)
            return
        }
        var leaves = [toPixels ? first : tape.leaf(first.value)]
        for (from, to) in zip(stages, stages.dropFirst()) {
            leaves.append(encoder(leaves[leaves.count - 1], stages: from + 1..<to + 1))
        }
        let features = encoder(
            leaves[leaves.count - 1], stages: stages[stages.count - 1] + 1..<encoder.stages.count)
        layers = zip(view.layers, zip(stages, leaves)).map {
            Layer(name: $0, stage: $1.0, activations: $1.1.value)
        }
        (self.features, back) = (
            features.value, Back(tape: tape, picture: pixels, leaves: leaves, features: features)
        )
    }

    /// Gradients with respect to the feature map `[S, 1, u', v', K']` as those with respect to each layer's output `[S,
    /// 1, u, v, K]`, in one sweep.
    func atLayers(_ gradients: Tensor) -> [Tensor] {
        guard let back else { return [gradients] }
        return back.tape.gradients(of: back.features, seed: gradients, withRespectTo: back.leaves)
    }

    /// Gradients with respect to the feature map `[S, 1, u', v', K']` as those with respect to the picture `[S, 1, H, W,
    /// 3]`, where the way there was recorded (``reachesPixels``).
    func atPixels(_ gradients: Tensor, relu: ReLURule) -> Tensor {
        guard let back, let picture = back.picture else { preconditionFailure("the way to the pixels was not recorded") }
        return back.tape.gradients(of: back.features, seed: gradients, withRespectTo: [picture], relu: relu)[0]
    }
}
