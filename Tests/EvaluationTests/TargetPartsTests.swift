import Foundation
import Tensors
import Vision
import XCTest

@testable import Evaluation

/// acc@0.5, the difficult targets, and the occurrences of one word, with values worked out by hand.
final class TargetPartsTests: XCTestCase {
    func testBoxAccuracy_ofSeveralBoxes_takesTheBoxAroundThem() throws {
        let two = try region([[0, 0, 2, 2], [2, 0, 4, 2]], width: 8, height: 4)
        XCTAssertEqual(two.surroundingBox, Rectangle(x0: 0, y0: 0, x1: 4, y1: 2))
        // Half of the box around both, and a little less.
        XCTAssertEqual(BoxAccuracy.score(Rectangle(x0: 0, y0: 0, x1: 4, y1: 1), two), 1)
        XCTAssertEqual(BoxAccuracy.score(Rectangle(x0: 0, y0: 0, x1: 3.9, y1: 1), two), 0)
        XCTAssertEqual(BoxAccuracy.score(nil, two), 0)
        let map = DrawnMap(plane([[1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]))
        XCTAssertEqual(
            MapMetric.boxAccuracy.measure(MapInRegion(map, in: try region([[0, 0, 2, 2]]))), Ratio(1))
        XCTAssertEqual(
            MapMetric.boxAccuracy.measure(MapInRegion(map, in: try region([[0, 0, 2, 3]]))), Ratio(0))
    }

    private func target(_ x0: Double, _ x1: Double, _ word: String = "", position: Int = 0) throws -> MapTarget {
        MapTarget(
            fields: ["word": .text(word), "position": .number(position)],
            region: try region([[x0, 0, x1, 1]], width: 20, height: 1), maps: [])
    }

    /// 4 of 20 pixels are less than a quarter, 5 are not. Whatever overlaps by less than 10 % lies apart.
    func testDifficult_ofSmallRegionsWithOthersApart_isTrue() throws {
        func find(_ targets: MapTarget...) -> [Bool] { DifficultTargets.find(targets) }
        XCTAssertEqual(find(try target(0, 4), try target(10, 20)), [true, false])
        XCTAssertEqual(find(try target(0, 5), try target(10, 20)), [false, false])
        XCTAssertEqual(find(try target(0, 4), try target(1, 4)), [false, false])
        XCTAssertEqual(find(try target(0, 4)), [false])
        // Also phrases of other captions.
        var other = try target(10, 12)
        other.context = "another caption"
        XCTAssertEqual(find(try target(0, 4), other), [true, true])
    }

    func testSameWordRivals_areOccurrencesOfTheSameWord() throws {
        let targets = try [
            target(0, 5, "man", position: 1), target(10, 20, "man", position: 5), target(10, 20, "dog", position: 9),
            target(0, 5, "man", position: 1),
        ]
        let rivals = SameWord.rivals(targets, rivals: Discrimination.rivals(targets))
        XCTAssertEqual(rivals, [[1], [0, 3], [], [1]])
        var question = targets[0]
        question.fields = [:]
        XCTAssertEqual(SameWord.rivals([question, question], rivals: [[1], [0]]), [[], []])
    }

    func testSameWordScore_ofNearlyEqualShares_isAHalf() {
        XCTAssertNil(SameWord.score(own: 1, others: []))
        XCTAssertEqual(SameWord.score(own: 0.5, others: [0.4, 0.5 + 1e-7, 0.6]), Ratio(1.5, over: 3))
    }

    /// Two men, left and right, and a dog on the right. The first method has a map for each, the second one map that
    /// is three times as strong for the second man.
    func testImageEvaluation_ofTwoOccurrences_comparesTheirMaps() throws {
        func target(_ columns: Range<Double>, _ word: String, _ position: Int, _ own: [Float], _ same: Float) throws
            -> MapTarget
        {
            MapTarget(
                fields: ["word": .text(word), "position": .number(position)],
                region: try region([[columns.lowerBound, 0, columns.upperBound, 1]], width: 4, height: 1),
                maps: [
                    .init(method: "own", raw: Tensor([1, 4], own)),
                    .init(method: "same", raw: Tensor([1, 4], [1, 2, 3, 0.1].map { $0 * same })),
                ])
        }
        let targets = try [
            target(0..<2, "man", 1, [3, 1, 0, 0], 1), target(2..<4, "man", 4, [0, 0, 1, 1], 3),
            target(2..<4, "dog", 7, [0, 0, 0, 1], 1),
        ]
        let placement = Placement(
            originalWidth: 4, originalHeight: 1, modelWidth: 4, modelHeight: 1,
            rectangle: Rectangle(x0: 0, y0: 0, x1: 4, y1: 1))
        let measured = try ImageEvaluation(
            photo: Image(width: 4, height: 1),
            maps: ImageMaps(
                input: Tensor([1, 1, 4, 3]), placement: placement, wordBlind: Tensor([1, 4], [1, 2, 3, 4]),
                targets: targets)
        ).measure(image: 0)
        func term(_ target: Int, _ method: String, _ column: MapColumn = SameWord.column) -> Ratio? {
            measured[target].figures.first { $0.method == method }?.terms[column.name]
        }
        for man in [0, 1] {
            XCTAssertEqual(term(man, "own"), Ratio(1))
            XCTAssertEqual(term(man, "same"), Ratio(0.5))
            XCTAssertEqual(term(man, "word-blind"), Ratio(0.5))
            XCTAssertEqual(term(man, "chance"), Ratio(0.5))
            XCTAssertNil(term(man, "centre"))
        }
        XCTAssertNil(term(2, "own"))
        XCTAssertEqual(term(0, "own", Discrimination.column), Ratio(2, over: 2))
        // No region is smaller than a quarter.
        XCTAssertNil(measured[0].fields["difficult"])

        let scores = MapScores(measured, methods: ["own", "same", "word-blind"], bootstrap: Bootstrap(resamples: 10))
        XCTAssertNil(scores.difficult)
        let occurrences = try XCTUnwrap(scores.sameWord)
        XCTAssertEqual([occurrences.targets, occurrences.images], [2, 1])
        XCTAssertEqual(occurrences.methods["own"]?.figures["sameWord"]?.value, 1)
        XCTAssertEqual(occurrences.methods["same"]?.figures["sameWord"]?.value, 0.5)
        XCTAssertNil(scores.rightPerson)
        XCTAssertNil(scores.grounding)
        let table = scores.table()
        XCTAssertTrue(table.contains("\n\nsame word: 2 targets in 1 image\nmethod      maps  same word\n"), table)
        XCTAssertTrue(table.contains("\nmethod      maps  sparseness         complexity\n"), table)
        XCTAssertFalse(table.contains("difficult:"), table)
    }

    func testMapScores_ofDifficultTargets_areAGroupOfTheirOwn() throws {
        func figures(_ image: Int, _ hit: Double, difficult: Bool) -> TargetFigures {
            TargetFigures(
                image: image, kind: "", fields: difficult ? [DifficultTargets.field: .number(1)] : [:],
                figures: [MapFigures(method: "own", terms: ["pointing": Ratio(hit)])])
        }
        let targets = [
            figures(0, 1, difficult: true), figures(0, 1, difficult: false), figures(1, 0, difficult: true),
            figures(1, 1, difficult: true),
        ]
        let scores = MapScores(targets, methods: ["own"], bootstrap: Bootstrap(resamples: 10))
        XCTAssertEqual(scores.all.methods["own"]?.figures["pointing"]?.value, 0.75)
        let difficult = try XCTUnwrap(scores.difficult)
        XCTAssertEqual([difficult.targets, difficult.images], [3, 2])
        XCTAssertEqual(try XCTUnwrap(difficult.methods["own"]?.figures["pointing"]).value, 2.0 / 3, accuracy: 1e-12)
        XCTAssertTrue(scores.table().contains("\n\ndifficult: 3 targets in 2 images\n"), scores.table())
        let decoded = try JSONDecoder().decode(MapScores.self, from: JSONEncoder().encode(scores))
        XCTAssertEqual(decoded, scores)
    }
}
