import Language
import Tasks
import Tensors
import TestSupport
import Vision
import XCTest

@testable import Drawing
@testable import Explain

/// What must hold of methods on real networks.
final class MethodPropertyTests: XCTestCase {
    private func captioner(_ kind: String = "show-attend-and-tell") throws -> Captioner {
        try Captioner.load(Fixture.url("toy-\(kind)"))
    }

    private func encode<Model>(_ explainer: Explainer<Model>, index: Int = 0) -> EncodedImage {
        explainer.encode(explainer.model.toyImage(index: index))
    }

    private func explainer<Model>(_ model: Model, _ methods: [any ExplanationMethod]) throws -> Explainer<Model> {
        try Explainer(model, options: ExplanationOptions(methods: methods))
    }

    /// Cheap settings, for tests of what does not depend on their number.
    private var few: [any ExplanationMethod] {
        var settings = MethodSettings()
        (settings.samples, settings.window, settings.stride, settings.cells) = (3, 32, 32, 3)
        return Methods.all(settings)
    }

    // MARK: Any target with any method

    /// Words, phrases, the caption and a contrast with every method: finite maps, of which some cell is not 0, and
    /// those of several targets are those that the targets get one by one.
    func testEveryMethod_ofCaptionTargets_givesTheMapsThatEachTargetGetsAlone() throws {
        let targets: [CaptionTarget] = [
            .word("circle", occurrence: 1), .phrase("something red", occurrence: 1), .wholeCaption,
            .contrast("red", against: "blue", occurrence: 1),
        ]
        for kind in DecoderConfiguration.Kind.allCases where kind.isTrainable {
            let captioner = try captioner(kind.rawValue)
            let words = try captioner.words(of: "a circle and something red").words
            for method in few where method.name != "cam" && (method.name != "attention" || kind == .showAttendAndTell) {
                let explainer = try explainer(captioner, [method]), image = encode(explainer)
                let all = try explainer.explain(image, input: words, targets: targets)
                XCTAssertEqual(all.targets.map { $0.attributions.map(\.method) }, targets.map { _ in [method.name] })
                for (target, together) in zip(targets, all.targets) {
                    XCTAssertTrue(together.map.isFinite, method.name)
                    XCTAssertGreaterThan(together.map.largestMagnitude, 0, "\(kind) \(method.name)")
                    let size = method.support == .pixels ? image.pixels : image.activations
                    XCTAssertEqual(together.map.shape, Array(size.shape[1...2]))
                    XCTAssertEqual(together.attributions[0].support.isPixels, method.support == .pixels)
                    let one = try explainer.explain(image, input: words, targets: [target]).targets[0]
                    assertEqual(together.map.array, one.map.array, within: 1e-3, method.name)
                }
            }
        }
    }

    func testEveryMethod_ofAnswers_givesFiniteMapsAndWordsOnce() throws {
        for kind in VQAHeadConfiguration.Kind.allCases where kind != .questionOnly {
            let model = try untrainedVQAModel(kind)
            let attends = [.bilinearAttention, .coAttention, .stackedAttention, .twoGlimpses].contains(kind)
            let methods = few.filter { $0.name != "cam" && ($0.name != "attention" || attends) }
            let explainer = try Explainer(model, options: ExplanationOptions(methods: methods, explainsWords: true))
            let question = try model.question("what color is the dog?").question
            let found = try explainer.explain(
                encode(explainer), input: question, targets: [.named("blue"), .contrast("red", against: "yes")])
            XCTAssertEqual(found.targets.count, 2)
            for target in found.targets {
                XCTAssertEqual(target.attributions.map(\.method), methods.map(\.name))
                XCTAssertEqual(target.words?.count, 5)
                for attribution in target.attributions { XCTAssertTrue(attribution.map.isFinite) }
            }
            // Guided backpropagation may stop every path of one answer at a ReLU, but not of both.
            for method in methods.map(\.name) {
                let largest = found.targets.map { $0.attribution(by: method)?.map.largestMagnitude ?? 0 }
                let least = method.hasPrefix("guided") ? largest.max() : largest.min()
                XCTAssertGreaterThan(least ?? 0, 0, "\(kind) \(method)")
            }
            let attention = found.targets[0].attribution(by: "attention")
            XCTAssertEqual(attention != nil, attends)
            if let attention { XCTAssertEqual(attention.map.array.reduce(0, +), 1, accuracy: 1e-5) }
        }
    }

    func testModelAttention_ofAVQAHeadWithoutAttention_throws() throws {
        for kind in VQAHeadConfiguration.Kind.allCases
        where ![.questionOnly, .bilinearAttention, .coAttention, .stackedAttention, .twoGlimpses].contains(kind) {
            let model = try untrainedVQAModel(kind), explainer = try explainer(model, [ModelAttention()])
            let question = try model.question("what color is the dog?").question
            XCTAssertThrowsError(try explainer.explain(encode(explainer), input: question, targets: [.best])) {
                XCTAssertEqual(($0 as? ExplanationError)?.kind, .methodDoesNotApply)
                XCTAssertTrue("\($0)".contains("attention does not apply to \(kind.rawValue)"), "\($0)")
            }
        }
    }

    /// A caption's attention is that of the decoder's steps: its word's weights sum to 1.
    func testModelAttention_ofACaptionsWords_addsUpToOneAndDiffersFromWordToWord() throws {
        let explainer = try explainer(captioner(), [ModelAttention()]), image = encode(explainer)
        let words = explainer.caption(image)
        let found = try explainer.explain(image, input: words, targets: [.everyWord])
        XCTAssertEqual(found.targets.count, words.count)
        for target in found.targets { XCTAssertEqual(target.map.array.reduce(0, +), 1, accuracy: 1e-5) }
        XCTAssertNotEqual(found.targets[0].map.array, found.targets[1].map.array)
    }

    /// A contrast has two terms at one position, whose attention counts once.
    func testModelAttention_ofAPhraseAndAContrast_isTheMeanOverThePositions() throws {
        let explainer = try explainer(captioner(), [ModelAttention()]), image = encode(explainer)
        let words = try explainer.model.words(of: "a circle and something red").words
        let found = try explainer.explain(
            image, input: words,
            targets: [.word("something"), .word("red"), .phrase("something red"), .contrast("red", against: "blue")]
        ).targets.map(\.map.array)
        assertEqual(found[2], zip(found[0], found[1]).map { ($0 + $1) / 2 }, within: 1e-5)
        XCTAssertEqual(found[3], found[1])
    }

    // MARK: The context

    /// Back along the pass that encoded the image, or along one of its own: the same gradients of the same pixels, and
    /// of the layers.
    func testPixelMethods_alongTheRecordedPass_giveTheMapsOfAPassOfTheirOwn() throws {
        let methods: [any ExplanationMethod] = [
            ImageGradient(), GradientTimesInput(), GuidedBackpropagation(), Deconvnet(), GuidedGradCAM(), GradCAM(),
        ]
        let captioner = try captioner(), all = try explainer(captioner, methods)
        let plain = try encode(Explainer(captioner)), recorded = encode(all)
        XCTAssertFalse(plain.recordsPixels)
        XCTAssertTrue(recorded.recordsPixels)
        XCTAssertFalse(try encode(explainer(captioner, [GradCAM(), Occlusion()])).recordsPixels)
        let words = all.caption(plain)
        let a = try all.explain(plain, input: words, targets: [.everyWord]).attributions
        let b = try all.explain(recorded, input: words, targets: [.everyWord]).attributions
        XCTAssertEqual(a.count, methods.count * words.count)
        XCTAssertEqual(a.map(\.method), b.map(\.method))
        for (a, b) in zip(a, b) {
            XCTAssertGreaterThan(a.map.largestMagnitude, 0, a.method)
            assertEqual(b.map.array, a.map.array, within: 1e-5, a.method)
        }
    }

    /// The model on several images at once, and from every layer on, is the model.
    func testValues_ofChangedImagesAndActivations_areTheModels() throws {
        let captioner = try captioner(), stages = captioner.encoder.stages.map(\.name)
        for kind in [WordScore.logProbability, .logit] {
            let words = [4, 5, 6, 7]
            let image = try EncodedImage(captioner.toyImage(index: 0), by: captioner.modelEncoder, layers: stages)
            let outputs = try WordOutputs(captioner, kind: kind)
            let head = ModelHead(name: "") { outputs($0, words: words).reshaped([$0.shape[0], -1]) }
            let context = AttributionContext(
                image, head: head, targets: (0..<5).map { LinearTarget(output: 17 * $0 + 3) })
            let other = captioner.toyImage(index: 1)
            let both = Tensor([2] + other.shape.dropFirst(), context.pixels.array + other.array)
            let values = context.values(ofImages: both)
            assertEqual(values.row(0).array, context.values, within: 1e-4)
            assertEqual(values.row(1).array, context.values(ofImages: other).array, within: 1e-4)
            XCTAssertEqual(context.layers.map(\.layer), stages)
            for layer in context.layers {
                let values = layer.values(ofActivations: layer.activations).array
                assertEqual(values, context.values, within: 1e-4, layer.layer)
            }
            // Derivatives of both at once are each one's own.
            let one = context.gradients(at: other), two = context.gradients(at: both), size = other.count
            for s in 0..<5 {
                assertEqual(Array(two.row(s).array[size...]), one.row(s).array, within: 1e-3)
            }
        }
    }

    // MARK: Between methods

    /// Where the gradient is the same in every cell (a head of global average pooling), cell by cell is the mean.
    func testHiResCAMAndXGradCAM_whereTheGradientIsConstant_areGradCAM() throws {
        let explainer = try explainer(untrainedClassifier(classes: 3), [GradCAM(), HiResCAM(), XGradCAM()])
        let found = try explainer.explain(encode(explainer), input: (), targets: [.named("1")]).attributions
        XCTAssertEqual(found.map(\.method), ["grad-cam", "hirescam", "xgrad-cam"])
        assertEqual(found[1].map.array, found[0].map.array, within: 1e-4)
        // A constant gradient is its own mean, however it is weighted.
        assertEqual(found[2].map.array, found[0].map.array, within: 1e-3)
    }

    /// All cells of integrated gradients add up to what the image adds to the score.
    func testIntegratedGradients_ofWords_addUpToTheChangeFromTheBaseline() throws {
        let targets: [CaptionTarget] = [.word("circle", occurrence: 1), .word("red", occurrence: 1)]
        let explainer = try explainer(captioner(), [IntegratedGradients(steps: 100)])
        let words = try explainer.model.words(of: "a circle and something red").words
        let found = try explainer.explain(encode(explainer), input: words, targets: targets)
        let preprocessing = explainer.model.configuration.preprocessing
        let black = preprocessing.normalized(
            Image(width: preprocessing.width, height: preprocessing.height, color: (0, 0, 0)))
        let plain = try Explainer(explainer.model)
        let empty = try plain.explain(plain.encode(black), input: words, targets: targets)
        XCTAssertEqual(found.targets.count, 2)
        for (target, other) in zip(found.targets, empty.targets) {
            let change = target.value - other.value
            XCTAssertGreaterThan(abs(change), 0.1)
            XCTAssertEqual(target.map.array.reduce(0, +), change, accuracy: 0.05 * abs(change))
            XCTAssertEqual(target.warnings, [])
            XCTAssertEqual(target.attributions[0].warnings, [])
        }
    }

    /// With weights that are nowhere negative nothing cancels: what guided backpropagation lets through, the deconvnet
    /// does.
    func testGuidedBackpropagation_ofWeightsThatAreNowhereNegative_isNowhereAboveTheDeconvnet() throws {
        var random = SeededGenerator(seed: 4)
        func weights(_ shape: [Int]) -> Variable {
            Variable(Tensor(shape, (0..<shape.reduce(1, *)).map { _ in max(0, random.normal()) }))
        }
        let first = weights([6, 3, 3, 3]), second = weights([4, 3, 3, 6])
        let shift = Variable(Tensor([6], repeating: -9))
        let head = Variable(Tensor([1, 400], (0..<400).map { _ in random.normal() }))
        let geometry = ConvolutionGeometry(3, stride: 1, padding: .all(1))
        let encoder = Encoder(stages: [
            .init(name: "one", channels: 6, stride: 1) { convolution($0, first, shift, geometry, activation: .relu) },
            .init(name: "two", channels: 4, stride: 1) { convolution($0, second, nil, geometry, activation: .relu) },
        ])
        let image = Tensor([1, 10, 10, 3], (0..<300).map { _ in random.normal() })
        let context = try HandNetwork.context(
            encoder, image: image, head: ModelHead(name: "") { linear($0.reshaped([$0.shape[0], 400]), head) })
        let guided = GuidedBackpropagation().attributions(of: context).array
        let deconvolved = Deconvnet().attributions(of: context).array
        for (a, b) in zip(guided, deconvolved) { XCTAssertLessThanOrEqual(a, b + 1e-4) }
        XCTAssertGreaterThan(guided.max() ?? 0, 0)
        XCTAssertNotEqual(guided, deconvolved)
    }

    /// An image moved by the encoder's stride has its map moved by a cell.
    func testLayerMethods_ofAnImageMovedByTheStride_moveTheMapByACell() throws {
        let explainer = try explainer(
            untrainedClassifier(classes: 3), [GradCAM(), HiResCAM(), LayerCAM(), ActivationSum()])
        let preprocessing = explainer.model.configuration.preprocessing
        let stride = explainer.model.encoder.stages.last?.stride ?? 0
        func attributions(_ x: Int) throws -> [Attribution] {
            var image = Image(width: preprocessing.width, height: preprocessing.height, color: (90, 90, 90))
            image.paste(Image(width: 12, height: 12, color: (220, 30, 60)), x: x, y: 24)
            return try explainer.explain(
                explainer.encode(preprocessing.normalized(image)), input: (), targets: [.named("1")]
            ).attributions
        }
        let found = try (attributions(20), attributions(20 + stride))
        XCTAssertEqual([found.0.count, found.1.count], [4, 4])
        for (a, b) in zip(found.0, found.1) {
            let (rows, columns) = (a.map.shape[0], a.map.shape[1])
            let (x, y) = (a.map.array, b.map.array), largest = x.map(abs).max() ?? 0
            XCTAssertGreaterThan(largest, 0)
            // Cells whose view the image's edge cuts are left out.
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
}
