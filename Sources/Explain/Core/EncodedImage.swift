import Tasks
import Tensors
import Vision

/// An image that an encoder has seen. One pass serves any number of captions, questions and classes, and every model
/// that has this encoder.
public struct EncodedImage {
    /// What encoded the image: two explainers of the same view can explain each other's encoded images.
    public struct View: Equatable, Sendable {
        let encoder: EncoderIdentity
        /// From the image on.
        public let layers: [String]
    }

    /// A layer's output.
    struct Layer {
        let name: String
        /// The stage's index in the encoder.
        let stage: Int
        /// A, `[1, u, v, K]`.
        let activations: Tensor
    }

    /// The encoder and the layers that this image was encoded with.
    public let view: View
    let encoder: Encoder
    /// `[1, H, W, 3]`, preprocessed.
    public let pixels: Tensor
    /// The layers that maps lie over, from the image on.
    let layers: [Layer]
    /// The last layer's output A `[1, u, v, K]`.
    public var activations: Tensor { layers[layers.count - 1].activations }
    /// The encoder's feature map `[1, u', v', K']`.
    public let features: Tensor
    /// The recorded way from the pixels or the first layer's output to the feature map; nil where the only layer's
    /// output is the feature map and the pixels are not recorded.
    private let recorded: Recorded?

    private struct Recorded {
        let tape: Tape
        /// The image, where it is recorded.
        let pixels: Variable?
        /// The layers' outputs.
        let leaves: [Variable]
        let features: Variable
    }

    /// Whether gradients can go back to the pixels without another pass.
    public var recordsPixels: Bool { recorded?.pixels != nil }

    /// Runs `encoder` once over an image and records the part behind the first layer.
    /// - Parameters:
    ///   - pixels: `[1, H, W, 3]`, preprocessed.
    ///   - encoder: the encoder, with its identity.
    ///   - layers: names of the stages that maps lie over; the encoder's last where there is none.
    ///   - recordsPixels: record the whole way, for methods whose maps have pixels.
    /// - Throws: ``ExplanationError`` when the encoder has no such layer.
    public init(
        _ pixels: Tensor, by encoder: ModelEncoder, layers: [String] = [], recordsPixels: Bool = false
    ) throws {
        self = try EncoderLayers(encoder, layers: layers).encode(pixels, recordsPixels: recordsPixels)
    }

    /// - Parameter stages: indices of the stages of the layers in `view`, rising.
    init(_ view: View, encoder: Encoder, stages: [Int], pixels: Tensor, recordsPixels: Bool) {
        self.view = view
        self.encoder = encoder
        self.pixels = pixels
        let tape = Tape()
        let leaf = recordsPixels ? tape.leaf(pixels) : nil
        let first = encoder(leaf ?? Variable(pixels), stages: 0..<stages[0] + 1)
        guard recordsPixels || stages[0] + 1 < encoder.stages.count else {
            layers = [Layer(name: view.layers[0], stage: stages[0], activations: first.value)]
            (features, recorded) = (first.value, nil)
            return
        }
        var leaves = [recordsPixels ? first : tape.leaf(first.value)]
        for (from, to) in zip(stages, stages.dropFirst()) {
            leaves.append(encoder(leaves[leaves.count - 1], stages: from + 1..<to + 1))
        }
        let features = encoder(
            leaves[leaves.count - 1], stages: stages[stages.count - 1] + 1..<encoder.stages.count)
        layers = zip(view.layers, zip(stages, leaves)).map {
            Layer(name: $0, stage: $1.0, activations: $1.1.value)
        }
        self.features = features.value
        recorded = Recorded(tape: tape, pixels: leaf, leaves: leaves, features: features)
    }

    /// Gradients with respect to the feature map `[S, 1, u', v', K']` as those with respect to each layer's output `[S,
    /// 1, u, v, K]`, in one sweep.
    func gradientsAtLayers(_ gradients: Tensor) -> [Tensor] {
        guard let recorded else { return [gradients] }
        return recorded.tape.gradients(of: recorded.features, seed: gradients, withRespectTo: recorded.leaves)
    }

    /// Gradients with respect to the feature map `[S, 1, u', v', K']` as those with respect to the pixels `[S, 1, H, W,
    /// 3]`; nil where the way there was not recorded (``recordsPixels``).
    func gradientsAtPixels(_ gradients: Tensor, relu: ReLURule) -> Tensor? {
        guard let recorded, let pixels = recorded.pixels else { return nil }
        return recorded.tape.gradients(of: recorded.features, seed: gradients, withRespectTo: [pixels], relu: relu)[0]
    }
}
