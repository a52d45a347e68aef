import Language
import Tasks
import Tensors
import TestSupport
import Vision
import XCTest

@testable import Explain

/// One forward pass of the encoder for a caption and for answers.
final class SharedPictureTests: XCTestCase {
    private final class Count { var runs = 0 }

    /// An untrained answerer on a captioner's encoder, whose runs are counted.
    private func answerer(on other: ModelEncoder, _ count: Count = Count()) throws -> VQAModel {
        let vocabulary = Vocabulary(tokens: [["what", "color", "is", "the", "circle"]], minimumCount: 1)
        let answers = ["red", "blue", "yes"], store = ParameterStore(seed: 11)
        let network = Encoder(
            stages: other.network.stages.map { stage in
                Encoder.Stage(name: stage.name, channels: stage.channels, stride: stage.stride) {
                    count.runs += 1
                    return stage.apply($0)
                }
            })
        return try VQAModel(
            configuration: VQAConfiguration(
                encoder: other.identity.encoder, preprocessing: other.identity.preprocessing,
                answerer: VQAHeadConfiguration(
                    kind: .stackedAttention, features: network.channels, vocabulary: vocabulary.count,
                    answers: answers.count, embedding: 6, hidden: 8, attention: 5),
                vocabulary: "vocabulary.txt", answers: "answers.txt"),
            vocabulary: vocabulary, answers: answers, encoder: ModelEncoder(network: network, identity: other.identity),
            parameters: store.scope())
    }

    func testACaptionAndAnswersOfOnePicture() throws {
        let captioner = try Captioner.load(Fixture.url("toy-show-attend-and-tell")), count = Count()
        let answerer = try answerer(on: captioner.modelEncoder, count)
        let picture = captioner.configuration.preprocessing.prepare(ToyScene(seed: 2_024, index: 3).image).tensor
        for layer in [nil, captioner.encoder.stages[1].name] {
            let captions = try CaptionExplainer(captioner, layer: layer)
            let answers = try AnswerExplainer(answerer, layer: layer)
            let question = try answers.read("what color is the circle?").question
            let seen = captions.look(at: picture)
            XCTAssertTrue(answers.canExplain(seen))
            let words = captions.caption(seen)
            count.runs = 0
            let found = try answers.explain(seen, question: question, targets: [.best, .answer("red")])
            XCTAssertEqual(count.runs, 0)
            let own = answers.look(at: picture)
            XCTAssertEqual(count.runs, captioner.encoder.stages.count)
            XCTAssertTrue(captions.canExplain(own))
            let expected = try answers.explain(own, question: question, targets: [.best, .answer("red")])
            XCTAssertEqual(found.ranking, expected.ranking)
            XCTAssertEqual(found.scores.map(\.map.array), expected.scores.map(\.map.array))
            XCTAssertEqual(captions.caption(own), words)
            let (a, b) = (
                try captions.explain(seen, words: words, targets: [.everyWord]),
                try captions.explain(own, words: words, targets: [.everyWord])
            )
            XCTAssertEqual(a.scores.map(\.map.array), b.scores.map(\.map.array))
            XCTAssertGreaterThan(a.scores[0].map.array.map(abs).max() ?? 0, 0)
        }
    }

    func testAPictureSeenByAnotherIsToldApart() throws {
        let captioner = try Captioner.load(Fixture.url("toy-show-attend-and-tell"))
        let other = try Captioner.load(Fixture.url("toy-show-and-tell"))
        let picture = captioner.configuration.preprocessing.prepare(ToyScene(seed: 2_024, index: 3).image).tensor
        let answers = try AnswerExplainer(answerer(on: captioner.modelEncoder))
        XCTAssertFalse(answers.canExplain(try CaptionExplainer(other).look(at: picture)))
        XCTAssertFalse(answers.canExplain(try CaptionExplainer(captioner, layer: "conv2").look(at: picture)))
        var identity = captioner.modelEncoder.identity
        XCTAssertEqual(identity, try Captioner.load(Fixture.url("toy-show-attend-and-tell")).modelEncoder.identity)
        let usual = identity.preprocessing
        identity.preprocessing = Preprocessing(
            width: 32, height: 32, fit: usual.fit, filter: usual.filter, mean: usual.mean, std: usual.std)
        let smaller = ModelEncoder(network: captioner.encoder, identity: identity)
        XCTAssertFalse(answers.canExplain(try AnswerExplainer(answerer(on: smaller)).look(at: picture)))
    }
}
