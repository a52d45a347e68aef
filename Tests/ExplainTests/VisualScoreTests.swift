import Language
import Tasks
import Tensors
import TestSupport
import Vision
import XCTest

@testable import Explain

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

    private func look(_ explainer: CaptionExplainer) -> SeenPicture {
        explainer.look(
            at: explainer.captioner.configuration.preprocessing.prepare(ToyScene(seed: 3, index: 1).image).tensor)
    }

    private func assertEqual(_ a: [Float], _ b: [Float], within part: Float, line: UInt = #line) {
        XCTAssertEqual(a.count, b.count, line: line)
        let largest = max(b.map(abs).max() ?? 0, 1e-12)
        for (x, y) in zip(a, b) { XCTAssertEqual(x, y, accuracy: part * largest, line: line) }
    }

    /// y_t = g_t sum over l of alpha_tl w . (U F_l + b). Held, g and alpha are numbers: the mean of dy / dF over the
    /// cells is g_t / L U^T w, since alpha adds up to 1, and Grad-CAM's map is g_t / L w . U F_l: the word's CAM. Of a
    /// word at another position the map has the same shape and that position's gate.
    func testGradCAMOfTheVisualScoreIsTheWordsCAM() throws {
        let (captioner, store) = try captioner(), explainer = try CaptionExplainer(captioner)
        let seen = look(explainer), words = vocabulary.encode(["a", "red", "circle", "and", "something", "red"])
        let recipe = MapRecipe(methods: [GradCAM(), CentredGradCAM(), HiResCAM(), ModelAttention()], wordScore: .visual)
        let found = try explainer.explain(
            seen, words: words, targets: [.word("red", occurrence: 1), .word("red", occurrence: 2)], recipe: recipe)
        XCTAssertEqual(found.wordScore, .visual)
        let features = seen.features, cells = features.shape[1] * features.shape[2]
        let u = try XCTUnwrap(store.values["decoder.visual.regions.weight"])
        let bias = try XCTUnwrap(store.values["decoder.visual.regions.bias"]).array
        let w = try XCTUnwrap(store.values["decoder.visual.words.weight"]).row(vocabulary.encode(["red"])[0]).array
        // w . U F_l of every cell.
        let said = linear(Variable(features), Variable(u)).value.reshaped([cells, 5])
        let cam = (0..<cells).map { l in (0..<5).reduce(Float(0)) { $0 + w[$1] * said[l, $1] } }
        let constant = zip(w, bias).reduce(Float(0)) { $0 + $1.0 * $1.1 }
        XCTAssertEqual(found.scores.count, 8)
        for place in [0, 4] {
            let plain = found.scores[place].map.array, centred = found.scores[place + 1].map.array
            let hires = found.scores[place + 2].map.array, attention = found.scores[place + 3].map.array
            let value = found.scores[place].value
            // The gate is what is left: y = gate (sum of alpha cam + w . b).
            let gate = value / (zip(attention, cam).reduce(0) { $0 + $1.0 * $1.1 } + constant)
            XCTAssertTrue(gate > 0 && gate < 1, "\(gate)")
            assertEqual(plain, cam.map { $0 * gate / Float(cells) }, within: 1e-4)
            let mean = plain.reduce(0, +) / Float(cells)
            assertEqual(centred, plain.map { $0 - mean }, within: 1e-4)
            // Each cell's own gradient is alpha_l g U^T w: HiResCAM shows where the decoder looked.
            assertEqual(hires, zip(attention, cam).map { $0 * $1 * gate }, within: 1e-4)
        }
        assertEqual(
            found.scores[0].map.array.map { $0 / found.scores[0].map.array[7] },
            found.scores[4].map.array.map { $0 / found.scores[4].map.array[7] }, within: 1e-3)
        // The words' probabilities are those of the whole score.
        let usual = try explainer.explain(seen, words: words, targets: [])
        XCTAssertEqual(found.logProbabilities, usual.logProbabilities)
    }

    /// The logit is the rest and the visual part.
    func testItIsAPartOfTheLogit() throws {
        let (captioner, store) = try captioner()
        func values(_ captioner: Captioner, _ kind: WordScore) throws -> [Float] {
            let own = try CaptionExplainer(captioner)
            return try own.explain(
                look(own), words: [4, 5, 6], targets: [.everyWord], recipe: MapRecipe(wordScore: kind)
            ).scores.map(\.value)
        }
        var state = store.stateDictionary()
        state["decoder.visual.words.weight"] = Tensor(try XCTUnwrap(state["decoder.visual.words.weight"]).shape)
        let silent = try Captioner(
            configuration: captioner.configuration, vocabulary: vocabulary,
            parameters: ParameterStore { name, _ in state[name] ?? Tensor([0]) }.scope())
        let parts = zip(try values(silent, .logit), try values(captioner, .visual)).map { $0 + $1 }
        XCTAssertGreaterThan(try values(captioner, .visual).map(abs).max() ?? 0, 0.01)
        for (whole, sum) in zip(try values(captioner, .logit), parts) { XCTAssertEqual(whole, sum, accuracy: 1e-4) }
    }

    /// A network of numbers: two cells of one channel, A = 3 and 1, dy/dA = 2 in both: alpha 2, map 6 and 2; centred 2
    /// and -2.
    func testCentredByHand() {
        let a = Tensor([1, 1, 2, 1], [3, 1]), g = Tensor([1, 1, 1, 2, 1], [2, 2])
        XCTAssertEqual(GradCAM.maps(activations: a, gradients: g).array, [6, 2])
        XCTAssertEqual(CentredGradCAM.maps(activations: a, gradients: g).array, [2, -2])
        // Whatever is added to every cell alike does not show.
        let more = Tensor([1, 1, 2, 1], [13, 11])
        XCTAssertEqual(CentredGradCAM.maps(activations: more, gradients: g).array, [2, -2])
    }

    func testAModelWithoutAVisualTerm() throws {
        let (captioner, _) = try captioner(visual: nil), explainer = try CaptionExplainer(captioner)
        XCTAssertThrowsError(
            try explainer.explain(
                look(explainer), words: [4, 5], targets: [.everyWord], recipe: MapRecipe(wordScore: .visual))
        ) { XCTAssertTrue("\($0)".contains("no visual term") && "\($0)".contains("--score logit"), "\($0)") }
    }
}
