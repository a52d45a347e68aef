import Tensors

/// The VGG networks (Simonyan & Zisserman 2015, table 1, columns A, B, D and E), with and without batch normalisation.
///
/// The feature map is the output of the last convolution's ReLU. For VGG-16 it is "features.28", also called
/// features.29 and relu5_3, `[14, 14, 512]` for a 224x224 image. The last pool belongs to the head.
public struct VGG: Architecture {
    public let name: String
    public let preprocessing = Preprocessing.imageNet()
    public let classesKey = "classifier.6.weight"
    public let camLayer: String? = nil
    /// Five pools halve the size.
    public let smallestSide = 32
    private let features: SequentialFeatures

    /// - Parameter repeats: the number of convolutions in each of the five blocks.
    private init(_ name: String, repeats: [Int], normalised: Bool) {
        self.name = name
        var layers: [SequentialFeatures.Layer] = []
        for (block, (count, channels)) in zip(repeats, [64, 128, 256, 512, 512]).enumerated() {
            if block > 0 { layers.append(.pool(Self.pool)) }
            for i in 1...count {
                layers.append(.convolution(channels, kernel: 3, padding: 1, alias: "relu\(block + 1)_\(i)"))
            }
        }
        features = SequentialFeatures(layers, normalised: normalised)
    }

    private static let pool = PoolGeometry(2)

    static let all: [any Architecture] = [
        (11, [1, 1, 2, 2, 2]), (13, [2, 2, 2, 2, 2]), (16, [2, 2, 3, 3, 3]), (19, [2, 2, 4, 4, 4]),
    ].flatMap { depth, repeats in
        [
            VGG("vgg\(depth)", repeats: repeats, normalised: false),
            VGG("vgg\(depth)_bn", repeats: repeats, normalised: true),
        ]
    }

    public var normPairs: [(convolution: String, norm: String)] { features.normPairs }
    public var epsilon: Float { features.epsilon }

    public func encoder(_ p: Parameters, folded: Bool) -> Encoder { features.encoder(p, folded: folded) }

    public func head(_ p: Parameters, classes: Int) -> (Variable) -> Variable {
        threeLayerHead(p, ["0", "3", "6"], pool: Self.pool, channels: 512, side: 7, classes: classes)
    }
}
