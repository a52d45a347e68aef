import Tasks
import Tensors
import Vision

/// A picture that an encoder has seen: once for any number of captions and questions, and for every model that has this
/// encoder.
public struct SeenPicture {
    /// What saw it: two explainers of the same view can explain each other's pictures.
    struct View: Equatable {
        let encoder: EncoderIdentity
        let layer: String
    }

    let view: View
    /// The layer's output A `[1, u, v, K]`.
    let activations: Tensor
    /// The encoder's feature map `[1, u', v', K']`.
    let features: Tensor
    /// From the layer's output to the feature map; nil where they are the same.
    private let back: Back?

    private struct Back {
        let tape: Tape
        let leaf: Variable
        let features: Variable
    }

    /// - Parameter rest: the stages behind the layer; nil where there are none.
    init(_ view: View, activations: Tensor, rest: ((Variable) -> Variable)?) {
        self.view = view
        self.activations = activations
        guard let rest else {
            (features, back) = (activations, nil)
            return
        }
        let tape = Tape(), leaf = tape.leaf(activations), features = rest(leaf)
        (self.features, back) = (features.value, Back(tape: tape, leaf: leaf, features: features))
    }

    /// Gradients with respect to the feature map `[S, 1, u', v', K']` as those with respect to the layer's output `[S,
    /// 1, u, v, K]`.
    func atLayer(_ gradients: Tensor) -> Tensor {
        guard let back else { return gradients }
        return back.tape.gradients(of: back.features, seed: gradients, withRespectTo: [back.leaf])[0]
    }
}
