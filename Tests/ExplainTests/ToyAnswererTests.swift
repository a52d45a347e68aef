import Foundation
import Tasks
import Tensors
import TestSupport
import Vision
import XCTest

@testable import Explain

/// A tiny answerer of drawn scenes, trained by `mmx train vqa` (Fixtures/toy-vqa/README.md): right answers, and maps
/// that point at the shapes that the questions ask about.
final class ToyAnswererTests: XCTestCase {
    /// Training drew its scenes from seed 7.
    private static let seed: UInt64 = 2_024

    private func explainer() throws -> AnswerExplainer {
        try AnswerExplainer(Answerer.load(Fixture.url("toy-vqa")))
    }

    /// What was answered and where the maps point, by kind of question.
    private struct Tally {
        var asked: [String: Int] = [:], right: [String: Int] = [:]
        /// Of the answer that the model gives, wrong ones too.
        var pointing: [String: ToyPointing] = [:]

        func accuracy(_ kind: String) -> Double { Double(right[kind, default: 0]) / Double(max(1, asked[kind, default: 0])) }

        var lines: [String] {
            asked.keys.sorted().map { kind in
                "\(kind): \(right[kind, default: 0]) of \(asked[kind, default: 0]) right; "
                    + (pointing[kind]?.description ?? "no maps")
            }
        }
    }

    /// Every question about `pictures` scenes. A question without a shape (answered "no" or "zero") has no mask.
    private func ask(pictures: Int) throws -> Tally {
        let explainer = try explainer()
        var random = SeededGenerator(seed: Self.seed), tally = Tally()
        for index in 0..<pictures {
            let picture = ToyPicture.scene(seed: Self.seed, index: index)
            let prepared = explainer.answerer.configuration.preprocessing.prepare(picture.image)
            let seen = explainer.look(at: prepared.tensor)
            for question in picture.questions(using: &random) {
                let read = try explainer.read(question.text)
                XCTAssertEqual(read.warnings, [])
                let hasMask = !question.shapes.isEmpty
                var targets: [AnswerTarget] = hasMask ? [.best] : []
                // Why so many rather than one fewer.
                let words = ToyPicture.numberWords
                if question.kind == .number, let count = words.firstIndex(of: question.answer), count > 0 {
                    targets.append(.contrast(question.answer, against: words[count - 1]))
                }
                let found = try explainer.explain(seen, question: read.question, targets: targets)
                let answer = explainer.answerer.answers[found.ranking[0].answer], kind = question.kind.rawValue
                for kind in [kind, "all"] {
                    tally.asked[kind, default: 0] += 1
                    if answer == question.answer { tally.right[kind, default: 0] += 1 }
                }
                for (score, keys) in zip(found.scores, [[kind, "all"], ["number rather than one fewer"]]) {
                    for key in keys {
                        tally.pointing[key, default: ToyPointing()].add(
                            score.map, prepared.placement, asked: question.shapes, in: picture)
                    }
                }
            }
        }
        return tally
    }

    func testAnswersAreRightAndMapsPointAtWhatIsAskedAbout() throws {
        let tally = try ask(pictures: 250)
        for line in tally.lines { print(line) }
        for (kind, pointing) in tally.pointing where tally.asked[kind] == nil { print("\(kind): \(pointing.description)") }
    }

    /// The commonest answer to each question is right no more often than a guess.
    func testTheQuestionAloneSaysNothing() {
        var random = SeededGenerator(seed: 1), counts: [String: [String: [String: Int]]] = [:]
        for index in 0..<1_500 {
            for question in ToyPicture.scene(seed: 1, index: index).questions(using: &random) {
                counts[question.kind.rawValue, default: [:]][question.text, default: [:]][question.answer, default: 0] += 1
            }
        }
        for (kind, chance) in [("color", 0.25), ("shape", 0.25), ("number", 0.25), ("yes/no", 0.5)] {
            let texts = counts[kind, default: [:]].values
            let right = texts.reduce(0) { $0 + ($1.values.max() ?? 0) }
            let share = Double(right) / Double(texts.reduce(0) { $0 + $1.values.reduce(0, +) })
            print("\(kind): the question alone \(share)")
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

    /// The questions about one scene, their answers, all answers' scores, and the maps, to a thousandth of the largest value (other threads and
    /// vector widths sum in another order).
    func testOneSceneStaysTheSame() throws {
        let explainer = try explainer()
        var random = SeededGenerator(seed: Self.seed)
        let picture = ToyPicture.scene(seed: Self.seed, index: 0)
        let seen = explainer.look(at: explainer.answerer.configuration.preprocessing.prepare(picture.image).tensor)
        let lines = try picture.questions(using: &random).map { question in
            let found = try explainer.explain(
                seen, question: explainer.read(question.text).question, targets: [.best])
            let scores = found.ranking.sorted { $0.answer < $1.answer }.map(\.logit)
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
