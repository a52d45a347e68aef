import Explain
import Language
import Tasks
import Tensors
import Vision
import XCTest

/// Maps and words of answers: by hand, against finite differences, and against each other.
final class VQAExplanationTests: XCTestCase {
    private let kinds = VQAHeadConfiguration.Kind.allCases

    private func explainer(
        _ model: VQAModel, layers: [String] = [], explainsWords: Bool = false
    ) throws -> Explainer<VQAModel> {
        try Explainer(model, options: ExplanationOptions(layers: layers, explainsWords: explainsWords))
    }

    private func encode(_ explainer: Explainer<VQAModel>) -> EncodedImage {
        explainer.encode(explainer.model.toyImage(index: 1))
    }

    // MARK: By hand

    /// y_a = sum over k of w_ak mean of A_k: then dy_a / dA_kij = w_ak / 4, alpha_k = w_ak / 4, map = sum of
    /// w_ak A_k / 4.
    func testGradCAM_ofAnAveragingHead_equalsHandComputedMaps() {
        let tape = Tape(), leaf = tape.leaf(Tensor([1, 2, 2, 2], [1, 0, 2, 0, 0, 4, 0, 8]))
        let logits = linear(globalAveragePool(leaf), Variable(Tensor([2, 2], [4, 0, 8, -2])))
        let targets = [LinearTarget(output: 0), LinearTarget(output: 1), LinearTarget(output: 0, against: 1)]
        let gradients = tape.gradients(
            of: logits, seed: LinearTarget.seeds(targets, width: 2), withRespectTo: [leaf])[0]
        let maps = GradCAM.maps(activations: leaf.value, gradients: gradients)
        XCTAssertEqual(maps.row(0).array, [1, 2, 0, 0])
        XCTAssertEqual(maps.row(1).array, [2, 4, -2, -4])
        XCTAssertEqual(maps.row(2).array, [-1, -2, 2, 4])
    }

    func testWordContributions_ofTwoWords_equalHandComputedSums() {
        let words = WordContributions.words(
            embedded: Tensor([2, 1, 2], [1, 2, 3, -4]), gradients: Tensor([2, 2, 1, 2], [1, 1, 1, 1, 0, 0.5, -1, 2]))
        XCTAssertEqual(words, [[3, -1], [1, -11]])
    }

    // MARK: Sums over cells

    /// CAM of bilinear attention is complete: its cells add up to the answer's score less the question's part, for an
    /// answer and for a contrast of two.
    func testCAM_ofBilinearAttention_addsUpToTheScoreLessTheQuestionsPart() throws {
        let model = try untrainedVQAModel(.bilinearAttention)
        let explainer = try Explainer(model, options: ExplanationOptions(methods: [CAM()]))
        let image = encode(explainer), question = try model.question("what color is the dog?").question
        let found = try explainer.explain(
            image, input: question, targets: [.named("blue"), .contrast("blue", against: "yes")])
        let embedded = model.head.embed([question.words])
        let own = try XCTUnwrap(model.head.questionScores(embedded: embedded, lengths: [question.words.count])).value
        let blue = try model.index(ofAnswer: "blue"), yes = try model.index(ofAnswer: "yes")
        for (target, language) in zip(found.targets, [own[0, blue], own[0, blue] - own[0, yes]]) {
            let sum = target.map.array.reduce(0, +)
            XCTAssertEqual(sum, target.value - language, accuracy: 1e-5 * max(1, abs(target.value)))
            XCTAssertGreaterThan(target.map.largestMagnitude, 0)
        }
    }

    /// Stacked attention has no such parts, and says what applies to it.
    func testCAM_ofStackedAttention_doesNotApply() throws {
        let model = try untrainedVQAModel(.stackedAttention)
        let explainer = try Explainer(model, options: ExplanationOptions(methods: [CAM()]))
        let question = try model.question("what color is the dog?").question
        XCTAssertThrowsError(try explainer.explain(encode(explainer), input: question, targets: [.named("blue")])) {
            XCTAssertEqual(($0 as? ExplanationError)?.kind, .methodDoesNotApply)
            XCTAssertTrue("\($0)".contains("cam needs a score that is a sum over the cells"), "\($0)")
        }
    }

    // MARK: Finite differences

    /// alpha_k is the mean over the cells of dy / dA_k: what y gains when all of channel k grows, over the cells.
    func testGradCAM_ofEveryVQAHead_equalsFiniteDifferences() throws {
        for kind in kinds where kind != .questionOnly {
            let model = try untrainedVQAModel(kind), explainer = try explainer(model), image = encode(explainer)
            let question = try model.question("what color is the dog?").question
            let found = try explainer.explain(image, input: question, targets: [.named("blue")]).targets[0]
            let features = image.features.array, channels = image.features.shape[3], cells = features.count / channels
            var map = [Float](repeating: 0, count: cells)
            for k in 0..<channels {
                let step: Float = 0.02
                func y(_ sign: Float) -> Float {
                    var moved = features
                    for cell in 0..<cells { moved[cell * channels + k] += sign * step }
                    return model.scores(
                        features: Tensor(image.features.shape, moved), questions: [question.words])[0, 1]
                }
                let alpha = (y(1) - y(-1)) / (2 * step * Float(cells))
                for cell in 0..<cells { map[cell] += alpha * features[cell * channels + k] }
            }
            XCTAssertGreaterThan(map.map(abs).max() ?? 0, 0, kind.rawValue)
            assertEqual(found.map.array, map, within: 0.02, kind.rawValue)
            let scores = model.scores(features: image.features, questions: [question.words])
            XCTAssertEqual(found.value, scores[0, 1], accuracy: 1e-5)
        }
    }

    /// A word's number is what y gains as its vector grows by a part of itself; together they are what y gains as all
    /// vectors do.
    func testWordContributions_ofEveryVQAHead_equalFiniteDifferences() throws {
        for kind in kinds {
            let model = try untrainedVQAModel(kind), explainer = try explainer(model, explainsWords: true)
            let image = encode(explainer), question = try model.question("what shape is the dog?").question
            let found = try XCTUnwrap(
                explainer.explain(image, input: question, targets: [.named("yes")]).targets[0].words)
            let embedded = model.head.embed([question.words]).value, x = embedded.array, width = embedded.shape[2]
            // A larger step crosses a kink: co-attention takes the maximum of one, two and three words' vectors.
            func gain(_ steps: Range<Int>, h: Float = 0.01) -> Float {
                func y(_ factor: Float) -> Float {
                    let moved = x.enumerated().map {
                        steps.contains($0.offset / width) ? $0.element * factor : $0.element
                    }
                    return model.head.logits(
                        features: Variable(image.features), embedded: Variable(Tensor(embedded.shape, moved)),
                        lengths: [5], dropout: nil
                    ).value[0, 3]
                }
                return (y(1 + h) - y(1 - h)) / (2 * h)
            }
            assertEqual(found, (0..<5).map { gain($0..<$0 + 1) }, within: 0.02, kind.rawValue)
            XCTAssertEqual(
                found.reduce(0, +), gain(0..<5), accuracy: 0.02 * (found.map(abs).max() ?? 0), kind.rawValue)
        }
    }

    // MARK: Against each other

    func testExplain_ofAContrast_isTheDifferenceOfTheAnswers() throws {
        for kind in kinds {
            let model = try untrainedVQAModel(kind)
            for layers in [[], [model.encoder.stages[0].name]] {
                let explainer = try explainer(model, layers: layers, explainsWords: true), image = encode(explainer)
                let question = try model.question("is the dog red").question
                let all = try explainer.explain(
                    image, input: question,
                    targets: [
                        .named("red"), .named("black and white"), .contrast("red", against: "Black and white "),
                        .best,
                    ])
                XCTAssertEqual(
                    all.targets.map(\.subject.answer),
                    ["red", "black and white", "red", model.answers[all.output.ranking[0].index]])
                XCTAssertEqual(all.targets.map(\.subject.against), [nil, nil, "black and white", nil])
                XCTAssertEqual(all.targets[2].name, "red rather than black and white")
                let (a, b, difference) = (all.targets[0], all.targets[1], all.targets[2])
                XCTAssertEqual(difference.value, a.value - b.value, accuracy: 1e-6)
                let words = try [a, b, difference].map { try XCTUnwrap($0.words) }
                assertEqual(difference.map.array, zip(a.map.array, b.map.array).map { $0 - $1 }, within: 1e-3)
                assertEqual(words[2], zip(words[0], words[1]).map { $0 - $1 }, within: 1e-3)
            }
        }
    }

    func testExplain_ofSeveralAnswers_givesWhatEachAnswerGetsAlone() throws {
        let targets: [ChoiceTarget] = [
            .named("red"), .named("black and white"), .contrast("red", against: "Black and white "), .best,
        ]
        for kind in kinds {
            let model = try untrainedVQAModel(kind)
            for layers in [[], [model.encoder.stages[0].name]] {
                let explainer = try explainer(model, layers: layers, explainsWords: true), image = encode(explainer)
                let question = try model.question("is the dog red").question
                let all = try explainer.explain(image, input: question, targets: targets)
                XCTAssertEqual(all.targets.map(\.request), [0, 1, 2, 3])
                for (target, together) in zip(targets, all.targets) {
                    let one = try explainer.explain(image, input: question, targets: [target]).targets[0]
                    XCTAssertEqual(one.name, together.name)
                    XCTAssertEqual(one.subject, together.subject)
                    assertEqual(together.map.array, one.map.array, within: 1e-4)
                    assertEqual(together.words ?? [], try XCTUnwrap(one.words), within: 1e-4)
                }
            }
        }
    }

    /// Through the part of the encoder behind the layer, recorded once: as on one tape from the layer to the answer.
    func testExplain_overAnEarlierLayer_equalsOneTapeFromTheLayer() throws {
        let model = try untrainedVQAModel(.stackedAttention), stages = model.encoder.stages
        for stage in stages.indices.dropLast() {
            let explainer = try explainer(model, layers: [stages[stage].name]), image = encode(explainer)
            let question = try model.question("what color").question
            let tape = Tape(), leaf = tape.leaf(image.activations)
            let logits = model.head.logits(
                features: model.encoder(leaf, stages: stage + 1..<stages.count),
                embedded: model.head.embed([question.words]), lengths: [2], dropout: nil)
            let seed = LinearTarget.seeds([LinearTarget(output: 1)], width: 4)
            let map = GradCAM.maps(
                activations: image.activations,
                gradients: tape.gradients(of: logits, seed: seed, withRespectTo: [leaf])[0])
            // Twice: the recorded part is not used up by the first question.
            for _ in 0..<2 {
                let found = try explainer.explain(image, input: question, targets: [.named("blue")]).targets[0]
                XCTAssertEqual(found.attributions[0].support, .layers([stages[stage].name]))
                XCTAssertEqual(found.map.shape, Array(image.activations.shape[1...2]))
                XCTAssertGreaterThan(found.map.largestMagnitude, 0)
                assertEqual(found.map.array, map.row(0).array, within: 1e-4)
            }
        }
    }

    func testExplainer_ofALayerThatTheEncoderDoesNotHave_throwsAndNamesTheLayers() throws {
        let model = try untrainedVQAModel(.stackedAttention)
        XCTAssertThrowsError(try explainer(model, layers: ["conv99"])) {
            XCTAssertEqual(($0 as? ExplanationError)?.kind, .noSuchLayer)
            XCTAssertTrue(
                "\($0)".contains("no layer 'conv99'") && "\($0)".contains(model.encoder.stages[0].name), "\($0)")
        }
    }

    func testExplain_ofAHeadThatIgnoresTheImage_givesMapsOfZerosAndWords() throws {
        let model = try untrainedVQAModel(.questionOnly), explainer = try explainer(model, explainsWords: true)
        let found = try explainer.explain(
            encode(explainer), input: model.question("what").question, targets: [.best])
        XCTAssertTrue(found.targets[0].map.array.allSatisfy { $0 == 0 })
        XCTAssertNotEqual(try XCTUnwrap(found.targets[0].words), [0])
    }

    func testExplain_withoutExplainsWords_givesNoWords() throws {
        let model = try untrainedVQAModel(.deeperLSTM), explainer = try explainer(model)
        let found = try explainer.explain(encode(explainer), input: model.question("what").question, targets: [.best])
        XCTAssertNil(found.targets[0].words)
    }

    func testExplain_withoutTargets_ranksEveryAnswer() throws {
        let model = try untrainedVQAModel(.deeperLSTM), explainer = try explainer(model)
        let question = try model.question("the dog").question
        let found = try explainer.explain(encode(explainer), input: question, targets: [])
        XCTAssertEqual(found.targets.count, 0)
        XCTAssertEqual(found.output.question, question)
        let ranking = found.output.ranking
        XCTAssertEqual(Set(ranking.map(\.index)), [0, 1, 2, 3])
        XCTAssertEqual(ranking.map(\.logit), ranking.map(\.logit).sorted(by: >))
        XCTAssertEqual(ranking.map(\.probability).reduce(0, +), 1, accuracy: 1e-5)
    }

    func testSubject_ofEveryAnswer_hasTheRankAndTheProbabilityOfTheRanking() throws {
        let model = try untrainedVQAModel(.deeperLSTM), explainer = try explainer(model)
        let found = try explainer.explain(
            encode(explainer), input: model.question("the dog").question, targets: model.answers.map { .named($0) })
        for (place, choice) in found.output.ranking.enumerated() {
            let target = found.targets[choice.index]
            XCTAssertEqual(target.subject.rank, place + 1)
            XCTAssertEqual(target.subject.probability, choice.probability)
            XCTAssertEqual(target.value, choice.logit)
        }
    }

    // MARK: What cannot be asked

    func testIndexOfAnswer_ofAnswersThatTheModelDoesNotHave_throwsWithTheNearest() throws {
        let model = try untrainedVQAModel(.deeperLSTM)
        XCTAssertEqual(try model.index(ofAnswer: " YES "), 3)
        let wrong = [
            ("bleu", "nearest it can give: blue"), ("black and whit", "black and white"), ("", "none of them near"),
        ]
        for (text, near) in wrong {
            XCTAssertThrowsError(try model.index(ofAnswer: text)) {
                XCTAssertEqual(($0 as? ExplanationError)?.kind, .unknownAnswer)
                XCTAssertTrue("\($0)".contains("no answer '\(text)'") && "\($0)".contains(near), "\($0)")
            }
        }
    }

    func testExplain_ofAnAnswerAgainstItself_throws() throws {
        let model = try untrainedVQAModel(.deeperLSTM), explainer = try explainer(model)
        let question = try model.question("what").question
        XCTAssertThrowsError(
            try explainer.explain(encode(explainer), input: question, targets: [.contrast("red", against: "RED")])
        ) { XCTAssertTrue("\($0)".contains("against itself"), "\($0)") }
    }

    func testQuestion_withUnknownWords_warnsOnceForEach() throws {
        let model = try untrainedVQAModel(.deeperLSTM)
        let (question, warnings) = try model.question("What colour is the cat, cat?")
        XCTAssertEqual(question.unknown, ["colour", "cat", "cat"])
        XCTAssertEqual(warnings.count, 2)
        XCTAssertTrue(warnings[0].contains("'colour'") && warnings[0].contains("color"), warnings[0])
    }

    func testQuestion_withoutKnownWords_throws() throws {
        let model = try untrainedVQAModel(.deeperLSTM)
        for text in ["", "?", "quo vadis"] {
            XCTAssertThrowsError(try model.question(text)) { XCTAssertTrue($0 is QuestionError) }
        }
    }

    func testQuestion_ofMoreThan500Words_throws() throws {
        let model = try untrainedVQAModel(.deeperLSTM)
        for text in [String(repeating: "dog ", count: 501), String(repeating: "dog ", count: 1_000_000)] {
            XCTAssertThrowsError(try model.question(text)) {
                XCTAssertTrue("\($0)".contains("at most 500 words"), "\($0)")
            }
        }
        XCTAssertEqual(try model.question(String(repeating: "dog ", count: 500)).question.words.count, 500)
    }
}
