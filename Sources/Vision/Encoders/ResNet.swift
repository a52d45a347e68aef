import Tensors

/// Residual networks (He et al. 2016), with the stride of a bottleneck in its 3x3 convolution as in torchvision; wide
/// ones (Zagoruyko & Komodakis 2016) and ResNeXt (Xie et al. 2017), whose 3x3 convolutions are wider or grouped.
///
/// `caffe_resnet50` and the like are the authors' own networks, which were trained in Caffe, with torchvision's names:
/// a bottleneck has its stride in the first 1x1 convolution, and the pool has no padding. Many captioners and VQA
/// models were trained on their features, with RGB in 0...1 and ImageNet's statistics.
public struct ResNet: Architecture {
    public let name: String
    public let preprocessing = Preprocessing.imageNet()
    public let epsilon: Float = 1e-5
    public let classesKey = "fc.weight"
    public let camLayer: String? = "fc"
    /// Blocks in each of the four layers.
    let repeats: [Int]
    /// Three convolutions in a block (1x1, 3x3, 1x1) instead of two (3x3, 3x3).
    let bottleneck: Bool
    var groups = 1
    /// Channels of each group in a layer of 64 planes (torchvision's `width_per_group`).
    var groupWidth = 64
    var isCaffe = false

    public var twin: String? { isCaffe ? String(name.dropFirst("caffe_".count)) : nil }
    /// Caffe's pool has no padding, so it needs two cells of `conv1`.
    public var smallestSide: Int { isCaffe ? 3 : 1 }

    static let all: [any Architecture] = [
        ResNet(name: "resnet18", repeats: [2, 2, 2, 2], bottleneck: false),
        ResNet(name: "resnet34", repeats: [3, 4, 6, 3], bottleneck: false),
        ResNet(name: "resnet50", repeats: [3, 4, 6, 3], bottleneck: true),
        ResNet(name: "resnet101", repeats: [3, 4, 23, 3], bottleneck: true),
        ResNet(name: "resnet152", repeats: [3, 8, 36, 3], bottleneck: true),
        ResNet(name: "wide_resnet50_2", repeats: [3, 4, 6, 3], bottleneck: true, groupWidth: 128),
        ResNet(name: "wide_resnet101_2", repeats: [3, 4, 23, 3], bottleneck: true, groupWidth: 128),
        ResNet(name: "resnext50_32x4d", repeats: [3, 4, 6, 3], bottleneck: true, groups: 32, groupWidth: 4),
        ResNet(name: "resnext101_32x8d", repeats: [3, 4, 23, 3], bottleneck: true, groups: 32, groupWidth: 8),
        ResNet(name: "resnext101_64x4d", repeats: [3, 4, 23, 3], bottleneck: true, groups: 64, groupWidth: 4),
        ResNet(name: "caffe_resnet50", repeats: [3, 4, 6, 3], bottleneck: true, isCaffe: true),
        ResNet(name: "caffe_resnet101", repeats: [3, 4, 23, 3], bottleneck: true, isCaffe: true),
        ResNet(name: "caffe_resnet152", repeats: [3, 8, 36, 3], bottleneck: true, isCaffe: true),
    ]

    private struct Block {
        let layer: Int, index: Int, inputs: Int, planes: Int, outputs: Int, stride: Int
        var name: String { "layer\(layer).\(index)" }
        var isResized: Bool { stride != 1 || inputs != outputs }
    }

    private var blocks: [Block] {
        var inputs = 64
        return repeats.enumerated().flatMap { layer, count in
            (0..<count).map { index in
                let planes = 64 << layer, outputs = planes * (bottleneck ? 4 : 1)
                defer { inputs = outputs }
                return Block(
                    layer: layer + 1, index: index, inputs: inputs, planes: planes, outputs: outputs,
                    stride: layer > 0 && index == 0 ? 2 : 1)
            }
        }
    }

    public var normPairs: [(convolution: String, norm: String)] {
        [("conv1", "bn1")]
            + blocks.flatMap { block in
                (1...(bottleneck ? 3 : 2)).map { ("\(block.name).conv\($0)", "\(block.name).bn\($0)") }
                    + (block.isResized ? [("\(block.name).downsample.0", "\(block.name).downsample.1")] : [])
            }
    }

    public func encoder(_ p: Parameters, folded: Bool) -> Encoder {
        func convolution(
            _ p: Parameters, _ name: String, _ norm: String, _ inputs: Int, _ outputs: Int, kernel: Int,
            stride: Int = 1, groups: Int = 1, _ activation: Activation = .none
        ) -> Convolution {
            let geometry = ConvolutionGeometry(kernel, stride: stride, padding: .all(kernel / 2), groups: groups)
            return Convolution(
                p, name, inputs: inputs, outputs: outputs, geometry, activation: activation,
                norm: folded ? nil : norm, epsilon: epsilon)
        }
        /// The block's convolutions. The ReLU of the last one comes after the sum.
        func branch(_ q: Parameters, _ block: Block) -> [Convolution] {
            if !bottleneck {
                return [
                    convolution(q, "conv1", "bn1", block.inputs, block.planes, kernel: 3, stride: block.stride, .relu),
                    convolution(q, "conv2", "bn2", block.planes, block.planes, kernel: 3),
                ]
            }
            let width = block.planes * groupWidth / 64 * groups
            let (first, second) = isCaffe ? (block.stride, 1) : (1, block.stride)
            return [
                convolution(q, "conv1", "bn1", block.inputs, width, kernel: 1, stride: first, .relu),
                convolution(q, "conv2", "bn2", width, width, kernel: 3, stride: second, groups: groups, .relu),
                convolution(q, "conv3", "bn3", width, block.outputs, kernel: 1),
            ]
        }
        let stem = convolution(p, "conv1", "bn1", 3, 64, kernel: 7, stride: 2, .relu)
        let pool = PoolGeometry(3, stride: 2, padding: .all(isCaffe ? 0 : 1), ceilMode: isCaffe)
        var stages = [
            Encoder.Stage(name: "conv1", aliases: ["bn1", "relu"], channels: 64, stride: 2) { stem($0) },
            Encoder.Stage(name: "maxpool", channels: 64, stride: 4) { maximumPool($0, pool) },
        ]
        var stride = 4
        for block in blocks {
            let q = p["layer\(block.layer)"]["\(block.index)"]
            let layers = branch(q, block)
            let shortcut =
                block.isResized
                ? convolution(q["downsample"], "0", "1", block.inputs, block.outputs, kernel: 1, stride: block.stride)
                : nil
            stride *= block.stride
            let isLast = block.index == repeats[block.layer - 1] - 1
            stages.append(
                Encoder.Stage(
                    name: block.name, aliases: isLast ? ["layer\(block.layer)"] : [], channels: block.outputs,
                    stride: stride
                ) { x in
                    let inner = layers.dropLast().reduce(x) { $1($0) }
                    return layers[layers.count - 1](inner, adding: shortcut?(x) ?? x, activation: .relu)
                })
        }
        return Encoder(stages: stages)
    }

    public func head(_ p: Parameters, classes: Int) -> (Variable) -> Variable {
        pooledLinear(p, "fc", channels: bottleneck ? 2048 : 512, classes: classes)
    }
}
