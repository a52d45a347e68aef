import Tensors

/// DenseNet-BC (Huang et al. 2017, table 1): in a block, every layer reads the concatenated outputs of all layers
/// before it.
///
/// Normalisation comes before the convolution, with the ReLU in between, so most norms cannot be folded. Only the first
/// layer's norm and each dense layer's second norm follow a convolution. A folded model keeps the others as they are.
public struct DenseNet: Architecture {
    public let name = "densenet121"
    public let preprocessing = Preprocessing.imageNet()
    public let epsilon: Float = 1e-5
    public let classesKey = "classifier.weight"
    public let camLayer: String? = "classifier"
    public let smallestSide = 29

    private static let blocks = [6, 12, 24, 16]
    private static let growth = 32, bottleneck = 128, first = 64, last = 1024

    public init() {}

    public var normPairs: [(convolution: String, norm: String)] {
        [("features.conv0", "features.norm0")]
            + Self.blocks.enumerated().flatMap { block, layers in
                (1...layers).map { layer in
                    let name = "features.denseblock\(block + 1).denselayer\(layer)"
                    return ("\(name).conv1", "\(name).norm2")
                }
            }
    }

    public func encoder(_ p: Parameters, folded: Bool) -> Encoder {
        let p = p["features"]
        let conv0 = Convolution(
            p, "conv0", inputs: 3, outputs: Self.first, ConvolutionGeometry(7, stride: 2, padding: .all(3)),
            activation: .relu, norm: folded ? nil : "norm0", epsilon: epsilon)
        var stages = [
            Encoder.Stage(
                name: "features.conv0", aliases: ["features.relu0"], channels: Self.first, stride: 2
            ) { conv0($0) },
            Encoder.Stage(name: "features.pool0", channels: Self.first, stride: 4) {
                maximumPool($0, PoolGeometry(3, stride: 2, padding: .all(1)))
            },
        ]
        var channels = Self.first, stride = 4
        for (block, layers) in Self.blocks.enumerated() {
            let name = "denseblock\(block + 1)"
            for layer in 1...layers {
                let q = p[name]["denselayer\(layer)"]
                let dense = self.layer(q, channels: channels, folded: folded)
                channels += Self.growth
                stages.append(
                    Encoder.Stage(
                        name: "features.\(name).denselayer\(layer)",
                        aliases: layer == layers ? ["features.\(name)"] : [], channels: channels, stride: stride
                    ) { concatenateLast([$0, dense($0)]) })
            }
            if block == Self.blocks.count - 1 { break }
            let transition = transition(p["transition\(block + 1)"], channels: channels, folded: folded)
            channels /= 2
            stride *= 2
            stages.append(
                Encoder.Stage(
                    name: "features.transition\(block + 1)", channels: channels, stride: stride, apply: transition))
        }
        let norm5 = BatchNorm(p["norm5"], channels: channels, epsilon: epsilon, isFrozen: folded)
        stages.append(
            Encoder.Stage(name: "features.norm5", aliases: ["features"], channels: channels, stride: stride) {
                norm5($0, activation: .relu)
            })
        return Encoder(stages: stages)
    }

    /// `[N, h, w, channels] -> [N, h, w, growth]`
    private func layer(_ p: Parameters, channels: Int, folded: Bool) -> (Variable) -> Variable {
        let norm1 = BatchNorm(p["norm1"], channels: channels, epsilon: epsilon, isFrozen: folded)
        let conv1 = Convolution(
            p, "conv1", inputs: channels, outputs: Self.bottleneck, ConvolutionGeometry(1), activation: .relu,
            norm: folded ? nil : "norm2", epsilon: epsilon)
        let conv2 = Convolution(
            p, "conv2", inputs: Self.bottleneck, outputs: Self.growth, ConvolutionGeometry(3, padding: .all(1)),
            bias: false)
        return { conv2(conv1(norm1($0, activation: .relu))) }
    }

    /// Halves the channels and the size.
    private func transition(_ p: Parameters, channels: Int, folded: Bool) -> (Variable) -> Variable {
        let norm = BatchNorm(p["norm"], channels: channels, epsilon: epsilon, isFrozen: folded)
        let conv = Convolution(
            p, "conv", inputs: channels, outputs: channels / 2, ConvolutionGeometry(1), bias: false)
        return { averagePool(conv(norm($0, activation: .relu)), PoolGeometry(2)) }
    }

    public func head(_ p: Parameters, classes: Int) -> (Variable) -> Variable {
        pooledLinear(p, "classifier", channels: Self.last, classes: classes)
    }

    /// Checkpoints from before PyTorch 0.4, torchvision's own among them, write `denselayer1.norm.1.weight` for
    /// `denselayer1.norm1.weight`.
    public func currentName(_ key: String) -> String {
        var parts = key.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard parts.count >= 4, let number = parts.indices.dropLast().last, ["1", "2"].contains(parts[number]),
            ["norm", "relu", "conv"].contains(parts[number - 1]), parts[number - 2].hasPrefix("denselayer")
        else { return key }
        parts[number - 1] += parts[number]
        parts.remove(at: number)
        return parts.joined(separator: ".")
    }
}
