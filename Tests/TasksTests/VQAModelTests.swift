import Language
import Tensors
import TestSupport
import Vision
import XCTest

@testable import Tasks

/// The folder of a VQA model: written, loaded, and refused where its files do not fit.
final class VQAModelTests: XCTestCase {
    private var folder = FileManager.default.temporaryDirectory
    private let vocabulary = Vocabulary(tokens: [["what", "color", "is", "the", "dog"]], minimumCount: 1)
    private let answers = ["red", "black and white", "yes"]

    override func setUpWithError() throws { folder = try Fixture.temporaryFolder() }
    override func tearDownWithError() throws { try FileManager.default.removeItem(at: folder) }

    private func save(_ kind: VQAHeadConfiguration.Kind) throws -> ParameterStore {
        let encoder = EncoderConfiguration(name: "tiny", folded: true)
        let store = ParameterStore(seed: 7)
        let channels = try encoder.makeEncoder(store.scope()["encoder"]).channels
        let answerer = VQAHeadConfiguration(
            kind: kind, features: channels, vocabulary: vocabulary.count, answers: answers.count, embedding: 6,
            hidden: 8, attention: 5)
        _ = answerer.makeHead(store.scope()["answerer"])
        try VQAModel.save(
            configuration: VQAConfiguration(
                encoder: encoder, preprocessing: try encoder.defaultPreprocessing(), answerer: answerer,
                vocabulary: "questions.txt",
                answers: "answers.txt"),
            vocabulary: vocabulary, answers: answers, state: store.stateDictionary(), type: .f32, to: folder)
        return store
    }

    func testVQAModel_savedAndLoaded_givesTheSameScores() throws {
        for kind in VQAHeadConfiguration.Kind.allCases {
            let store = try save(kind)
            let answerer = try VQAModel.load(folder)
            XCTAssertEqual(answerer.answers, answers)
            XCTAssertEqual(answerer.vocabulary, vocabulary)
            let question = try answerer.read("What color is the DOG?")
            XCTAssertEqual(question.tokens, ["what", "color", "is", "the", "dog"])
            let features = Tensor(
                [1, 2, 3, answerer.encoder.channels], (0..<6 * answerer.encoder.channels).map { Float($0 % 7) / 7 })
            let scores = answerer.scores(features: features, questions: [question.words, [question.words[4]]])
            XCTAssertEqual(scores.shape, [2, 3])
            let model = answerer.configuration.answerer.makeHead(store.scope()["answerer"])
            let expected = model.logits(
                features: Variable(features), embedded: model.embed([question.words]), lengths: [5], dropout: nil
            ).value
            for (a, b) in zip(scores.row(0).array, expected.array) { XCTAssertEqual(a, b, accuracy: 1e-6) }
        }
    }

    func testVQAModel_ofUnreadableQuestions_throws() throws {
        _ = try save(.deeperLSTM)
        let answerer = try VQAModel.load(folder)
        XCTAssertEqual(try answerer.read("is the cat red").unknown, ["cat", "red"])
        for (text, problem) in [("", "has no words"), (" ?! ", "has no words"), ("quo vadis", "knows no word")] {
            XCTAssertThrowsError(try answerer.read(text)) { XCTAssertTrue("\($0)".contains(problem), "\($0)") }
        }
    }

    func testVQAModel_ofBadFolders_isRefused() throws {
        func refused(_ problem: String, line: UInt = #line, _ damage: () throws -> Void) throws {
            _ = try save(.stackedAttention)
            try damage()
            XCTAssertThrowsError(try VQAModel.load(folder), line: line) {
                XCTAssertTrue(
                    "\($0)".contains(problem) && "\($0)".contains(folder.lastPathComponent), "\($0)", line: line)
            }
        }
        func write(_ text: String, to name: String) throws {
            try Data(text.utf8).write(to: folder.appendingPathComponent(name))
        }
        func edit(_ old: String, _ new: String) throws {
            let url = folder.appendingPathComponent("config.json")
            let text = try String(contentsOf: url, encoding: .utf8)
            XCTAssertTrue(text.contains(old), text)
            try write(text.replacingOccurrences(of: old, with: new), to: "config.json")
        }
        try refused("answers.txt is missing") {
            try FileManager.default.removeItem(at: folder.appendingPathComponent("answers.txt"))
        }
        try refused("has 2 answers, config.json says 3") { try write("yes\nno\n", to: "answers.txt") }
        try refused("words, config.json says 9") { try write(vocabulary.text() + "cat\n", to: "questions.txt") }
        try refused("not for question answering") { try edit("\"question-answering\"", "\"captioning\"") }
        try refused("answerer.hidden is 0") { try edit("\"hidden\" : 8", "\"hidden\" : 0") }
        try refused("answerer.hidden is 99999999") { try edit("\"hidden\" : 8", "\"hidden\" : 99999999") }
        try refused("not a question answering model's configuration") { try write("{}", to: "config.json") }
        try refused("expected") { try edit("\"hidden\" : 8", "\"hidden\" : 9") }
        try refused("model.safetensors is missing") {
            try FileManager.default.removeItem(at: folder.appendingPathComponent("model.safetensors"))
        }
    }
}
