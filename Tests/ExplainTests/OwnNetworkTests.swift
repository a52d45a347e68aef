import Explain
import Tasks
import Tensors
import Vision
import XCTest

/// What a package outside can do: a network, a target, a method and a model of its own, through public declarations
/// alone. This file must not import Explain as testable.
final class OwnNetworkTests: XCTestCase {
    /// The magnitude of the gradient at each cell: a method of an outsider.
    private struct CellGradient: LayerGradientMethod {
        let name = "cell-gradient", summary = "the gradient's magnitude in each cell", paper = "none"

        static func maps(activations: Tensor, gradients: Tensor) -> Tensor {
            let channels = activations.shape[3], g = gradients.array
            let cells = (0..<g.count / channels).map { cell in
                (0..<channels).reduce(Float(0)) { $0 + abs(g[cell * channels + $1]) }
            }
            return Tensor([gradients.shape[0]] + activations.shape[1...2], cells)
        }
    }

    /// ``HandNetwork`` as an explainable model: the input is a bias that is added to the score, a request a weight.
    private struct HandModel: ExplainableModel {
        typealias Input = Float
        typealias Request = Float
        typealias Output = Float

        struct Subject: Codable, Equatable, Sendable { var weight: Float }

        let modelEncoder = HandNetwork.modelEncoder()
        var mapConfiguration: MapConfiguration?

        func read(
            _ bias: Float, features: Variable, on tape: Tape, options: ExplanationOptions
        ) throws -> HeadReading<HandModel> {
            func outputs(_ features: Variable) -> Variable {
                HandNetwork.score(features) + Variable(Tensor([features.shape[0], 1], repeating: bias))
            }
            let score = outputs(features)
            return HeadReading(
                output: score.value.array[0], head: ModelHead(name: "hand", outputs: outputs), outputs: score,
                wordContributions: { targets in targets.map { [$0.terms[0].weight * bias] } },
                targets: { weight in
                    guard weight != 0 else {
                        throw ExplanationError(kind: .unknownWord, description: "a target needs a weight")
                    }
                    return [
                        ResolvedTarget(
                            name: "\(weight) y", subject: Subject(weight: weight),
                            linear: LinearTarget([.init(index: 0, weight: weight)]),
                            warnings: weight < 0 ? ["negative"] : [])
                    ]
                })
        }
    }

    // MARK: A context

    /// alpha = (1 - 1 + 3 - 1, 2 + 0 - 2 + 4) / 4 = (0.5, 1).
    func testAttributionContext_ofANetworkOfOnesOwn_givesHandComputedMaps() throws {
        for recordsPixels in [false, true] {
            let image = try EncodedImage(
                HandNetwork.image, by: HandNetwork.modelEncoder(), layers: ["front"], recordsPixels: recordsPixels)
            XCTAssertEqual(image.recordsPixels, recordsPixels)
            XCTAssertEqual(image.activations.array, [1, 0, 0, 1, 2, 0, 1, 2])
            let head = ModelHead(name: "sum", outputs: HandNetwork.score)
            let target = LinearTarget(output: 0)
            let context = AttributionContext(image, head: head, targets: [target, target.negated])
            XCTAssertEqual(context.values, [14, -14])
            func maps(_ method: any ExplanationMethod) throws -> [[Float]] {
                let maps = try method.maps(of: context)
                return [maps.row(0).array, maps.row(1).array]
            }
            XCTAssertEqual(try maps(GradCAM()), [[0.5, 1, 1, 2.5], [-0.5, -1, -1, -2.5]])
            XCTAssertEqual(try maps(HiResCAM()), [[1, 0, 6, 7], [-1, 0, -6, -7]])
            XCTAssertEqual(try maps(ImageGradient()), [[1, 0, 3, 4], [1, 0, 3, 4]])
            XCTAssertEqual(try maps(Occlusion(window: 1, stride: 1)), [[1, 0, 6, 7], [-1, 0, -6, -7]])
            XCTAssertEqual(try maps(CellGradient()), [[3, 1, 5, 5], [3, 1, 5, 5]])
        }
    }

    func testAttributionContext_ofACAMHead_givesHandComputedMaps() throws {
        // y = 3 mean A_0 - mean A_1.
        let weights = Variable(Tensor([1, 2], [3, -1]))
        let head = ModelHead(name: "pooled", isPooledLinear: true) { linear(globalAveragePool($0), weights) }
        let context = AttributionContext(
            try EncodedImage(HandNetwork.image, by: HandNetwork.modelEncoder()), head: head,
            targets: [LinearTarget(output: 0)])
        XCTAssertEqual(context.values, [2.25])
        XCTAssertEqual(try CAM().maps(of: context).array, [3, -1, 6, 1])
        XCTAssertEqual(GradCAM().maps(of: context).array, [0.75, -0.25, 1.5, 0.25])
    }

    // MARK: An explainer

    func testExplainer_ofAModelOfOnesOwn_givesHandComputedMaps() throws {
        let explainer = try Explainer(
            HandModel(),
            options: ExplanationOptions(methods: [GradCAM(), CellGradient(), ImageGradient()], explainsWords: true))
        let image = explainer.encode(HandNetwork.image)
        XCTAssertTrue(image.recordsPixels)
        let found = try explainer.explain(image, input: 6, targets: [1, -2])
        XCTAssertEqual(found.output, 20)
        XCTAssertEqual(found.targets.map(\.name), ["1.0 y", "-2.0 y"])
        XCTAssertEqual(found.targets.map(\.subject.weight), [1, -2])
        XCTAssertEqual(found.targets.map(\.value), [20, -40])
        XCTAssertEqual(found.targets.map(\.words), [[6], [-12]])
        XCTAssertEqual(found.targets.map(\.warnings), [[], ["negative"]])
        XCTAssertEqual(
            found.targets.map { $0.attributions.map(\.map.array) },
            [
                [[0.5, 1, 1, 2.5], [3, 1, 5, 5], [1, 0, 3, 4]],
                [[-1, -2, -2, -5], [6, 2, 10, 10], [2, 0, 6, 8]],
            ])
        XCTAssertEqual(
            found.targets[0].attributions.map(\.support), [.layers(["front"]), .layers(["front"]), .pixels])
    }

    func testExplainer_ofAModelOfOnesOwnWithMaps_takesItsMethod() throws {
        let explainer = try Explainer(HandModel(mapConfiguration: MapConfiguration(method: "hirescam")))
        let found = try explainer.explain(explainer.encode(HandNetwork.image), input: 0, targets: [1])
        XCTAssertEqual(found.attributions.map(\.method), ["hirescam"])
        XCTAssertEqual(found.targets[0].map.array, [1, 0, 6, 7])
        XCTAssertNil(found.targets[0].words)
    }

    func testExplain_ofARequestThatTheModelRefuses_throwsItsError() throws {
        let explainer = try Explainer(HandModel()), image = explainer.encode(HandNetwork.image)
        XCTAssertThrowsError(try explainer.explain(image, input: 0, targets: [1, 0])) {
            XCTAssertEqual("\($0)", "a target needs a weight")
        }
    }
}
