import Foundation
import Tensors
import TestSupport
import Vision
import XCTest

@testable import Tasks

/// Calibrations of trained models: trainers make them, and a run of its own makes the same.
final class CalibrationRunTests: XCTestCase {
    private var made: DrawnWorld?

    override func setUpWithError() throws { made = try DrawnWorld() }
    override func tearDownWithError() throws { if let made { try FileManager.default.removeItem(at: made.folder) } }

    private func world() throws -> DrawnWorld { try XCTUnwrap(made) }
    private func images() throws -> URL { try world().folder.appendingPathComponent("images") }

    private func captioner(_ name: String) throws -> URL {
        var options = CaptionTrainingOptions()
        (options.encoder, options.embedding, options.hidden, options.attention) = ("tiny", 6, 8, 4)
        (options.minimumCount, options.batch, options.captionsPerPicture, options.crops) = (1, 8, 2, 1)
        options.phases = [
            .init(epochs: 2, learningRate: 1e-2, from: "conv1"), .init(epochs: 1, learningRate: 1e-2, from: "conv4"),
        ]
        let world = try world()
        try CaptionTrainer(
            options: options, train: world.data("train.txt"), dev: world.data("dev.txt"), encoderWeights: nil,
            output: world.output(name)
        ) { _ in }.run(resume: false)
        return world.output(name)
    }

    private func questions(_ prefix: String, _ count: Int) throws -> QuestionDataset {
        try QuestionDataset(
            images: images(),
            questions: (0..<count).flatMap { i in
                ["what color is the square?", "is it red?"].enumerated().map { n, text in
                    Question(
                        image: "\(prefix)\(i).png", text: text,
                        answer: n == 0 ? ["red", "green", "blue"][i % 3] : i % 3 == 0 ? "yes" : "no")
                }
            }, path: "\(prefix).jsonl")
    }

    /// Features of training are kept as halves and come from weights that were not yet rounded to halves.
    private func assertClose(_ a: Calibration, _ b: Calibration, line: UInt = #line) throws {
        XCTAssertEqual(a.encoder, b.encoder, line: line)
        XCTAssertEqual(a.data.images, b.data.images, line: line)
        XCTAssertEqual(a.kinds, b.kinds, line: line)
        // Which of several like images is typical may differ.
        XCTAssertEqual(a.typicalFeatures.shape, b.typicalFeatures.shape, line: line)
        XCTAssertEqual(a.typicalShares.reduce(0, +), 1, accuracy: 0.01, line: line)
        XCTAssertEqual(b.typicalShares.reduce(0, +), 1, accuracy: 0.01, line: line)
        let (first, second) = (try XCTUnwrap(a.distribution), try XCTUnwrap(b.distribution))
        XCTAssertEqual(first.threshold, second.threshold, accuracy: 0.05, line: line)
        XCTAssertEqual(
            try XCTUnwrap(a.temperature).surpriseAfter, try XCTUnwrap(b.temperature).surpriseAfter, accuracy: 0.02,
            line: line)
    }

    func testCaptionTrainer_atItsEnd_writesWhatACalibrationRunWrites() throws {
        let folder = try captioner("captioner")
        let trained = try XCTUnwrap(Captioner.load(folder).calibration)
        XCTAssertEqual(trained.data.images, 24)
        XCTAssertEqual(trained.data.devImages, 6)
        XCTAssertEqual(trained.data.names, ["images", "captions.csv", "train.txt", "dev.txt"])
        // 12 captions: six of four words, six of four, and their ends.
        XCTAssertEqual(trained.temperature?.count, 60)
        XCTAssertEqual(trained.kinds, [])
        let world = try world()
        let report = try CalibrationRun(folder, comparing: [images()]).captioner(
            train: world.data("train.txt"), dev: world.data("dev.txt"))
        try assertClose(trained, XCTUnwrap(Captioner.load(folder).calibration))
        XCTAssertEqual(report.compared.map(\.images), [30])
        XCTAssertEqual(report.threshold, try Captioner.load(folder).calibration?.distribution?.threshold)
        XCTAssertGreaterThan(report.bytes, 1000)
    }

    func testVQATrainer_atItsEnd_writesWhatACalibrationRunWrites() throws {
        let shared = try captioner("captioner")
        var options = VQATrainingOptions()
        (options.kind, options.embedding, options.hidden, options.attention) = (.stackedAttention, 6, 8, 4)
        (options.minimumCount, options.batch) = (1, 8)
        options.phases = [.init(epochs: 3, learningRate: 1e-2)]
        let folder = try world().output("answerer")
        let trainer = try VQATrainer(
            options: options, train: questions("t", 24), dev: questions("d", 6), encoderWeights: nil,
            sharedEncoder: shared, output: folder
        ) { _ in }
        try trainer.run(resume: false)
        let trained = try XCTUnwrap(VQAModel.load(folder).calibration)
        XCTAssertEqual(trained.kinds.map(\.kind), [.color, .yesNo])
        XCTAssertEqual(trained.kinds.map(\.questions), [6, 6])
        // The right answers of all kinds are those of the accuracy that the trainer measured.
        let best = trainer.log.map(\.devScore).max() ?? 0
        XCTAssertEqual(Double(trained.kinds.reduce(0) { $0 + $1.right }) / 12, best, accuracy: 1e-9)
        _ = try CalibrationRun(folder).answerer(train: questions("t", 24), dev: questions("d", 6))
        try assertClose(trained, XCTUnwrap(VQAModel.load(folder).calibration))
    }

    /// A folder whose calibration is of other weights can be calibrated again.
    func testCalibrationRun_whereTheOldOneDoesNotFit_replacesIt() throws {
        let folder = try captioner("captioner")
        var old = try XCTUnwrap(Captioner.load(folder).calibration)
        old.encoder = "0123"
        try old.write(to: folder)
        XCTAssertThrowsError(try Captioner.load(folder))
        let world = try world()
        _ = try CalibrationRun(folder).captioner(train: world.data("train.txt"), dev: world.data("dev.txt"))
        XCTAssertNoThrow(try Captioner.load(folder))
    }

    func testCalibrationRun_withAFolderWithoutImages_isRefused() throws {
        let folder = try captioner("captioner")
        let before = try Data(contentsOf: folder.appendingPathComponent("calibration.json"))
        let world = try world()
        XCTAssertThrowsError(
            try CalibrationRun(folder, comparing: [folder]).captioner(
                train: world.data("train.txt"), dev: world.data("dev.txt"))
        ) { XCTAssertTrue("\($0)".contains("has no images"), "\($0)") }
        XCTAssertEqual(try Data(contentsOf: folder.appendingPathComponent("calibration.json")), before)
    }

    /// A flat image is unlike drawn ones.
    func testDistribution_ofDrawnImages_holdsDevCloserThanNoise() throws {
        let folder = try captioner("captioner")
        let model = try Captioner.load(folder)
        let distribution = try XCTUnwrap(model.calibration?.distribution)
        var noise = Image(width: 64, height: 64, color: (0, 0, 0))
        var random = SeededGenerator(seed: 7)
        for i in noise.pixels.indices { noise.pixels[i] = UInt8(random.next() % 256) }
        let features = model.features(model.configuration.preprocessing.prepare(noise).tensor)
        XCTAssertTrue(distribution.isUnlike(features))
        XCTAssertGreaterThan(distribution.distance(features), distribution.threshold)
        let known = model.features(
            model.configuration.preprocessing.prepare(try Image.read(images().appendingPathComponent("t0.png"))).tensor)
        XCTAssertLessThan(distribution.distance(known), distribution.distance(features))
    }
}
