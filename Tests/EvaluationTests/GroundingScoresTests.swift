import Foundation
import Tensors
import Vision
import XCTest

@testable import Evaluation

/// Grounding of the model's own captions, with values worked out by hand.
final class GroundingScoresTests: XCTestCase {
    private func box(_ x0: Double, _ x1: Double) -> Rectangle { Rectangle(x0: x0, y0: 0, x1: x1, y1: 1) }

    /// The model writes "a man with a dog in a hat". The first reference has a man and a ball, and speaks of a hat
    /// without a box; the second has two dogs, of which the first counts for precision.
    private var caption: GroundedCaption {
        GroundedCaption(
            [(word: "man", box: box(0, 4)), (word: "dog", box: box(10, 14)), (word: "hat", box: nil)],
            [
                .init(objects: [("man", box(0, 6)), ("ball", box(1, 2))], others: ["a", "in", "hat"]),
                .init(objects: [("dog", box(0, 4)), ("dog", box(10, 14))], others: []),
            ])
    }

    func testGroundedCaption_ofTwoReferences_comparesByHand() {
        // 4 / 6 is a hit.
        XCTAssertEqual(caption.text, "man+ dog! man! dog- hat! / man+ ball! dog- dog+")
        XCTAssertEqual(GroundedCaption(text: caption.text), caption)
        let half = GroundedCaption(
            [(word: "man", box: box(0, 4)), (word: "dog", box: nil)],
            [.init(objects: [("man", box(0, 8)), ("dog", box(0, 1))], others: [])])
        XCTAssertEqual(half.text, "man- dog- / man- dog-")
        let nothing = GroundedCaption([], [])
        XCTAssertEqual(GroundedCaption(text: nothing.text), nothing)
        for wrong in ["", "man+", "man / man+", "+ / man+", "a+ / b+ / c+"] {
            XCTAssertNil(GroundedCaption(text: wrong), wrong)
        }
    }

    /// The words of the references are man, ball and dog. Precision, all: man 1/2, dog 0/2, hat 0/1: 1/6. Recall, all:
    /// man 1, ball 0, dog 1/2: 1/2. On the words of both: man 1, dog 0: 1/3; man 1, dog 1/2: 1/2.
    func testGroundingScores_ofOneCaption_areThoseByHand() throws {
        func figures(_ image: Int, _ text: String?) -> TargetFigures {
            let fields: [String: RecordValue] = text.map { [GroundedCaption.field: .text($0)] } ?? [:]
            return TargetFigures(
                image: image, kind: "", fields: [:], figures: [MapFigures(method: "own", terms: [:], fields: fields)])
        }
        let targets = [figures(0, caption.text), figures(0, nil), figures(1, "no text of grounding")]
        let bootstrap = Bootstrap(resamples: 20)
        let scores = try XCTUnwrap(GroundingScores(targets, bootstrap: bootstrap))
        XCTAssertEqual([scores.images, scores.words], [1, 3])
        let own = try XCTUnwrap(scores.methods["own"])
        func f1(_ p: Double, _ r: Double) -> Double { 2 * p * r / (p + r) }
        XCTAssertEqual(try XCTUnwrap(own.all).value, f1(1.0 / 6, 0.5), accuracy: 1e-12)
        XCTAssertEqual(try XCTUnwrap(own.loc).value, f1(1.0 / 3, 0.5), accuracy: 1e-12)
        // One image: every sample is the same.
        XCTAssertEqual(own.all?.low, own.all?.value)
        XCTAssertNil(GroundingScores([figures(0, nil)], bootstrap: bootstrap))
        let table = scores.table(methods: ["own", "other"])
        XCTAssertTrue(
            table.hasPrefix("captions that the model writes: 3 object words in 1 image\nmethod  F1_all"), table)
    }

    /// Two images, one all hits and one all misses: the interval reaches from one to the other.
    func testGroundingScores_ofTwoImages_haveAnInterval() throws {
        let targets = ["man+ / man+", "man- / man-"].enumerated().map { index, text in
            TargetFigures(
                image: index, kind: "", fields: [:],
                figures: [MapFigures(method: "own", terms: [:], fields: [GroundedCaption.field: .text(text)])])
        }
        let own = try XCTUnwrap(GroundingScores(targets, bootstrap: Bootstrap(resamples: 200))?.methods["own"]?.all)
        XCTAssertEqual(own, Estimate(value: 0.5, low: 0, high: 1))
    }

    /// Two men and a dog: the men are each other's rivals.
    func testRightPersonRivals_arePersonsOnly() throws {
        func target(_ x0: Double, _ kind: String) throws -> MapTarget {
            MapTarget(kind: kind, region: try region([[x0, 0, x0 + 4, 1]], width: 20, height: 1), maps: [])
        }
        let targets = try [target(0, "people"), target(8, "people/other"), target(16, "animals"), target(0, "people")]
        let rivals = RightPerson.rivals(targets, rivals: Discrimination.rivals(targets))
        XCTAssertEqual(rivals, [[1], [0, 3], [], [1]])
    }

    /// The boxes of the maps are compared: a map on the left, where the man is, and the word-blind map on the right.
    func testImageEvaluation_ofAnOwnCaption_groundsItsWordsByMethod() throws {
        let placement = Placement(
            originalWidth: 4, originalHeight: 1, modelWidth: 4, modelHeight: 1,
            rectangle: Rectangle(x0: 0, y0: 0, x1: 4, y1: 1))
        var maps = ImageMaps(
            input: Tensor([1, 1, 4, 3]), placement: placement, wordBlind: Tensor([1, 4], [0, 0, 1, 1]),
            targets: [
                MapTarget(
                    region: try region([[0, 0, 1, 1]], width: 4, height: 1),
                    maps: [.init(method: "own", raw: Tensor([1, 4], [1, 1, 1, 1]))])
            ])
        maps.ownCaption = OwnCaption(
            methods: ["own"],
            words: [.init(word: "man", maps: [.init(method: "own", raw: Tensor([1, 4], [1, 1, 0, 0]))])],
            references: [.init(objects: [("man", box(0, 2)), ("dog", box(2, 4))], others: ["a"])])
        let figures = try ImageEvaluation(photo: Image(width: 4, height: 1), maps: maps).measure(image: 0)[0].figures
        func text(_ method: String) -> RecordValue? {
            figures.first { $0.method == method }?.fields[GroundedCaption.field]
        }
        XCTAssertEqual(text("own"), .text("man+ / man+ dog!"))
        XCTAssertEqual(text("word-blind"), .text("man- / man- dog!"))
        XCTAssertNil(text("centre"))
    }
}
