import Tensors
import Vision
import XCTest

@testable import Evaluation

/// How maps change with the image, by hand and against Quantus 0.6.0 (Fixtures/quantus-metrics.py).
final class StabilityTests: XCTestCase {
    func testStability_ofSmallMaps_isThatByHand() throws {
        // |a| = 5. The changes are 3 and 4, of a map whose largest magnitude is 4.
        let map: [Float] = [3, -4]
        XCTAssertEqual(Stability.maxSensitivity(map, [[0, -4], [3, 0]]), 0.8)
        // (0.75, -1) becomes (0, -1) and (1, 0): the changes are 0.75 and sqrt(1 / 16 + 1), the images move by 1 and 4.
        XCTAssertEqual(
            try XCTUnwrap(Stability.lipschitz(map, [(map: [0, -4], moved: 1), (map: [3, 0], moved: 4)])), 0.75,
            accuracy: 1e-6)
        XCTAssertNil(Stability.maxSensitivity([0, 0], [[1, 1]]))
        XCTAssertNil(Stability.maxSensitivity(map, []))
        XCTAssertNil(Stability.lipschitz([0, 0], [(map: [1, 1], moved: 1)]))
        XCTAssertNil(Stability.lipschitz(map, []))
    }

    func testStability_ofEveryRecord_matchesQuantus() throws {
        let records = try QuantusFixture.load().stability
        XCTAssertEqual(records.map(\.moved.count), [1, 6])
        for record in records {
            let sensitivity = try XCTUnwrap(Stability.maxSensitivity(record.map, record.movedMaps))
            XCTAssertEqual(sensitivity, record.maxSensitivity, accuracy: 1e-5)
            let others = zip(record.movedMaps, record.moved).map {
                (map: $0, moved: Stability.distance($1, record.image))
            }
            XCTAssertEqual(try XCTUnwrap(Stability.lipschitz(record.map, others)), record.lipschitz, accuracy: 1e-5)
        }
    }

    /// A map that is the image's sum itself moves as the image does; a map that ignores the image does not; and where
    /// the model gives another answer, the sample does not count.
    func testMeasure_ofMapsOfAnImage_comparesThemWithThoseOfChangedImages() throws {
        let placement = Placement(
            originalWidth: 2, originalHeight: 1, modelWidth: 2, modelHeight: 1,
            rectangle: Rectangle(x0: 0, y0: 0, x1: 2, y1: 1))
        let region = try region([[0, 0, 1, 1]], width: 2, height: 1)
        let input = Tensor([1, 1, 2, 3], [1, 0, 0, 0, -1, 0])
        func maps(_ input: Tensor) -> ImageMaps {
            let x = input.array
            let pixels = Tensor([1, 2], [x[0] + x[1] + x[2], x[3] + x[4] + x[5]])
            let fields: [String: RecordValue] = ["answer": .text(x == [1, 0, 0, 0, -1, 0] ? "yes" : "no")]
            let target = MapTarget(
                region: region,
                maps: [
                    .init(method: "sum", raw: pixels), .init(method: "same", raw: Tensor([1, 2], [1, 2])),
                    .init(method: "answer", fields: fields, raw: pixels),
                ])
            return ImageMaps(input: input, placement: placement, wordBlind: pixels, targets: [target])
        }
        var found = maps(input)
        var seen: [[Float]] = []
        found.remade = { input in
            seen.append(input.array)
            return maps(input)
        }
        let figures = try ImageEvaluation(
            photo: Image(width: 2, height: 1), maps: found, options: EvaluationOptions(sanity: true)
        ).measure(image: 3)[0].figures
        func term(_ method: String, _ column: MapColumn) -> Double? {
            figures.first { $0.method == method }?.terms[column.name]?.value
        }
        XCTAssertEqual(seen.count, Stability.samples)
        // Noise of 5 % of the range, which is 2.
        for x in seen {
            XCTAssertTrue(zip(x, input.array).allSatisfy { abs($0 - $1) <= 0.1 + 1e-6 })
            XCTAssertNotEqual(x, seen[x == seen[0] ? 1 : 0])
        }
        let expected = seen.map { x -> Double in
            let (a, b) = (Double(x[0] + x[1] + x[2]) - 1, Double(x[3] + x[4] + x[5]) + 1)
            return (a * a + b * b).squareRoot() / 2.0.squareRoot()
        }.max()
        XCTAssertEqual(try XCTUnwrap(term("sum", Stability.sensitivity)), try XCTUnwrap(expected), accuracy: 1e-6)
        XCTAssertEqual(term("word-blind", Stability.sensitivity), term("sum", Stability.sensitivity))
        XCTAssertEqual(term("same", Stability.sensitivity), 0)
        XCTAssertEqual(term("same", Stability.lipschitz), 0)
        XCTAssertNil(term("answer", Stability.sensitivity))
        XCTAssertGreaterThan(try XCTUnwrap(term("sum", Stability.lipschitz)), 0)
    }
}
