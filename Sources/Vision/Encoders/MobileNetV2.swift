import Tensors

/// MobileNet-v2 (Sandler et al. 2018, table 2), with torchvision's names.
public struct MobileNetV2: Architecture {
    public let name = "mobilenet_v2"
    public let preprocessing = Preprocessing.imageNet()
    public let epsilon: Float = 1e-5
    public let classesKey = "classifier.1.weight"
    public let camLayer: String? = "classifier.1"

    public init() {}

    /// A convolution, its normalisation and its activation. Names are under `features`.
    private struct Layer {
        let name: String, norm: String
        let inputs: Int, outputs: Int
        let geometry: ConvolutionGeometry
        let activation: Activation
    }

    /// A sequence of layers. If `isResidual`, the input is added to the output.
    private struct Block {
        let layers: [Layer]
        let isResidual: Bool
    }

    private static let blocks: [Block] = {
        func layer(
            _ name: String, _ inputs: Int, _ outputs: Int, _ kernel: Int = 1, stride: Int = 1, groups: Int = 1
        ) -> Layer {
            Layer(
                name: "\(name).0", norm: "\(name).1", inputs: inputs, outputs: outputs,
                geometry: ConvolutionGeometry(kernel, stride: stride, padding: .all(kernel / 2), groups: groups),
                activation: .relu6)
        }
        var blocks = [Block(layers: [layer("0", 3, 32, 3, stride: 2)], isResidual: false)]
        var inputs = 32
        // Expansion, output channels, repeats, stride of the first block.
        for (expansion, outputs, repeats, stride) in [
            (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
        ] {
            for i in 0..<repeats {
                let name = "\(blocks.count).conv", inner = inputs * expansion, step = i == 0 ? stride : 1
                var layers = expansion == 1 ? [] : [layer("\(name).0", inputs, inner)]
                layers.append(layer("\(name).\(layers.count)", inner, inner, 3, stride: step, groups: inner))
                layers.append(
                    Layer(
                        name: "\(name).\(layers.count)", norm: "\(name).\(layers.count + 1)", inputs: inner,
                        outputs: outputs, geometry: ConvolutionGeometry(1), activation: .none))
                blocks.append(Block(layers: layers, isResidual: step == 1 && inputs == outputs))
                inputs = outputs
            }
        }
        return blocks + [Block(layers: [layer("\(blocks.count)", inputs, 1280)], isResidual: false)]
    }()

    public var normPairs: [(convolution: String, norm: String)] {
        Self.blocks.flatMap(\.layers).map { ("features.\($0.name)", "features.\($0.norm)") }
    }

    public func encoder(_ p: Parameters, folded: Bool) -> Encoder {
        var stride = 1
        return Encoder(
            stages: Self.blocks.enumerated().map { index, block in
                let convolutions = block.layers.map { layer in
                    Convolution(
                        p["features"], layer.name, inputs: layer.inputs, outputs: layer.outputs, layer.geometry,
                        activation: layer.activation, norm: folded ? nil : layer.norm, epsilon: epsilon)
                }
                let channels = block.layers[block.layers.count - 1].outputs
                stride *= block.layers.reduce(1) { $0 * $1.geometry.strideHeight }
                let name = "features.\(index)"
                guard convolutions.count > 1 else {
                    return Encoder.Stage(name: name, channels: channels, stride: stride) { convolutions[0]($0) }
                }
                let residual = InvertedResidual(
                    expand: convolutions.count > 2 ? convolutions[0] : nil,
                    depthwise: convolutions[convolutions.count - 2], project: convolutions[convolutions.count - 1],
                    addsInput: block.isResidual)
                return Encoder.Stage(name: name, channels: channels, stride: stride) { residual($0) }
            })
    }

    public func head(_ p: Parameters, classes: Int) -> (Variable) -> Variable {
        pooledLinear(p["classifier"], "1", channels: 1280, classes: classes)
    }
}
