import Tensors

/// torchvision's `features`: a sequence of layers, numbered like torchvision's `Sequential`. A convolution with its
/// ReLU takes two numbers (three with batch normalisation), every other layer one.
struct SequentialFeatures {
    enum Layer {
        case convolution(Int, kernel: Int, stride: Int = 1, padding: Int, alias: String? = nil)
        case pool(PoolGeometry)
        /// SqueezeNet's fire module (Iandola et al. 2016, section 3.2): the channels after the squeeze, and of each of
        /// the two expansions.
        case fire(squeeze: Int, expand: Int)
    }

    /// A layer with its number.
    private typealias Numbered = (index: Int, layer: Layer)

    let layers: [Layer]
    let normalised: Bool
    let epsilon: Float = 1e-5

    init(_ layers: [Layer], normalised: Bool = false) {
        self.layers = layers
        self.normalised = normalised
    }

    private var numbered: [Numbered] {
        var index = 0
        return layers.map { layer in
            defer {
                if case .convolution = layer { index += normalised ? 3 : 2 } else { index += 1 }
            }
            return (index, layer)
        }
    }

    var normPairs: [(convolution: String, norm: String)] {
        if !normalised { return [] }
        return numbered.compactMap { index, layer in
            guard case .convolution = layer else { return nil }
            return ("features.\(index)", "features.\(index + 1)")
        }
    }

    func encoder(_ p: Parameters, folded: Bool) -> Encoder {
        let p = p["features"]
        var stages: [Encoder.Stage] = []
        var channels = 3, stride = 1
        for (position, (index, layer)) in numbered.enumerated() {
            var aliases: [String] = []
            let apply: (Variable) -> Variable
            var applyWithNext: ((Variable) -> Variable?)?
            switch layer {
            case .convolution(let outputs, let kernel, let step, let padding, let alias):
                let norm = normalised && !folded ? "\(index + 1)" : nil
                let convolution = Convolution(
                    p, "\(index)", inputs: channels, outputs: outputs,
                    ConvolutionGeometry(kernel, stride: step, padding: .all(padding)), activation: .relu, norm: norm,
                    epsilon: epsilon, bias: true)
                // The stage ends with its ReLU, which has its own number.
                aliases = ["features.\(index + (normalised ? 2 : 1))"] + (alias.map { [$0] } ?? [])
                (channels, stride) = (outputs, stride * step)
                apply = { convolution($0) }
                if position + 1 < layers.count, case .pool(PoolGeometry(2)) = layers[position + 1] {
                    applyWithNext = { convolution.pooledByTwo($0) }
                }
            case .pool(let geometry):
                stride *= geometry.strideHeight
                apply = { maximumPool($0, geometry) }
            case .fire(let squeeze, let expand):
                apply = Self.fire(p["\(index)"], inputs: channels, squeeze: squeeze, expand: expand)
                channels = 2 * expand
            }
            stages.append(
                Encoder.Stage(
                    name: "features.\(index)", aliases: aliases, channels: channels, stride: stride, apply: apply,
                    applyWithNext: applyWithNext))
        }
        return Encoder(stages: stages)
    }

    private static func fire(
        _ p: Parameters, inputs: Int, squeeze: Int, expand: Int
    ) -> (Variable) -> Variable {
        let narrow = Convolution(
            p, "squeeze", inputs: inputs, outputs: squeeze, ConvolutionGeometry(1), activation: .relu)
        let small = Convolution(
            p, "expand1x1", inputs: squeeze, outputs: expand, ConvolutionGeometry(1), activation: .relu)
        let large = Convolution(
            p, "expand3x3", inputs: squeeze, outputs: expand, ConvolutionGeometry(3, padding: .all(1)),
            activation: .relu)
        return { x in
            let y = narrow(x)
            return concatenateLast([small(y), large(y)])
        }
    }
}

/// The last pool, an adaptive average pool to `side` x `side` cells, and three linear layers with ReLUs between them:
/// the classifier of AlexNet and VGG. `names` are the layers' numbers in torchvision's `classifier`.
func threeLayerHead(
    _ p: Parameters, _ names: [String], pool: PoolGeometry, channels: Int, side: Int, classes: Int
) -> (Variable) -> Variable {
    let p = p["classifier"], hidden = 4096
    let first = Linear(p[names[0]], inputs: channels * side * side, outputs: hidden)
    let second = Linear(p[names[1]], inputs: hidden, outputs: hidden)
    let third = Linear(p[names[2]], inputs: hidden, outputs: classes)
    return { features in
        let pooled = adaptiveAveragePool(maximumPool(features, pool), height: side, width: side)
        // The first layer's weights are in the order [channels, height, width].
        let flat = pooled.permuted([0, 3, 1, 2]).reshaped([pooled.shape[0], channels * side * side])
        return third(second(first(flat).activated(.relu)).activated(.relu))
    }
}
