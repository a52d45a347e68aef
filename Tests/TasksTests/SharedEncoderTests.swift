import Foundation
import Language
import Tensors
import TestSupport
import Vision
import Weights
import XCTest

@testable import Tasks

/// A VQA model that shares a captioner's encoder: trained, loaded, and refused where the two do not fit.
final class SharedEncoderTests: XCTestCase {
    private var made: DrawnWorld?

    override func setUpWithError() throws { made = try DrawnWorld() }
    override func tearDownWithError() throws { if let made { try FileManager.default.removeItem(at: made.folder) } }

    private func world() throws -> DrawnWorld { try XCTUnwrap(made) }

    private func questions(_ prefix: String, _ count: Int) -> [Question] {
        (0..<count).map {
            Question(
                image: "\(prefix)\($0).png", text: "what color is the square?",
                answer: ["red", "green", "blue"][$0 % 3], kind: "color")
        }
    }

    private func captioner(_ name: String, seed: UInt64 = 3, encoder: String = "tiny", size: Int? = nil) throws {
        var options = CaptionTrainingOptions()
        (options.encoder, options.embedding, options.hidden, options.attention) = (encoder, 6, 8, 4)
        (options.minimumCount, options.batch, options.captionsPerPicture, options.seed) = (1, 8, 1, seed)
        options.phases = [.init(epochs: 1, learningRate: 1e-2, from: "conv1")]
        let world = try world()
        try CaptionTrainer(
            options: options, train: world.data("train.txt"), dev: world.data("dev.txt"), encoderWeights: nil,
            output: world.output(name),
            size: size
        ) { _ in }.run(resume: false)
    }

    private static var options: VQATrainingOptions {
        var options = VQATrainingOptions()
        // This name is not used; the encoder is the captioner's.
        (options.encoder, options.kind) = ("efficientnet-lite0", .stackedAttention)
        (options.embedding, options.hidden, options.attention, options.minimumCount, options.batch) = (6, 8, 4, 1, 8)
        options.phases = [.init(epochs: 3, learningRate: 1e-2)]
        return options
    }

    private func trainer(
        _ name: String, sharing other: String, options: VQATrainingOptions = options,
        report: @escaping (TrainingEvent) -> Void = { _ in }
    ) throws -> VQATrainer {
        let world = try world()
        let images = world.folder.appendingPathComponent("images")
        return try VQATrainer(
            options: options, train: QuestionDataset(images: images, questions: questions("t", 24), path: "train"),
            dev: QuestionDataset(images: images, questions: questions("d", 6), path: "dev"), encoderWeights: nil,
            sharedEncoder: world.output(other), output: world.output(name), report: report)
    }

    private func file(_ model: String, _ name: String) throws -> URL {
        try world().output(model).appendingPathComponent(name)
    }

    private func picture(_ answerer: VQAModel) throws -> Tensor {
        let image = try Image.read(world().folder.appendingPathComponent("images/t1.png"))
        return answerer.configuration.preprocessing.prepare(image).tensor
    }

    func testVQATrainer_onACaptionersEncoder_refersToIt() throws {
        try captioner("captioner", size: 48)
        let before = try Data(contentsOf: file("captioner", "model.safetensors"))
        var notes: [String] = []
        try trainer("answerer", sharing: "captioner") { if case .note(let text) = $0 { notes.append(text) } }.run(
            resume: false)
        XCTAssertTrue(notes[0].contains("tiny") && notes[0].contains("refers to it as ../captioner"), notes[0])
        XCTAssertEqual(try Data(contentsOf: file("captioner", "model.safetensors")), before)

        let captioner = try Captioner.load(world().output("captioner"))
        let answerer = try VQAModel.load(world().output("answerer"))
        let own = try SafeTensors.read(file("answerer", "model.safetensors")).keys
        XCTAssertTrue(own.allSatisfy { $0.hasPrefix("answerer.") } && !own.isEmpty, "\(own)")
        XCTAssertEqual(answerer.configuration.sharedEncoder?.model, "../captioner")
        XCTAssertEqual(answerer.configuration.encoder, captioner.configuration.encoder)
        XCTAssertEqual(answerer.configuration.preprocessing, captioner.configuration.preprocessing)
        XCTAssertEqual(answerer.configuration.preprocessing.width, 48)
        XCTAssertEqual(answerer.modelEncoder.identity, captioner.modelEncoder.identity)
        let input = try picture(answerer)
        XCTAssertEqual(answerer.features(input).array, captioner.features(input).array)

        // With the encoder in memory, its file is not needed.
        let alone = try world().folder.appendingPathComponent("elsewhere/answerer")
        try FileManager.default.createDirectory(
            at: alone.deletingLastPathComponent(), withIntermediateDirectories: true)
        try FileManager.default.copyItem(at: world().output("answerer"), to: alone)
        XCTAssertThrowsError(try VQAModel.load(alone)) {
            XCTAssertTrue("\($0)".contains("elsewhere/captioner, where there is no model"), "\($0)")
        }
        let given = try VQAModel.load(alone, sharing: captioner.modelEncoder)
        XCTAssertEqual(given.features(input).array, captioner.features(input).array)
        let words = [try answerer.read("what color").words]
        let features = captioner.features(input)
        XCTAssertEqual(
            given.scores(features: features, questions: words).array,
            answerer.scores(features: features, questions: words).array)
        // Another encoder in memory is not used.
        try self.captioner("other", seed: 4, size: 48)
        let other = try Captioner.load(world().output("other"))
        XCTAssertNotEqual(other.modelEncoder.identity, captioner.modelEncoder.identity)
        XCTAssertThrowsError(try VQAModel.load(alone, sharing: other.modelEncoder))
        let read = try VQAModel.load(world().output("answerer"), sharing: other.modelEncoder)
        XCTAssertEqual(read.modelEncoder.identity, captioner.modelEncoder.identity)
    }

    /// A captioner that shares another captioner's encoder has no encoder weights, and the same feature maps.
    func testCaptionTrainer_onAnotherCaptionersEncoder_holdsTheDecoderAlone() throws {
        try captioner("first", size: 48)
        let world = try world()
        var options = CaptionTrainingOptions()
        (options.encoder, options.embedding, options.hidden, options.attention) = ("efficientnet-lite0", 6, 8, 4)
        (options.minimumCount, options.batch, options.captionsPerPicture) = (1, 8, 1)
        options.phases = [.init(epochs: 1, learningRate: 1e-2)]
        try CaptionTrainer(
            options: options, train: world.data("train.txt"), dev: world.data("dev.txt"), encoderWeights: nil,
            sharedEncoder: world.output("first"), output: world.output("second")
        ) { _ in }.run(resume: false)
        let first = try Captioner.load(world.output("first"))
        let second = try Captioner.load(world.output("second"))
        let own = try SafeTensors.read(file("second", "model.safetensors")).keys
        XCTAssertTrue(own.allSatisfy { $0.hasPrefix("decoder.") } && !own.isEmpty, "\(own)")
        XCTAssertEqual(second.configuration.sharedEncoder?.model, "../first")
        XCTAssertEqual(second.modelEncoder.identity, first.modelEncoder.identity)
        let image = try Image.read(world.folder.appendingPathComponent("images/t1.png"))
        let input = second.configuration.preprocessing.prepare(image).tensor
        XCTAssertEqual(second.features(input).array, first.features(input).array)
        XCTAssertNoThrow(second.captions(features: second.features(input)))
        try FileManager.default.removeItem(at: world.output("first"))
        XCTAssertThrowsError(try Captioner.load(world.output("second"))) {
            XCTAssertTrue("\($0)".contains("first, where there is no model"), "\($0)")
        }
    }

    /// Where a model folder is a link, the other model is beside the link's target, otherwise beside the link.
    func testSharedEncoder_behindLinks_isFound() throws {
        try captioner("captioner")
        try trainer("answerer", sharing: "captioner").run(resume: false)
        let manager = FileManager.default
        let models = try world().folder.appendingPathComponent("models")
        try manager.createDirectory(at: models, withIntermediateDirectories: true)
        try manager.createSymbolicLink(
            at: models.appendingPathComponent("vqa"), withDestinationURL: world().output("answerer"))
        XCTAssertNoThrow(try VQAModel.load(models.appendingPathComponent("vqa")))
        let store = try world().folder.appendingPathComponent("store")
        try manager.createDirectory(at: store, withIntermediateDirectories: true)
        try manager.moveItem(at: world().output("answerer"), to: store.appendingPathComponent("answerer"))
        try manager.createSymbolicLink(
            at: models.appendingPathComponent("two"), withDestinationURL: store.appendingPathComponent("answerer"))
        XCTAssertThrowsError(try VQAModel.load(models.appendingPathComponent("two")))
        try manager.createSymbolicLink(
            at: models.appendingPathComponent("captioner"), withDestinationURL: world().output("captioner"))
        XCTAssertNoThrow(try VQAModel.load(models.appendingPathComponent("two")))
    }

    func testSharedEncoderPath_ofNeighbours_isRelative() {
        func path(_ folder: String, _ model: String) -> String {
            SharedEncoder.path(from: URL(fileURLWithPath: folder), to: URL(fileURLWithPath: model))
        }
        XCTAssertEqual(path("models/vqa", "models/caption"), "../caption")
        XCTAssertEqual(path("models/vqa/", "./models/x/../caption/"), "../caption")
        XCTAssertEqual(path("/somewhere/vqa", "/elsewhere/caption"), "/elsewhere/caption")
        XCTAssertEqual(path("/somewhere/vqa", "/somewhere/below/caption"), "/somewhere/below/caption")
    }

    func testSharedEncoder_thatDoesNotFit_isRefused() throws {
        try captioner("captioner")
        try trainer("answerer", sharing: "captioner").run(resume: false)
        let config = try file("captioner", "config.json")
        let weights = try file("captioner", "model.safetensors")
        let goodConfig = try String(contentsOf: config, encoding: .utf8)
        let goodWeights = try Data(contentsOf: weights)
        func refused(_ parts: String..., line: UInt = #line, _ damage: () throws -> Void) throws {
            try damage()
            XCTAssertThrowsError(try VQAModel.load(world().output("answerer")), line: line) { error in
                for part in parts {
                    XCTAssertTrue("\(error)".contains(part), "'\(error)' does not say '\(part)'", line: line)
                }
            }
            try goodWeights.write(to: weights)
            try Data(goodConfig.utf8).write(to: config)
        }
        func edit(_ old: String, _ new: String) throws {
            XCTAssertTrue(goodConfig.contains(old), goodConfig)
            try Data(goodConfig.replacingOccurrences(of: old, with: new).utf8).write(to: config)
        }
        try refused("/answerer", "/captioner, where there is no model") {
            try FileManager.default.removeItem(at: config)
        }
        try refused("/captioner", "model.safetensors is missing") { try FileManager.default.removeItem(at: weights) }
        try refused("/captioner/config.json", "not a model with an encoder's configuration") {
            try Data("{}".utf8).write(to: config)
        }
        try refused("the encoder in", "/captioner/model.safetensors", "missing") {
            try edit("\"tiny\"", "\"efficientnet-lite0\"")
        }
        try refused("/captioner", "no encoder of its own", "../third") {
            try edit(
                "\"format\" : 1", "\"format\" : 1, \"sharedEncoder\" : {\"model\" : \"../third\", \"weights\" : \"0\"}")
        }
        try refused("/answerer", "/captioner, which preprocesses images differently") {
            try edit("\"width\" : 64", "\"width\" : 32")
        }
        try refused("/answerer", "/captioner, whose weights have changed") {
            try captioner("changed", seed: 9)
            try Data(contentsOf: file("changed", "model.safetensors")).write(to: weights)
        }
        try refused("/captioner/model.safetensors", "missing") {
            var state = try SafeTensors.read(weights)
            state["encoder.conv1.weight"] = nil
            try SafeTensors.write(state, to: weights, type: .f16, metadata: [:])
        }
        XCTAssertNoThrow(try VQAModel.load(world().output("answerer")))
        // A model with a shared encoder must not have its own encoder's weights too.
        let own = try file("answerer", "model.safetensors")
        let both = try SafeTensors.read(own).merging(SafeTensors.read(weights) { $0.hasPrefix("encoder.") }) { a, _ in a
        }
        try SafeTensors.write(both, to: own, type: .f16, metadata: [:])
        XCTAssertThrowsError(try VQAModel.load(world().output("answerer"))) {
            XCTAssertTrue("\($0)".contains("not used by this model"), "\($0)")
        }
    }

    func testVQATrainer_onAnEncoderThatCannotBeShared_isRefused() throws {
        try captioner("captioner")
        func refused(_ part: String, line: UInt = #line, _ body: () throws -> Void) {
            XCTAssertThrowsError(try body(), line: line) { XCTAssertTrue("\($0)".contains(part), "\($0)", line: line) }
        }
        refused("config.json is missing") { _ = try trainer("answerer", sharing: "nowhere") }
        refused("train into another folder") { _ = try trainer("captioner", sharing: "captioner") }
        var tuned = Self.options
        tuned.phases.append(.init(epochs: 1, learningRate: 1e-3, from: "conv4"))
        refused("is not trained again") {
            try trainer("tuned", sharing: "captioner", options: tuned).run(resume: false)
        }
        try trainer("answerer", sharing: "captioner").run(resume: false)
        refused("no encoder of its own, it uses that of ../captioner") { _ = try trainer("third", sharing: "answerer") }
    }

    /// A resumed run gives the bytes of one that was not stopped. It is refused after the shared encoder has changed.
    func testVQATrainer_resumedOnASharedEncoder_givesTheSameBytes() throws {
        try captioner("captioner")
        try trainer("whole", sharing: "captioner").run(resume: false)
        let copy = try world().output("stopped")
        let source = try world().output("source")
        var failure: Error?
        try trainer("source", sharing: "captioner") { event in
            guard case .epoch(let epoch) = event, epoch.epoch == 2 else { return }
            do { try FileManager.default.copyItem(at: source, to: copy) } catch { failure = error }
        }.run(resume: false)
        if let failure { throw failure }
        let resumed = try trainer("stopped", sharing: "captioner")
        try resumed.run(resume: true)
        XCTAssertEqual(resumed.log.map(\.epoch), [1, 2, 3])
        for name in ["model.safetensors", "config.json"] {
            XCTAssertEqual(try Data(contentsOf: file("stopped", name)), try Data(contentsOf: file("whole", name)))
        }
        try captioner("captioner", seed: 8)
        XCTAssertThrowsError(try trainer("stopped", sharing: "captioner").run(resume: true)) {
            XCTAssertTrue("\($0)".contains("on another encoder"), "\($0)")
        }
    }
}
