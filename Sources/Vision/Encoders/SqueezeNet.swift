import Tensors

/// SqueezeNet 1.0 (Iandola et al. 2016), and 1.1, which needs 2.4 times less arithmetic.
public struct SqueezeNet: Architecture {
    public let name: String
    public let preprocessing = Preprocessing.imageNet()
    public let classesKey = "classifier.1.weight"
    /// The classifier has a ReLU before the mean, so logits are not linear in the feature map.
    public let camLayer: String? = nil
    public let smallestSide: Int
    private let features: SequentialFeatures

    private static let pool = PoolGeometry(3, stride: 2, ceilMode: true)
    private static let last: [SequentialFeatures.Layer] = [
        .fire(squeeze: 48, expand: 192), .fire(squeeze: 48, expand: 192), .fire(squeeze: 64, expand: 256),
    ]

    static let all: [any Architecture] = [
        SqueezeNet(
            name: "squeezenet1_0", smallestSide: 21,
            features: SequentialFeatures(
                [
                    .convolution(96, kernel: 7, stride: 2, padding: 0), .pool(pool),
                    .fire(squeeze: 16, expand: 64), .fire(squeeze: 16, expand: 64), .fire(squeeze: 32, expand: 128),
                    .pool(pool), .fire(squeeze: 32, expand: 128),
                ] + last + [.pool(pool), .fire(squeeze: 64, expand: 256)])),
        SqueezeNet(
            name: "squeezenet1_1", smallestSide: 17,
            features: SequentialFeatures(
                [
                    .convolution(64, kernel: 3, stride: 2, padding: 0), .pool(pool),
                    .fire(squeeze: 16, expand: 64), .fire(squeeze: 16, expand: 64), .pool(pool),
                    .fire(squeeze: 32, expand: 128), .fire(squeeze: 32, expand: 128), .pool(pool),
                ] + last + [.fire(squeeze: 64, expand: 256)])),
    ]

    public var normPairs: [(convolution: String, norm: String)] { [] }
    public var epsilon: Float { features.epsilon }

    public func encoder(_ p: Parameters, folded: Bool) -> Encoder { features.encoder(p, folded: folded) }

    public func head(_ p: Parameters, classes: Int) -> (Variable) -> Variable {
        let classifier = Convolution(
            p["classifier"], "1", inputs: 512, outputs: classes, ConvolutionGeometry(1), activation: .relu)
        return { globalAveragePool(classifier($0)) }
    }
}
