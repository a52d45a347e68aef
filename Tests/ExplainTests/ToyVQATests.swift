import Foundation
import Tasks
import Tensors
import TestSupport
import Vision
import XCTest

@testable import Explain

/// A tiny answerer of drawn scenes, trained by `mmx train vqa` (Fixtures/toy-vqa/README.md): right answers, and maps
/// that point at the shapes that the questions ask about.
final class ToyVQATests: XCTestCase {
    /// Training drew its scenes from seed 7.
    private static let seed: UInt64 = 2_024

    private func explainer() throws -> AnswerExplainer {
        let folder = ProcessInfo.processInfo.environment["TOY_VQA"] ?? Fixture.url("toy-vqa").path
        return try AnswerExplainer(VQAModel.load(URL(fileURLWithPath: folder)))
    }

    /// What was answered and where the maps point, for one kind of question.
    private struct Tally {
        var asked = 0, right = 0
        /// Maps of the answer that the model gives, wrong ones too.
        var given = ToyPointing()
        /// Maps of why the right answer rather than the one that would be right were there less of what is asked about.
        var rather = ToyPointing()

        var accuracy: Double { Double(right) / Double(max(1, asked)) }

        func print(_ kind: String) {
            Swift.print("\(kind): \(right) of \(asked) right; \(given.description)")
            if rather.maps > 0 { Swift.print("\(kind), rather than less: \(rather.description)") }
        }
    }

    /// The answer that would be right were there none of what is asked about, or one fewer.
    private static func less(than question: ToyQuestion) -> String? {
        switch question.kind {
        case .yesNo: return question.answer == "yes" ? "no" : nil
        case .number:
            let words = ToyScene.numberWords
            return words.firstIndex(of: question.answer).flatMap { $0 > 0 ? words[$0 - 1] : nil }
        case .color, .shape: return nil
        }
    }

    /// Every question about `pictures` scenes, by kind, and numbers by their number as well. What is answered with "no"
    /// or "zero" has no mask, and its maps are not measured.
    private func ask(pictures: Int) throws -> [String: Tally] {
        let explainer = try explainer()
        var random = SeededGenerator(seed: Self.seed), tallies: [String: Tally] = [:]
        for index in 0..<pictures {
            let picture = ToyScene.questionScene(seed: Self.seed, index: index)
            let prepared = explainer.answerer.configuration.preprocessing.prepare(picture.image)
            let seen = explainer.look(at: prepared.tensor)
            for question in picture.questions(using: &random) {
                let read = try explainer.read(question.text)
                XCTAssertEqual(read.warnings, [])
                var targets: [AnswerTarget] = question.shapes.isEmpty ? [] : [.best]
                if let less = Self.less(than: question) { targets.append(.contrast(question.answer, against: less)) }
                let found = try explainer.explain(seen, question: read.question, targets: targets)
                let isRight = explainer.answerer.answers[found.ranking[0].index] == question.answer
                let kind = question.kind.rawValue
                for kind in ["all", kind] + (question.kind == .number ? ["\(kind), \(question.answer)"] : []) {
                    var tally = tallies[kind, default: Tally()]
                    tally.asked += 1
                    if isRight { tally.right += 1 }
                    for (score, pointing) in zip(found.scores, [\Tally.given, \Tally.rather]) {
                        tally[keyPath: pointing].add(
                            score.map, prepared.placement, asked: question.shapes, in: picture)
                    }
                    tallies[kind] = tally
                }
            }
        }
        return tallies
    }

    func testAnswersAreRightAndMapsPointAtWhatIsAskedAbout() throws {
        let tallies = try ask(pictures: 250)
        for (kind, tally) in tallies.sorted(by: { $0.key < $1.key }) { tally.print(kind) }
        let all = try XCTUnwrap(tallies["all"])
        XCTAssertGreaterThanOrEqual(all.accuracy, 0.98)
        XCTAssertGreaterThanOrEqual(all.given.rate, 0.9)
        XCTAssertGreaterThan(all.given.rate, 2 * all.given.anyShapeRate)
        XCTAssertGreaterThan(all.given.rate, 2 * all.given.centreRate)
        for kind in ["color", "shape", "number", "yes/no"] {
            let tally = try XCTUnwrap(tallies[kind])
            XCTAssertGreaterThanOrEqual(tally.accuracy, 0.97, kind)
            // A number's own score need not grow with what is counted: more of it speaks against "one".
            if kind != "number" { XCTAssertGreaterThanOrEqual(tally.given.rate, 0.9, kind) }
        }
        for number in ["one", "two", "three"] {
            XCTAssertGreaterThanOrEqual(try XCTUnwrap(tallies["number, \(number)"]).rather.rate, 0.95, number)
        }
    }

    /// The commonest answer to each question is right no more often than a guess.
    func testTheQuestionAloneSaysNothing() {
        var random = SeededGenerator(seed: 1), counts: [String: [String: [String: Int]]] = [:]
        for index in 0..<1_500 {
            for question in ToyScene.questionScene(seed: 1, index: index).questions(using: &random) {
                var answers = counts[question.kind.rawValue, default: [:]][question.text, default: [:]]
                answers[question.answer, default: 0] += 1
                counts[question.kind.rawValue, default: [:]][question.text] = answers
            }
        }
        for (kind, chance) in [("color", 0.25), ("shape", 0.25), ("number", 0.25), ("yes/no", 0.5)] {
            let texts = counts[kind, default: [:]].values
            let right = texts.reduce(0) { $0 + ($1.values.max() ?? 0) }
            let share = Double(right) / Double(texts.reduce(0) { $0 + $1.values.reduce(0, +) })
            XCTAssertEqual(share, chance, accuracy: 0.05, kind)
        }
    }

    private struct Golden: Codable {
        struct Line: Codable {
            var question: String
            var answer: String
            /// Of every answer, in the model's order, before the softmax.
            var scores: [Float]
            /// Of the answer, rows from the top.
            var map: [Float]
        }
        var lines: [Line]
    }

    /// The questions about one scene, their answers, all answers' scores, and the maps, to a thousandth of the largest
    /// value (other threads and vector widths sum in another order).
    func testOneSceneStaysTheSame() throws {
        let explainer = try explainer()
        var random = SeededGenerator(seed: Self.seed)
        let picture = ToyScene.questionScene(seed: Self.seed, index: 0)
        let seen = explainer.look(at: explainer.answerer.configuration.preprocessing.prepare(picture.image).tensor)
        let lines = try picture.questions(using: &random).map { question in
            let found = try explainer.explain(
                seen, question: explainer.read(question.text).question, targets: [.best])
            let scores = found.ranking.sorted { $0.index < $1.index }.map(\.logit)
            XCTAssertEqual(found.scores[0].value, scores.max())
            return Golden.Line(
                question: question.text, answer: found.scores[0].score.name, scores: scores,
                map: found.scores[0].map.array)
        }
        if let folder = ProcessInfo.processInfo.environment["TOY_GOLDEN"] {
            // A newly trained model: a folder to write its file to.
            let url = URL(fileURLWithPath: folder).appendingPathComponent("toy-vqa-golden.json")
            try JSONEncoder().encode(Golden(lines: lines)).write(to: url)
        }
        let golden = try JSONDecoder().decode(Golden.self, from: Data(contentsOf: Fixture.url("toy-vqa/golden.json")))
        XCTAssertEqual(lines.map(\.question), golden.lines.map(\.question))
        XCTAssertEqual(lines.map(\.answer), golden.lines.map(\.answer))
        func assertEqual(_ found: [Float], _ expected: [Float], _ message: String) {
            XCTAssertEqual(found.count, expected.count, message)
            let largest = expected.map(abs).max() ?? 0
            for (a, b) in zip(found, expected) { XCTAssertEqual(a, b, accuracy: 1e-3 * largest, message) }
        }
        for (found, expected) in zip(lines, golden.lines) {
            assertEqual(found.scores, expected.scores, "scores: \(found.question)")
            assertEqual(found.map, expected.map, "map: \(found.question)")
        }
    }
}
