import Language
import Tasks
import Tensors
import TestSupport
import Vision
import XCTest

@testable import Explain

/// Maps and words of answers: by hand, against finite differences, and against each other.
final class AnswerExplainerTests: XCTestCase {
    private let kinds = VQAHeadConfiguration.Kind.allCases

    private func look(_ explainer: AnswerExplainer) -> AnswerExplainer.Seen {
        let picture = ToyScene(seed: 2_024, index: 1).image
        return explainer.look(at: explainer.answerer.configuration.preprocessing.prepare(picture).tensor)
    }

    private func assertEqual(
        _ a: [Float], _ b: [Float], within part: Float, _ message: String = "", line: UInt = #line
    ) {
        XCTAssertEqual(a.count, b.count, message, line: line)
        let largest = max(b.map(abs).max() ?? 0, 1e-12)
        for (x, y) in zip(a, b) { XCTAssertEqual(x, y, accuracy: part * largest, message, line: line) }
    }

    // MARK: By hand

    func testSeedsAndValues() {
        let one = LogitScore(name: "b", index: 1), contrast = LogitScore(name: "c rather than b", index: 2, against: 1)
        let seeds = ScoreSum.seeds([one, contrast].map(\.sum), width: 3)
        XCTAssertEqual(seeds.shape, [2, 1, 3])
        XCTAssertEqual(seeds.array, [0, 1, 0, 0, -1, 1])
        let logits = Tensor([1, 3], [5, 2, -1])
        XCTAssertEqual([one.value(logits), contrast.value(logits)], [2, -3])
    }

    /// y_a = sum over k of w_ak mean of A_k: then dy_a / dA_kij = w_ak / 4, alpha_k = w_ak / 4, map = sum of w_ak A_k / 4.
    func testMapsOfAnAveragingAnswererByHand() {
        let tape = Tape(), leaf = tape.leaf(Tensor([1, 2, 2, 2], [1, 0, 2, 0, 0, 4, 0, 8]))
        let logits = linear(globalAveragePool(leaf), Variable(Tensor([2, 2], [4, 0, 8, -2])))
        let scores = [LogitScore(name: "a", index: 0), LogitScore(name: "b", index: 1), .init(name: "", index: 0, against: 1)]
        let gradients = tape.gradients(of: logits, seed: ScoreSum.seeds(scores.map(\.sum), width: 2), withRespectTo: [leaf])[0]
        let maps = GradCAM.maps(activations: leaf.value, gradients: gradients)
        XCTAssertEqual(maps.row(0).array, [1, 2, 0, 0])
        XCTAssertEqual(maps.row(1).array, [2, 4, -2, -4])
        XCTAssertEqual(maps.row(2).array, [-1, -2, 2, 4])
    }

    func testGradientTimesInputByHand() {
        let words = WordContributions.words(
            embedded: Tensor([2, 1, 2], [1, 2, 3, -4]), gradients: Tensor([2, 2, 1, 2], [1, 1, 1, 1, 0, 0.5, -1, 2]))
        XCTAssertEqual(words, [[3, -1], [1, -11]])
    }

    // MARK: Finite differences

    /// alpha_k is the mean over the cells of dy / dA_k: what y gains when all of channel k grows, over the cells.
    func testMapsAgreeWithFiniteDifferences() throws {
        for kind in kinds where kind != .questionOnly {
            let explainer = try AnswerExplainer(untrainedVQAModel(kind))
            let seen = look(explainer), question = try explainer.read("what color is the dog?").question
            let found = try explainer.explain(seen, question: question, targets: [.answer("blue")]).scores[0]
            let features = seen.features.array, channels = seen.features.shape[3], cells = features.count / channels
            var map = [Float](repeating: 0, count: cells)
            for k in 0..<channels {
                let step: Float = 0.02
                func y(_ sign: Float) -> Float {
                    var moved = features
                    for cell in 0..<cells { moved[cell * channels + k] += sign * step }
                    return explainer.answerer.scores(features: Tensor(seen.features.shape, moved), questions: [question.words])[0, 1]
                }
                let alpha = (y(1) - y(-1)) / (2 * step * Float(cells))
                for cell in 0..<cells { map[cell] += alpha * features[cell * channels + k] }
            }
            XCTAssertGreaterThan(map.map(abs).max() ?? 0, 0, kind.rawValue)
            assertEqual(found.map.array, map, within: 0.02, kind.rawValue)
            let scores = explainer.answerer.scores(features: seen.features, questions: [question.words])
            XCTAssertEqual(found.value, scores[0, 1], accuracy: 1e-5)
        }
    }

    /// A word's number is what y gains as its vector grows by a part of itself; together they are what y gains as all do.
    func testGradientTimesInputAgreesWithFiniteDifferences() throws {
        for kind in kinds {
            let explainer = try AnswerExplainer(untrainedVQAModel(kind))
            let model = explainer.answerer.head
            let seen = look(explainer), question = try explainer.read("what shape is the dog?").question
            let found = try XCTUnwrap(
                explainer.explain(seen, question: question, targets: [.answer("yes")], explainsQuestion: true).scores[0].words)
            let embedded = model.embed([question.words]).value, x = embedded.array, width = embedded.shape[2]
            // A larger step crosses a kink: co-attention takes the maximum of one, two and three words' vectors.
            func gain(_ steps: Range<Int>, h: Float = 0.01) -> Float {
                func y(_ factor: Float) -> Float {
                    let moved = x.enumerated().map { steps.contains($0.offset / width) ? $0.element * factor : $0.element }
                    return model.logits(
                        features: Variable(seen.features), embedded: Variable(Tensor(embedded.shape, moved)), lengths: [5], dropout: nil
                    ).value[0, 3]
                }
                return (y(1 + h) - y(1 - h)) / (2 * h)
            }
            assertEqual(found, (0..<5).map { gain($0..<$0 + 1) }, within: 0.02, kind.rawValue)
            XCTAssertEqual(found.reduce(0, +), gain(0..<5), accuracy: 0.02 * (found.map(abs).max() ?? 0), kind.rawValue)
        }
    }

    // MARK: Against each other

    func testAContrastIsTheDifferenceAndOneSweepIsMany() throws {
        for kind in kinds {
            let answerer = try untrainedVQAModel(kind)
            for layer in [nil, answerer.encoder.stages[0].name] {
                let explainer = try AnswerExplainer(answerer, layer: layer)
                let seen = look(explainer), question = try explainer.read("is the dog red").question
                let targets: [AnswerTarget] = [.answer("red"), .answer("black and white"), .contrast("red", against: "Black and white "), .best]
                let all = try explainer.explain(seen, question: question, targets: targets, explainsQuestion: true)
                XCTAssertEqual(all.scores.map(\.score.index), [0, 2, 0, all.ranking[0].index])
                XCTAssertEqual(all.scores[2].score.name, "red rather than black and white")
                XCTAssertEqual(all.scores[2].value, all.scores[0].value - all.scores[1].value, accuracy: 1e-6)
                let (a, b, difference) = (all.scores[0], all.scores[1], all.scores[2])
                let words = try [a, b, difference].map { try XCTUnwrap($0.words) }
                assertEqual(difference.map.array, zip(a.map.array, b.map.array).map { $0 - $1 }, within: 1e-3)
                assertEqual(words[2], zip(words[0], words[1]).map { $0 - $1 }, within: 1e-3)
                for (target, together) in zip(targets, all.scores) {
                    let one = try explainer.explain(seen, question: question, targets: [target], explainsQuestion: true).scores[0]
                    XCTAssertEqual(one.score, together.score)
                    assertEqual(together.map.array, one.map.array, within: 1e-4)
                    assertEqual(together.words ?? [], try XCTUnwrap(one.words), within: 1e-4)
                }
            }
        }
    }

    /// Through the part of the encoder behind the layer, recorded once: as on one tape from the layer to the answer.
    func testAnEarlierLayer() throws {
        let answerer = try untrainedVQAModel(.stackedAttention), stages = answerer.encoder.stages
        for stage in stages.indices.dropLast() {
            let explainer = try AnswerExplainer(answerer, layer: stages[stage].name)
            let seen = look(explainer), question = try explainer.read("what color").question
            let tape = Tape(), leaf = tape.leaf(seen.activations)
            let logits = answerer.head.logits(
                features: answerer.encoder(leaf, stages: stage + 1..<stages.count), embedded: answerer.head.embed([question.words]),
                lengths: [2], dropout: nil)
            let seed = ScoreSum.seeds([LogitScore(name: "", index: 1).sum], width: 4)
            let map = GradCAM.maps(
                activations: seen.activations, gradients: tape.gradients(of: logits, seed: seed, withRespectTo: [leaf])[0])
            // Twice: the recorded part is not used up by the first question.
            for _ in 0..<2 {
                let found = try explainer.explain(seen, question: question, targets: [.answer("blue")]).scores[0]
                XCTAssertEqual(found.map.shape, Array(seen.activations.shape[1...2]))
                XCTAssertGreaterThan(found.map.array.map(abs).max() ?? 0, 0)
                assertEqual(found.map.array, map.row(0).array, within: 1e-4)
            }
        }
        XCTAssertThrowsError(try AnswerExplainer(answerer, layer: "conv99")) {
            XCTAssertTrue("\($0)".contains("no layer 'conv99'") && "\($0)".contains(stages[0].name), "\($0)")
        }
    }

    func testAModelThatNeverLooksHasEmptyMaps() throws {
        let explainer = try AnswerExplainer(untrainedVQAModel(.questionOnly))
        let explanation = try explainer.explain(
            look(explainer), question: explainer.read("what").question, targets: [.best], explainsQuestion: true)
        XCTAssertTrue(explanation.scores[0].map.array.allSatisfy { $0 == 0 })
        XCTAssertNotEqual(try XCTUnwrap(explanation.scores[0].words), [0])
    }

    func testTheRanking() throws {
        let explainer = try AnswerExplainer(untrainedVQAModel(.deeperLSTM))
        let explanation = try explainer.explain(look(explainer), question: explainer.read("the dog").question, targets: [])
        XCTAssertEqual(explanation.scores.count, 0)
        XCTAssertEqual(Set(explanation.ranking.map(\.index)), [0, 1, 2, 3])
        XCTAssertEqual(explanation.ranking.map(\.logit), explanation.ranking.map(\.logit).sorted(by: >))
        XCTAssertEqual(explanation.ranking.map(\.probability).reduce(0, +), 1, accuracy: 1e-5)
    }

    // MARK: What cannot be asked

    func testAnswersThatTheModelDoesNotHave() throws {
        let explainer = try AnswerExplainer(untrainedVQAModel(.deeperLSTM))
        XCTAssertEqual(try explainer.index(ofAnswer: " YES "), 3)
        for (text, near) in [("bleu", "nearest it can give: blue"), ("black and whit", "black and white"), ("", "none of them near")] {
            XCTAssertThrowsError(try explainer.index(ofAnswer: text)) {
                XCTAssertTrue("\($0)".contains("no answer '\(text)'") && "\($0)".contains(near), "\($0)")
            }
        }
        let question = try explainer.read("what").question
        XCTAssertThrowsError(
            try explainer.explain(look(explainer), question: question, targets: [.contrast("red", against: "RED")])
        ) { XCTAssertTrue("\($0)".contains("against itself"), "\($0)") }
    }

    func testQuestions() throws {
        let explainer = try AnswerExplainer(untrainedVQAModel(.deeperLSTM))
        let (question, warnings) = try explainer.read("What colour is the cat, cat?")
        XCTAssertEqual(question.unknown, ["colour", "cat", "cat"])
        XCTAssertEqual(warnings.count, 2)
        XCTAssertTrue(warnings[0].contains("'colour'") && warnings[0].contains("color"), warnings[0])
        for text in ["", "?", "quo vadis"] { XCTAssertThrowsError(try explainer.read(text)) { XCTAssertTrue($0 is QuestionError) } }
        for text in [String(repeating: "dog ", count: 501), String(repeating: "dog ", count: 1_000_000)] {
            XCTAssertThrowsError(try explainer.read(text)) { XCTAssertTrue("\($0)".contains("at most 500 words"), "\($0)") }
        }
        XCTAssertEqual(try explainer.read(String(repeating: "dog ", count: 500)).question.words.count, 500)
    }
}
