import Foundation
import Language
import Support
import Tensors
import TestSupport
import Vision
import Weights
import XCTest

@testable import Tasks

/// A model's folder is replaced as a whole or not at all.
final class ModelReplacementTests: XCTestCase {
    private var folder = FileManager.default.temporaryDirectory

    override func setUpWithError() throws { if TestChild.folder == nil { folder = try Fixture.temporaryFolder() } }
    override func tearDownWithError() throws {
        if TestChild.folder == nil { try FileManager.default.removeItem(at: folder) }
    }

    private static let answers = [["red", "yes"], ["blue", "no"]]

    /// Writes model 0 or 1: they have the same shapes, and other weights, words and answers.
    private static func save(_ model: Int, to folder: URL, vocabulary file: String = "questions.txt") throws {
        let vocabulary = Vocabulary(tokens: [["what", "color\(model)"]], minimumCount: 1)
        let encoder = EncoderConfiguration(name: "tiny", folded: true)
        let store = ParameterStore(seed: UInt64(model))
        let head = VQAHeadConfiguration(
            kind: .deeperLSTM, features: try encoder.makeEncoder(store.scope()["encoder"]).channels,
            vocabulary: vocabulary.count, answers: 2, embedding: 2, hidden: 3, attention: 2)
        _ = head.makeHead(store.scope()["answerer"])
        try VQAModel.save(
            configuration: VQAConfiguration(
                encoder: encoder, preprocessing: try encoder.defaultPreprocessing(), answerer: head,
                vocabulary: file, answers: "answers.txt", maps: MapConfiguration(smoothing: 1 + 2 * model)),
            vocabulary: vocabulary, answers: answers[model], state: store.stateDictionary(), type: .f32, to: folder)
    }

    /// Which model the folder holds; nil for a mixture of both.
    private static func model(in folder: URL) throws -> Int? {
        let model = try VQAModel.load(folder)
        let number = model.vocabulary.words.contains("color0") ? 0 : 1
        let weights = try SafeTensors.read(folder.appendingPathComponent("model.safetensors"))
        let store = ParameterStore(seed: UInt64(number))
        _ = try model.configuration.encoder.makeEncoder(store.scope()["encoder"])
        _ = model.configuration.answerer.makeHead(store.scope()["answerer"])
        let isOne =
            model.answers == answers[number] && model.configuration.maps?.smoothing == 1 + 2 * number
            && store.stateDictionary().allSatisfy { weights[$0.key]?.array == $0.value.array }
        return isOne ? number : nil
    }

    private var model: Int? { get throws { try Self.model(in: folder) } }

    func testModelFolder_savedAgain_isTheNewModelAndKeepsOtherFiles() throws {
        try Self.save(0, to: folder)
        XCTAssertEqual(try model, 0)
        try Data("mine".utf8).write(to: folder.appendingPathComponent("README.md"))
        try Self.save(1, to: folder)
        XCTAssertEqual(try model, 1)
        XCTAssertEqual(
            try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted(),
            ["README.md", "answers.txt", "config.json", "model.safetensors", "questions.txt"])
    }

    /// Stopped before any file of a complete new model was moved up, and after each: the new model.
    func testModelFolder_stoppedWhileFilesAreMovedUp_isTheNewModel() throws {
        let new = folder.appendingPathComponent("new")
        try Self.save(1, to: new)
        let names = ["config.json", "answers.txt", "model.safetensors", "questions.txt"]
        for moved in 0...names.count {
            let place = folder.appendingPathComponent("model-\(moved)")
            if moved % 2 == 0 { try Self.save(0, to: place) }
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
            let waiting = ModelFiles.replacement(in: place)
            try FileManager.default.copyItem(at: new, to: waiting)
            for name in names.prefix(moved) {
                XCTAssertEqual(
                    rename(
                        waiting.appendingPathComponent(name).path, place.appendingPathComponent(name).path), 0)
            }
            XCTAssertEqual(try ModelFolder.find(place.path).lastPathComponent, "model-\(moved)")
            XCTAssertEqual(try Self.model(in: place), 1, "\(moved)")
            XCTAssertEqual(
                try FileManager.default.contentsOfDirectory(atPath: place.path).sorted(), names.sorted(), "\(moved)")
        }
    }

    func testModelFolder_thatFailsToBeSaved_isTheOldModel() throws {
        try Self.save(0, to: folder)
        var state = try SafeTensors.read(folder.appendingPathComponent("model.safetensors"))
        let name = try XCTUnwrap(state.keys.min())
        state[name] = Tensor(state[name]?.shape ?? [], repeating: 1e9)
        let loaded = try VQAModel.load(folder)
        XCTAssertThrowsError(
            try VQAModel.save(
                configuration: loaded.configuration, vocabulary: loaded.vocabulary, answers: ["x", "y"], state: state,
                type: .f16, to: folder))
        XCTAssertEqual(try model, 0)
        XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder.path).count, 4)
    }

    /// A fetched model that has a replacement waiting writes nothing through a link, when it is used or saved.
    func testReplacement_throughALink_isRefused() throws {
        let place = folder.appendingPathComponent("model"), outside = folder.appendingPathComponent("outside")
        try Self.save(0, to: place)
        try FileManager.default.createDirectory(at: outside, withIntermediateDirectories: true)
        let waiting = ModelFiles.replacement(in: place)
        try FileManager.default.createDirectory(
            at: waiting.appendingPathComponent("deep/down"), withIntermediateDirectories: true)
        try Data("mine".utf8).write(to: waiting.appendingPathComponent("deep/down/file"))
        try FileManager.default.createSymbolicLink(
            at: place.appendingPathComponent("deep"), withDestinationURL: outside)
        for action in [{ _ = try VQAModel.load(place) }, { try Self.save(1, to: place) }] {
            XCTAssertThrowsError(try action()) { error in
                XCTAssertTrue("\(error)".contains("has a link, deep, in place of a folder"), "\(error)")
            }
        }
        XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: outside.path), [])
    }

    /// What is no regular file is not moved, and the new model is saved all the same.
    func testReplacement_withAPipe_isPassedOver() throws {
        let place = folder.appendingPathComponent("model")
        try Self.save(0, to: place)
        let waiting = ModelFiles.replacement(in: place)
        try FileManager.default.createDirectory(at: waiting, withIntermediateDirectories: true)
        XCTAssertEqual(mkfifo(waiting.appendingPathComponent("pipe").path, 0o600), 0)
        try Self.save(1, to: place)
        XCTAssertEqual(try Self.model(in: place), 1)
        XCTAssertFalse(FileManager.default.fileExists(atPath: waiting.path))
    }

    /// A replacement that begins and ends while a model is read is noticed.
    func testModelFolder_replacedWhileItIsRead_isRefused() throws {
        try Self.save(0, to: folder)
        let files = ModelFiles(folder)
        _ = try files.configuration(VQAConfiguration.self, of: "a model", problem: \.problem)
        try Self.save(1, to: folder)
        XCTAssertThrowsError(
            try files.loading { p in
                for (name, tensor) in try SafeTensors.read(files.weights()) {
                    _ = p(name, shape: tensor.shape, initial: .zeros)
                }
            }
        ) { XCTAssertTrue("\($0)".contains("was replaced while it was read"), "\($0)") }
        XCTAssertEqual(try model, 1)
    }

    /// A vocabulary that other models may use is made, used again, and never replaced.
    func testModelFolder_withASharedVocabulary_doesNotReplaceIt() throws {
        let (a, b) = (folder.appendingPathComponent("models/a"), folder.appendingPathComponent("models/b"))
        let shared = "../../vocab/words.txt"
        try Self.save(0, to: a, vocabulary: shared)
        try Self.save(0, to: b, vocabulary: shared)
        XCTAssertThrowsError(try Self.save(1, to: b, vocabulary: shared)) {
            XCTAssertTrue("\($0)".contains("vocab/words.txt") && "\($0)".contains("is not replaced"), "\($0)")
        }
        for place in [a, b] { XCTAssertEqual(try Self.model(in: place), 0) }
    }

    // MARK: Killed at any moment

    /// A child replaces a model, a file and a cache of features by one another for ever and is killed: each is one of
    /// the two, whole, and the next run removes what is left. `MMX_KILLS` sets the number of kills.
    func testWriters_killedAtAnyMoment_leaveTheOldOrTheNew() throws {
        try Image(width: 4, height: 4, color: (1, 2, 3)).write(to: folder.appendingPathComponent("a.png"))
        try Self.save(0, to: folder)
        try Self.write(0, to: folder)
        var random = SeededGenerator(seed: 2_019)
        var seen: Set<Int> = []
        var leftovers = 0
        var kills = 0
        let wanted = ProcessInfo.processInfo.environment["MMX_KILLS"].flatMap(Int.init) ?? 16
        // Until both models were found, and a kill has come while something was written.
        while kills < wanted || seen.count < 2 || leftovers == 0 {
            kills += 1
            if kills > 20 * wanted { return XCTFail("the kills always come at the same moment") }
            let ready = folder.appendingPathComponent("ready")
            try? FileManager.default.removeItem(at: ready)
            let child = try TestChild("TasksTests.ModelReplacementTests/testChild_writes", folder: folder)
            child.wait { FileManager.default.fileExists(atPath: ready.path) }
            usleep(UInt32(random.next() % 60_000))
            XCTAssertTrue(child.kill())
            leftovers += try FileManager.default.contentsOfDirectory(atPath: folder.path).count {
                $0.hasPrefix(".mmx-")
            }
            let found = try XCTUnwrap(model)
            seen.insert(found)
            let bytes = try Data(contentsOf: folder.appendingPathComponent("file"))
            XCTAssertEqual(bytes, Data(repeating: bytes.first ?? 9, count: Self.size(Int(bytes.first ?? 9))))
            // Each cache that says that it is of a model is.
            for number in 0...1 {
                XCTAssertEqual(try Self.cache(number, in: folder).batch([0]).array.first, Float(1 + number))
            }
            XCTAssertEqual(
                try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasPrefix(".mmx-") }, [])
        }
    }

    private static func size(_ number: Int) -> Int { 100_000 * (1 + number) }

    private static func write(_ number: Int, to folder: URL) throws {
        try AtomicFile.write(to: folder.appendingPathComponent("file")) { writer in
            for _ in 0..<size(number) / 10_000 { try writer.write(Data(repeating: UInt8(number), count: 10_000)) }
        }
    }

    /// Makes the folder's leftovers disappear, too.
    private static func cache(_ number: Int, in folder: URL) throws -> FeatureCache {
        try FeatureCache(
            images: [folder.appendingPathComponent("a.png")],
            preprocessing: Preprocessing(
                width: 4, height: 4, fit: .squash, filter: .bilinear, mean: [0, 0, 0], std: [1, 1, 1]),
            augmentation: .none, folder: folder, name: "cache", key: "\(number)",
            front: { Tensor($0.shape, repeating: Float(1 + number)) }, progress: { _, _ in })
    }

    /// Runs as a child only.
    func testChild_writes() throws {
        guard let folder = TestChild.folder else { return }
        for round in 0..<100_000 {
            try Self.save(round % 2, to: folder)
            try Self.write(round % 2, to: folder)
            _ = try Self.cache(round % 2, in: folder)
            if round == 0 { try Data().write(to: folder.appendingPathComponent("ready")) }
        }
    }
}
