import Explain
import Language
import Tasks
import Tensors
import Vision
import XCTest

/// The visual term's part of a word's score, and Grad-CAM centred: what they are by the formulas.
final class VisualScoreTests: XCTestCase {
    private let vocabulary = Vocabulary(tokens: [["a", "red", "circle", "and", "something", "blue"]], minimumCount: 1)

    /// A captioner of random weights.
    private func captioner(visual: Int? = 5) throws -> (Captioner, ParameterStore) {
        let store = ParameterStore { name, shape in
            var random = SeededGenerator(seed: name.utf8.reduce(7) { $0 &* 31 &+ UInt64($1) })
            return Tensor(shape, (0..<shape.reduce(1, *)).map { _ in random.uniform() - 0.5 })
        }
        let encoder = EncoderConfiguration(name: "tiny", folded: true)
        let configuration = CaptionerConfiguration(
            encoder: encoder, preprocessing: try encoder.defaultPreprocessing(),
            decoder: DecoderConfiguration(
                kind: .showAttendAndTell, features: 128, vocabulary: vocabulary.count, embedding: 6, hidden: 8,
                attention: 4, visual: visual), vocabulary: "vocabulary.txt", search: SearchOptions())
        return (
            try Captioner(configuration: configuration, vocabulary: vocabulary, parameters: store.scope()), store
        )
    }

    private func encode(_ explainer: Explainer<Captioner>) -> EncodedImage {
        explainer.encode(explainer.model.toyImage(seed: 3, index: 1))
    }

    /// y_t = g_t sum over l of alpha_tl w . (U F_l + b). Held, g and alpha are numbers: the mean of dy / dF over the
    /// cells is g_t / L U^T w, since alpha adds up to 1, and Grad-CAM's map is g_t / L w . U F_l: the word's CAM. Of a
    /// word at another position the map has the same shape and that position's gate.
    func testGradCAM_ofTheVisualScore_isTheWordsCAM() throws {
        let (captioner, store) = try captioner()
        let explainer = try Explainer(
            captioner,
            options: ExplanationOptions(
                methods: [GradCAM(), CentredGradCAM(), HiResCAM(), ModelAttention(), GatedGradCAM()],
                wordScore: .visual))
        let image = encode(explainer), words = vocabulary.encode(["a", "red", "circle", "and", "something", "red"])
        let found = try explainer.explain(
            image, input: words, targets: [.word("red", occurrence: 1), .word("red", occurrence: 2)])
        XCTAssertEqual(found.output.wordScore, .visual)
        let features = image.features, cells = features.shape[1] * features.shape[2]
        let u = try XCTUnwrap(store.values["decoder.visual.regions.weight"])
        let bias = try XCTUnwrap(store.values["decoder.visual.regions.bias"]).array
        let w = try XCTUnwrap(store.values["decoder.visual.words.weight"]).row(vocabulary.encode(["red"])[0]).array
        // w . U F_l of every cell.
        let said = linear(Variable(features), Variable(u)).value.reshaped([cells, 5])
        let cam = (0..<cells).map { l in (0..<5).reduce(Float(0)) { $0 + w[$1] * said[l, $1] } }
        let constant = zip(w, bias).reduce(Float(0)) { $0 + $1.0 * $1.1 }
        XCTAssertEqual(found.targets.map(\.subject.positions), [[1], [5]])
        for target in found.targets {
            XCTAssertEqual(
                target.attributions.map(\.method),
                ["grad-cam", "centred-grad-cam", "hirescam", "attention", "gated-grad-cam"])
            let maps = target.attributions.map(\.map.array)
            let (plain, centred, hires, attention) = (maps[0], maps[1], maps[2], maps[3])
            // The gate is what is left: y = gate (sum of alpha cam + w . b).
            let gate = target.value / (zip(attention, cam).reduce(0) { $0 + $1.0 * $1.1 } + constant)
            XCTAssertTrue(gate > 0 && gate < 1, "\(gate)")
            assertEqual(plain, cam.map { $0 * gate / Float(cells) }, within: 1e-4)
            let mean = plain.reduce(0, +) / Float(cells)
            assertEqual(centred, plain.map { $0 - mean }, within: 1e-4)
            // Each cell's own gradient is alpha_l g U^T w: HiResCAM shows where the decoder looked.
            assertEqual(hires, zip(attention, cam).map { $0 * $1 * gate }, within: 1e-4)
            // Its length is alpha_l times a number, and the mean of alpha is 1 / L.
            assertEqual(
                maps[4], zip(attention, centred).map { $1 * pow($0 * Float(cells), GatedGradCAM.power) }, within: 1e-4)
        }
        let (first, second) = (found.targets[0].map.array, found.targets[1].map.array)
        assertEqual(first.map { $0 / first[7] }, second.map { $0 / second[7] }, within: 1e-3)
        // That is said; of the log-probability it is not true.
        XCTAssertEqual(found.targets.map(\.subject.sameMapAt), [[5], [1]])
        for target in found.targets {
            XCTAssertEqual(target.warnings.count, 1)
            XCTAssertTrue(target.warnings[0].hasPrefix("one map for all places of 'red' (words 2, 6): "))
        }
        // By a method that sees where the decoder looks, there are two maps, and no warning.
        let gated = try Explainer(
            captioner, options: ExplanationOptions(methods: [GatedGradCAM()], wordScore: .visual))
        let two = try gated.explain(
            image, input: words, targets: [.word("red", occurrence: 1), .word("red", occurrence: 2)]
        ).targets
        XCTAssertEqual(two.map(\.subject.sameMapAt), [nil, nil])
        XCTAssertEqual(two.map(\.warnings), [[], []])
        let (one, other) = (two[0].map.array, two[1].map.array)
        XCTAssertGreaterThan(
            zip(one, other).map { abs($0 / one[7] - $1 / other[7]) }.max() ?? 0, 1e-3, "the places' maps are one")
        let once = try explainer.explain(image, input: words, targets: [.word("circle")])
        XCTAssertNil(once.targets[0].subject.sameMapAt)
        XCTAssertEqual(once.targets[0].warnings, [])
        let usual = try Explainer(captioner).explain(image, input: words, targets: [.word("red", occurrence: 2)])
        XCTAssertNil(usual.targets[0].subject.sameMapAt)
        XCTAssertEqual(usual.targets[0].warnings, [])
        // The words' probabilities are those of the whole score.
        XCTAssertEqual(found.output.logProbabilities, usual.output.logProbabilities)
    }

    /// The logit is the rest and the visual part.
    func testVisualScore_andTheLogitWithoutIt_addUpToTheLogit() throws {
        let (captioner, store) = try captioner()
        func values(_ captioner: Captioner, _ kind: WordScore) throws -> [Float] {
            let own = try Explainer(captioner, options: ExplanationOptions(wordScore: kind))
            return try own.explain(encode(own), input: [4, 5, 6], targets: [.everyWord]).targets.map(\.value)
        }
        var state = store.stateDictionary()
        state["decoder.visual.words.weight"] = Tensor(try XCTUnwrap(state["decoder.visual.words.weight"]).shape)
        let silent = try Captioner(
            configuration: captioner.configuration, vocabulary: vocabulary,
            parameters: ParameterStore { name, _ in state[name] ?? Tensor([0]) }.scope())
        let parts = zip(try values(silent, .logit), try values(captioner, .visual)).map { $0 + $1 }
        XCTAssertGreaterThan(try values(captioner, .visual).map(abs).max() ?? 0, 0.01)
        let whole = try values(captioner, .logit)
        XCTAssertEqual(whole.count, parts.count)
        for (whole, sum) in zip(whole, parts) { XCTAssertEqual(whole, sum, accuracy: 1e-4) }
    }

    /// A network of numbers: two cells of one channel, A = 3 and 1, dy/dA = 2 in both: alpha 2, map 6 and 2; centred 2
    /// and -2.
    func testCentredGradCAM_ofTwoCells_isGradCAMLessItsMean() {
        let a = Tensor([1, 1, 2, 1], [3, 1]), g = Tensor([1, 1, 1, 2, 1], [2, 2])
        XCTAssertEqual(GradCAM.maps(activations: a, gradients: g).array, [6, 2])
        XCTAssertEqual(CentredGradCAM.maps(activations: a, gradients: g).array, [2, -2])
        // Whatever is added to every cell alike does not show.
        let more = Tensor([1, 1, 2, 1], [13, 11])
        XCTAssertEqual(CentredGradCAM.maps(activations: more, gradients: g).array, [2, -2])
    }

    /// Two cells of two channels, A = (3, 1) and (1, 1), dy/dA = (6, 8) and (0, 5): the means are 3 and 6.5, Grad-CAM
    /// has 15.5 and 9.5, centred 3 and -3. The gradient's lengths are 10 and 5, their mean 7.5.
    func testGatedGradCAM_ofTwoCells_equalsHandComputedValues() {
        let a = Tensor([1, 1, 2, 2], [3, 1, 1, 1]), g = Tensor([1, 1, 1, 2, 2], [6, 8, 0, 5])
        XCTAssertEqual(CentredGradCAM.maps(activations: a, gradients: g).array, [3, -3])
        let p = GatedGradCAM.power
        assertEqual(
            GatedGradCAM.maps(activations: a, gradients: g).array, [3 * pow(10 / 7.5, p), -3 * pow(5 / 7.5, p)],
            within: 1e-5)
        // Twice the gradient is twice the map; no gradient, no map; a cell without a gradient has none.
        assertEqual(
            GatedGradCAM.maps(activations: a, gradients: Tensor([1, 1, 1, 2, 2], [12, 16, 0, 10])).array,
            [6 * pow(10 / 7.5, p), -6 * pow(5 / 7.5, p)], within: 1e-5)
        XCTAssertEqual(GatedGradCAM.maps(activations: a, gradients: Tensor([1, 1, 1, 2, 2])).array, [0, 0])
        XCTAssertEqual(
            GatedGradCAM.maps(activations: a, gradients: Tensor([1, 1, 1, 2, 2], [6, 8, 0, 0])).array[1], 0)
    }

    func testVisualScore_ofAModelWithoutAVisualTerm_throws() throws {
        let explainer = try Explainer(captioner(visual: nil).0, options: ExplanationOptions(wordScore: .visual))
        XCTAssertThrowsError(try explainer.explain(encode(explainer), input: [4, 5], targets: [.everyWord])) {
            XCTAssertEqual(($0 as? ExplanationError)?.kind, .methodDoesNotApply)
            XCTAssertTrue("\($0)".contains("no visual term") && "\($0)".contains("--score logit"), "\($0)")
        }
    }
}
