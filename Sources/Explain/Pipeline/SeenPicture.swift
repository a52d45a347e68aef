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
    /// From the first layer's output to the feature map; nil where they are the same.
    private let back: Back?

    private struct Back {
        let tape: Tape
        /// The layers' outputs.
        let leaves: [Variable]
        let features: Variable
    }

    /// Runs the encoder once, recording the part of it behind the first layer.
    /// - Parameter stages: of the layers in `view`, rising.
    init(_ view: View, encoder: Encoder, stages: [Int], picture: Tensor) {
        self.view = view
        self.encoder = encoder
        self.picture = picture
        let first = encoder(Variable(picture), stages: 0..<stages[0] + 1).value
        guard stages[0] + 1 < encoder.stages.count else {
            layers = [Layer(name: view.layers[0], stage: stages[0], activations: first)]
            (features, back) = (first, nil)
            return
        }
        let tape = Tape()
        var leaves = [tape.leaf(first)]
        for (from, to) in zip(stages, stages.dropFirst()) {
            leaves.append(encoder(leaves[leaves.count - 1], stages: from + 1..<to + 1))
        }
        let features = encoder(
            leaves[leaves.count - 1], stages: stages[stages.count - 1] + 1..<encoder.stages.count)
        layers = zip(view.layers, zip(stages, leaves)).map {
            Layer(name: $0, stage: $1.0, activations: $1.1.value)
        }
        (self.features, back) = (features.value, Back(tape: tape, leaves: leaves, features: features))
    }

    /// Gradients with respect to the feature map `[S, 1, u', v', K']` as those with respect to each layer's output `[S,
    /// 1, u, v, K]`, in one sweep.
    func atLayers(_ gradients: Tensor) -> [Tensor] {
        guard let back else { return [gradients] }
        return back.tape.gradients(of: back.features, seed: gradients, withRespectTo: back.leaves)
    }
}
