import Explain
import Foundation
import Language
import Tasks
import Tensors
import Vision
import XCTest

/// Evidence of models whose weights are zeros but for a few, so that every probability is known.
final class EvidenceTests: XCTestCase {
    /// Seven words with the four special ones.
    private let vocabulary = Vocabulary(tokens: [["a", "red", "circle"]], minimumCount: 1)
    private static let strength: Float = 6

    /// The feature map is the image: 2x2 cells of three channels.
    private var encoder: ModelEncoder {
        let preprocessing = Preprocessing(
            width: 2, height: 2, fit: .squash, filter: .bilinear, mean: [0, 0, 0], std: [1, 1, 1])
        let network = Encoder(stages: [.init(name: "front", channels: 3, stride: 1) { $0 }])
        return ModelEncoder("hand", network, preprocessing: preprocessing)
    }

    /// An image whose first channel is `value` everywhere.
    private func image(_ value: Float) -> Tensor {
        Tensor([1, 2, 2, 3], (0..<4).flatMap { _ in [value, 0.3, -0.2] })
    }

    private func calibration(_ noImage: Tensor) -> Calibration {
        Calibration(
            encoder: "hand", typicalFeatures: noImage,
            typicalShares: [Float](repeating: 1 / Float(noImage.shape[0]), count: noImage.shape[0]),
            data: CalibrationData(images: 1, devImages: 0, names: []))
    }

    private func parameters(_ values: [String: (Int) -> Float]) -> Parameters {
        ParameterStore { name, shape in
            Tensor(shape, (0..<shape.reduce(1, *)).map { values[name]?($0) ?? 0 })
        }.scope()
    }

    /// All weights are 0, but: the visual term adds 6 x gate x channel 0 to "red", with the gate at sigmoid(0) = 1/2,
    /// and the word before adds 60 to "circle" where it is "red" (deep output: E_circle . E_red).
    private func captioner(noImage: Tensor?) throws -> Captioner {
        let red = vocabulary.encode(["red"])[0], circle = vocabulary.encode(["circle"])[0]
        var captioner = try Captioner(
            configuration: CaptionerConfiguration(
                encoder: EncoderConfiguration(name: "tiny", folded: true),
                preprocessing: encoder.identity.preprocessing,
                decoder: DecoderConfiguration(
                    kind: .showAttendAndTell, features: 3, vocabulary: vocabulary.count, embedding: 1, hidden: 2,
                    attention: 2, visual: 1), vocabulary: "vocabulary.txt", search: SearchOptions()),
            vocabulary: vocabulary, encoder: encoder,
            parameters: parameters([
                "decoder.visual.regions.weight": { $0 == 0 ? 1 : 0 },
                "decoder.visual.words.weight": { $0 == red ? Self.strength : 0 },
                "decoder.words.weight": { $0 == red ? 1 : $0 == circle ? 60 : 0 },
            ]))
        captioner.calibration = noImage.map(calibration)
        return captioner
    }

    private func explain(
        _ targets: [CaptionTarget], value: Float, noImage: Tensor?, score: WordScore
    ) throws -> Explanation<Captioner> {
        let explainer = try Explainer(captioner(noImage: noImage), options: ExplanationOptions(wordScore: score))
        return try explainer.explain(
            explainer.encode(image(value)), input: vocabulary.encode(["a", "red", "circle"]), targets: targets)
    }

    /// log p of "red" where its score is `score` and those of the six other words are 0.
    private func logProbability(_ score: Float) -> Float { score - log(exp(score) + 6) }

    func testEvidence_ofAWordThatTheImageDecides_isItsSurprise() throws {
        for score in WordScore.allCases {
            let found = try explain([.everyWord], value: 1, noImage: image(0), score: score)
            let word = found.targets[1].evidence
            // With the image the score is 6 / 2, without it 0: one of seven words.
            XCTAssertEqual(try XCTUnwrap(word.evidence), logProbability(3) + log(7), accuracy: 1e-5)
            // Against six other words: the sentence gives odds of 1 to 6, the regions e^3 times as much.
            XCTAssertEqual(try XCTUnwrap(word.language), -log(6), accuracy: 1e-5)
            XCTAssertEqual(try XCTUnwrap(word.regions), 3, accuracy: 1e-5)
            XCTAssertEqual(found.output.evidence[1], word)
            XCTAssertEqual(found.output.logProbabilities[1], logProbability(3), accuracy: 1e-5)
            // The more the image decides, the nearer the evidence comes to the full surprise of one word of seven.
            let sure = try explain([.everyWord], value: 10, noImage: image(0), score: score)
            XCTAssertEqual(try XCTUnwrap(sure.targets[1].evidence.evidence), log(7), accuracy: 1e-5)
            XCTAssertEqual(sure.targets[1].evidence.strength, 6.0 / 7, accuracy: 1e-5)
        }
    }

    func testEvidence_ofAWordThatTheSentenceDecides_isZero() throws {
        for score in WordScore.allCases {
            let found = try explain([.everyWord], value: 1, noImage: image(0), score: score)
            let word = found.targets[2].evidence
            XCTAssertEqual(found.output.logProbabilities[2], 0, accuracy: 1e-6)
            XCTAssertEqual(try XCTUnwrap(word.evidence), 0, accuracy: 1e-6)
            XCTAssertEqual(word.strength, 0, accuracy: 1e-6)
            // 60 against "red" with 1 and five words with 0; the regions raise "red" to 4.
            let rest = (sentence: log(exp(Float(1)) + 5), image: log(exp(Float(4)) + 5))
            XCTAssertEqual(try XCTUnwrap(word.language), 60 - rest.sentence, accuracy: 1e-4)
            XCTAssertEqual(try XCTUnwrap(word.regions), rest.sentence - rest.image, accuracy: 1e-4)
        }
    }

    func testEvidence_againstAWord_isNegativeAndDrawsNothing() throws {
        let found = try explain([.word("red")], value: -1, noImage: image(0), score: .visual).targets[0].evidence
        XCTAssertEqual(try XCTUnwrap(found.evidence), logProbability(-3) + log(7), accuracy: 1e-5)
        XCTAssertEqual(try XCTUnwrap(found.regions), -3, accuracy: 1e-5)
        XCTAssertTrue(found.regionsAreAgainst)
        XCTAssertEqual(found.strength, 0)
    }

    /// "red" rather than "a" after "a": the softmax cancels, and what is left is the visual part.
    func testEvidence_ofAContrast_isTheDifferenceOfTheTwoScores() throws {
        for score in WordScore.allCases {
            let found = try explain(
                [.contrast("red", against: "a")], value: 1, noImage: image(0.5), score: score
            ).targets[0].evidence
            XCTAssertEqual(try XCTUnwrap(found.evidence), 1.5, accuracy: 1e-5)
            XCTAssertEqual(try XCTUnwrap(found.regions), 3, accuracy: 1e-5)
            XCTAssertEqual(try XCTUnwrap(found.language), 0, accuracy: 1e-5)
        }
    }

    func testEvidence_ofAPhrase_isTheSumOfItsWords() throws {
        let found = try explain(
            [.everyWord, .phrase("red circle"), .wholeCaption], value: 1, noImage: image(0.2), score: .visual)
        let words = try found.output.evidence.map { try XCTUnwrap($0.evidence) }
        XCTAssertEqual(words.count, 4)
        // A sum of log-probabilities near -60 is exact to 60 / 2^24 times a few.
        XCTAssertEqual(try XCTUnwrap(found.targets[3].evidence.evidence), words[1] + words[2], accuracy: 1e-4)
        XCTAssertEqual(try XCTUnwrap(found.targets[4].evidence.evidence), words.reduce(0, +), accuracy: 1e-4)
    }

    func testEvidence_ofTheImageThatStandsForNoImage_isZero() throws {
        let found = try explain([.everyWord], value: 0.7, noImage: image(0.7), score: .visual)
        for word in found.output.evidence { XCTAssertEqual(try XCTUnwrap(word.evidence), 0, accuracy: 1e-3) }
    }

    /// Two typical images, of which one decides "red" and the other does not: without the image, its probability is the
    /// mean of both.
    func testEvidence_ofTwoTypicalImages_isAgainstTheMeanOfTheirProbabilities() throws {
        let both = Tensor([2, 2, 2, 3], image(1).array + image(0).array)
        for score in WordScore.allCases {
            let found = try explain([.word("red")], value: 2, noImage: both, score: score).targets[0].evidence
            let without = (exp(logProbability(3)) + 1 / 7) / 2
            XCTAssertEqual(try XCTUnwrap(found.evidence), logProbability(6) - log(without), accuracy: 1e-5)
        }
    }

    /// What the decoder holds of the typical images is kept with the model, and made anew for other typical images.
    func testEvidence_afterTheTypicalImagesChanged_isThatOfTheNewOnes() throws {
        var captioner = try captioner(noImage: image(0))
        func evidence() throws -> Float {
            let explainer = try Explainer(captioner, options: ExplanationOptions(wordScore: .visual))
            let found = try explainer.explain(
                explainer.encode(image(1)), input: vocabulary.encode(["a", "red", "circle"]), targets: [.word("red")])
            return try XCTUnwrap(found.targets[0].evidence.evidence)
        }
        XCTAssertEqual(try evidence(), logProbability(3) + log(7), accuracy: 1e-5)
        let before = captioner
        captioner.calibration?.typicalFeatures = image(1)
        XCTAssertEqual(try evidence(), 0, accuracy: 1e-5)
        captioner = before
        XCTAssertEqual(try evidence(), logProbability(3) + log(7), accuracy: 1e-5)
    }

    /// At temperature 2, both probabilities have half the score: 3 and 0 become 1.5 and 0. The parts of the odds are the
    /// model's own.
    func testEvidence_atATemperature_isThatOfTheCalibratedProbabilities() throws {
        var captioner = try captioner(noImage: image(0))
        captioner.calibration?.temperature = FittedTemperature(
            value: 2, count: 1, surpriseBefore: 1, surpriseAfter: 1, errorBefore: 0, errorAfter: 0)
        let explainer = try Explainer(captioner, options: ExplanationOptions(wordScore: .visual))
        let found = try explainer.explain(
            explainer.encode(image(1)), input: vocabulary.encode(["a", "red", "circle"]), targets: [.word("red")])
        XCTAssertEqual(found.output.probabilities[1], exp(logProbability(1.5)), accuracy: 1e-6)
        XCTAssertEqual(found.targets[0].subject.probability, exp(logProbability(1.5)), accuracy: 1e-6)
        XCTAssertEqual(found.output.logProbabilities[1], logProbability(3), accuracy: 1e-5)
        XCTAssertEqual(
            try XCTUnwrap(found.targets[0].evidence.evidence), logProbability(1.5) + log(7), accuracy: 1e-5)
        XCTAssertEqual(try XCTUnwrap(found.targets[0].evidence.regions), 3, accuracy: 1e-5)
    }

    func testEvidence_ofAnUnknownWord_isUnknown() throws {
        let explainer = try Explainer(captioner(noImage: image(0)))
        let found = try explainer.explain(
            explainer.encode(image(1)), input: CaptionWords(["a", "zebra"], in: vocabulary), targets: [.everyWord])
        XCTAssertEqual(found.targets[1].evidence, Evidence())
        XCTAssertNotNil(found.targets[0].evidence.evidence)
    }

    func testEvidence_withoutCalibration_isUnknownAndDrawsInFull() throws {
        let found = try explain([.word("red")], value: 1, noImage: nil, score: .visual).targets[0].evidence
        XCTAssertNil(found.evidence)
        XCTAssertEqual(try XCTUnwrap(found.regions), 3, accuracy: 1e-5)
        XCTAssertEqual(found.strength, 1)
    }

    // MARK: Answers

    /// Stacked attention of zeros, but: the image's embedding is tanh(channel 0), which two hops add twice, and the
    /// first of three answers has 2 times the sum as its score. The word "red" adds to the second answer's score through
    /// nothing: the LSTM's weights are 0.
    private func vqaModel(noImage: Tensor?) throws -> VQAModel {
        var model = try VQAModel(
            configuration: VQAConfiguration(
                encoder: EncoderConfiguration(name: "tiny", folded: true),
                preprocessing: encoder.identity.preprocessing,
                answerer: VQAHeadConfiguration(
                    kind: .stackedAttention, features: 3, vocabulary: vocabulary.count, answers: 3, embedding: 2,
                    hidden: 1, attention: 2), vocabulary: "vocabulary.txt", answers: "answers.txt"),
            vocabulary: vocabulary, answers: ["yes", "no", "red"], encoder: encoder,
            parameters: parameters([
                "answerer.image.weight": { $0 == 0 ? 1 : 0 }, "answerer.answers.weight": { $0 == 0 ? 2 : 0 },
                "answerer.answers.bias": { $0 == 2 ? 1 : 0 },
            ]))
        model.calibration = noImage.map(calibration)
        return model
    }

    func testEvidence_ofAnAnswer_isWhatTheImageAddsToItsLogProbability() throws {
        let explainer = try Explainer(
            vqaModel(noImage: image(0)), options: ExplanationOptions(explainsWords: true))
        let found = try explainer.explain(
            explainer.encode(image(1)), input: explainer.model.read("a red circle"),
            targets: [.named("yes"), .contrast("yes", against: "red")])
        let score = 4 * tanh(Float(1))
        let language = -log(2 + exp(Float(1)))
        let own = score - log(exp(score) + 1 + exp(Float(1)))
        XCTAssertEqual(try XCTUnwrap(found.targets[0].evidence.evidence), own - language, accuracy: 1e-5)
        XCTAssertEqual(try XCTUnwrap(found.targets[0].evidence.language), -log(1 + exp(Float(1))), accuracy: 1e-5)
        XCTAssertEqual(try XCTUnwrap(found.targets[0].evidence.regions), score, accuracy: 1e-5)
        XCTAssertEqual(try XCTUnwrap(found.targets[1].evidence.regions), score, accuracy: 1e-5)
        XCTAssertEqual(try XCTUnwrap(found.targets[1].evidence.language), -1, accuracy: 1e-5)
        // The LSTM of zeros does not read the question.
        XCTAssertEqual(try XCTUnwrap(found.targets[0].wordEvidence), [0, 0, 0])
    }

    /// A head that sees no image: nothing is evidence, and everything is the question's. A word's evidence is what the
    /// answer loses without it.
    func testEvidence_ofAHeadThatReadsTheQuestionOnly_isZero() throws {
        var random = SeededGenerator(seed: 5)
        let store = ParameterStore { _, shape in
            Tensor(shape, (0..<shape.reduce(1, *)).map { _ in random.uniform() - 0.5 })
        }
        var model = try VQAModel(
            configuration: VQAConfiguration(
                encoder: EncoderConfiguration(name: "tiny", folded: true),
                preprocessing: encoder.identity.preprocessing,
                answerer: VQAHeadConfiguration(
                    kind: .questionOnly, features: 3, vocabulary: vocabulary.count, answers: 3, embedding: 4,
                    hidden: 4), vocabulary: "vocabulary.txt", answers: "answers.txt"),
            vocabulary: vocabulary, answers: ["yes", "no", "red"], encoder: encoder, parameters: store.scope())
        model.calibration = calibration(image(0))
        let explainer = try Explainer(model, options: ExplanationOptions(explainsWords: true))
        let encoded = explainer.encode(image(1)), question = try model.read("a red circle")
        // A head without an image has no gradient there; no map is asked for.
        let found = try explainer.explain(encoded, input: question, targets: [.named("no")]).targets[0]
        XCTAssertEqual(try XCTUnwrap(found.evidence.evidence), 0, accuracy: 1e-6)
        XCTAssertEqual(try XCTUnwrap(found.evidence.regions), 0, accuracy: 1e-6)
        func logProbability(_ words: [String]) -> Float {
            let scores = model.scores(features: encoded.features, questions: [vocabulary.encode(words)])
            return Variable(scores).logSoftmax().value[0, 1]
        }
        let whole = logProbability(["a", "red", "circle"])
        let expected = [["red", "circle"], ["a", "circle"], ["a", "red"]].map { whole - logProbability($0) }
        for (a, b) in zip(try XCTUnwrap(found.wordEvidence), expected) { XCTAssertEqual(a, b, accuracy: 1e-5) }
        XCTAssertGreaterThan(expected.map(abs).max() ?? 0, 0.01)
    }
}
