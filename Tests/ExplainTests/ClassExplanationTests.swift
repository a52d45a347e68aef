import Explain
import Tasks
import Tensors
import Vision
import XCTest

/// Maps of classes: by hand, against finite differences, and CAM against Grad-CAM.
final class ClassExplanationTests: XCTestCase {
    private func encode(_ explainer: Explainer<Classifier>) -> EncodedImage {
        explainer.encode(explainer.model.toyImage(index: 1))
    }

    // MARK: By hand

    /// A = (1, 0), (2, 0), (0, 4), (0, 8); w = (4, 0), (8, -2); b = 3, -5: M_0 = 4, 8, 0, 0 and M_1 = 8, 16, -8, -16,
    /// without the biases. The mean of M_c is logit_c - b_c.
    func testCAM_ofTwoClassesAndAContrast_equalsHandComputedMaps() {
        let activations = Tensor([1, 2, 2, 2], [1, 0, 2, 0, 0, 4, 0, 8])
        let weight = Variable(Tensor([2, 2], [4, 0, 8, -2])), bias = Variable(Tensor([2], [3, -5]))
        let head = { linear(globalAveragePool($0), weight, bias) }
        let targets = [LinearTarget(output: 0), LinearTarget(output: 1), LinearTarget(output: 0, against: 1)]
        let maps = CAM.maps(activations: activations, targets: targets, head: head)
        XCTAssertEqual(maps.shape, [3, 2, 2])
        XCTAssertEqual(maps.array, [4, 8, 0, 0, 8, 16, -8, -16, -4, -8, 8, 16])
        XCTAssertEqual(head(Variable(activations)).value.array, [3 + 3, 0 - 5])
    }

    // MARK: CAM and Grad-CAM

    /// With global average pooling and a linear layer, dy_c / dA_kij = w_ck / Z at every cell, so Grad-CAM is CAM / Z
    /// (Selvaraju et al. 2017, section 3.1): of every class, and of a contrast, for every network here that ends so.
    func testGradCAM_ofNetworksThatEndInPooling_isCAMOverTheCells() throws {
        let names = [
            "tiny", "resnet18", "mobilenet_v2", "efficientnet-lite0", "densenet121", "googlenet", "resnext50_32x4d",
        ]
        for name in names {
            let classifier = try untrainedClassifier(name, side: 96)
            let targets: [ChoiceTarget] = (0..<5).map { .named("\($0)") } + [.contrast("dog", against: "cat"), .best]
            func found(_ method: any ExplanationMethod) throws -> Explanation<Classifier> {
                let explainer = try Explainer(classifier, options: ExplanationOptions(methods: [method]))
                return try explainer.explain(encode(explainer), input: (), targets: targets)
            }
            let a = try found(GradCAM()), b = try found(CAM())
            XCTAssertEqual(a.output.ranking, b.output.ranking)
            XCTAssertEqual([a.targets.count, b.targets.count], [7, 7])
            for (x, y) in zip(a.targets, b.targets) {
                XCTAssertEqual(x.name, y.name)
                XCTAssertEqual(x.subject, y.subject)
                XCTAssertEqual(x.value, y.value)
                XCTAssertGreaterThan(y.map.largestMagnitude, 0, name)
                assertEqual(
                    x.map.array.map { $0 * Float(x.map.count) }, y.map.array, within: 1e-4, "\(name) \(x.name)")
            }
        }
        XCTAssertEqual(Set(names).subtracting(Architectures.all.filter { $0.camLayer != nil }.map(\.name)), [])
    }

    func testCAM_ofAHeadOfSeveralLayers_throws() throws {
        let alexNet = try Explainer(untrainedClassifier("alexnet"), options: ExplanationOptions(methods: [CAM()]))
        XCTAssertThrowsError(try alexNet.explain(encode(alexNet), input: (), targets: [.best])) {
            XCTAssertEqual(($0 as? ExplanationError)?.kind, .methodDoesNotApply)
            XCTAssertTrue("\($0)".contains("alexnet"), "\($0)")
        }
    }

    func testCAM_overAnEarlierLayer_throwsBeforeAnythingIsComputed() throws {
        let options = ExplanationOptions(layers: ["conv2"], methods: [CAM()])
        XCTAssertThrowsError(try Explainer(untrainedClassifier(), options: options)) {
            XCTAssertEqual(($0 as? ExplanationError)?.kind, .methodDoesNotApply)
            XCTAssertTrue("\($0)".contains("conv4") && "\($0)".contains("conv2"), "\($0)")
        }
    }

    // MARK: Finite differences

    /// alpha_k is the mean over the cells of dy / dA_k: what y gains when all of channel k grows, over the cells. Heads
    /// of convolutions (SqueezeNet), of linear layers behind adaptive pooling (AlexNet's layout is as VGG's), and of
    /// one linear layer.
    func testGradCAM_ofSeveralKindsOfHead_equalsFiniteDifferences() throws {
        for name in ["tiny", "squeezenet1_1"] {
            let explainer = try Explainer(untrainedClassifier(name, side: name == "tiny" ? nil : 65))
            let image = encode(explainer)
            let best = try explainer.explain(image, input: (), targets: []).output.ranking[0].index
            let found = try explainer.explain(image, input: (), targets: [.named("\(best)")]).targets[0]
            let features = image.features.array, channels = image.features.shape[3], cells = features.count / channels
            var map = [Float](repeating: 0, count: cells)
            for k in 0..<channels {
                let step: Float = 0.01
                func y(_ sign: Float) -> Float {
                    var moved = features
                    for cell in 0..<cells { moved[cell * channels + k] += sign * step }
                    return explainer.model.logits(features: Tensor(image.features.shape, moved))[0, best]
                }
                let alpha = (y(1) - y(-1)) / (2 * step * Float(cells))
                for cell in 0..<cells { map[cell] += alpha * features[cell * channels + k] }
            }
            XCTAssertGreaterThan(map.map(abs).max() ?? 0, 0, name)
            assertEqual(found.map.array, map, within: 0.02, name)
        }
    }

    // MARK: Ranking, layers

    func testExplain_overEachLayer_ranksTheClassesAndFindsThemByName() throws {
        let classifier = try untrainedClassifier()
        for layers in [[], ["conv1"], ["conv3"]] {
            let explainer = try Explainer(classifier, options: ExplanationOptions(layers: layers))
            let image = encode(explainer)
            let found = try explainer.explain(
                image, input: (), targets: [.best, .named("fox"), .named("House Cat"), .contrast("fox", against: "1")])
            let ranking = found.output.ranking
            XCTAssertEqual(Set(ranking.map(\.index)), [0, 1, 2, 3, 4])
            XCTAssertEqual(ranking.map(\.logit), ranking.map(\.logit).sorted(by: >))
            XCTAssertEqual(ranking.map(\.probability).reduce(0, +), 1, accuracy: 1e-5)
            XCTAssertEqual(found.targets.map(\.subject.index), [ranking[0].index, 3, 0, 3])
            XCTAssertEqual(found.targets.map(\.subject.against), [nil, nil, nil, 1])
            XCTAssertEqual(found.targets[0].subject.rank, 1)
            XCTAssertEqual(found.targets[0].subject.probability, ranking[0].probability)
            XCTAssertEqual(found.targets[0].value, ranking[0].logit)
            XCTAssertEqual(found.targets[1].map.shape, Array(image.activations.shape[1...2]))
            XCTAssertEqual(found.targets[2].name, "cat")
            XCTAssertEqual(found.targets[3].name, "fox rather than dog")
            XCTAssertEqual(explainer.layer, layers.first ?? "conv4")
        }
    }

    func testExplain_ofAClassAgainstItself_throws() throws {
        let explainer = try Explainer(untrainedClassifier())
        XCTAssertThrowsError(
            try explainer.explain(encode(explainer), input: (), targets: [.contrast("dog", against: "1")])
        ) {
            XCTAssertTrue("\($0)".contains("held against itself"), "\($0)")
        }
    }

    func testExplainer_ofALayerThatTheEncoderDoesNotHave_throws() throws {
        let classifier = try untrainedClassifier()
        XCTAssertThrowsError(try Explainer(classifier, options: ExplanationOptions(layers: ["conv9"]))) {
            XCTAssertEqual(($0 as? ExplanationError)?.kind, .noSuchLayer)
        }
    }
}
