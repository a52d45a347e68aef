import Foundation
import Tasks
import Tensors
import TestSupport
import Vision
import Weights
import XCTest

@testable import Explain

/// What the options ask for, and how the explanation lists it.
final class ExplainerTests: XCTestCase {
    private func captioner(maps: MapConfiguration? = nil) throws -> Captioner {
        let folder = Fixture.url("toy-show-attend-and-tell"), original = try Captioner.load(folder)
        guard let maps else { return original }
        var configuration = original.configuration
        configuration.maps = maps
        let state = try SafeTensors.read(folder.appendingPathComponent("model.safetensors"))
        return try Captioner(
            configuration: configuration, vocabulary: original.vocabulary,
            parameters: ParameterStore(strict: state, origin: "toy").scope())
    }

    private func encode<Model>(_ explainer: Explainer<Model>) -> EncodedImage {
        explainer.encode(explainer.model.toyImage(index: 0))
    }

    // MARK: Requests, targets and attributions

    func testExplain_ofSeveralRequests_listsTargetsInTheirOrderWithOneAttributionForEachMethod() throws {
        let explainer = try Explainer(
            captioner(), options: ExplanationOptions(methods: [HiResCAM(), ImageGradient()]))
        let words = try explainer.model.words(of: "a circle and something red").words
        let found = try explainer.explain(
            encode(explainer), input: words, targets: [.word("red"), .everyWord, .wholeCaption])
        XCTAssertEqual(found.targets.map(\.request), [0, 1, 1, 1, 1, 1, 2])
        XCTAssertEqual(
            found.targets.map(\.name), ["red", "a", "circle", "and", "something", "red", "caption"])
        for target in found.targets {
            XCTAssertEqual(target.attributions.map(\.method), ["hirescam", "gradient"])
            XCTAssertEqual(target.attributions.map(\.support), [.layers(["conv4"]), .pixels])
            XCTAssertEqual(target.attribution(by: "gradient")?.map.array, target.attributions[1].map.array)
            XCTAssertNil(target.attribution(by: "grad-cam"))
        }
        XCTAssertEqual(found.attributions.count, 14)
        XCTAssertEqual(found.attributions[3].map.array, found.targets[1].attributions[1].map.array)
        assertEqual(found.targets[5].map.array, found.targets[0].map.array, within: 1e-4)
        XCTAssertEqual(found.targets[6].subject.positions, Array(0...words.indices.count))
    }

    func testExplain_withAMethodNamedTwice_givesOneAttribution() throws {
        let methods: [any ExplanationMethod] = [
            GradCAM(), Occlusion(window: 32, stride: 32), GradCAM(), Occlusion(window: 64, stride: 64), HiResCAM(),
        ]
        let explainer = try Explainer(untrainedClassifier(), options: ExplanationOptions(methods: methods))
        XCTAssertEqual(explainer.methods.map(\.name), ["grad-cam", "occlusion", "hirescam"])
        XCTAssertEqual(explainer.options.methods.map(\.name), ["grad-cam", "occlusion", "hirescam"])
        let image = encode(explainer)
        let found = try explainer.explain(image, input: (), targets: [.best]).targets[0].attributions
        XCTAssertEqual(found.map(\.method), ["grad-cam", "occlusion", "hirescam"])
        // The first one's settings hold.
        let first = try Explainer(explainer.model, options: ExplanationOptions(methods: [methods[1]]))
        XCTAssertEqual(
            found[1].map.array, try first.explain(image, input: (), targets: [.best]).targets[0].map.array)
    }

    func testExplain_withWarnings_givesThemToTheAttributionOfTheirTarget() throws {
        struct Doubtful: ExplanationMethod {
            let name: String, summary = "", paper = "", support = MethodSupport.layer

            func maps(of context: AttributionContext) -> Tensor {
                context.warn("\(name) doubts", target: 1)
                return GradCAM().maps(of: context)
            }
        }
        let explainer = try Explainer(
            untrainedClassifier(),
            options: ExplanationOptions(methods: [Doubtful(name: "a"), GradCAM(), Doubtful(name: "b")]))
        let found = try explainer.explain(
            encode(explainer), input: (), targets: [.named("0"), .named("1"), .named("2")])
        XCTAssertEqual(
            found.targets.map { $0.attributions.map(\.warnings) },
            [
                [[], [], []], [["a doubts"], [], ["b doubts"]], [[], [], []],
            ])
    }

    func testExplain_withProgress_reportsTheRunsOfMethodsThatTakeMany() throws {
        let explainer = try Explainer(
            untrainedClassifier(), options: ExplanationOptions(methods: [GradCAM(), RISE(masks: 10)]))
        var reports: [[Int]] = []
        _ = try explainer.explain(encode(explainer), input: (), targets: [.best]) { reports.append([$0, $1]) }
        XCTAssertEqual(reports, [[0, 10], [8, 10], [10, 10]])
    }

    // MARK: Counterfactuals and contrasts

    private func red(
        _ options: ExplanationOptions, _ target: CaptionTarget = .word("red", occurrence: 1)
    ) throws -> ExplainedTarget<CaptionSubject> {
        let explainer = try Explainer(captioner(), options: options)
        let words = try explainer.model.words(of: "a circle and something red").words
        return try explainer.explain(encode(explainer), input: words, targets: [target]).targets[0]
    }

    func testCounterfactual_ofAWord_turnsTheMapsSignAndKeepsTheValue() throws {
        for method in [GradCAM(), HiResCAM(), Occlusion(window: 16, stride: 16)] as [any ExplanationMethod] {
            let plain = try red(ExplanationOptions(methods: [method]))
            let against = try red(ExplanationOptions(methods: [method], isCounterfactual: true))
            assertEqual(against.map.array, plain.map.array.map { -$0 }, within: 1e-4, method.name)
            XCTAssertEqual(against.value, plain.value)
        }
    }

    func testCounterfactual_ofAMethodWithoutOne_throwsBeforeAnythingIsComputed() throws {
        for method in [EigenCAM(), ActivationSum(), ModelAttention()] as [any ExplanationMethod] {
            let options = ExplanationOptions(methods: [GradCAM(), method], isCounterfactual: true)
            XCTAssertThrowsError(try Explainer(captioner(), options: options)) {
                XCTAssertEqual(($0 as? ExplanationError)?.kind, .methodDoesNotApply)
                XCTAssertTrue("\($0)".contains(method.name) && "\($0)".contains("counterfactual"), "\($0)")
            }
        }
    }

    /// The softmax cancels in a contrast: of log-probabilities or of logits, it is the difference of the two words'
    /// maps.
    func testContrast_ofTwoWords_isTheDifferenceOfTheirMaps() throws {
        let blue = CaptionTarget.word("blue", occurrence: 1)
        let contrast = CaptionTarget.contrast("red", against: "blue", occurrence: 1)
        var found: [ExplainedTarget<CaptionSubject>] = []
        for kind in [WordScore.logProbability, .logit] {
            let options = ExplanationOptions(wordScore: kind)
            let (a, b, difference) = (try red(options), try red(options, blue), try red(options, contrast))
            XCTAssertEqual(a.subject.positions, b.subject.positions)
            XCTAssertEqual(difference.value, a.value - b.value, accuracy: 1e-3)
            XCTAssertEqual(difference.subject.logProbability, a.subject.logProbability)
            assertEqual(difference.map.array, zip(a.map.array, b.map.array).map { $0 - $1 }, within: 1e-3)
            found += [a, difference]
        }
        assertEqual(found[1].map.array, found[3].map.array, within: 1e-3)
        XCTAssertNotEqual(found[0].map.array, found[2].map.array)
        XCTAssertEqual(found[1].name, "red rather than blue")
    }

    func testContrast_withItselfAnUnknownWordOrAPhrase_throws() throws {
        for (other, part) in [("red", "against itself"), ("bluee", "blue"), ("blue circle", "two single words")] {
            XCTAssertThrowsError(try red(ExplanationOptions(), .contrast("red", against: other, occurrence: 1))) {
                XCTAssertTrue("\($0)".contains(part), "\($0)")
            }
        }
    }

    // MARK: Several layers

    func testExplain_overSeveralLayers_fusesTheMapsOfEach() throws {
        let captioner = try captioner(), stages = captioner.encoder.stages.map(\.name)
        func found(_ layers: [String]) throws -> Attribution {
            let explainer = try Explainer(
                captioner, options: ExplanationOptions(layers: layers, methods: [LayerCAM()]))
            return try explainer.explain(
                encode(explainer), input: [4, 5, 6], targets: [.wholeCaption]
            ).targets[0].attributions[0]
        }
        let chosen = [stages[stages.count - 1], stages[0]], fused = try found(chosen)
        let alone = try chosen.map { try found([$0]).map }
        XCTAssertEqual(fused.support, .layers([stages[0], stages[stages.count - 1]]))
        XCTAssertEqual(fused.support.description, "\(stages[0]) + \(stages[stages.count - 1])")
        assertEqual(
            fused.map.array, LayerFusion.fuse(alone.map { $0.reshaped([1] + $0.shape) }).array, within: 1e-3)
        XCTAssertEqual(fused.map.shape, alone[1].shape)
    }

    func testExplainer_ofALastLayerMethodOverSeveralLayers_throws() throws {
        let captioner = try captioner(), stages = captioner.encoder.stages.map(\.name)
        let options = ExplanationOptions(layers: [stages[stages.count - 1], stages[0]], methods: [CAM()])
        XCTAssertThrowsError(try Explainer(captioner, options: options)) {
            XCTAssertEqual(($0 as? ExplanationError)?.kind, .methodDoesNotApply)
            XCTAssertTrue("\($0)".contains("\(stages[0]) and "), "\($0)")
        }
    }

    func testExplainer_ofAToolThatDoesNotFuseLayers_throws() throws {
        for tool in Compatibility.allCases {
            let several = ExplanationOptions(layers: ["conv1", "conv4"], compatibility: tool)
            let one = ExplanationOptions(layers: ["conv1"], compatibility: tool)
            XCTAssertNoThrow(try Explainer(untrainedClassifier(), options: one))
            if tool.fusesLayers {
                XCTAssertNoThrow(try Explainer(untrainedClassifier(), options: several))
            } else {
                XCTAssertThrowsError(try Explainer(untrainedClassifier(), options: several)) {
                    XCTAssertTrue("\($0)".contains(tool.rawValue) && "\($0)".contains("--compat"), "\($0)")
                }
            }
        }
    }

    func testGuidedGradCAM_ofSeveralLayers_usesTheLast() throws {
        let classifier = try untrainedClassifier()
        func found(_ layers: [String]) throws -> Attribution {
            let explainer = try Explainer(
                classifier, options: ExplanationOptions(layers: layers, methods: [GuidedGradCAM()]))
            return try explainer.explain(encode(explainer), input: (), targets: [.best]).attributions[0]
        }
        let several = try found(["conv2", "conv3"]), last = try found(["conv3"]), first = try found(["conv2"])
        XCTAssertEqual(several.support, .pixels)
        XCTAssertGreaterThan(last.map.largestMagnitude, 0)
        assertEqual(several.map.array, last.map.array, within: 1e-5)
        XCTAssertNotEqual(first.map.array, last.map.array)
    }

    // MARK: The model's own configuration

    func testMapConfiguration_fromJSON_hasDefaultsAndRefusesUnknownScores() throws {
        func json(_ maps: String) throws -> MapConfiguration {
            try JSONDecoder().decode(MapConfiguration.self, from: Data(maps.utf8))
        }
        XCTAssertEqual(try json("{}"), MapConfiguration(smoothing: 1))
        XCTAssertEqual(
            try json(#"{"method": "hirescam", "score": "logit", "smoothing": 3}"#),
            MapConfiguration(smoothing: 3, method: "hirescam", score: .logit))
        XCTAssertThrowsError(try json(#"{"score": "loggit"}"#))
    }

    func testExplainer_ofACaptionerWithMaps_takesItsMethodAndScoreWhereNoneIsAskedFor() throws {
        let model = try captioner(maps: MapConfiguration(method: "hirescam", score: .logit))
        let own = try Explainer(model), image = encode(own), words = own.caption(image)
        let found = try own.explain(image, input: words, targets: [.wholeCaption])
        XCTAssertEqual(found.output.wordScore, .logit)
        XCTAssertEqual(found.attributions.map(\.method), ["hirescam"])
        XCTAssertEqual(own.options.wordScore, .logit)
        let asked = try Explainer(
            model, options: ExplanationOptions(methods: [GradCAM()], wordScore: .logProbability)
        ).explain(image, input: words, targets: [.wholeCaption])
        XCTAssertEqual(asked.output.wordScore, .logProbability)
        XCTAssertEqual(asked.attributions.map(\.method), ["grad-cam"])
        XCTAssertEqual(asked.targets[0].value, asked.output.logProbabilities.reduce(0, +), accuracy: 1e-4)
    }

    func testExplainer_ofAModelWithoutMaps_takesGradCAMAndLogProbabilities() throws {
        let model = try captioner()
        XCTAssertNil(model.mapConfiguration)
        let own = try Explainer(model)
        let found = try own.explain(encode(own), input: [4, 5, 6], targets: [.wholeCaption])
        XCTAssertEqual(found.attributions.map(\.method), ["grad-cam"])
        XCTAssertEqual(found.output.wordScore, .logProbability)
    }

    func testExplainer_ofAConfigurationThatNamesNoMethod_throws() throws {
        XCTAssertThrowsError(try Explainer(captioner(maps: MapConfiguration(method: "hirescan")))) {
            XCTAssertEqual(($0 as? ExplanationError)?.kind, .unknownMethod)
            XCTAssertTrue("\($0)".contains("config.json") && "\($0)".contains("'hirescan'"), "\($0)")
        }
    }

    func testExplainer_ofAClassifierWithMaps_takesItsMethodWhereNoneIsAskedFor() throws {
        let classifier = try untrainedClassifier(maps: MapConfiguration(smoothing: 3, method: "hirescam"))
        let own = try Explainer(classifier)
        let found = try own.explain(encode(own), input: (), targets: [.best])
        XCTAssertEqual(found.attributions.map(\.method), ["hirescam"])
        let asked = try Explainer(classifier, options: ExplanationOptions(methods: [CAM()]))
        XCTAssertEqual(asked.methods.map(\.name), ["cam"])
        XCTAssertThrowsError(try Explainer(untrainedClassifier(maps: MapConfiguration(method: "hirescan")))) {
            XCTAssertTrue("\($0)".contains("config.json") && "\($0)".contains("'hirescan'"), "\($0)")
        }
    }
}
