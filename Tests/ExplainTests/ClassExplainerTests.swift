import Tasks
import Tensors
import TestSupport
import Vision
import XCTest

@testable import Explain

/// Maps of classes: by hand, against finite differences, and CAM against Grad-CAM.
final class ClassExplainerTests: XCTestCase {
    /// A classifier with seeded, untrained weights.
    private func classifier(_ name: String, classes: Int = 5, side: Int? = nil) throws -> Classifier {
        let architecture = try Architectures.named(name), usual = architecture.preprocessing
        let preprocessing = Preprocessing(
            width: side ?? usual.width, height: side ?? usual.height, fit: .squash, filter: .bilinear, mean: usual.mean, std: usual.std)
        return try Classifier(
            configuration: ClassifierConfiguration(
                encoder: EncoderConfiguration(name: name, folded: true), preprocessing: preprocessing, classes: classes, labels: "classes.txt"),
            classes: ["cat, house cat", "dog", "red fox", "fox", "yes"].prefix(classes) + (5..<max(5, classes)).map { "class \($0)" },
            parameters: ParameterStore(seed: 11).scope())
    }

    private func look(_ explainer: ClassExplainer) -> SeenPicture {
        let picture = ToyScene(seed: 2_024, index: 1).image
        return explainer.look(at: explainer.classifier.configuration.preprocessing.prepare(picture).tensor)
    }

    private func assertEqual(_ a: [Float], _ b: [Float], within part: Float, _ message: String = "", line: UInt = #line) {
        XCTAssertEqual(a.count, b.count, message, line: line)
        let largest = max(b.map(abs).max() ?? 0, 1e-12)
        for (x, y) in zip(a, b) { XCTAssertEqual(x, y, accuracy: part * largest, message, line: line) }
    }

    // MARK: By hand

    /// A = (1, 0), (2, 0), (0, 4), (0, 8); w = (4, 0), (8, -2); b = 3, -5: M_0 = 4, 8, 0, 0 and M_1 = 8, 16, -8, -16, without the biases. The
    /// mean of M_c is logit_c - b_c.
    func testCAMByHand() {
        let activations = Tensor([1, 2, 2, 2], [1, 0, 2, 0, 0, 4, 0, 8])
        let weight = Variable(Tensor([2, 2], [4, 0, 8, -2])), bias = Variable(Tensor([2], [3, -5]))
        let head = { linear(globalAveragePool($0), weight, bias) }
        let scores = [LogitScore(name: "a", index: 0), LogitScore(name: "b", index: 1), .init(name: "", index: 0, against: 1)]
        let maps = CAM.maps(activations: activations, sums: scores.map(\.sum), head: head)
        XCTAssertEqual(maps.shape, [3, 2, 2])
        XCTAssertEqual(maps.array, [4, 8, 0, 0, 8, 16, -8, -16, -4, -8, 8, 16])
        XCTAssertEqual(head(Variable(activations)).value.array, [3 + 3, 0 - 5])
    }

    // MARK: CAM and Grad-CAM

    /// With global average pooling and a linear layer, dy_c / dA_kij = w_ck / Z at every cell, so Grad-CAM is CAM / Z (Selvaraju et al. 2017,
    /// section 3.1): of every class, and of a contrast, for every network here that ends so.
    func testGradCAMIsCAMOverTheCells() throws {
        let names = ["tiny", "resnet18", "mobilenet_v2", "efficientnet-lite0", "densenet121", "googlenet", "resnext50_32x4d"]
        for name in names {
            let classifier = try classifier(name, side: 96)
            let explainer = try ClassExplainer(classifier)
            let targets: [ClassTarget] = (0..<5).map { .named("\($0)") } + [.contrast("dog", against: "cat"), .best]
            let a = try explainer.explain(look(explainer), targets: targets)
            let b = try explainer.explain(look(explainer), targets: targets, recipe: MapRecipe(methods: [CAM()]))
            XCTAssertEqual(a.ranking, b.ranking)
            for (x, y) in zip(a.scores, b.scores) {
                XCTAssertEqual(x.score, y.score)
                XCTAssertEqual(x.value, y.value)
                XCTAssertGreaterThan(y.map.array.map(abs).max() ?? 0, 0, name)
                assertEqual(x.map.array.map { $0 * Float(x.map.count) }, y.map.array, within: 1e-4, "\(name) \(x.score.name)")
            }
        }
        XCTAssertEqual(Set(names).subtracting(Architectures.all.filter { $0.camLayer != nil }.map(\.name)), [])
    }

    func testWhereCAMDoesNotApply() throws {
        let recipe = MapRecipe(methods: [CAM()]), alexNet = try ClassExplainer(classifier("alexnet"))
        XCTAssertThrowsError(try alexNet.explain(look(alexNet), targets: [.best], recipe: recipe)) {
            XCTAssertEqual(($0 as? ExplanationError)?.kind, .methodDoesNotApply)
            XCTAssertTrue("\($0)".contains("alexnet"), "\($0)")
        }
        XCTAssertThrowsError(try ClassExplainer(classifier("tiny"), layer: "conv2").methods(recipe)) {
            XCTAssertEqual(($0 as? ExplanationError)?.kind, .methodDoesNotApply)
            XCTAssertTrue("\($0)".contains("conv4") && "\($0)".contains("conv2"), "\($0)")
        }
    }

    // MARK: Finite differences

    /// alpha_k is the mean over the cells of dy / dA_k: what y gains when all of channel k grows, over the cells. Heads of convolutions
    /// (SqueezeNet), of linear layers behind adaptive pooling (AlexNet's layout is as VGG's), and of one linear layer.
    func testMapsAgreeWithFiniteDifferences() throws {
        for name in ["tiny", "squeezenet1_1"] {
            let explainer = try ClassExplainer(classifier(name, side: name == "tiny" ? nil : 65))
            let seen = look(explainer)
            let best = try explainer.explain(seen, targets: []).ranking[0].index
            let found = try explainer.explain(seen, targets: [.named("\(best)")]).scores[0]
            let features = seen.features.array, channels = seen.features.shape[3], cells = features.count / channels
            var map = [Float](repeating: 0, count: cells)
            for k in 0..<channels {
                let step: Float = 0.01
                func y(_ sign: Float) -> Float {
                    var moved = features
                    for cell in 0..<cells { moved[cell * channels + k] += sign * step }
                    return explainer.classifier.logits(features: Tensor(seen.features.shape, moved))[0, best]
                }
                let alpha = (y(1) - y(-1)) / (2 * step * Float(cells))
                for cell in 0..<cells { map[cell] += alpha * features[cell * channels + k] }
            }
            XCTAssertGreaterThan(map.map(abs).max() ?? 0, 0, name)
            assertEqual(found.map.array, map, within: 0.02, name)
        }
    }

    // MARK: Ranking, layers

    func testTheRankingAndEarlierLayers() throws {
        let classifier = try classifier("tiny")
        for layer in [nil, "conv1", "conv3"] {
            let explainer = try ClassExplainer(classifier, layer: layer), seen = look(explainer)
            let found = try explainer.explain(seen, targets: [.best, .named("fox"), .named("House Cat")])
            XCTAssertEqual(Set(found.ranking.map(\.index)), [0, 1, 2, 3, 4])
            XCTAssertEqual(found.ranking.map(\.logit), found.ranking.map(\.logit).sorted(by: >))
            XCTAssertEqual(found.ranking.map(\.probability).reduce(0, +), 1, accuracy: 1e-5)
            XCTAssertEqual(found.scores.map(\.score.index), [found.ranking[0].index, 3, 0])
            XCTAssertEqual(found.scores[0].rank, 1)
            XCTAssertEqual(found.scores[0].value, found.ranking[0].logit)
            XCTAssertEqual(found.scores[1].map.shape, Array(seen.activations.shape[1...2]))
            XCTAssertEqual(found.scores[2].score.name, "cat")
        }
        let explainer = try ClassExplainer(classifier)
        XCTAssertThrowsError(try explainer.explain(look(explainer), targets: [.contrast("dog", against: "1")])) {
            XCTAssertTrue("\($0)".contains("held against itself"), "\($0)")
        }
        XCTAssertThrowsError(try ClassExplainer(classifier, layer: "conv9"))
    }
}
