import Tensors

/// AlexNet as in torchvision: the single-column network of Krizhevsky (2014, arXiv 1404.5997).
public struct AlexNet: Architecture {
    public let name = "alexnet"
    public let preprocessing = Preprocessing.imageNet()
    public let classesKey = "classifier.6.weight"
    public let camLayer: String? = nil
    /// A smaller input leaves no pixels for the last pool.
    public let smallestSide = 63

    public init() {}

    private static let pool = PoolGeometry(3, stride: 2)
    private static let features = SequentialFeatures([
        .convolution(64, kernel: 11, stride: 4, padding: 2), .pool(pool),
        .convolution(192, kernel: 5, padding: 2), .pool(pool),
        .convolution(384, kernel: 3, padding: 1),
        .convolution(256, kernel: 3, padding: 1),
        .convolution(256, kernel: 3, padding: 1),
    ])

    public var normPairs: [(convolution: String, norm: String)] { [] }
    public var epsilon: Float { Self.features.epsilon }

    public func encoder(_ p: Parameters, folded: Bool) -> Encoder { Self.features.encoder(p, folded: folded) }

    public func head(_ p: Parameters, classes: Int) -> (Variable) -> Variable {
        threeLayerHead(p, ["1", "4", "6"], pool: Self.pool, channels: 256, side: 6, classes: classes)
    }
}
