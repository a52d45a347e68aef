import Foundation
import Language
import Tensors
import TestSupport
import Vision
import XCTest

@testable import Tasks

/// Training of a VQA model, in seconds: learning, repetition, interruption and bad data.
final class VQATrainerTests: XCTestCase {
    private var made: DrawnWorld?

    override func setUpWithError() throws { made = try DrawnWorld() }
    override func tearDownWithError() throws { if let made { try FileManager.default.removeItem(at: made.folder) } }

    private func world() throws -> DrawnWorld { try XCTUnwrap(made) }

    /// Two questions about each of the drawn squares: its colour (every third image's is the same) and whether it is
    /// red.
    private func questions(_ prefix: String, _ count: Int, from first: Int) -> [Question] {
        (0..<count).flatMap { i -> [Question] in
            let color = ["red", "green", "blue"][(first + i) % 3]
            let image = "\(prefix)\(i).png"
            let colour = Question(image: image, text: "what color is the square?", answer: color, kind: "color")
            // Some images have one question, so that batches are ragged.
            if i % 4 == 3 { return [colour] }
            return [
                colour,
                Question(image: image, text: "is it red?", answer: color == "red" ? "yes" : "no", kind: "yes/no"),
            ]
        }
    }

    private static var options: VQATrainingOptions {
        var options = VQATrainingOptions()
        (options.encoder, options.kind) = ("tiny", .deeperLSTM)
        (options.embedding, options.hidden, options.attention) = (12, 16, 8)
        (options.minimumCount, options.batch, options.questionsPerPicture) = (1, 4, 2)
        (options.dropout, options.averageDecay) = (0.1, 0.8)
        options.phases = [
            .init(epochs: 10, learningRate: 2e-2, from: "conv1", encoderScale: 0.3),
            .init(epochs: 2, learningRate: 1e-2, from: "conv4"),
        ]
        return options
    }

    private func makeTrainer(
        _ name: String, _ options: VQATrainingOptions = options, train: [Question]? = nil,
        encoderWeights: URL? = nil, report: @escaping (TrainingEvent) -> Void = { _ in }
    ) throws -> VQATrainer {
        let world = try world()
        let images = world.folder.appendingPathComponent("images")
        return try VQATrainer(
            options: options,
            train: QuestionDataset(images: images, questions: train ?? questions("t", 24, from: 0), path: "train"),
            dev: QuestionDataset(images: images, questions: questions("d", 6, from: 24), path: "dev"),
            encoderWeights: encoderWeights, output: world.output(name), report: report)
    }

    private func weights(_ name: String) throws -> Data {
        try Data(contentsOf: world().output(name).appendingPathComponent("model.safetensors"))
    }

    func testVQATrainer_withOneSeed_learnsAndGivesTheSameBytes() throws {
        let trainer = try makeTrainer("one")
        try trainer.run(resume: false)
        XCTAssertEqual(trainer.log.count, 12)
        // The last phase begins at the best weights, the first with all answers right, so its loss is higher.
        XCTAssertLessThan(trainer.log[9].loss, 0.5 * trainer.log[0].loss)
        XCTAssertLessThan(trainer.log[11].loss, trainer.log[10].loss)
        XCTAssertGreaterThanOrEqual(trainer.log.map(\.devScore).max() ?? 0, 0.9)
        try makeTrainer("two").run(resume: false)
        XCTAssertEqual(try weights("one"), try weights("two"))
        var other = Self.options
        other.seed = 2
        try makeTrainer("three", other).run(resume: false)
        XCTAssertNotEqual(try weights("one"), try weights("three"))

        // The kept weights have the accuracy in the log.
        let answerer = try VQAModel.load(world().output("one"))
        XCTAssertEqual(Set(answerer.answers), ["red", "green", "blue", "yes", "no"])
        let dev = questions("d", 6, from: 24)
        let right = try dev.count { question in
            let image = try Image.read(world().folder.appendingPathComponent("images/\(question.image)"))
            let features = answerer.features(answerer.configuration.preprocessing.prepare(image).tensor)
            let scores = answerer.scores(features: features, questions: [try answerer.read(question.text).words]).array
            return answerer.answers[scores.indices.max { scores[$0] < scores[$1] } ?? 0] == question.answer
        }
        XCTAssertEqual(Double(right) / Double(dev.count), trainer.log.map(\.devScore).max() ?? 0, accuracy: 0.11)
    }

    /// A run that is stopped after any epoch and resumed gives the bytes of one that was not stopped. Another run's
    /// checkpoint is refused.
    func testVQATrainer_interruptedAndResumed_givesTheSameBytes() throws {
        try makeTrainer("whole").run(resume: false)
        for stop in [3, 11] {
            let copy = try world().output("stopped-\(stop)")
            let source = try world().output("source-\(stop)")
            var failure: Error?
            try makeTrainer("source-\(stop)") { event in
                guard case .epoch(let epoch) = event, epoch.epoch == stop else { return }
                do { try FileManager.default.copyItem(at: source, to: copy) } catch { failure = error }
            }.run(resume: false)
            if let failure { throw failure }
            let resumed = try makeTrainer("stopped-\(stop)")
            try resumed.run(resume: true)
            XCTAssertEqual(resumed.log.map(\.epoch), Array(1...12))
            XCTAssertEqual(try weights("stopped-\(stop)"), try weights("whole"))
        }
        var other = Self.options
        other.hidden = 20
        XCTAssertThrowsError(try makeTrainer("whole", other).run(resume: true)) {
            XCTAssertTrue("\($0)".contains("other options"), "\($0)")
        }
        XCTAssertThrowsError(try makeTrainer("whole", train: questions("t", 20, from: 0)).run(resume: true)) {
            XCTAssertTrue("\($0)".contains("other images or texts"), "\($0)")
        }
    }

    /// With another model's weights, the encoder gives the same feature maps.
    func testVQATrainer_withAnotherModelsWeights_hasItsEncoder() throws {
        try makeTrainer("first").run(resume: false)
        var options = Self.options
        options.kind = .stackedAttention
        options.phases = [.init(epochs: 1, learningRate: 1e-2)]
        let file = try world().output("first").appendingPathComponent("model.safetensors")
        try makeTrainer("second", options, encoderWeights: file).run(resume: false)
        let first = try VQAModel.load(world().output("first"))
        let second = try VQAModel.load(world().output("second"))
        let image = try Image.read(world().folder.appendingPathComponent("images/t0.png"))
        let picture = first.configuration.preprocessing.prepare(image).tensor
        XCTAssertEqual(first.features(picture).array, second.features(picture).array)
        options.encoder = "efficientnet-lite0"
        XCTAssertThrowsError(try makeTrainer("third", options, encoderWeights: file)) {
            XCTAssertTrue("\($0)".contains("model.safetensors") && "\($0)".contains("_conv_stem"), "\($0)")
        }
    }

    func testVQATrainer_withRareAnswers_leavesThemOutWithANote() throws {
        var options = Self.options
        options.maximumAnswers = 2
        options.phases = [.init(epochs: 1, learningRate: 1e-2, from: "conv1")]
        var notes: [String] = []
        let trainer = try makeTrainer("few", options) { if case .note(let text) = $0 { notes.append(text) } }
        XCTAssertEqual(trainer.answers, ["no", "blue"])
        XCTAssertTrue(notes[0].contains("their answers are too rare"), notes[0])
        try trainer.run(resume: false)
        XCTAssertEqual(try VQAModel.load(world().output("few")).answers, ["no", "blue"])
    }

    /// An answer that would be two lines of answers.txt is left out with a warning, and the model can be read.
    func testVQATrainer_withAnswersThatAreNoLines_leavesThemOutWithAWarning() throws {
        var options = Self.options
        options.phases = [.init(epochs: 1, learningRate: 1e-2, from: "conv1")]
        var notes: [String] = []
        let broken = (0..<5).map { Question(image: "t\($0).png", text: "what?", answer: "two\nlines") }
        let trainer = try makeTrainer("broken", options, train: questions("t", 24, from: 0) + broken) {
            if case .note(let text) = $0 { notes.append(text) }
        }
        XCTAssertTrue(
            notes.contains { $0.contains("warning: 1 answers are no lines") && $0.contains("\"two\\nlines\"") },
            "\(notes)")
        try trainer.run(resume: false)
        XCTAssertEqual(try VQAModel.load(world().output("broken")).answers, trainer.answers)
    }

    func testVQATrainer_ofBadData_isRefusedByName() throws {
        let images = try world().folder.appendingPathComponent("images")
        func refused(_ questions: [Question], _ problem: String, images: URL, line: UInt = #line) {
            XCTAssertThrowsError(try QuestionDataset(images: images, questions: questions, path: "q.jsonl"), line: line)
            {
                XCTAssertTrue("\($0)".contains(problem), "\($0)", line: line)
            }
        }
        refused([], "has no questions", images: images)
        refused(
            [Question(image: "nowhere.png", text: "what?", answer: "yes")], "nowhere.png: the image is missing",
            images: images)
        refused([Question(image: "../t0.png", text: "what?", answer: "yes")], "no name of an image", images: images)
        refused(questions("t", 2, from: 0), "is no folder", images: images.appendingPathComponent("t0.png"))
        try Data("not a picture".utf8).write(to: images.appendingPathComponent("t1.png"))
        XCTAssertThrowsError(try makeTrainer("bad").run(resume: false)) {
            XCTAssertTrue("\($0)".contains("t1.png"), "\($0)")
        }
    }

    // MARK: Boxes and mirror images

    /// With the squares' boxes, the attention learns to lie on the square; without, it need not.
    func testVQATrainer_withBoxes_teachesWhereToLook() throws {
        let world = try world()
        var boxed = questions("t", 24, from: 0)
        for i in boxed.indices { boxed[i].boxes = [try XCTUnwrap(world.boxes[boxed[i].image])] }
        /// The mean part of the attention on the cells that the square covers, over the dev images.
        func inside(_ name: String) throws -> Float {
            let model = try VQAModel.load(world.output(name))
            let head = try XCTUnwrap(model.head as? any AttendingVQAHead)
            let parts = try (0..<6).map { i -> Float in
                let image = try Image.read(world.folder.appendingPathComponent("images/d\(i).png"))
                let features = model.features(model.configuration.preprocessing.prepare(image).tensor)
                let words = try model.read("what color is the square?").words
                let attention = head.look(
                    features: Variable(features), embedded: head.embed([words]), lengths: [words.count], dropout: nil
                ).attention
                let box = try XCTUnwrap(world.boxes["d\(i).png"])
                let coverage = try BoxCoverage(
                    [("d\(i).png", world.folder.appendingPathComponent("images/d\(i).png"))],
                    preprocessing: model.configuration.preprocessing, augmentation: .none, isNeeded: { _ in true })
                let cells = coverage.cells(
                    of: [box], image: 0, copy: 0, rows: features.shape[1], columns: features.shape[2])
                return zip(cells, attention.array).reduce(0) { $0 + $1.0 * $1.1 }
            }
            return parts.reduce(0, +) / 6
        }
        var options = Self.options
        (options.kind, options.normalisesImage, options.grounding) = (.bilinearAttention, true, 4)
        try makeTrainer("taught", options, train: boxed).run(resume: false)
        options.grounding = 0
        try makeTrainer("alone", options, train: boxed).run(resume: false)
        XCTAssertGreaterThan(try inside("taught"), 1.3 * (try inside("alone")))
    }

    func testDefaults_ofHeads_areThoseThatTheyLearnBestWith() {
        var options = VQATrainingOptions()
        options.setDefaults(of: .bilinearAttention, hasBoxes: true)
        XCTAssertEqual(options.grounding, 0.5)
        XCTAssertTrue(options.normalisesImage)
        options.setDefaults(of: .bilinearAttention, hasBoxes: false)
        XCTAssertEqual(options.grounding, 0)
        options.setDefaults(of: .stackedAttention, hasBoxes: true)
        XCTAssertEqual(options.grounding, 0)
        XCTAssertFalse(options.normalisesImage)
    }

    func testVQATrainer_thatCannotLearnFromBoxes_isRefused() throws {
        var options = Self.options
        options.grounding = 1
        XCTAssertThrowsError(try makeTrainer("deeper", options)) {
            XCTAssertTrue("\($0)".contains("deeper-lstm has no attention that boxes could teach"), "\($0)")
        }
        options.kind = .stackedAttention
        XCTAssertThrowsError(try makeTrainer("boxless", options)) {
            XCTAssertTrue("\($0)".contains("no question has boxes"), "\($0)")
        }
    }

    /// In a mirror image left and right change places, in the question and in the answer.
    func testItem_ofAQuestionAboutSides_isExchangedForMirrorImages() throws {
        let words = ["is", "the", "dog", "on", "left", "or", "right", "a"]
        let vocabulary = Vocabulary(tokens: [words], minimumCount: 1)
        func item(_ text: String, _ answer: String) -> VQATask.Item? {
            VQATask.item(
                Question(image: "a.png", text: text, answer: answer), text.split(separator: " ").map(String.init),
                vocabulary, ["left": 0, "right": 1, "yes": 2, "dog": 3], longest: 30)
        }
        let side = try XCTUnwrap(item("is the dog on the left or right", "left"))
        XCTAssertEqual(side.answer, 0)
        XCTAssertEqual(side.mirrored?.answer, 1)
        XCTAssertEqual(side.shown(isMirrored: false).answer, 0)
        XCTAssertEqual(side.shown(isMirrored: true).answer, 1)
        XCTAssertEqual(side.shown(isMirrored: true).words, side.mirrored?.words)
        XCTAssertEqual(
            side.mirrored?.words, vocabulary.encode(["is", "the", "dog", "on", "the", "right", "or", "left"]))
        let yes = try XCTUnwrap(item("is the dog on the left", "yes"))
        XCTAssertEqual(yes.mirrored?.answer, 2)
        XCTAssertEqual(yes.mirrored?.words, vocabulary.encode(["is", "the", "dog", "on", "the", "right"]))
        XCTAssertNil(try XCTUnwrap(item("is the dog a dog", "yes")).mirrored)
        XCTAssertNil(item("is the dog a dog", "zebra"), "no answer of the model's")
    }

    func testQuestionSplit_everyFifthImage_keepsImagesTogether() {
        let all = questions("t", 10, from: 0)
        let (held, others) = QuestionDataset.split(all, every: 5)
        XCTAssertEqual(Set(held.map(\.image)), ["t4.png", "t9.png"])
        XCTAssertEqual(held.count + others.count, all.count)
        XCTAssertTrue(Set(held.map(\.image)).isDisjoint(with: others.map(\.image)))
    }

    /// Every question has the same weight, whatever the number of its image's questions.
    func testBatchRows_ofUnequalQuestions_areWeightedEqually() {
        let (rows, weights) = VQATask.rows([["a", "b", "c"], ["d"]])
        XCTAssertEqual(rows, ["a", "b", "c", "d", "d", "d"])
        XCTAssertEqual(weights, [0.25, 0.25, 0.25, 0.25, 0, 0])
    }
}
