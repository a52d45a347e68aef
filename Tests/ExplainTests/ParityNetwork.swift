import Explain
import Tasks
import Tensors
import TestSupport
import Vision

/// The networks of Fixtures/methods.py in this engine's own layers, with the same parameters and images.
struct ParityNetwork {
    /// One of the fixture's.
    let name: String
    let encoder: Encoder
    /// From the feature map `[N, u, v, K]` to logits `[N, 4]`.
    let head: (Variable) -> Variable
    /// Whether `head` is global average pooling and one linear layer.
    let isPooledLinear: Bool
    /// `[1, height, width, 3]`, in [-2, 2).
    let image: Tensor

    static let classes = 4

    /// Convolutions one after the other, global average pooling, one linear layer.
    private static func chain() -> ParityNetwork {
        let p = parameters("chain")
        let conv1 = Convolution(
            p, "conv1", inputs: 3, outputs: 6, ConvolutionGeometry(3, padding: .all(1)), activation: .relu)
        let conv2 = Convolution(
            p, "conv2", inputs: 6, outputs: 8, ConvolutionGeometry(3, stride: 2, padding: .all(1)), activation: .relu)
        let conv3 = Convolution(
            p, "conv3", inputs: 8, outputs: 10, ConvolutionGeometry(3, padding: .all(1)), activation: .relu)
        let fc = Linear(p["fc"], inputs: 10, outputs: classes)
        let encoder = Encoder(stages: [
            Encoder.Stage(name: "conv1", channels: 6, stride: 1) { conv1($0) },
            Encoder.Stage(name: "conv2", channels: 8, stride: 2) { conv2($0) },
            Encoder.Stage(name: "conv3", channels: 10, stride: 4) { conv3(maximumPool($0, PoolGeometry(2))) },
        ])
        return ParityNetwork(
            name: "chain", encoder: encoder, head: { fc(globalAveragePool($0)) }, isPooledLinear: true,
            image: image("chain", height: 15, width: 19))
    }

    /// ReLU6, batch normalisation and a residual block, global average pooling, one linear layer.
    private static func residual() -> ParityNetwork {
        let p = parameters("residual", gain: 2)
        func convolution(
            _ n: Int, _ inputs: Int, _ outputs: Int, _ geometry: ConvolutionGeometry, _ activation: Activation = .relu6
        ) -> Convolution {
            Convolution(
                p, "conv\(n)", inputs: inputs, outputs: outputs, geometry, activation: activation, norm: "bn\(n)",
                epsilon: 1e-5)
        }
        let same = ConvolutionGeometry(3, padding: .all(1))
        let conv1 = convolution(1, 3, 6, ConvolutionGeometry(4, stride: 2, padding: .all(1)))
        let conv2 = convolution(2, 6, 6, same), conv3 = convolution(3, 6, 6, same, .none)
        let conv4 = convolution(4, 6, 9, ConvolutionGeometry(3, stride: 2, padding: .all(1)))
        let fc = Linear(p["fc"], inputs: 9, outputs: classes)
        let encoder = Encoder(stages: [
            Encoder.Stage(name: "conv1", channels: 6, stride: 2) { conv1($0) },
            Encoder.Stage(name: "block", channels: 6, stride: 2) { (conv3(conv2($0)) + $0).activated(.relu6) },
            Encoder.Stage(name: "conv4", channels: 9, stride: 4) { conv4($0) },
        ])
        return ParityNetwork(
            name: "residual", encoder: encoder, head: { fc(globalAveragePool($0)) }, isPooledLinear: true,
            image: image("residual", height: 14, width: 18))
    }

    /// A head of several layers: the score's gradient differs from cell to cell of the last feature map.
    private static func perceptron() -> ParityNetwork {
        let p = parameters("perceptron"), same = ConvolutionGeometry(3, padding: .all(1))
        let conv1 = Convolution(p, "conv1", inputs: 3, outputs: 6, same, activation: .relu)
        let conv2 = Convolution(p, "conv2", inputs: 6, outputs: 8, same, activation: .relu)
        let fc1 = Linear(p["fc1"], inputs: 96, outputs: 12), fc2 = Linear(p["fc2"], inputs: 12, outputs: classes)
        let encoder = Encoder(stages: [
            Encoder.Stage(name: "conv1", channels: 6, stride: 1) { conv1($0) },
            Encoder.Stage(name: "conv2", channels: 8, stride: 2) { conv2(averagePool($0, PoolGeometry(2))) },
        ])
        return ParityNetwork(
            name: "perceptron", encoder: encoder,
            head: { features in
                let pooled = adaptiveAveragePool(features, height: 4, width: 3)
                // fc1's weights run over [channels, height, width].
                let flat = pooled.permuted([0, 3, 1, 2]).reshaped([pooled.shape[0], 96])
                return fc2(fc1(flat).activated(.relu))
            }, isPooledLinear: false, image: image("perceptron", height: 12, width: 16))
    }

    static func named(_ name: String) -> ParityNetwork? {
        switch name {
        case "chain": chain()
        case "residual": residual()
        case "perceptron": perceptron()
        default: nil
        }
    }

    /// `[1, 4]`
    var logits: Tensor { head(encoder(Variable(image))).value }

    /// Our map for a record: all classes are explained at once, and the record's is taken. A record of pixels with
    /// channels is about the method's channels. Several layers are fused, as `tool` does.
    func map(
        _ method: any ExplanationMethod, of record: ParityRecord, as tool: Compatibility? = nil,
        comparison: TargetComparison? = nil
    ) throws -> Tensor {
        let layers = record.layer?.split(separator: "+").map(String.init) ?? []
        let classes = Array(0..<Self.classes)
        if record.shape.count == 3, let pixels = method as? any PixelMethod {
            let context = AttributionContext(
                try EncodedImage(image, by: modelEncoder, layers: layers), head: modelHead,
                targets: classes.map { LinearTarget(output: $0) })
            return try pixels.attributions(of: context).row(record.class)
        }
        let explainer = try Explainer(
            self,
            options: ExplanationOptions(
                layers: layers, methods: [method], comparison: comparison, compatibility: tool))
        let found = try explainer.explain(explainer.encode(image), input: (), targets: classes)
        return found.targets[record.class].attributions[0].map
    }

    private static func parameters(_ name: String, gain: Float = 1) -> Parameters {
        ParameterStore(filling: { ReproducibleWeights.parameter($0, $1, gain: gain) }).scope()[name]
    }

    private static func image(_ name: String, height: Int, width: Int) -> Tensor {
        ReproducibleWeights.noise("\(name).picture", [1, height, width, 3], scale: 4)
    }
}

/// A network explains its classes, asked for by their index.
extension ParityNetwork: ExplainableModel {
    typealias Input = Void
    typealias Request = Int
    typealias Output = [Float]
    typealias Subject = Int

    var modelEncoder: ModelEncoder { ModelEncoder(name, encoder, preprocessing: TinyCNN().preprocessing) }
    var mapConfiguration: MapConfiguration? { nil }
    fileprivate var modelHead: ModelHead { ModelHead(name: name, isPooledLinear: isPooledLinear, outputs: head) }

    func read(
        _ input: Void, features: Variable, on tape: Tape, options: ExplanationOptions
    ) -> HeadReading<ParityNetwork> {
        let logits = head(features)
        return HeadReading(output: logits.value.array, head: modelHead, outputs: logits) { index in
            [ResolvedTarget(name: "class \(index)", subject: index, linear: LinearTarget(output: index))]
        }
    }
}
