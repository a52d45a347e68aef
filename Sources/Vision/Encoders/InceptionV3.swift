import Tensors

/// Inception-v3 (Szegedy et al. 2015, table 1 and figures 5, 6, 7 and 10), with torchvision's names.
///
/// `keras_inception_v3` is the network of Keras and TF-Slim: the mean of a pool does not count the padding, and batch
/// normalisation has no scales. Its default preprocessing is Keras's, with antialiased resizing.
public struct InceptionV3: Architecture {
    public let name: String
    public let preprocessing: Preprocessing
    public let twin: String?
    public let hasNormScales: Bool
    public let classesKey = "fc.weight"
    public let camLayer: String? = "fc"
    public let auxiliaryModules = ["AuxLogits"]
    public let smallestSide = 75

    private let stack: InceptionStack

    /// torchvision's.
    public init() { self.init(isKeras: false) }

    private init(isKeras: Bool) {
        name = isKeras ? "keras_inception_v3" : "inception_v3"
        preprocessing =
            isKeras
            ? Preprocessing(
                width: 299, height: 299, fit: .squash, filter: .bilinear, mean: [127.5, 127.5, 127.5],
                std: [127.5, 127.5, 127.5])
            : Preprocessing.plusMinusOne(shortSide: 342, size: 299)
        twin = isKeras ? "inception_v3" : nil
        hasNormScales = !isKeras
        stack = isKeras ? Self.kerasStack : Self.torchStack
    }

    static let all: [any Architecture] = [InceptionV3(), InceptionV3(isKeras: true)]

    private typealias Module = InceptionStack.Module
    private typealias Unit = InceptionStack.Unit
    private typealias Step = InceptionStack.Step

    private static let halving = PoolGeometry(3, stride: 2)

    private static let torchStack = stack(countsPadding: true), kerasStack = stack(countsPadding: false)

    private static func stack(countsPadding: Bool) -> InceptionStack {
        /// The last branch of all modules that do not halve the size.
        func pooled(_ outputs: Int) -> [Step] {
            let pool = PoolGeometry(3, stride: 1, padding: .all(1), countIncludesPadding: countsPadding)
            return [.averagePool(pool), .unit(Unit("branch_pool", outputs))]
        }
        return InceptionStack([
            .init("Conv2d_1a_3x3", 32, 3, stride: 2, isPadded: false),
            .init("Conv2d_2a_3x3", 32, 3, isPadded: false),
            .init("Conv2d_2b_3x3", 64, 3),
            .init("Conv2d_3b_1x1", after: halving, 80, 1),
            .init("Conv2d_4a_3x3", 192, 3, isPadded: false),
            a("Mixed_5b", after: halving, pooled(32)), a("Mixed_5c", pooled(64)), a("Mixed_5d", pooled(64)),
            b("Mixed_6a"),
            c("Mixed_6b", 128, pooled(192)), c("Mixed_6c", 160, pooled(192)), c("Mixed_6d", 160, pooled(192)),
            c("Mixed_6e", 192, pooled(192)),
            d("Mixed_7a"),
            e("Mixed_7b", pooled(192)), e("Mixed_7c", pooled(192)),
        ])
    }

    private static func branch(_ units: Unit...) -> [Step] { units.map { .unit($0) } }

    /// Figure 5: two 3x3 convolutions in place of one 5x5.
    private static func a(_ name: String, after pool: PoolGeometry? = nil, _ pooled: [Step]) -> Module {
        Module(
            name, after: pool,
            [
                branch(Unit("branch1x1", 64)),
                branch(Unit("branch5x5_1", 48), Unit("branch5x5_2", 64, 5)),
                branch(Unit("branch3x3dbl_1", 64), Unit("branch3x3dbl_2", 96, 3), Unit("branch3x3dbl_3", 96, 3)),
                pooled,
            ])
    }

    /// Figure 10: halves the size.
    private static func b(_ name: String) -> Module {
        Module(
            name,
            [
                branch(Unit("branch3x3", 384, 3, stride: 2, isPadded: false)),
                branch(
                    Unit("branch3x3dbl_1", 64), Unit("branch3x3dbl_2", 96, 3),
                    Unit("branch3x3dbl_3", 96, 3, stride: 2, isPadded: false)),
                [.maximumPool(halving)],
            ])
    }

    /// Figure 6: 1x7 and 7x1 convolutions in place of 7x7.
    private static func c(_ name: String, _ inner: Int, _ pooled: [Step]) -> Module {
        Module(
            name,
            [
                branch(Unit("branch1x1", 192)),
                branch(Unit("branch7x7_1", inner), Unit("branch7x7_2", inner, 1, 7), Unit("branch7x7_3", 192, 7, 1)),
                branch(
                    Unit("branch7x7dbl_1", inner), Unit("branch7x7dbl_2", inner, 7, 1),
                    Unit("branch7x7dbl_3", inner, 1, 7), Unit("branch7x7dbl_4", inner, 7, 1),
                    Unit("branch7x7dbl_5", 192, 1, 7)),
                pooled,
            ])
    }

    /// Halves the size again.
    private static func d(_ name: String) -> Module {
        Module(
            name,
            [
                branch(Unit("branch3x3_1", 192), Unit("branch3x3_2", 320, 3, stride: 2, isPadded: false)),
                branch(
                    Unit("branch7x7x3_1", 192), Unit("branch7x7x3_2", 192, 1, 7), Unit("branch7x7x3_3", 192, 7, 1),
                    Unit("branch7x7x3_4", 192, 3, stride: 2, isPadded: false)),
                [.maximumPool(halving)],
            ])
    }

    /// Figure 7: branches that fork into 1x3 and 3x1 convolutions.
    private static func e(_ name: String, _ pooled: [Step]) -> Module {
        Module(
            name,
            [
                branch(Unit("branch1x1", 320)),
                [
                    .unit(Unit("branch3x3_1", 384)),
                    .fork([Unit("branch3x3_2a", 384, 1, 3), Unit("branch3x3_2b", 384, 3, 1)]),
                ],
                [
                    .unit(Unit("branch3x3dbl_1", 448)), .unit(Unit("branch3x3dbl_2", 384, 3)),
                    .fork([Unit("branch3x3dbl_3a", 384, 1, 3), Unit("branch3x3dbl_3b", 384, 3, 1)]),
                ],
                pooled,
            ])
    }

    public var epsilon: Float { stack.epsilon }
    public var normPairs: [(convolution: String, norm: String)] { stack.normPairs }
    public func encoder(_ p: Parameters, folded: Bool) -> Encoder { stack.encoder(p, folded: folded) }
    public func head(_ p: Parameters, classes: Int) -> (Variable) -> Variable {
        pooledLinear(p, "fc", channels: 2048, classes: classes)
    }
}
