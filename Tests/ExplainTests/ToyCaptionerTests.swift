import Explain
import Foundation
import Language
import Tasks
import Tensors
import TestSupport
import Vision
import XCTest

/// Tiny captioners of a drawn world, trained by `mmx train caption` (Fixtures/toy-*/README.md): right words, and maps
/// that point at the shapes that the words name.
final class ToyCaptionerTests: XCTestCase {
    /// Training drew its images from seed 7.
    private static let seed: UInt64 = 2_024
    private let kinds = DecoderConfiguration.Kind.allCases.filter(\.isTrainable).map(\.rawValue)

    private func explainer(_ kind: String) throws -> Explainer<Captioner> {
        try Explainer(Captioner.load(Fixture.url("toy-\(kind)")))
    }

    private func encode(_ explainer: Explainer<Captioner>, index: Int) -> EncodedImage {
        explainer.encode(explainer.model.toyImage(seed: Self.seed, index: index))
    }

    // MARK: Pointing

    /// The maximum of each form's and colour's map, in a caption true of the image, against the mask of the shape that
    /// the word names.
    private func point(
        _ kind: String, by method: any ExplanationMethod = GradCAM(), scenes: Int
    ) throws -> (forms: ToyPointing, colors: ToyPointing, rightCaptions: Int) {
        let captioner = try Captioner.load(Fixture.url("toy-\(kind)"))
        let explainer = try Explainer(captioner, options: ExplanationOptions(methods: [method]))
        var forms = ToyPointing(), colors = ToyPointing(), right = 0
        for index in 0..<scenes {
            let scene = ToyScene(seed: Self.seed, index: index)
            let prepared = captioner.configuration.preprocessing.prepare(scene.image)
            let image = explainer.encode(prepared.tensor)
            let own = explainer.caption(image).map { captioner.vocabulary.word(at: $0) }
            if scene.trueCaptions.contains(sentence(own)) { right += 1 }
            let caption = ToyScene.caption(scene.shapes[0].form, scene.shapes[1].color)
            let explanation = try explainer.explain(
                image, input: captioner.words(of: caption).words, targets: [.everyWord])
            for word in explanation.targets {
                guard let shape = scene.shape(of: word.name) else { continue }
                if shape.form.rawValue == word.name {
                    forms.add(word.map, prepared.placement, asked: [shape], in: scene)
                } else {
                    colors.add(word.map, prepared.placement, asked: [shape], in: scene)
                }
            }
        }
        for (name, pointing) in [("forms", forms), ("colours", colors)] {
            print("\(kind), \(name): \(pointing.description)")
        }
        print("\(kind): \(right) of \(scenes) captions are true")
        return (forms, colors, right)
    }

    func testShowAttendAndTell_onDrawnScenes_pointsAtTheShapeThatAWordNames() throws {
        let (forms, colors, right) = try point("show-attend-and-tell", scenes: 200)
        XCTAssertEqual([forms.maps, colors.maps], [200, 200])
        XCTAssertGreaterThanOrEqual(colors.rate, 0.98)
        XCTAssertGreaterThanOrEqual(forms.rate, 0.88)
        XCTAssertGreaterThanOrEqual((forms.rate + colors.rate) / 2, 0.9)
        XCTAssertGreaterThan(forms.rate, 2 * forms.centreRate)
        XCTAssertGreaterThanOrEqual(right, 198)
    }

    func testShowAndTell_onDrawnScenes_pointsAtTheShapeThatAWordNames() throws {
        let (forms, colors, right) = try point("show-and-tell", scenes: 200)
        XCTAssertEqual([forms.maps, colors.maps], [200, 200])
        XCTAssertGreaterThanOrEqual(colors.rate, 0.95)
        XCTAssertGreaterThanOrEqual(forms.rate, 0.9)
        XCTAssertGreaterThan(forms.rate, 2 * forms.centreRate)
        XCTAssertGreaterThanOrEqual(right, 198)
    }

    /// By the cells' own parts of log p. Nothing taught this model where to look: it reads the form also off cells beside
    /// the shapes, so that only the colours' maps point. (The model of ``ToyTwinsTests`` was taught.)
    func testBilinearAttention_onDrawnScenes_pointsAtTheShapeOfAColour() throws {
        let (_, colors, right) = try point("bilinear-attention", by: CAM(), scenes: 200)
        XCTAssertEqual(colors.maps, 200)
        XCTAssertGreaterThanOrEqual(colors.rate, 0.95)
        XCTAssertGreaterThanOrEqual(right, 198)
    }

    // MARK: Golden files

    private struct Golden: Codable {
        var caption: String
        var logProbabilities: [Float]
        var formMap: [Float]
        var colorMap: [Float]
    }

    /// One image's caption to the word, and its form's and colour's maps to a thousandth of their largest value (other
    /// threads and vector widths sum in another order).
    func testCaptionAndMaps_ofOneScene_equalTheGoldenFiles() throws {
        for kind in kinds {
            let golden = try JSONDecoder().decode(
                Golden.self, from: Data(contentsOf: Fixture.url("toy-\(kind)/golden.json")))
            let explainer = try explainer(kind), image = encode(explainer, index: 0)
            let explanation = try explainer.explain(image, input: explainer.caption(image), targets: [.everyWord])
            if let folder = ProcessInfo.processInfo.environment["TOY_GOLDEN"] {
                // Newly trained models: a folder to write their files to.
                let url = URL(fileURLWithPath: folder).appendingPathComponent("toy-\(kind)-golden.json")
                try write(explanation, to: url)
            }
            XCTAssertEqual(sentence(explanation.output.words), golden.caption)
            XCTAssertTrue(ToyScene(seed: Self.seed, index: 0).trueCaptions.contains(golden.caption))
            XCTAssertEqual(explanation.targets.count, golden.logProbabilities.count)
            for (t, map) in [(1, golden.formMap), (4, golden.colorMap)] {
                XCTAssertEqual(explanation.targets[t].value, golden.logProbabilities[t], accuracy: 1e-3)
                let values = explanation.targets[t].map.array, largest = map.map(abs).max() ?? 0
                XCTAssertEqual(values.count, map.count)
                for (a, b) in zip(values, map) { XCTAssertEqual(a, b, accuracy: 1e-3 * largest) }
            }
        }
    }

    private func write(_ explanation: Explanation<Captioner>, to url: URL) throws {
        let targets = explanation.targets
        let golden = Golden(
            caption: sentence(explanation.output.words), logProbabilities: targets.map(\.value),
            formMap: targets[1].map.array, colorMap: targets[4].map.array)
        try JSONEncoder().encode(golden).write(to: url)
    }

    // MARK: One sweep, one step at a time

    func testEveryWord_inOneSweep_givesWhatEachWordGetsAlone() throws {
        for kind in kinds {
            let explainer = try explainer(kind), image = encode(explainer, index: 3)
            let words = explainer.caption(image)
            let all = try explainer.explain(image, input: words, targets: [.everyWord])
            XCTAssertEqual(all.targets.count, words.count)
            for (t, word) in all.output.words.enumerated() {
                let occurrence = all.output.words[...t].filter { $0 == word }.count
                let one = try explainer.explain(
                    image, input: words, targets: [.word(word, occurrence: occurrence)]
                ).targets[0]
                XCTAssertEqual(one.subject.positions, [t])
                let largest = one.map.largestMagnitude
                for (a, b) in zip(all.targets[t].map.array, one.map.array) {
                    XCTAssertEqual(a, b, accuracy: 1e-4 * largest)
                }
            }
        }
    }

    /// The decoder's steps agree with teacher forcing, and the caption's value is the sum of all of them.
    func testLogProbabilities_ofACaption_areThoseOfTheDecodersSteps() throws {
        for kind in kinds {
            let explainer = try explainer(kind), captioner = explainer.model, image = encode(explainer, index: 3)
            let words = explainer.caption(image)
            let whole = try explainer.explain(image, input: words, targets: [.wholeCaption])
            let logProbabilities = whole.output.logProbabilities
            XCTAssertEqual(logProbabilities.count, words.count + 1)
            XCTAssertEqual(whole.targets[0].value, logProbabilities.reduce(0, +), accuracy: 1e-4)
            var state = captioner.decoder.begin(features: image.features, rows: 1)
            var previous = captioner.vocabulary.start
            for (t, word) in (words + [captioner.vocabulary.end]).enumerated() {
                let (logits, next) = captioner.decoder.step(state, words: [previous])
                XCTAssertEqual(Variable(logits).logSoftmax().value[0, word], logProbabilities[t], accuracy: 1e-4)
                (state, previous) = (next, word)
            }
        }
    }

    // MARK: Words

    func testWord_thatTheCaptionDoesNotHave_isExplainedWhereItIsLikeliest() throws {
        let explainer = try explainer("show-attend-and-tell"), image = encode(explainer, index: 0)
        let (words, warnings) = try explainer.model.words(of: "a circle and something red")
        XCTAssertEqual(warnings, [])
        let absent = try explainer.explain(image, input: words, targets: [.word("yellow", occurrence: 1)]).targets[0]
        XCTAssertEqual(absent.subject.positions, [4])
        XCTAssertFalse(absent.subject.inCaption)
        XCTAssertTrue(
            absent.warnings[0].contains("'yellow' is not in the caption \"a circle and something red\""),
            absent.warnings[0])
        let present = try explainer.explain(image, input: words, targets: [.word("red")]).targets[0]
        XCTAssertEqual(present.subject.positions, [4])
        XCTAssertTrue(present.subject.inCaption)
        XCTAssertEqual(present.warnings, [])
    }

    func testWord_thatIsUnknownOrOccursLessOften_throws() throws {
        let explainer = try explainer("show-attend-and-tell"), image = encode(explainer, index: 0)
        let words = try explainer.model.words(of: "a circle and something red").words
        XCTAssertThrowsError(try explainer.explain(image, input: words, targets: [.word("yelow", occurrence: 1)])) {
            XCTAssertTrue("\($0)".contains("does not know the word 'yelow'") && "\($0)".contains("yellow"), "\($0)")
        }
        XCTAssertThrowsError(try explainer.explain(image, input: words, targets: [.word("red", occurrence: 2)])) {
            XCTAssertTrue("\($0)".contains("occurs once"), "\($0)")
        }
    }

    func testSpan_ofPositions_isTheWordsThere() throws {
        let explainer = try explainer("show-attend-and-tell"), image = encode(explainer, index: 0)
        let words = try explainer.model.words(of: "a circle and something red").words
        let found = try explainer.explain(image, input: words, targets: [.span(3..<5), .phrase("something red")])
        XCTAssertEqual(found.targets.map(\.name), ["something red", "something red"])
        XCTAssertEqual(found.targets[0].subject, found.targets[1].subject)
        XCTAssertEqual(found.targets[0].map.array, found.targets[1].map.array)
        for span in [4..<6, 2..<2, 7..<8] {
            XCTAssertThrowsError(try explainer.explain(image, input: words, targets: [.span(span)])) {
                XCTAssertEqual(($0 as? ExplanationError)?.kind, .noSuchOccurrence)
            }
        }
    }

    func testIndices_ofACaption_warnOfUnknownWordsAndRefuseNoWords() throws {
        let captioner = try explainer("show-attend-and-tell").model
        XCTAssertThrowsError(try captioner.words(of: " ")) { XCTAssertTrue("\($0)".contains("no words")) }
        XCTAssertEqual(try captioner.words(of: "a circle and something purple").warnings.count, 1)
    }

    func testExplainer_ofALayerThatTheEncoderDoesNotHave_throwsAndNamesTheLayers() throws {
        let captioner = try explainer("show-attend-and-tell").model
        XCTAssertThrowsError(try Explainer(captioner, options: ExplanationOptions(layers: ["conv99"]))) {
            XCTAssertTrue("\($0)".contains("conv99") && "\($0)".contains("conv1"), "\($0)")
        }
    }

    // MARK: By hand

    /// Two channels, two cells. alpha = (mean of 1, 3; mean of -2, 0) = (2, -1); map = 2 A_1 - A_2. A second target
    /// with twice the gradient gives twice the map.
    func testGradCAM_ofTwoChannelsAndTwoCells_equalsHandComputedMaps() {
        let activations = Tensor([1, 1, 2, 2], [1, 5, 2, 0])
        let gradients = Tensor([2, 1, 1, 2, 2], [1, -2, 3, 0, 2, -4, 6, 0])
        let maps = GradCAM.maps(activations: activations, gradients: gradients)
        XCTAssertEqual(maps.shape, [2, 1, 2])
        XCTAssertEqual(maps.array, [-3, 4, -6, 8])
    }

    /// On a network that ends in global average pooling and a linear layer, Grad-CAM is CAM (Zhou et al. 2016) over the
    /// number of cells.
    func testGradCAM_behindGlobalAveragePooling_isCAMOverTheCells() {
        var random = SeededGenerator(seed: 5)
        let values = (0..<3 * 4 * 6).map { _ in max(0, random.normal()) }
        let weights = (0..<2 * 6).map { _ in random.normal() }
        let tape = Tape()
        let features = tape.leaf(Tensor([1, 3, 4, 6], values))
        let scores = linear(globalAveragePool(features), Variable(Tensor([2, 6], weights)))
        let gradients = tape.gradients(of: scores, seed: Tensor([2, 1, 2], [1, 0, 0, 1]), withRespectTo: [features])[0]
        let maps = GradCAM.maps(activations: features.value, gradients: gradients)
        for s in 0..<2 {
            for cell in 0..<12 {
                let cam = (0..<6).reduce(Float(0)) { $0 + weights[s * 6 + $1] * values[cell * 6 + $1] }
                XCTAssertEqual(maps.array[s * 12 + cell], cam / 12, accuracy: 1e-6)
            }
        }
    }
}
