import Foundation
import Language
import Tensors
import TestSupport
import Vision
import XCTest

@testable import Tasks

/// Models that take photographs at their own sizes (the fit `native`).
final class NativeSizeTests: XCTestCase {
    private var folder = FileManager.default.temporaryDirectory
    private let vocabulary = Vocabulary(tokens: [["what", "color", "is", "it"]], minimumCount: 1)
    private let answers = ["red", "green", "blue", "yes"]
    private let sizes = [(64, 64), (90, 41), (33, 80), (200, 100), (64, 64)]

    override func setUpWithError() throws { folder = try Fixture.temporaryFolder() }
    override func tearDownWithError() throws { try FileManager.default.removeItem(at: folder) }

    private func makeModel() throws -> VQAModel {
        let encoder = EncoderConfiguration(name: "tiny", folded: true)
        let store = ParameterStore(seed: 7)
        let channels = try encoder.makeEncoder(store.scope()["encoder"]).channels
        let head = VQAHeadConfiguration(
            kind: .stackedAttention, features: channels, vocabulary: vocabulary.count, answers: answers.count,
            embedding: 6, hidden: 8, attention: 5)
        _ = head.makeHead(store.scope()["answerer"])
        let preprocessing = Preprocessing(
            width: 64, height: 64, fit: .native, nativeLimit: 100, nativeSmallest: 40, filter: .bilinear,
            mean: [127.5, 127.5, 127.5], std: [127.5, 127.5, 127.5])
        try VQAModel.save(
            configuration: VQAConfiguration(
                encoder: encoder, preprocessing: preprocessing, answerer: head, vocabulary: "questions.txt",
                answers: "answers.txt"),
            vocabulary: vocabulary, answers: answers, state: store.stateDictionary(), type: .f32,
            to: folder.appendingPathComponent("model"))
        return try VQAModel.load(folder.appendingPathComponent("model"))
    }

    private func photo(_ index: Int) -> Image {
        let (width, height) = sizes[index]
        return Image(
            width: width, height: height,
            pixels: (0..<width * height * 3).map { UInt8(truncatingIfNeeded: $0 * (index + 3) / 7) })
    }

    private func questions() throws -> [Question] {
        try sizes.indices.map { i in
            try photo(i).write(to: folder.appendingPathComponent("\(i).png"))
            return Question(image: "\(i).png", text: "what color is it", answer: "red")
        }
    }

    func testAnswerEvaluation_ofPhotographsOfManySizes_answersEachAtItsOwn() throws {
        let model = try makeModel()
        XCTAssertEqual(model.configuration.preprocessing.nativeLimit, 100)
        let found = try AnswerEvaluation.run(model, images: folder, questions: questions())
        let words = try model.read("what color is it").words
        for (i, line) in found.answers.enumerated() {
            let input = model.configuration.preprocessing.prepare(photo(i)).tensor
            XCTAssertEqual(
                Array(input.shape[1...2]), [[64, 64], [41, 90], [80, 40], [50, 100], [64, 64]][i])
            let scores = model.scores(features: model.features(input), questions: [words]).array
            let best = scores.indices.max { scores[$0] < scores[$1] } ?? 0
            XCTAssertEqual(line.answer, answers[best])
        }
        XCTAssertEqual(found.answers.count, 5)
    }

    func testCalibrationAndTraining_ofSuchAModel_areRefused() throws {
        _ = try makeModel()
        let model = folder.appendingPathComponent("model")
        let data = try QuestionDataset(images: folder, questions: questions(), path: "q.jsonl")
        XCTAssertThrowsError(try CalibrationRun(model).answerer(train: data, dev: data)) {
            XCTAssertTrue($0 is ModelError && "\($0)".contains("calibrating needs images of one size"), "\($0)")
        }
        XCTAssertThrowsError(
            try VQATrainer(
                options: VQATrainingOptions(), train: data, dev: data, encoderWeights: nil, sharedEncoder: model,
                output: folder.appendingPathComponent("new")
            ) { _ in }
        ) {
            XCTAssertTrue("\($0)".contains("training needs images of one size"), "\($0)")
        }
    }
}
