import Tensors

/// GoogLeNet (Szegedy et al. 2014, table 1) as in torchvision: with batch normalisation, and with 3x3 kernels where the
/// paper has 5x5.
public struct GoogLeNet: Architecture {
    public let name = "googlenet"
    public let preprocessing = Preprocessing.plusMinusOne(shortSide: 256, size: 224)
    public let classesKey = "fc.weight"
    public let camLayer: String? = "fc"
    public let auxiliaryModules = ["aux1", "aux2"]
    public let smallestSide = 15

    public init() {}

    private static let stack = InceptionStack([
        .init("conv1", 64, 7, stride: 2),
        .init("conv2", after: pool(3), 64, 1),
        .init("conv3", 192, 3),
        module("3a", after: pool(3), 64, (96, 128), (16, 32), 32),
        module("3b", 128, (128, 192), (32, 96), 64),
        module("4a", after: pool(3), 192, (96, 208), (16, 48), 64),
        module("4b", 160, (112, 224), (24, 64), 64),
        module("4c", 128, (128, 256), (24, 64), 64),
        module("4d", 112, (144, 288), (32, 64), 64),
        module("4e", 256, (160, 320), (32, 128), 128),
        module("5a", after: pool(2), 256, (160, 320), (32, 128), 128),
        module("5b", 384, (192, 384), (48, 128), 128),
    ])

    private static func pool(_ kernel: Int) -> PoolGeometry { PoolGeometry(kernel, stride: 2, ceilMode: true) }

    /// The paper's figure 2(b). Branches: 1x1; 1x1 then 3x3 (twice); a pool then 1x1.
    private static func module(
        _ name: String, after pool: PoolGeometry? = nil, _ one: Int, _ two: (Int, Int), _ three: (Int, Int), _ four: Int
    ) -> InceptionStack.Module {
        .init(
            "inception\(name)", after: pool,
            [
                [.unit(.init("branch1", one))],
                [.unit(.init("branch2.0", two.0)), .unit(.init("branch2.1", two.1, 3))],
                [.unit(.init("branch3.0", three.0)), .unit(.init("branch3.1", three.1, 3))],
                [
                    .maximumPool(PoolGeometry(3, stride: 1, padding: .all(1), ceilMode: true)),
                    .unit(.init("branch4.1", four)),
                ],
            ])
    }

    public var epsilon: Float { Self.stack.epsilon }
    public var normPairs: [(convolution: String, norm: String)] { Self.stack.normPairs }
    public func encoder(_ p: Parameters, folded: Bool) -> Encoder { Self.stack.encoder(p, folded: folded) }
    public func head(_ p: Parameters, classes: Int) -> (Variable) -> Variable {
        pooledLinear(p, "fc", channels: 1024, classes: classes)
    }
}
