import Foundation
import Language
import Support
import Tensors
import TestSupport
import Vision
import Weights
import XCTest

@testable import Tasks

/// The files of a calibration: written as a whole, read strictly, and removed with the model that they belong to.
final class CalibrationFilesTests: XCTestCase {
    private var folder = FileManager.default.temporaryDirectory

    override func setUpWithError() throws { folder = try Fixture.temporaryFolder() }
    override func tearDownWithError() throws { try FileManager.default.removeItem(at: folder) }

    private static let encoder = EncoderConfiguration(name: "tiny", folded: true)

    /// Of the shape that the encoder "tiny" gives.
    private static func calibration(_ value: Float = 0.5, encoder: String = "abc", channels: Int = 3) -> Calibration {
        Calibration(
            encoder: encoder, typicalFeatures: Tensor([2, 2, 2, channels], repeating: value),
            typicalShares: [0.75, 0.25],
            distribution: FeatureDistribution(
                mean: Tensor([channels], repeating: 1), deviation: Tensor([channels], repeating: 0.25), threshold: 1.5,
                devWarned: 0.05),
            temperature: FittedTemperature(
                value: 1.25, count: 40, surpriseBefore: 2, surpriseAfter: 1.75, errorBefore: 0.125, errorAfter: 0.0625),
            kinds: [.init(kind: .color, questions: 9, right: 4), .init(kind: .yesNo, questions: 3, right: 3)],
            data: CalibrationData(images: 12, devImages: 5, names: ["images", "train.txt"]))
    }

    private var numbers: URL { folder.appendingPathComponent("calibration.json") }
    private var tensors: URL { folder.appendingPathComponent("calibration.safetensors") }

    /// Asserts that reading fails with a message that has `part`.
    private func assertRefused(_ part: String, line: UInt = #line) {
        XCTAssertThrowsError(try Calibration.read(folder), line: line) {
            XCTAssertTrue($0 is any UserFacingError, line: line)
            XCTAssertTrue("\($0)".contains(part), "\($0)", line: line)
        }
    }

    // MARK: Writing and reading

    func testCalibration_writtenAndRead_isTheSame() throws {
        let written = Self.calibration()
        try written.write(to: folder)
        let read = try XCTUnwrap(Calibration.read(folder))
        XCTAssertEqual(read.encoder, "abc")
        XCTAssertEqual(read.typicalFeatures.shape, [2, 2, 2, 3])
        XCTAssertEqual(read.typicalShares, [0.75, 0.25])
        XCTAssertEqual(read.typicalFeatures.array, written.typicalFeatures.array)
        XCTAssertEqual(read.distribution?.mean.array, [1, 1, 1])
        XCTAssertEqual(read.distribution?.deviation.array, [0.25, 0.25, 0.25])
        XCTAssertEqual(read.distribution?.threshold, 1.5)
        XCTAssertEqual(read.distribution?.devWarned, 0.05)
        XCTAssertEqual(read.temperature, written.temperature)
        XCTAssertEqual(read.kinds, written.kinds)
        XCTAssertEqual(read.accuracy(of: .color)?.percent, 44)
        XCTAssertNil(read.accuracy(of: .number))
        XCTAssertEqual(read.data, written.data)
        XCTAssertEqual(
            try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted(),
            ["calibration.json", "calibration.safetensors"])
    }

    func testCalibration_withoutOptionalParts_isReadWithoutThem() throws {
        var written = Self.calibration()
        (written.distribution, written.temperature, written.kinds) = (nil, nil, [])
        try written.write(to: folder)
        let read = try XCTUnwrap(Calibration.read(folder))
        XCTAssertNil(read.distribution)
        XCTAssertNil(read.temperature)
        XCTAssertEqual(read.kinds, [])
    }

    func testCalibration_withFeaturesBeyondHalves_isWrittenAsFloats() throws {
        try Self.calibration(100_000).write(to: folder)
        XCTAssertEqual(try Calibration.read(folder)?.typicalFeatures[0, 0, 0, 0], 100_000)
    }

    func testRead_folderWithoutACalibration_isNil() throws { XCTAssertNil(try Calibration.read(folder)) }

    // MARK: Damaged files

    func testRead_numbersThatCannotBe_areRefused() throws {
        try Self.calibration().write(to: folder)
        let good = try String(contentsOf: numbers, encoding: .utf8)
        let changes = [
            ("\"format\" : 1", "\"format\" : 2", "format 2"), ("1.25", "0", "temperature.value"),
            ("\"right\" : 4", "\"right\" : 10", "kinds.right"), ("\"color\"", "\"smell\"", "smell"),
            ("\"color\"", "\"yes/no\"", "twice"), ("\"threshold\" : 1.5", "\"threshold\" : -1", "threshold"),
            ("\"images\" : 12", "\"images\" : -12", "data.images"), ("0.125", "1.125", "errorBefore"),
            ("\"images\" : 12", "\"images\" : 1e99", "out of range"), ("{", "[", "calibration"),
        ]
        for (old, new, message) in changes {
            let bad = good.replacingOccurrences(of: old, with: new)
            XCTAssertNotEqual(bad, good, old)
            try bad.write(to: numbers, atomically: true, encoding: .utf8)
            assertRefused(message)
        }
        try String(repeating: " ", count: 1 << 21).write(to: numbers, atomically: true, encoding: .utf8)
        assertRefused("2097152 bytes")
    }

    func testRead_tensorsThatCannotBe_areRefused() throws {
        try Self.calibration().write(to: folder)
        let good = try SafeTensors.read(tensors).mapValues { $0.copy() }
        let metadata = try SafeTensors.metadata(tensors)
        let map = "typical_features", deviation = "distribution.deviation"
        let changes: [([String: Tensor?], String)] = [
            ([map: nil], "no tensor typical_features"), ([map: Tensor([2, 2, 3], repeating: 1)], "shape"),
            ([map: Tensor([65, 2, 2, 3], repeating: 1)], "shape"),
            ([map: Tensor([1, 2, 2, 3], repeating: 1)], "typical_shares in the shape [2]"),
            ([map: Tensor([2, 2, 2, 3], repeating: .nan)], "not finite"),
            ([map: Tensor([2, 2, 2, 3], repeating: .infinity)], "not finite"),
            (["typical_shares": Tensor([2], [0.5, 0.25])], "do not add up to 1"),
            (["typical_shares": Tensor([2], [1.5, -0.5])], "do not add up to 1"),
            ([deviation: Tensor([4], repeating: 1)], "shape"), ([deviation: Tensor([3], repeating: 0)], "not above 0"),
            ([deviation: nil], "no tensor distribution.deviation"), (["more": Tensor([1], repeating: 1)], "more"),
        ]
        for (change, message) in changes {
            var bad = good
            for (name, tensor) in change { bad[name] = tensor }
            for type in [SafeTensors.DataType.f16, .f32] {
                try SafeTensors.write(bad, to: tensors, type: type, metadata: metadata)
                assertRefused(message)
            }
        }
    }

    /// The two files are of one calibration.
    func testRead_filesOfTwoCalibrations_areRefused() throws {
        try Self.calibration(0.5).write(to: folder)
        let old = try Data(contentsOf: numbers)
        try Self.calibration(0.75).write(to: folder)
        try old.write(to: numbers)
        assertRefused("another calibration.safetensors")
        try FileManager.default.removeItem(at: tensors)
        assertRefused("missing")
    }

    // MARK: The model

    /// Writes a model, and gives its encoder.
    private func save(_ calibration: Calibration?, seed: UInt64 = 1) throws {
        let vocabulary = Vocabulary(tokens: [["what"]], minimumCount: 1)
        let store = ParameterStore(seed: seed)
        let head = VQAHeadConfiguration(
            kind: .deeperLSTM, features: try Self.encoder.makeEncoder(store.scope()["encoder"]).channels,
            vocabulary: vocabulary.count, answers: 1, embedding: 2, hidden: 3, attention: 2)
        _ = head.makeHead(store.scope()["answerer"])
        try VQAModel.save(
            configuration: VQAConfiguration(
                encoder: Self.encoder, preprocessing: try Self.encoder.defaultPreprocessing(), answerer: head,
                vocabulary: "vocabulary.txt", answers: "answers.txt"),
            vocabulary: vocabulary, answers: ["red"], state: store.stateDictionary(), type: .f32,
            calibration: calibration, to: folder)
    }

    /// A calibration that fits the model in the folder.
    private func fitting(_ value: Float = 0.5) throws -> Calibration {
        let encoder = try VQAModel.load(folder, isCalibrated: false).modelEncoder
        return Self.calibration(value, encoder: encoder.identity.weights, channels: encoder.network.channels)
    }

    private func assertModelRefused(_ part: String, line: UInt = #line) {
        XCTAssertThrowsError(try VQAModel.load(folder), line: line) {
            XCTAssertTrue($0 is ModelError && "\($0)".contains(part), "\($0)", line: line)
        }
        XCTAssertNoThrow(try VQAModel.load(folder, isCalibrated: false), line: line)
    }

    func testModel_withACalibration_loadsIt() throws {
        try save(nil)
        XCTAssertNil(try VQAModel.load(folder).calibration)
        try fitting().write(to: folder)
        XCTAssertEqual(try VQAModel.load(folder).calibration?.temperature?.value, 1.25)
    }

    func testModel_withACalibrationOfOtherWeights_isRefused() throws {
        try save(nil)
        let channels = try VQAModel.load(folder).encoder.channels
        try Self.calibration(encoder: "0123", channels: channels).write(to: folder)
        assertModelRefused("other weights")
        var narrow = try fitting()
        narrow = Self.calibration(encoder: narrow.encoder, channels: channels + 1)
        try narrow.write(to: folder)
        assertModelRefused("channels")
    }

    func testModel_savedAgain_hasNoOldCalibration() throws {
        try save(nil)
        try fitting().write(to: folder)
        try save(nil, seed: 2)
        XCTAssertNil(try VQAModel.load(folder).calibration)
        XCTAssertFalse(FileManager.default.fileExists(atPath: tensors.path))
    }

    func testModel_savedWithACalibration_hasThatOne() throws {
        try save(nil)
        let calibration = try fitting(0.75)
        try fitting(0.5).write(to: folder)
        try save(calibration)
        XCTAssertEqual(try VQAModel.load(folder).calibration?.typicalFeatures[0, 0, 0, 0], 0.75)
    }

    /// A replacement that was interrupted after any number of its files: the calibration is the new model's, or none.
    func testReplacement_interruptedAnywhere_leavesTheNewModelsCalibration() throws {
        for hasCalibration in [false, true] {
            try save(nil)
            let new = try fitting(0.75)
            let replacement = folder.appendingPathComponent(".mmx-replacement")
            let complete = try Fixture.temporaryFolder()
            defer { try? FileManager.default.removeItem(at: complete) }
            for name in ["config.json", "model.safetensors", "answers.txt", "vocabulary.txt"] {
                try FileManager.default.copyItem(
                    at: folder.appendingPathComponent(name), to: complete.appendingPathComponent(name))
            }
            if hasCalibration { try new.writeFiles(to: complete) }
            // In the order in which they are moved.
            let order =
                ["config.json", "model.safetensors", "answers.txt"]
                + (hasCalibration ? ["calibration.json", "calibration.safetensors"] : []) + ["vocabulary.txt"]
            for moved in 0...order.count {
                try fitting(0.5).write(to: folder)
                if moved == order.count { try new.write(to: folder) }
                try FileManager.default.copyItem(at: complete, to: replacement)
                // The removal of the old one comes before the first move.
                if moved > 0, !(hasCalibration && moved == order.count) {
                    for file in [numbers, tensors] { try FileManager.default.removeItem(at: file) }
                }
                for name in order.prefix(moved) {
                    let target = folder.appendingPathComponent(name)
                    try? FileManager.default.removeItem(at: target)
                    try FileManager.default.moveItem(at: replacement.appendingPathComponent(name), to: target)
                }
                let found = try VQAModel.load(folder).calibration?.typicalFeatures[0, 0, 0, 0]
                XCTAssertEqual(found, hasCalibration ? 0.75 : nil, "after \(moved) files")
            }
        }
    }
}
