import Foundation
import Language
import Tasks
import Tensors
import TestSupport
import Vision
import Weights
import XCTest

@testable import Explain

/// What must hold of methods on real networks.
final class MethodPropertyTests: XCTestCase {
    private func captioner(_ kind: String = "show-attend-and-tell") throws -> Captioner {
        try Captioner.load(Fixture.url("toy-\(kind)"))
    }

    private func picture(_ preprocessing: Preprocessing, index: Int = 0) -> Tensor {
        preprocessing.prepare(ToyScene(seed: 2_024, index: index).image).tensor
    }

    private func assertEqual(
        _ a: [Float], _ b: [Float], within part: Float, _ message: String = "", line: UInt = #line
    ) {
        XCTAssertEqual(a.count, b.count, message, line: line)
        let largest = max(b.map(abs).max() ?? 0, 1e-12)
        for (x, y) in zip(a, b) { XCTAssertEqual(x, y, accuracy: part * largest, message, line: line) }
    }

    /// Back along the pass that looked at the picture, or along one of its own: the same gradients of the same pixels, and of
    /// the layers.
    func testThePixelsAreReachedAlongTheRecordedPass() throws {
        let explainer = try CaptionExplainer(.load(Fixture.url("toy-show-attend-and-tell")))
        let input = picture(explainer.captioner.configuration.preprocessing)
        let methods: [any ExplanationMethod] = [
            ImageGradient(), GradientTimesInput(), GuidedBackpropagation(), Deconvnet(), GuidedGradCAM(), GradCAM(),
        ]
        let plain = explainer.look(at: input), recorded = explainer.look(at: input, for: methods)
        XCTAssertFalse(plain.reachesPixels)
        XCTAssertTrue(recorded.reachesPixels)
        XCTAssertFalse(explainer.look(at: input, for: [GradCAM(), Occlusion()]).reachesPixels)
        let words = explainer.caption(plain)
        func scores(_ seen: SeenPicture) throws -> [ExplainedScore] {
            try explainer.explain(seen, words: words, targets: [.everyWord], recipe: MapRecipe(methods: methods)).scores
        }
        let (a, b) = (try scores(plain), try scores(recorded))
        XCTAssertEqual(a.count, methods.count * words.count)
        for (a, b) in zip(a, b) {
            XCTAssertEqual(a.method, b.method)
            let largest = a.map.array.map(abs).max() ?? 0
            XCTAssertGreaterThan(largest, 0, a.method)
            for (x, y) in zip(a.map.array, b.map.array) { XCTAssertEqual(x, y, accuracy: 1e-5 * largest, a.method) }
        }
    }

    /// Cheap settings, for tests of what does not depend on their number.
    private var few: [any ExplanationMethod] {
        var settings = MethodSettings()
        (settings.samples, settings.window, settings.stride, settings.cells) = (3, 32, 32, 3)
        return Methods.all(settings)
    }

    private func classifier(_ name: String = "tiny") throws -> Classifier {
        let architecture = try Architectures.named(name)
        return try Classifier(
            configuration: ClassifierConfiguration(
                encoder: EncoderConfiguration(name: name, folded: true), preprocessing: architecture.preprocessing,
                classes: 3, labels: "classes.txt"),
            classes: ["a", "b", "c"], parameters: ParameterStore(seed: 11).scope())
    }

    // MARK: Any score with any method

    /// Words, phrases, the caption and a contrast with every method: finite maps, of which some cell is not 0, and those of several
    /// scores are those that the scores get one by one.
    func testEveryMethodExplainsCaptions() throws {
        for kind in DecoderConfiguration.Kind.allCases {
            let explainer = try CaptionExplainer(captioner(kind.rawValue))
            let seen = explainer.look(at: picture(explainer.captioner.configuration.preprocessing))
            let words = try explainer.indices(of: "a circle and something red").words
            let targets: [CaptionTarget] = [
                .word("circle", occurrence: 1), .phrase("something red", occurrence: 1), .wholeCaption,
                .contrast("red", against: "blue", occurrence: 1),
            ]
            for method in few where method.name != "cam" && (method.name != "attention" || kind == .showAttendAndTell) {
                let recipe = MapRecipe(methods: [method])
                let all = try explainer.explain(seen, words: words, targets: targets, recipe: recipe)
                XCTAssertEqual(all.scores.map(\.method), Array(repeating: method.name, count: 4))
                for (target, together) in zip(targets, all.scores) {
                    XCTAssertTrue(together.map.isFinite, method.name)
                    XCTAssertGreaterThan(together.map.array.map(abs).max() ?? 0, 0, "\(kind) \(method.name)")
                    let size = method.place == .pixels ? seen.picture : seen.activations
                    XCTAssertEqual(together.map.shape, Array(size.shape[1...2]))
                    let one = try explainer.explain(seen, words: words, targets: [target], recipe: recipe).scores[0]
                    assertEqual(together.map.array, one.map.array, within: 1e-3, method.name)
                }
            }
        }
    }

    func testEveryMethodExplainsAnswers() throws {
        for kind in VQAHeadConfiguration.Kind.allCases where kind != .questionOnly {
            let explainer = try AnswerExplainer(untrainedVQAModel(kind))
            let seen = explainer.look(at: picture(explainer.answerer.configuration.preprocessing))
            let question = try explainer.read("what color is the dog?").question
            let attends = kind == .coAttention || kind == .stackedAttention
            let methods = few.filter { $0.name != "cam" && ($0.name != "attention" || attends) }
            let found = try explainer.explain(
                seen, question: question, targets: [.answer("blue"), .contrast("red", against: "yes")],
                explainsQuestion: true, recipe: MapRecipe(methods: methods))
            XCTAssertEqual(found.scores.map(\.method), (methods + methods).map(\.name))
            XCTAssertEqual(found.scores.filter { $0.words != nil }.count, 2)
            for score in found.scores {
                XCTAssertTrue(score.map.isFinite)
                XCTAssertGreaterThan(score.map.array.map(abs).max() ?? 0, 0, "\(kind) \(score.method)")
            }
            if let attention = found.scores.first(where: { $0.method == "attention" }) {
                XCTAssertEqual(attention.map.array.reduce(0, +), 1, accuracy: 1e-5)
            }
            if !attends {
                XCTAssertThrowsError(
                    try explainer.explain(
                        seen, question: question, targets: [.best], recipe: MapRecipe(methods: [ModelAttention()]))
                ) { XCTAssertTrue("\($0)".contains("attention does not apply to \(kind.rawValue)"), "\($0)") }
            }
        }
    }

    /// A caption's attention is that of the decoder's steps: its word's weights sum to 1.
    func testAttentionOfACaption() throws {
        let explainer = try CaptionExplainer(captioner())
        let seen = explainer.look(at: picture(explainer.captioner.configuration.preprocessing))
        let words = explainer.caption(seen)
        let found = try explainer.explain(
            seen, words: words, targets: [.everyWord], recipe: MapRecipe(methods: [ModelAttention()]))
        for score in found.scores { XCTAssertEqual(score.map.array.reduce(0, +), 1, accuracy: 1e-5) }
        XCTAssertNotEqual(found.scores[0].map.array, found.scores[1].map.array)
    }

    /// The model on several pictures at once, and from every layer on, is the model.
    func testScoresOfChangedInputs() throws {
        let captioner = try captioner(), stages = captioner.encoder.stages.map(\.name)
        for kind in [WordScore.logProbability, .logit] {
            let words = [4, 5, 6, 7], seen = try CaptionExplainer(captioner, layers: stages).look(
                at: picture(captioner.configuration.preprocessing))
            let outputs = try WordOutputs(captioner, kind: kind)
            let head = ScoreHead(name: "") { outputs($0, words: words).reshaped([$0.shape[0], -1]) }
            let scores = ExplainedScores(
                seen, head: head, sums: (0..<5).map { ScoreSum([.init(index: 17 * $0 + 3, weight: 1)]) })
            let other = picture(captioner.configuration.preprocessing, index: 1)
            let both = Tensor([2] + other.shape.dropFirst(), scores.picture.array + other.array)
            let values = scores.values(ofPictures: both)
            assertEqual(values.row(0).array, scores.values, within: 1e-4)
            assertEqual(values.row(1).array, scores.values(ofPictures: other).array, within: 1e-4)
            for layer in scores.layers {
                assertEqual(layer.values(ofActivations: layer.activations).array, scores.values, within: 1e-4, layer.layer)
            }
            // Derivatives of both at once are each one's own.
            let one = scores.gradients(at: other), two = scores.gradients(at: both), size = other.count
            for s in 0..<5 {
                assertEqual(Array(two.row(s).array[size...]), one.row(s).array, within: 1e-3)
            }
        }
    }

    // MARK: Between methods

    /// Where the gradient is the same in every cell (a head of global average pooling), cell by cell is the mean.
    func testHiResCAMIsGradCAMWhereTheGradientIsConstant() throws {
        let explainer = try ClassExplainer(classifier())
        let seen = explainer.look(at: picture(explainer.classifier.configuration.preprocessing))
        let found = try explainer.explain(
            seen, targets: [.named("1")], recipe: MapRecipe(methods: [GradCAM(), HiResCAM(), XGradCAM()])).scores
        assertEqual(found[1].map.array, found[0].map.array, within: 1e-4)
        // A constant gradient is its own mean, however it is weighted.
        assertEqual(found[2].map.array, found[0].map.array, within: 1e-3)
    }

    func testCounterfactualsAndContrasts() throws {
        let explainer = try CaptionExplainer(captioner())
        let seen = explainer.look(at: picture(explainer.captioner.configuration.preprocessing))
        let words = try explainer.indices(of: "a circle and something red").words
        func maps(_ target: CaptionTarget, _ recipe: MapRecipe) throws -> ExplainedScore {
            try explainer.explain(seen, words: words, targets: [target], recipe: recipe).scores[0]
        }
        let red = CaptionTarget.word("red", occurrence: 1), blue = CaptionTarget.word("blue", occurrence: 1)
        for method in [GradCAM(), HiResCAM(), Occlusion(window: 16, stride: 16)] as [any ExplanationMethod] {
            let map = try maps(red, MapRecipe(methods: [method])).map.array
            let against = try maps(red, MapRecipe(methods: [method], isCounterfactual: true))
            assertEqual(against.map.array, map.map { -$0 }, within: 1e-4, method.name)
            XCTAssertEqual(against.value, try maps(red, MapRecipe(methods: [method])).value)
        }
        XCTAssertThrowsError(try maps(red, MapRecipe(methods: [EigenCAM()], isCounterfactual: true))) {
            XCTAssertTrue("\($0)".contains("eigen-cam") && "\($0)".contains("counterfactual"), "\($0)")
        }
        // The softmax cancels in a contrast: of log-probabilities or of logits, it is the difference of the two words' maps.
        let contrast = CaptionTarget.contrast("red", against: "blue", occurrence: 1)
        var found: [ExplainedScore] = []
        for kind in [WordScore.logProbability, .logit] {
            let recipe = MapRecipe(wordScore: kind)
            let (a, b, difference) = (try maps(red, recipe), try maps(blue, recipe), try maps(contrast, recipe))
            XCTAssertEqual(a.score.positions, b.score.positions)
            XCTAssertEqual(difference.value, a.value - b.value, accuracy: 1e-3)
            XCTAssertEqual(difference.logProbability, a.logProbability)
            assertEqual(difference.map.array, zip(a.map.array, b.map.array).map { $0 - $1 }, within: 1e-3)
            found += [a, difference]
        }
        assertEqual(found[1].map.array, found[3].map.array, within: 1e-3)
        XCTAssertNotEqual(found[0].map.array, found[2].map.array)
        XCTAssertEqual(found[1].score.name, "red rather than blue")
        for (other, part) in [("red", "against itself"), ("bluee", "blue"), ("blue circle", "two single words")] {
            XCTAssertThrowsError(try maps(.contrast("red", against: other, occurrence: 1), MapRecipe())) {
                XCTAssertTrue("\($0)".contains(part), "\($0)")
            }
        }
    }

    /// All cells of integrated gradients add up to what the picture adds to the score.
    func testIntegratedGradientsAreComplete() throws {
        let explainer = try CaptionExplainer(captioner())
        let seen = explainer.look(at: picture(explainer.captioner.configuration.preprocessing))
        let words = try explainer.indices(of: "a circle and something red").words
        let found = try explainer.explain(
            seen, words: words, targets: [.word("circle", occurrence: 1), .word("red", occurrence: 1)],
            recipe: MapRecipe(methods: [IntegratedGradients(steps: 100)]))
        let preprocessing = explainer.captioner.configuration.preprocessing
        let black = preprocessing.normalized(
            Image(width: preprocessing.width, height: preprocessing.height, color: (0, 0, 0)))
        let empty = try explainer.explain(
            explainer.look(at: black), words: words,
            targets: [.word("circle", occurrence: 1), .word("red", occurrence: 1)])
        for (score, other) in zip(found.scores, empty.scores) {
            let change = score.value - other.value
            XCTAssertGreaterThan(abs(change), 0.1)
            XCTAssertEqual(score.map.array.reduce(0, +), change, accuracy: 0.05 * abs(change))
            XCTAssertEqual(score.warnings, [])
        }
    }

    /// With weights that are nowhere negative nothing cancels: what guided backpropagation lets through, the deconvnet does.
    func testGuidedGradientsAreZeroWhereTheDeconvnetsAre() {
        var random = SeededGenerator(seed: 4)
        func weights(_ shape: [Int], below: Float = 0) -> Variable {
            Variable(Tensor(shape, (0..<shape.reduce(1, *)).map { _ in max(0, random.normal() - below) }))
        }
        let first = weights([6, 3, 3, 3]), second = weights([4, 3, 3, 6])
        let shift = Variable(Tensor([6], repeating: -9)), head = Variable(Tensor([1, 400], (0..<400).map { _ in random.normal() }))
        let geometry = ConvolutionGeometry(3, stride: 1, padding: .all(1))
        let encoder = Encoder(stages: [
            .init(name: "one", channels: 6, stride: 1) { convolution($0, first, shift, geometry, activation: .relu) },
            .init(name: "two", channels: 4, stride: 1) { convolution($0, second, nil, geometry, activation: .relu) },
        ])
        let picture = Tensor([1, 10, 10, 3], (0..<300).map { _ in random.normal() })
        let scores = HandNetwork.scores(
            encoder, picture: picture,
            head: ScoreHead(name: "") { linear($0.reshaped([$0.shape[0], 400]), head) })
        let guided = GuidedBackpropagation().attributions(of: scores).array
        let deconvolved = Deconvnet().attributions(of: scores).array
        for (a, b) in zip(guided, deconvolved) { XCTAssertLessThanOrEqual(a, b + 1e-4) }
        XCTAssertGreaterThan(guided.max() ?? 0, 0)
        XCTAssertNotEqual(guided, deconvolved)
    }

    /// A picture moved by the encoder's stride has its map moved by a cell.
    func testMapsMoveWithThePicture() throws {
        let explainer = try ClassExplainer(classifier())
        let preprocessing = explainer.classifier.configuration.preprocessing
        let stride = explainer.classifier.encoder.stages.last?.stride ?? 0
        func maps(_ x: Int) throws -> ClassExplanation {
            var image = Image(width: preprocessing.width, height: preprocessing.height, color: (90, 90, 90))
            image.paste(Image(width: 12, height: 12, color: (220, 30, 60)), x: x, y: 24)
            return try explainer.explain(
                explainer.look(at: preprocessing.normalized(image)), targets: [.named("1")],
                recipe: MapRecipe(methods: [GradCAM(), HiResCAM(), LayerCAM(), Activity()]))
        }
        for (a, b) in zip(try maps(20).scores, try maps(20 + stride).scores) {
            let (rows, columns) = (a.map.shape[0], a.map.shape[1])
            let (x, y) = (a.map.array, b.map.array), largest = x.map(abs).max() ?? 0
            XCTAssertGreaterThan(largest, 0)
            // Cells whose view the picture's edge cuts are left out.
            let margin = 5
            var differs = false
            for row in margin..<rows - margin {
                for column in margin..<columns - margin - 1 {
                    let (before, after) = (x[row * columns + column], y[row * columns + column + 1])
                    XCTAssertEqual(before, after, accuracy: 1e-3 * largest, a.method)
                    differs = differs || abs(x[row * columns + column] - x[row * columns + column + 1]) > 0.1 * largest
                }
            }
            XCTAssertTrue(differs, a.method)
        }
    }

    // MARK: Layers, the model's own method

    func testSeveralLayersAreFused() throws {
        let captioner = try captioner(), stages = captioner.encoder.stages.map(\.name)
        let words = [4, 5, 6], target = [CaptionTarget.wholeCaption]
        func found(_ layers: [String]) throws -> ExplainedScore {
            let explainer = try CaptionExplainer(captioner, layers: layers)
            let seen = explainer.look(at: picture(captioner.configuration.preprocessing))
            return try explainer.explain(seen, words: words, targets: target, recipe: MapRecipe(methods: [LayerCAM()])).scores[0]
        }
        let chosen = [stages[stages.count - 1], stages[0]], fused = try found(chosen)
        let alone = try chosen.map { try found([$0]).map }
        XCTAssertEqual(fused.place, "\(stages[0]) + \(stages[stages.count - 1])")
        assertEqual(
            fused.map.array, LayerFusion.fuse(alone.map { $0.reshaped([1] + $0.shape) }).array, within: 1e-3)
        XCTAssertEqual(fused.map.shape, alone[1].shape)
        XCTAssertThrowsError(try CaptionExplainer(captioner, layers: chosen).methods(MapRecipe(methods: [CAM()]))) {
            XCTAssertTrue("\($0)".contains("\(stages[0]) and "), "\($0)")
        }
    }

    func testAModelsOwnMethodAndScore() throws {
        var configuration = try captioner().configuration
        func json(_ maps: String) throws -> MapConfiguration {
            try JSONDecoder().decode(MapConfiguration.self, from: Data(maps.utf8))
        }
        XCTAssertEqual(try json("{}"), MapConfiguration(smoothing: 1))
        XCTAssertEqual(
            try json(#"{"method": "hirescam", "score": "logit", "smoothing": 3}"#),
            MapConfiguration(smoothing: 3, method: "hirescam", score: .logit))
        XCTAssertThrowsError(try json(#"{"score": "loggit"}"#))
        let original = try captioner()
        configuration.maps = try json(#"{"method": "hirescam", "score": "logit"}"#)
        let state = try SafeTensors.read(Fixture.url("toy-show-attend-and-tell").appendingPathComponent("model.safetensors"))
        let store = ParameterStore(strict: state, origin: "toy")
        let own = try CaptionExplainer(
            Captioner(configuration: configuration, vocabulary: original.vocabulary, parameters: store.scope()))
        let seen = own.look(at: picture(configuration.preprocessing)), words = own.caption(seen)
        let found = try own.explain(seen, words: words, targets: [.wholeCaption])
        XCTAssertEqual(found.wordScore, .logit)
        XCTAssertEqual(found.scores.map(\.method), ["hirescam"])
        let asked = try own.explain(
            seen, words: words, targets: [.wholeCaption],
            recipe: MapRecipe(methods: [GradCAM()], wordScore: .logProbability))
        XCTAssertEqual(asked.scores.map(\.method), ["grad-cam"])
        XCTAssertEqual(asked.scores[0].value, asked.logProbabilities.reduce(0, +), accuracy: 1e-4)
        configuration.maps = MapConfiguration(method: "hirescan")
        let wrong = try CaptionExplainer(
            Captioner(
                configuration: configuration, vocabulary: original.vocabulary,
                parameters: ParameterStore(strict: state, origin: "toy").scope()))
        XCTAssertThrowsError(try wrong.explain(seen, words: words, targets: [.wholeCaption])) {
            XCTAssertTrue("\($0)".contains("config.json") && "\($0)".contains("'hirescan'"), "\($0)")
        }
    }
}
