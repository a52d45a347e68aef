import Language
import Tasks
import Tensors
import TestSupport
import Vision
import XCTest

@testable import Explain

/// Tiny captioners of a drawn world, trained by `mmx train caption` (Fixtures/toy-*/README.md): right words, and maps that point at the shapes that
/// the words name.
final class ToyCaptionerTests: XCTestCase {
    /// Training drew its pictures from seed 7.
    private static let seed: UInt64 = 2_024
    private let kinds = DecoderConfiguration.Kind.allCases.map(\.rawValue)

    private func explainer(_ kind: String) throws -> CaptionExplainer {
        try CaptionExplainer(Captioner.load(Fixture.url("toy-\(kind)")))
    }

    /// The maximum of each form's and colour's map, in a caption true of the picture, against the mask of the shape that the word names.
    private func point(
        _ kind: String, pictures: Int
    ) throws -> (forms: ToyPointing, colors: ToyPointing, rightCaptions: Int) {
        let explainer = try explainer(kind)
        var forms = ToyPointing(), colors = ToyPointing(), right = 0
        for index in 0..<pictures {
            let picture = ToyScene(seed: Self.seed, index: index)
            let prepared = explainer.captioner.configuration.preprocessing.prepare(picture.image)
            let seen = explainer.look(at: prepared.tensor)
            if picture.trueCaptions.contains(sentence(explainer.caption(seen).map { explainer.captioner.vocabulary.word(at: $0) })) { right += 1 }
            let words = try explainer.indices(of: ToyScene.caption(picture.shapes[0].form, picture.shapes[1].color)).words
            let explanation = try explainer.explain(seen, words: words, targets: [.everyWord])
            for word in explanation.scores {
                guard let shape = picture.shape(of: word.score.name) else { continue }
                if shape.form.rawValue == word.score.name {
                    forms.add(word.map, prepared.placement, asked: [shape], in: picture)
                } else {
                    colors.add(word.map, prepared.placement, asked: [shape], in: picture)
                }
            }
        }
        for (name, pointing) in [("forms", forms), ("colours", colors)] {
            print("\(kind), \(name): \(pointing.description)")
        }
        print("\(kind): \(right) of \(pictures) captions are true")
        return (forms, colors, right)
    }

    func testShowAttendAndTellPointsAtTheShapeThatAWordNames() throws {
        let (forms, colors, right) = try point("show-attend-and-tell", pictures: 200)
        XCTAssertEqual([forms.maps, colors.maps], [200, 200])
        XCTAssertGreaterThanOrEqual(colors.rate, 0.98)
        XCTAssertGreaterThanOrEqual(forms.rate, 0.88)
        XCTAssertGreaterThanOrEqual((forms.rate + colors.rate) / 2, 0.9)
        XCTAssertGreaterThan(forms.rate, 2 * forms.centreRate)
        XCTAssertGreaterThanOrEqual(right, 198)
    }

    func testShowAndTellPointsAtTheShapeThatAWordNames() throws {
        let (forms, colors, right) = try point("show-and-tell", pictures: 200)
        XCTAssertEqual([forms.maps, colors.maps], [200, 200])
        XCTAssertGreaterThanOrEqual(colors.rate, 0.95)
        XCTAssertGreaterThanOrEqual(forms.rate, 0.9)
        XCTAssertGreaterThan(forms.rate, 2 * forms.centreRate)
        XCTAssertGreaterThanOrEqual(right, 198)
    }

    private struct Golden: Codable {
        var caption: String
        var logProbabilities: [Float]
        var formMap: [Float]
        var colorMap: [Float]
    }

    /// One picture's caption to the word, and its form's and colour's maps to a thousandth of their largest value (other threads and vector widths
    /// sum in another order).
    func testOnePictureStaysTheSame() throws {
        for kind in kinds {
            let golden = try JSONDecoder().decode(Golden.self, from: Data(contentsOf: Fixture.url("toy-\(kind)/golden.json")))
            let explainer = try explainer(kind)
            let picture = ToyScene(seed: Self.seed, index: 0)
            let seen = explainer.look(at: explainer.captioner.configuration.preprocessing.prepare(picture.image).tensor)
            let explanation = try explainer.explain(seen, words: explainer.caption(seen), targets: [.everyWord])
            if let folder = ProcessInfo.processInfo.environment["TOY_GOLDEN"] {  // newly trained models: a folder to write their files to
                try write(explanation, to: URL(fileURLWithPath: folder).appendingPathComponent("toy-\(kind)-golden.json"))
            }
            XCTAssertEqual(sentence(explanation.words), golden.caption)
            XCTAssertTrue(picture.trueCaptions.contains(golden.caption))
            XCTAssertEqual(explanation.scores.count, golden.logProbabilities.count)
            for (t, map) in [(1, golden.formMap), (4, golden.colorMap)] {
                XCTAssertEqual(explanation.scores[t].value, golden.logProbabilities[t], accuracy: 1e-3)
                let values = explanation.scores[t].map.array, largest = map.map(abs).max() ?? 0
                XCTAssertEqual(values.count, map.count)
                for (a, b) in zip(values, map) { XCTAssertEqual(a, b, accuracy: 1e-3 * largest) }
            }
        }
    }

    private func write(_ explanation: CaptionExplanation, to url: URL) throws {
        let scores = explanation.scores
        let golden = Golden(
            caption: sentence(explanation.words), logProbabilities: scores.map(\.value), formMap: scores[1].map.array,
            colorMap: scores[4].map.array)
        try JSONEncoder().encode(golden).write(to: url)
    }

    /// Every word in one sweep gives the maps that the words get one by one, and the decoder's steps agree with teacher forcing.
    func testOneSweepIsManyAndStepsAgreeWithTeacherForcing() throws {
        for kind in kinds {
            let explainer = try explainer(kind)
            let captioner = explainer.captioner
            let picture = ToyScene(seed: Self.seed, index: 3)
            let seen = explainer.look(at: captioner.configuration.preprocessing.prepare(picture.image).tensor)
            let words = explainer.caption(seen)
            let all = try explainer.explain(seen, words: words, targets: [.everyWord])
            XCTAssertEqual(all.scores.count, words.count)
            for (t, word) in all.words.enumerated() {
                let occurrence = all.words[...t].filter { $0 == word }.count
                let one = try explainer.explain(seen, words: words, targets: [.word(word, occurrence: occurrence)])
                let largest = one.scores[0].map.array.map(abs).max() ?? 0
                for (a, b) in zip(all.scores[t].map.array, one.scores[0].map.array) { XCTAssertEqual(a, b, accuracy: 1e-4 * largest) }
            }
            let whole = try explainer.explain(seen, words: words, targets: [.wholeCaption])
            XCTAssertEqual(whole.scores[0].value, all.logProbabilities.reduce(0, +), accuracy: 1e-4)
            var state = captioner.decoder.begin(features: seen.features, rows: 1)
            var previous = captioner.vocabulary.start
            for (t, word) in (words + [captioner.vocabulary.end]).enumerated() {
                let (logits, next) = captioner.decoder.step(state, words: [previous])
                XCTAssertEqual(Variable(logits).logSoftmax().value[0, word], all.logProbabilities[t], accuracy: 1e-4)
                (state, previous) = (next, word)
            }
        }
    }

    func testAbsentAndUnknownWords() throws {
        let explainer = try explainer("show-attend-and-tell")
        let picture = ToyScene(seed: Self.seed, index: 0)
        let seen = explainer.look(at: explainer.captioner.configuration.preprocessing.prepare(picture.image).tensor)
        let (words, warnings) = try explainer.indices(of: "a circle and something red")
        XCTAssertEqual(warnings, [])
        let absent = try explainer.explain(seen, words: words, targets: [.word("yellow", occurrence: 1)])
        XCTAssertEqual(absent.scores[0].score.positions, 4..<5)
        XCTAssertTrue(absent.scores[0].warnings[0].contains("'yellow' is not in the caption \"a circle and something red\""))
        XCTAssertThrowsError(try explainer.explain(seen, words: words, targets: [.word("yelow", occurrence: 1)])) {
            XCTAssertTrue("\($0)".contains("does not know the word 'yelow'") && "\($0)".contains("yellow"), "\($0)")
        }
        XCTAssertThrowsError(try explainer.explain(seen, words: words, targets: [.word("red", occurrence: 2)])) {
            XCTAssertTrue("\($0)".contains("occurs once"), "\($0)")
        }
        XCTAssertThrowsError(try explainer.indices(of: " ")) { XCTAssertTrue("\($0)".contains("no words")) }
        XCTAssertEqual(try explainer.indices(of: "a circle and something purple").warnings.count, 1)
        XCTAssertThrowsError(try CaptionExplainer(explainer.captioner, layer: "conv99")) {
            XCTAssertTrue("\($0)".contains("conv99") && "\($0)".contains("conv1"), "\($0)")
        }
    }

    /// Grad-CAM by hand: two channels, two cells. alpha = (mean of 1, 3; mean of -2, 0) = (2, -1); map = 2 A_1 - A_2. A second score
    /// with twice the gradient gives twice the map.
    func testGradCAMByHand() {
        let activations = Tensor([1, 1, 2, 2], [1, 5, 2, 0])
        let gradients = Tensor([2, 1, 1, 2, 2], [1, -2, 3, 0, 2, -4, 6, 0])
        let maps = GradCAM.maps(activations: activations, gradients: gradients)
        XCTAssertEqual(maps.shape, [2, 1, 2])
        XCTAssertEqual(maps.array, [-3, 4, -6, 8])
    }

    /// On a network that ends in global average pooling and a linear layer, Grad-CAM is CAM (Zhou et al. 2016) over the number of cells.
    func testGradCAMIsCAMBehindGlobalAveragePooling() {
        var random = SeededGenerator(seed: 5)
        let values = (0..<3 * 4 * 6).map { _ in max(0, random.normal()) }, weights = (0..<2 * 6).map { _ in random.normal() }
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
