import Tensors

/// A small plain CNN, trained from nothing on drawn pictures: for tests and for teaching.
public enum TinyCNN {
    static let epsilon: Float = 1e-3
    private static let layers: [(name: String, channels: Int, stride: Int)] = [
        ("conv1", 16, 2), ("conv2", 32, 2), ("conv3", 48, 2), ("conv4", 64, 1), ("conv5", 64, 1),
    ]

    static let preprocessing = Preprocessing(
        width: 64, height: 64, fit: .squash, filter: .bilinear, mean: [127.5, 127.5, 127.5], std: [127.5, 127.5, 127.5])

    static var normPairs: [(convolution: String, norm: String)] {
        layers.map { ($0.name, $0.name.replacingPrefix("conv", with: "bn")) }
    }

    static func encoder(_ p: Parameters, folded: Bool) -> Encoder {
        var stages: [Encoder.Stage] = []
        var inputs = 3, stride = 1
        for (pair, layer) in zip(normPairs, layers) {
            // An even kernel with stride 2 sees as far to either side of its cell, so the map lies exactly over what it saw; with
            // 3x3, each layer would shift the map by half a cell of its input.
            let kernel = layer.stride == 2 ? 4 : 3
            let geometry = ConvolutionGeometry(kernel, stride: layer.stride, padding: .all(1))
            let convolution = Convolution(
                p, layer.name, inputs: inputs, outputs: layer.channels, geometry, activation: .relu,
                norm: folded ? nil : pair.norm, epsilon: epsilon)
            stride *= layer.stride
            inputs = layer.channels
            stages.append(Encoder.Stage(name: layer.name, channels: inputs, stride: stride) { convolution($0) })
        }
        return Encoder(stages: stages)
    }
}

extension String {
    fileprivate func replacingPrefix(_ old: String, with new: String) -> String {
        hasPrefix(old) ? new + dropFirst(old.count) : self
    }
}
