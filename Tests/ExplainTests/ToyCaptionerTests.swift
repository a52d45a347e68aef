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

    private func explainer(_ kind: String) throws -> CaptionExplainer {
        try CaptionExplainer(Captioner.load(Fixture.url("toy-\(kind)")))
    }

    private struct Pointing {
        var words = 0, hits = 0, chance = 0.0, centre = 0, captions = 0, right = 0
        var rate: Double { Double(hits) / Double(max(1, words)) }
    }

    /// The maximum of each wanted word's map, in the picture's own caption, against the mask of the shape it names; the maximum is the centre of
    /// the map's largest cell.
    private func point(_ kind: String, pictures: Int, where wanted: (ToyPicture, String) -> Bool) throws -> Pointing {
        let explainer = try explainer(kind)
        let side = ToyPicture.side
        var result = Pointing()
        for index in 0..<pictures {
            let picture = ToyPicture(seed: Self.seed, index: index)
            let prepared = explainer.captioner.configuration.preprocessing.prepare(picture.image)
            let seen = explainer.look(at: prepared.tensor)
            let words = try explainer.indices(of: picture.caption).words
            let explanation = try explainer.explain(seen, words: words, targets: [.everyWord])
            result.captions += 1
            if explainer.caption(seen) == words { result.right += 1 }
            for word in explanation.scores {
                guard let shape = picture.shape(of: word.score.name), wanted(picture, word.score.name) else { continue }
                let mask = ToyPicture.mask(shape)
                let values = word.map.array, columns = word.map.shape[1]
                let best = values.indices.max { values[$0] < values[$1] } ?? 0
                let cell = prepared.placement.cell(column: best % columns, row: best / columns, columns: columns, rows: word.map.shape[0])
                let x = Int((cell.x0 + cell.x1) / 2), y = Int((cell.y0 + cell.y1) / 2)
                result.words += 1
                if values[best] > 0 && mask[y * side + x] { result.hits += 1 }
                if mask[side / 2 * side + side / 2] { result.centre += 1 }
                result.chance += Double(mask.count { $0 }) / Double(mask.count)
            }
        }
        print(
            String(
                format: "%@: captions %.1f %% right; maximum on the mask %.1f %% of %d words; centre %.1f %%, chance %.1f %%", kind,
                100 * Double(result.right) / Double(result.captions), 100 * result.rate, result.words,
                100 * Double(result.centre) / Double(result.words), 100 * result.chance / Double(result.words)))
        return result
    }

    /// The colour of the bigger (or only) shape is found. Forms are found less often, and the smaller shape's words too: their evidence lies on the
    /// outline, half of which is outside the mask.
    func testColoursPointAtTheirShapes() throws {
        let colours = try point("show-attend-and-tell", pictures: 200) { picture, word in
            picture.shapes[0].color.rawValue == word
        }
        XCTAssertGreaterThanOrEqual(colours.rate, 0.9)
        XCTAssertEqual(colours.words, 200, accuracy: 10)
        XCTAssertGreaterThan(colours.rate, 1.5 * Double(colours.centre) / Double(colours.words))
        let all = try point("show-attend-and-tell", pictures: 200) { _, _ in true }
        XCTAssertGreaterThanOrEqual(all.rate, 0.65)
    }

    private struct Golden: Codable {
        var caption: String
        var logProbability: Float
        var map: [Float]
    }

    /// One picture's caption to the word and its colour's map to a thousandth of its largest value (other threads and vector widths sum in
    /// another order).
    func testOnePictureStaysTheSame() throws {
        let golden = try JSONDecoder().decode(
            Golden.self, from: Data(contentsOf: Fixture.url("toy-show-attend-and-tell/golden.json")))
        let explainer = try explainer("show-attend-and-tell")
        let picture = ToyPicture(seed: Self.seed, index: 0)
        let seen = explainer.look(at: explainer.captioner.configuration.preprocessing.prepare(picture.image).tensor)
        let words = explainer.caption(seen)
        let explanation = try explainer.explain(
            seen, words: words, targets: [.word(picture.shapes[0].color.rawValue, occurrence: 1)])
        XCTAssertEqual(sentence(explanation.words), golden.caption)
        XCTAssertEqual(explanation.scores[0].value, golden.logProbability, accuracy: 1e-3)
        let map = explanation.scores[0].map.array, largest = golden.map.map(abs).max() ?? 0
        XCTAssertEqual(map.count, golden.map.count)
        for (a, b) in zip(map, golden.map) { XCTAssertEqual(a, b, accuracy: 1e-3 * largest) }
    }

    /// Every word in one sweep gives the maps that the words get one by one, and the decoder's steps agree with teacher forcing.
    func testOneSweepIsManyAndStepsAgreeWithTeacherForcing() throws {
        let explainer = try explainer("show-attend-and-tell")
        let captioner = explainer.captioner
        let picture = ToyPicture(seed: Self.seed, index: 3)
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

    func testAbsentAndUnknownWords() throws {
        let explainer = try explainer("show-attend-and-tell")
        let picture = ToyPicture(seed: Self.seed, index: 0)
        let seen = explainer.look(at: explainer.captioner.configuration.preprocessing.prepare(picture.image).tensor)
        let (words, warnings) = try explainer.indices(of: "a red circle")
        XCTAssertEqual(warnings, [])
        let absent = try explainer.explain(seen, words: words, targets: [.word("yellow", occurrence: 1)])
        XCTAssertEqual(absent.scores[0].score.positions, 1..<2)
        XCTAssertTrue(absent.scores[0].warnings[0].contains("'yellow' is not in the caption \"a red circle\""))
        XCTAssertThrowsError(try explainer.explain(seen, words: words, targets: [.word("yelow", occurrence: 1)])) {
            XCTAssertTrue("\($0)".contains("does not know the word 'yelow'") && "\($0)".contains("yellow"), "\($0)")
        }
        XCTAssertThrowsError(try explainer.explain(seen, words: words, targets: [.word("red", occurrence: 2)])) {
            XCTAssertTrue("\($0)".contains("occurs once"), "\($0)")
        }
        XCTAssertThrowsError(try explainer.indices(of: " ")) { XCTAssertTrue("\($0)".contains("no words")) }
        XCTAssertEqual(try explainer.indices(of: "a purple circle").warnings.count, 1)
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
