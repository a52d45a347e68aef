import Tensors
import Vision
import XCTest

@testable import Evaluation

/// Comparisons of maps with each other, with values worked out by hand.
final class SanityTests: XCTestCase {
    func testCorrelation_pearsonAndSpearman_areThoseByHand() throws {
        XCTAssertEqual(try XCTUnwrap(Correlation.pearson([1, 2, 3], [2, 4, 6])), 1, accuracy: 1e-12)
        XCTAssertEqual(try XCTUnwrap(Correlation.pearson([1, 2, 3], [3, 2, 1])), -1, accuracy: 1e-12)
        // The deviations -1, 0, 1 and -1, 2, -1 are orthogonal.
        XCTAssertEqual(try XCTUnwrap(Correlation.pearson([1, 2, 3], [0, 3, 0])), 0, accuracy: 1e-12)
        XCTAssertNil(Correlation.pearson([1, 1, 1], [1, 2, 3]))
        XCTAssertEqual(Correlation.ranks([10, 20, 10, 5]), [2.5, 4, 2.5, 1])
        XCTAssertEqual(try XCTUnwrap(Correlation.spearman([1, 2, 3, 4], [1, 4, 9, 16])), 1, accuracy: 1e-12)
        // 1 - 6 * (1 + 1 + 1 + 1) / (4 * 15)
        XCTAssertEqual(try XCTUnwrap(Correlation.spearman([1, 2, 3, 4], [2, 1, 4, 3])), 0.6, accuracy: 1e-12)
    }

    func testStructuralSimilarity_smallMaps_isThatByHand() {
        let a = Plane(width: 2, height: 1, values: [0, 1])
        let b = Plane(width: 2, height: 1, values: [1, 0])
        XCTAssertEqual(StructuralSimilarity.mean(a, a), 1, accuracy: 1e-12)
        // Means 1/2, variances 1/4, covariance -1/4: the factors of the means cancel.
        XCTAssertEqual(StructuralSimilarity.mean(a, b), (-0.5 + 0.0009) / (0.5 + 0.0009), accuracy: 1e-12)
        // Two squares of one cell have no variance: each gives (2 * 0 * 1 + c1) / (0 + 1 + c1).
        XCTAssertEqual(StructuralSimilarity.mean(a, b, side: 1), 0.0001 / 1.0001, accuracy: 1e-12)
    }

    func testWordCorrelation_wordsOfOneCaption_areCompared() throws {
        func target(_ values: [Float], _ context: String) throws -> MapTarget {
            MapTarget(
                kind: "", context: context, fields: [:],
                region: try XCTUnwrap(Region(mask: [true, false, false, false], width: 2)),
                maps: [.init(method: "grad-cam", fields: [:], raw: Tensor([2, 2], values))])
        }
        let targets = [
            try target([1, 2, 3, 4], "0"), try target([4, 3, 2, 1], "0"), try target([2, 4, 6, 8], "0"),
            try target([1, 2, 3, 4], "1"),
        ]
        let placement = Placement(
            originalWidth: 2, originalHeight: 2, modelWidth: 2, modelHeight: 2,
            rectangle: Rectangle(x0: 0, y0: 0, x1: 2, y1: 2))
        let maps = ImageMaps(
            input: Tensor([1, 2, 2, 3]), placement: placement, wordBlind: Tensor([2, 2], [1, 2, 3, 4]),
            targets: targets)
        let measured = try ImageEvaluation(
            photo: Image(width: 2, height: 2), maps: maps, options: EvaluationOptions(sanity: true)
        ).measure(image: 0)
        func terms(_ target: Int, _ method: String) -> Ratio? {
            measured[target].figures.first { $0.method == method }?.terms["wordCorrelation"]
        }
        for (target, sum) in ([0, -2, 0] as [Double]).enumerated() {
            let found = try XCTUnwrap(terms(target, "grad-cam"))
            XCTAssertEqual(found.value, sum, accuracy: 1e-12)
            XCTAssertEqual(found.weight, 2)
            XCTAssertEqual(terms(target, "word-blind"), Ratio(2, over: 2))
            XCTAssertNil(terms(target, "centre"))
        }
        XCTAssertNil(terms(3, "grad-cam"))
        XCTAssertNil(terms(3, "word-blind"))
    }

    /// The maps 1, 2, 3, 4 and 4, 3, 2, 1 of two answers correlate by -1; two maps of one answer are not compared.
    func testAnswerCorrelation_ofTwoAnswers_isThatByHand() throws {
        func target(_ expected: String) throws -> MapTarget {
            func map(_ method: String, _ answer: String, _ values: [Float]) -> MapTarget.Map {
                .init(method: method, fields: ["answer": .text(answer)], raw: Tensor([2, 2], values))
            }
            return MapTarget(
                kind: "", context: "", fields: [:],
                region: try XCTUnwrap(Region(mask: [true, false, false, false], width: 2)),
                maps: [map("cam", "red", [1, 2, 3, 4]), map("cam:expected", expected, [4, 3, 2, 1])])
        }
        let maps = ImageMaps(
            input: Tensor([1, 2, 2, 3]),
            placement: Placement(
                originalWidth: 2, originalHeight: 2, modelWidth: 2, modelHeight: 2,
                rectangle: Rectangle(x0: 0, y0: 0, x1: 2, y1: 2)), wordBlind: Tensor([2, 2], [1, 2, 3, 4]),
            targets: [try target("blue"), try target("red")])
        var found = maps.targets.map { target in
            TargetFigures(
                image: 0, kind: "", fields: [:],
                figures: target.maps.map { MapFigures(method: $0.method, terms: [:], peak: nil) })
        }
        AnswerCorrelation.measure(maps, &found)
        XCTAssertEqual(try XCTUnwrap(found[0].figures[0].terms["answerCorrelation"]).value, -1, accuracy: 1e-12)
        XCTAssertNil(found[0].figures[1].terms["answerCorrelation"])
        XCTAssertNil(found[1].figures[0].terms["answerCorrelation"])
    }

    func testCascadingRandomisation_layers_goFromTheHeadToTheFirst() {
        let layers = CascadingRandomisation.layers([
            "encoder.stem.weight", "encoder._blocks.0.conv.weight", "encoder._blocks.0.norm.bias",
            "encoder._blocks.1.conv.weight", "decoder.words.weight", "decoder.output.h.weight", "decoder.output.bias",
        ])
        XCTAssertEqual(
            layers.map(\.name),
            ["decoder.output", "decoder.words", "encoder._blocks.1", "encoder._blocks.0", "encoder.stem"])
        XCTAssertEqual(layers[3].parameters, ["encoder._blocks.0.conv.weight", "encoder._blocks.0.norm.bias"])
        XCTAssertEqual(
            CascadingRandomisation.layers(["fc.weight", "scale"]).map(\.parameters), [["scale"], ["fc.weight"]])
    }

    func testCascadingRandomisation_shuffled_keepsTheValues() {
        let values = (0..<50).map(Float.init)
        var random = SeededGenerator(seed: 3)
        let shuffled = CascadingRandomisation.shuffled(Tensor([5, 10], values), using: &random)
        XCTAssertEqual(shuffled.shape, [5, 10])
        XCTAssertNotEqual(shuffled.array, values)
        XCTAssertEqual(shuffled.array.sorted(), values)
    }
}
