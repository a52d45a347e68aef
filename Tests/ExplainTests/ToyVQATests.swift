import Explain
import Foundation
import Tasks
import Tensors
import TestSupport
import Vision
import XCTest

/// A tiny VQA model of drawn scenes, trained by `mmx train vqa` (Fixtures/toy-vqa/README.md): right answers, and maps
/// that point at the shapes that the questions ask about.
final class ToyVQATests: XCTestCase {
    /// Training drew its scenes from seed 7.
    private static let seed: UInt64 = 2_024

    private func explainer() throws -> Explainer<VQAModel> {
        let folder = ProcessInfo.processInfo.environment["TOY_VQA"] ?? Fixture.url("toy-vqa").path
        return try Explainer(VQAModel.load(URL(fileURLWithPath: folder)))
    }

    // MARK: Pointing

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

    /// Every question about `scenes` scenes, by kind, and numbers by their number as well. What is answered with "no"
    /// or "zero" has no mask, and its maps are not measured.
    private func ask(scenes: Int) throws -> [String: Tally] {
        let explainer = try explainer(), model = explainer.model
        var random = SeededGenerator(seed: Self.seed), tallies: [String: Tally] = [:]
        for index in 0..<scenes {
            let scene = ToyScene.questionScene(seed: Self.seed, index: index)
            let prepared = model.configuration.preprocessing.prepare(scene.image)
            let image = explainer.encode(prepared.tensor)
            for question in scene.questions(using: &random) {
                let read = try model.question(question.text)
                XCTAssertEqual(read.warnings, [])
                var targets: [ChoiceTarget] = question.shapes.isEmpty ? [] : [.best]
                if let less = Self.less(than: question) { targets.append(.contrast(question.answer, against: less)) }
                let found = try explainer.explain(image, input: read.question, targets: targets)
                let isRight = model.answers[found.output.ranking[0].index] == question.answer
                let kind = question.kind.rawValue
                for kind in ["all", kind] + (question.kind == .number ? ["\(kind), \(question.answer)"] : []) {
                    var tally = tallies[kind, default: Tally()]
                    tally.asked += 1
                    if isRight { tally.right += 1 }
                    for (target, pointing) in zip(found.targets, [\Tally.given, \Tally.rather]) {
                        tally[keyPath: pointing].add(
                            target.map, prepared.placement, asked: question.shapes, in: scene)
                    }
                    tallies[kind] = tally
                }
            }
        }
        return tallies
    }

    func testVQAModel_onDrawnScenes_answersRightAndPointsAtWhatIsAskedAbout() throws {
        let tallies = try ask(scenes: 250)
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
    func testCommonestAnswer_toEachQuestion_isRightByChance() {
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

    // MARK: Golden file

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
    func testAnswersAndMaps_ofOneScene_equalTheGoldenFile() throws {
        let explainer = try explainer()
        var random = SeededGenerator(seed: Self.seed)
        let scene = ToyScene.questionScene(seed: Self.seed, index: 0)
        let image = explainer.encode(explainer.model.configuration.preprocessing.prepare(scene.image).tensor)
        let lines = try scene.questions(using: &random).map { question in
            let found = try explainer.explain(
                image, input: explainer.model.question(question.text).question, targets: [.best])
            let scores = found.output.ranking.sorted { $0.index < $1.index }.map(\.logit)
            XCTAssertEqual(found.targets[0].value, scores.max())
            return Golden.Line(
                question: question.text, answer: found.targets[0].name, scores: scores,
                map: found.targets[0].map.array)
        }
        if let folder = ProcessInfo.processInfo.environment["TOY_GOLDEN"] {
            // A newly trained model: a folder to write its file to.
            let url = URL(fileURLWithPath: folder).appendingPathComponent("toy-vqa-golden.json")
            try JSONEncoder().encode(Golden(lines: lines)).write(to: url)
        }
        let golden = try JSONDecoder().decode(Golden.self, from: Data(contentsOf: Fixture.url("toy-vqa/golden.json")))
        XCTAssertEqual(lines.map(\.question), golden.lines.map(\.question))
        XCTAssertEqual(lines.map(\.answer), golden.lines.map(\.answer))
        for (found, expected) in zip(lines, golden.lines) {
            assertEqual(found.scores, expected.scores, within: 1e-3, "scores: \(found.question)")
            assertEqual(found.map, expected.map, within: 1e-3, "map: \(found.question)")
        }
    }
}
