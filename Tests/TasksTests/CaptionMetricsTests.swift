import Foundation
import Tasks
import Tensors
import TestSupport
import XCTest

final class CaptionMetricsTests: XCTestCase {
    private struct Fixtures: Decodable {
        struct Image: Decodable {
            var candidate: String
            var references: [String]
            var scores: CaptionScores
        }
        var set: CaptionScores
        var images: [Image]
    }

    private func words(_ text: String) -> [String] { text.split(separator: " ").map(String.init) }

    private func values(_ s: CaptionScores) -> [Double] { [s.bleu1, s.bleu2, s.bleu3, s.bleu4, s.rougeL, s.ciderD] }

    private func assertEqual(_ a: CaptionScores, _ b: CaptionScores, _ accuracy: Double, _ message: String) {
        for (a, b) in zip(values(a), values(b)) { XCTAssertEqual(a, b, accuracy: accuracy, message) }
    }

    func testCaptionMetrics_ofCaptions_agreeWithPycocoevalcap() throws {
        let fixtures = try JSONDecoder().decode(
            Fixtures.self, from: Data(contentsOf: Fixture.url("caption_scores.json")))
        XCTAssertEqual(fixtures.images.count, 42)
        let found = CaptionMetrics.evaluate(
            candidates: fixtures.images.map { words($0.candidate) },
            references: fixtures.images.map { $0.references.map { words($0) } })
        assertEqual(found.set, fixtures.set, 1e-9, "the set")
        for (scores, image) in zip(found.images, fixtures.images) {
            assertEqual(scores, image.scores, 1e-9, image.candidate)
        }
    }

    func testBLEU_ofShortSentences_equalsHandComputedValues() {
        // 2 of 3 words, 1 of 2 pairs, 0 of 1 triple; 3 words against 4: exp(1 - 4/3).
        let s = CaptionMetrics.score(candidates: [words("a red dog")], references: [[words("a red cat sits")]])
        XCTAssertEqual(s.bleu1, 2.0 / 3 * exp(-1.0 / 3), accuracy: 1e-8)
        XCTAssertEqual(s.bleu2, (2.0 / 3 * 1 / 2).squareRoot() * exp(-1.0 / 3), accuracy: 1e-8)
        XCTAssertEqual(s.bleu4, 0, accuracy: 1e-3)
        // A word counts at most as often as the reference that has it most: 2 of 7 (Papineni et al., example 2).
        let clipped = BLEU.Statistics(
            candidate: [0, 0, 0, 0, 0, 0, 0], references: [[0, 1, 2, 3, 0, 4], [5, 2, 6, 1, 3, 0, 4]])
        XCTAssertEqual(clipped.matches[0], 2)
        XCTAssertEqual(clipped.guesses, [7, 6, 5, 4])
        // Lengths 3 and 5 are as close to 4; the shorter is taken.
        XCTAssertEqual(
            BLEU.Statistics(candidate: [0, 1, 2, 3], references: [[0, 1, 2, 3, 4], [0, 1, 2]]).referenceLength, 3)
    }

    func testROUGE_ofShortSentences_equalsHandComputedValues() {
        // "a b c d" and "a x c": common 2; precision 1/2, recall 2/3.
        let p = 0.5
        let r = 2.0 / 3
        let b = 1.44
        XCTAssertEqual(
            ROUGE.l(candidate: [0, 1, 2, 3], references: [[0, 9, 2]]), (1 + b) * p * r / (r + b * p), accuracy: 1e-12)
        XCTAssertEqual(ROUGE.l(candidate: [3, 2, 1, 0], references: [[0, 1, 2, 3]]), 0.25, accuracy: 1e-12)
        XCTAssertEqual(ROUGE.l(candidate: [], references: [[0]]), 0)
        XCTAssertEqual(ROUGE.l(candidate: [1], references: [[0]]), 0)
    }

    func testCIDEr_ofShortSentences_equalsHandComputedValues() {
        // Two images with one reference each; every n-gram is in one of them: weight log 2, cosines of counts.
        let scorer = CIDErScorer(references: [[[0, 1]], [[2, 3]]])
        XCTAssertEqual(scorer.count, 2)
        // Both words and the pair: 1 for n = 1 and 2, nothing for 3 and 4, ten times their mean.
        XCTAssertEqual(scorer.score([0, 1], image: 0), 5, accuracy: 1e-12)
        // One word of two: cosine 1/sqrt 2, one pair less than the reference: exp(-1/72).
        XCTAssertEqual(scorer.score([0], image: 0), 10 / 4 * exp(-1.0 / 72) / 2.0.squareRoot(), accuracy: 1e-12)
        // A word that no reference has lengthens the candidate's vector.
        XCTAssertEqual(scorer.score([0, 9], image: 0), 10.0 / 4 / 2, accuracy: 1e-12)
        // A repeated word: vector (2, 0) clipped to the reference's (1, 1), so 1 / (2 sqrt 2).
        XCTAssertEqual(scorer.score([0, 0], image: 0), 10 / 4 / (2 * 2.0.squareRoot()), accuracy: 1e-12)
        XCTAssertEqual(scorer.score([2, 3], image: 0), 0)
        XCTAssertEqual(scorer.score([], image: 0), 0)
        // A word of every image has weight 0.
        XCTAssertEqual(CIDErScorer(references: [[[0, 1]], [[0, 2]]]).score([0], image: 0), 0)
    }

    /// Random captions: a reference itself scores 1, no score leaves its range or is NaN, words' names do not matter.
    func testCaptionMetrics_ofRandomCaptions_stayInTheirRanges() {
        var generator = SeededGenerator(seed: 11)
        func sentence(_ minimum: Int) -> [Int] {
            (0..<minimum + Int(generator.next() % 12)).map { _ in Int(generator.next() % 9) }
        }
        for _ in 0..<50 {
            let references = (0..<6).map { _ in (0..<3).map { _ in sentence(4) } }
            let candidates = (0..<6).map { _ in sentence(0) }
            func named(_ prefix: String, _ s: [[Int]]) -> [[String]] { s.map { $0.map { "\(prefix)\(8 - $0)" } } }
            let found = CaptionMetrics.evaluate(
                candidates: named("w", candidates), references: references.map { named("w", $0) })
            for scores in found.images + [found.set] {
                XCTAssertTrue(values(scores).dropLast().allSatisfy { $0 >= 0 && $0 <= 1 }, "\(scores)")
                XCTAssertTrue(scores.ciderD >= 0 && scores.ciderD <= 10.000001, "\(scores)")
            }
            let scorer = CIDErScorer(references: references)
            for (i, candidate) in candidates.enumerated() {
                XCTAssertEqual(scorer.score(candidate, image: i), found.images[i].ciderD, accuracy: 1e-9)
            }
            let same = CaptionMetrics.score(
                candidates: named("w", references.map { $0[1] }), references: references.map { named("w", $0) })
            for bleu in [same.bleu1, same.bleu2, same.bleu3, same.bleu4] { XCTAssertEqual(bleu, 1, accuracy: 1e-8) }
            XCTAssertEqual(same.rougeL, 1, accuracy: 1e-12)
            let alone = CIDErScorer(references: references.map { [$0[0]] })
            let known = references[0][0]
            XCTAssertEqual(alone.score(known, image: 0), 10, accuracy: 1e-9)
        }
    }

    func testCaptionMetrics_ofNoImages_areZero() throws {
        XCTAssertEqual(values(CaptionMetrics.score(candidates: [], references: [])), [0, 0, 0, 0, 0, 0])
        let empty = CaptionMetrics.score(candidates: [[], []], references: [[["a"]], [[]]])
        XCTAssertTrue(values(empty).allSatisfy { $0.isFinite })
        XCTAssertEqual(empty.bleu1, 0)
        // One image: all idf weights are 0.
        XCTAssertEqual(CaptionMetrics.score(candidates: [["a"]], references: [[["a"]]]).ciderD, 0)
    }

    func testCaptionMetrics_ofLongSentences_areComputedInTime() {
        let long = (0..<3000).map { String($0 % 50) }
        XCTAssertEqual(CaptionMetrics.score(candidates: [long], references: [[long]]).bleu4, 1, accuracy: 1e-8)
    }

    func testCaptionScores_asJSONAndTable_areWrittenInOrder() throws {
        let scores = CaptionMetrics.score(candidates: [["a", "b"]], references: [[["a", "b"]]])
        let json = try scores.json(images: 1)
        XCTAssertTrue(json.hasPrefix("{\"bleu1\":0.99999999"), json)
        XCTAssertTrue(json.contains(",\"ciderD\":0,\"images\":1,\"rougeL\":1}"), json)
        XCTAssertEqual(try JSONDecoder().decode(CaptionScores.self, from: Data(json.utf8)), scores)
        let lines = scores.table(images: 1).split(separator: "\n")
        XCTAssertEqual(lines.first, "images   1")
        XCTAssertEqual(lines[1], "BLEU-1   1.0000")
        XCTAssertEqual(lines.last, "CIDEr-D  0.0000")
    }
}
