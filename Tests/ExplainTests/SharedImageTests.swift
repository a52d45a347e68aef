import Explain
import Language
import Tasks
import Tensors
import TestSupport
import Vision
import XCTest

/// One forward pass of the encoder for a caption and for answers.
final class SharedImageTests: XCTestCase {
    private final class Count { var runs = 0 }

    private func captioner() throws -> Captioner { try Captioner.load(Fixture.url("toy-show-attend-and-tell")) }

    /// An untrained VQA model on a captioner's encoder, whose runs are counted.
    private func vqaModel(on other: ModelEncoder, _ count: Count = Count()) throws -> VQAModel {
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

    private func explainer<Model: ExplainableModel>(
        _ model: Model, layers: [String] = []
    ) throws -> Explainer<Model> {
        try Explainer(model, options: ExplanationOptions(layers: layers))
    }

    func testExplain_ofAnImageThatAnotherModelEncoded_takesNoFurtherPass() throws {
        let captioner = try captioner(), count = Count()
        let model = try vqaModel(on: captioner.modelEncoder, count)
        let pixels = captioner.toyImage(index: 3)
        for layers in [[], [captioner.encoder.stages[1].name]] {
            let captions = try explainer(captioner, layers: layers), answers = try explainer(model, layers: layers)
            let question = try model.question("what color is the circle?").question
            let image = captions.encode(pixels)
            XCTAssertTrue(answers.accepts(image))
            let words = captions.caption(image)
            count.runs = 0
            let found = try answers.explain(image, input: question, targets: [.best, .named("red")])
            XCTAssertEqual(count.runs, 0)
            let own = answers.encode(pixels)
            XCTAssertEqual(count.runs, captioner.encoder.stages.count)
            XCTAssertTrue(captions.accepts(own))
            let expected = try answers.explain(own, input: question, targets: [.best, .named("red")])
            XCTAssertEqual(found.output.ranking, expected.output.ranking)
            XCTAssertEqual(found.targets.map(\.map.array), expected.targets.map(\.map.array))
            XCTAssertEqual(captions.caption(own), words)
            let (a, b) = (
                try captions.explain(image, input: words, targets: [.everyWord]),
                try captions.explain(own, input: words, targets: [.everyWord])
            )
            XCTAssertEqual(a.targets.map(\.map.array), b.targets.map(\.map.array))
            XCTAssertGreaterThan(a.targets[0].map.largestMagnitude, 0)
        }
    }

    func testAccepts_ofAnImageByAnotherEncoderOrOfOtherLayers_isFalse() throws {
        let captioner = try captioner(), other = try Captioner.load(Fixture.url("toy-show-and-tell"))
        let pixels = captioner.toyImage(index: 3)
        let answers = try explainer(vqaModel(on: captioner.modelEncoder))
        XCTAssertFalse(answers.accepts(try explainer(other).encode(pixels)))
        XCTAssertFalse(answers.accepts(try explainer(captioner, layers: ["conv2"]).encode(pixels)))
        var identity = captioner.modelEncoder.identity
        XCTAssertEqual(identity, try self.captioner().modelEncoder.identity)
        let usual = identity.preprocessing
        identity.preprocessing = Preprocessing(
            width: 32, height: 32, fit: usual.fit, filter: usual.filter, mean: usual.mean, std: usual.std)
        let smaller = ModelEncoder(network: captioner.encoder, identity: identity)
        XCTAssertFalse(answers.accepts(try explainer(vqaModel(on: smaller)).encode(pixels)))
    }

    func testExplain_ofAnImageByAnotherEncoderOrOfOtherLayers_throws() throws {
        let captioner = try captioner(), other = try Captioner.load(Fixture.url("toy-show-and-tell"))
        let pixels = captioner.toyImage(index: 3), captions = try explainer(captioner)
        let model = try vqaModel(on: captioner.modelEncoder), answers = try explainer(model)
        let question = try model.question("what color is the circle?").question
        func assertRefused(_ explain: @autoclosure () throws -> Any, line: UInt = #line) {
            XCTAssertThrowsError(try explain(), line: line) {
                XCTAssertEqual(($0 as? ExplanationError)?.kind, .otherEncoder, line: line)
                XCTAssertTrue("\($0)".contains("another encoder") && "\($0)".contains("conv4"), "\($0)", line: line)
            }
        }
        for image in [
            try explainer(other).encode(pixels), try explainer(captioner, layers: ["conv2"]).encode(pixels),
            try explainer(captioner, layers: ["conv2", "conv4"]).encode(pixels),
        ] {
            assertRefused(try captions.explain(image, input: [4, 5], targets: [.everyWord]))
            // Also where nothing but the model's output is asked for.
            assertRefused(try answers.explain(image, input: question, targets: []))
        }
        XCTAssertNoThrow(try answers.explain(captions.encode(pixels), input: question, targets: []))
    }

    /// The public initialiser and an explainer of the same layers, named in any order, encode alike.
    func testAccepts_ofAnImageByThePublicInitialiser_isTrue() throws {
        let captioner = try captioner(), pixels = captioner.toyImage(index: 3)
        let explainer = try explainer(captioner, layers: ["conv4", "conv2"])
        let image = try EncodedImage(pixels, by: captioner.modelEncoder, layers: ["conv2", "conv4"])
        XCTAssertTrue(explainer.accepts(image))
        XCTAssertEqual(image.view.layers, ["conv2", "conv4"])
        let found = try [image, explainer.encode(pixels)].map {
            try explainer.explain($0, input: [4, 5, 6], targets: [.wholeCaption]).targets[0].map.array
        }
        XCTAssertEqual(found[0], found[1])
        XCTAssertThrowsError(try EncodedImage(pixels, by: captioner.modelEncoder, layers: ["conv9"])) {
            XCTAssertEqual(($0 as? ExplanationError)?.kind, .noSuchLayer)
        }
    }
}
