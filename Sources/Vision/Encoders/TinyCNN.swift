import Tensors

/// A small plain CNN for tests and teaching, trained from scratch on drawn images.
///
/// Its cells are 4 pixels apart and have a receptive field of 18x18 pixels, little more than a part of a shape. The
/// evidence for a word then lies where the word's shape is (as in BagNets, Brendel & Bethge 2019). With a wide
/// receptive field, cells beside a shape carry as much evidence as cells on it.
public struct TinyCNN: Architecture {
    public let name = "tiny"
    public let epsilon: Float = 1e-3
    public let classesKey = "fc.weight"
    public let camLayer: String? = "fc"

    public init() {}

    /// An even kernel with stride 2 covers as much on either side of its cell, so the map is exactly aligned with the
    /// image. With 3x3 kernels, each such layer would shift the map by half a cell of its input.
    private static let layers: [(name: String, channels: Int, kernel: Int, stride: Int)] = [
        ("conv1", 16, 4, 2), ("conv2", 32, 4, 2), ("conv3", 64, 3, 1), ("conv4", 128, 1, 1),
    ]
    /// The initial gamma, and minus the initial beta, of the last layer's normalisation: few cells are active at first,
    /// but strongly. The background then stays inactive and carries no evidence. The mean over the map, which decoders
    /// start from, differs enough between images to learn from.
    private static let lastScale: Float = 5

    public let preprocessing = Preprocessing(
        width: 64, height: 64, fit: .squash, filter: .bilinear, mean: [127.5, 127.5, 127.5], std: [127.5, 127.5, 127.5])

    public var normPairs: [(convolution: String, norm: String)] {
        Self.layers.map { ($0.name, $0.name.replacingPrefix("conv", with: "bn")) }
    }

    public func encoder(_ p: Parameters, folded: Bool) -> Encoder {
        var stages: [Encoder.Stage] = []
        var inputs = 3, stride = 1
        for (index, (pair, layer)) in zip(normPairs, Self.layers).enumerated() {
            let geometry = ConvolutionGeometry(
                layer.kernel, stride: layer.stride, padding: .all((layer.kernel - 1) / 2))
            let isLast = index == Self.layers.count - 1
            let convolution = Convolution(
                p, layer.name, inputs: inputs, outputs: layer.channels, geometry, activation: .relu,
                norm: folded ? nil : pair.norm, epsilon: epsilon, scale: isLast ? Self.lastScale : 1,
                shift: isLast ? -Self.lastScale : 0)
            stride *= layer.stride
            inputs = layer.channels
            stages.append(Encoder.Stage(name: layer.name, channels: inputs, stride: stride) { convolution($0) })
        }
        return Encoder(stages: stages)
    }

    public func head(_ p: Parameters, classes: Int) -> (Variable) -> Variable {
        pooledLinear(p, "fc", channels: 128, classes: classes)
    }
}

extension String {
    fileprivate func replacingPrefix(_ old: String, with new: String) -> String {
        hasPrefix(old) ? new + dropFirst(old.count) : self
    }
}
