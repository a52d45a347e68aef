import Explain
import Foundation
import TestSupport
import Vision
import Weights
import XCTest

/// `mmx train vqa` and `mmx evaluate vqa`: what they write, and data sets, encoders and folders that cannot be used.
final class QuestionTrainingTests: ProgramTestCase {
    private let pictures = 12

    override func setUpWithError() throws {
        try super.setUpWithError()
        try writeToyWorld(to: url("world"), seed: 2_024, train: pictures, dev: 0)
        try write("world/questions.jsonl", lines(0..<pictures).joined())
        try write("world/dev.jsonl", lines(8..<pictures).joined())
    }

    /// The colour of each of the image's shapes, and whether there is a circle.
    private func lines(_ range: Range<Int>) -> [String] {
        range.flatMap { index -> [String] in
            let shapes = ToyScene(seed: 2_024, index: index).shapes
            func line(_ question: String, _ answer: String, _ kind: String) -> String {
                """
                {"answer":"\(answer)","image":"\(index).png","kind":"\(kind)","question":"\(question)"}

                """
            }
            return shapes.map { line("what color is the \($0.form.rawValue)?", $0.color.rawValue, "color") } + [
                line("is there a circle?", shapes.contains { $0.form == .circle } ? "yes" : "no", "yes/no")
            ]
        }
    }

    private func arguments(_ questions: String = "questions.jsonl") -> [String] {
        [
            "train", "vqa", "--images", "world/images", "--questions", "world/\(questions)", "--output", "out",
            "--epochs", "1",
            "--embedding", "8", "--hidden", "8", "--attention", "4", "--minimum-count", "1", "--batch", "4",
            "--dev-every", "4",
        ]
    }

    private func train(_ more: String..., questions: String = "questions.jsonl", encoder: String? = "tiny") throws
        -> Outcome
    {
        try run(arguments(questions) + (encoder.map { ["--encoder", $0] } ?? []) + more)
    }

    private func evaluate(_ more: String..., questions: String = "dev.jsonl", model: String = "./out") throws -> Outcome
    {
        try run(
            ["evaluate", "vqa", "--images", "world/images", "--questions", "world/\(questions)", "--model", model]
                + more)
    }

    // MARK: What they write

    func testTrainVQA_toyWorld_writesAModelThatAnswers() throws {
        let outcome = try train()
        XCTAssertEqual(outcome.code, 0, outcome.errors)
        XCTAssertEqual(outcome.output, "out\n")
        XCTAssertTrue(outcome.errors.contains("27 training questions about 9 images"), outcome.errors)
        XCTAssertTrue(outcome.errors.contains("9 dev questions about 3"), outcome.errors)
        XCTAssertEqual(
            files("out"),
            [
                "answers.txt", "calibration.json", "calibration.safetensors", "config.json", "model.safetensors",
                "training", "vocabulary.txt",
            ])
        XCTAssertEqual(try run(["vqa", "toy.png", "what color is the circle?", "--model", "./out"]).code, 0)
        XCTAssertEqual(try train("--resume").code, 0)
        assertFails(try train("--resume", "--seed", "5"), 4, "out/training/state.json", "other options")
        // A run may be made longer.
        let longer = try train("--resume", "--epochs", "2", "--tune-epochs", "1", "--tune-from", "conv4")
        XCTAssertEqual(longer.code, 0, longer.errors)
        XCTAssertTrue(longer.errors.contains("resuming at epoch 2 of 3"), longer.errors)
        let dev = try train("--dev", "world/dev.jsonl", "--dev-images", "world/images", "--output", "second")
        XCTAssertTrue(dev.errors.contains("12 dev questions about 4"), dev.errors)
        XCTAssertTrue(dev.errors.contains("warning: 4 of the 4 dev images are training images too"), dev.errors)
        XCTAssertFalse(outcome.errors.contains("warning"), outcome.errors)
    }

    /// Killed in the middle of its work and resumed, a run gives the bytes that it gives without.
    func testTrainVQA_killedAndResumed_givesTheSameBytes() throws {
        let more = ["--encoder", "tiny", "--epochs", "40", "--learning-rate", "0.01"]
        XCTAssertEqual(try run(arguments() + more + ["--output", "whole"]).code, 0)
        func killed() throws -> Bool {
            try? FileManager.default.removeItem(at: url("killed"))
            let process = Process()
            let errors = url("killed.txt")
            try Data().write(to: errors)
            process.executableURL = Self.program
            process.arguments = arguments() + more + ["--output", "killed"]
            process.currentDirectoryURL = folder
            process.standardOutput = FileHandle.nullDevice
            process.standardError = try FileHandle(forWritingTo: errors)
            try process.run()
            while process.isRunning, try !String(contentsOf: errors, encoding: .utf8).contains("epoch 3:") {
                usleep(500)
            }
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            return process.terminationReason == .uncaughtSignal
        }
        // On a busy machine the run may be over before the signal comes.
        XCTAssertTrue(try (0..<5).contains { _ in try killed() })
        let resumed = try run(arguments() + more + ["--output", "killed", "--resume"])
        XCTAssertEqual(resumed.code, 0, resumed.errors)
        XCTAssertTrue(resumed.errors.contains("resuming at epoch "), resumed.errors)
        XCTAssertEqual(files("whole"), files("killed"))
        XCTAssertEqual(files("whole/training"), files("killed/training"))
        for name in [
            "model.safetensors", "config.json", "vocabulary.txt", "answers.txt", "training/parameters-40.safetensors",
        ] {
            XCTAssertEqual(
                try Data(contentsOf: url("whole/\(name)")), try Data(contentsOf: url("killed/\(name)")), name)
        }
    }

    func testEvaluateVQA_trainedModel_printsScoresAndPredictions() throws {
        XCTAssertEqual(try train("--epochs", "2").code, 0)
        let outcome = try evaluate("--json", "--predictions", "predictions.jsonl")
        XCTAssertEqual(outcome.code, 0, outcome.errors)
        XCTAssertTrue(outcome.output.hasPrefix("{\"kinds\":{\"color\":{\"accuracy\":"), outcome.output)
        let places = ["\"color\"", "\"yes/no\"", "\"overall\""].compactMap { outcome.output.range(of: $0)?.lowerBound }
        XCTAssertEqual(places.count, 3)
        XCTAssertEqual(places, places.sorted())
        let lines = try String(contentsOf: url("predictions.jsonl"), encoding: .utf8).split(separator: "\n")
        XCTAssertEqual(lines.count, 12)
        XCTAssertTrue(lines[0].hasPrefix("{\"answer\":\"") && lines[0].contains("\"image\":\"8.png\""), "\(lines[0])")
        // The same answers whatever the order and the number of the questions.
        XCTAssertEqual(try evaluate("--predictions", "two.jsonl", "--limit", "2").code, 0)
        XCTAssertEqual(
            try String(contentsOf: url("two.jsonl"), encoding: .utf8), lines.prefix(2).map { $0 + "\n" }.joined())
        XCTAssertEqual(try evaluate("--json").output, outcome.output)
        XCTAssertEqual(try evaluate("--predictions", "/dev/stdout").output.split(separator: "\n").count, 12 + 4)

        assertFails(try evaluate("--predictions", "nowhere/p.jsonl"), 6, "nowhere/p.jsonl", "does not exist")
        assertFails(try evaluate("--predictions", "world"), 6, "world", "folder")
        assertFails(try evaluate(questions: "absent.jsonl"), 5, "world/absent.jsonl", "missing")
        assertFails(try evaluate(model: "nowhere"), 4, "nowhere")
        assertFails(try evaluate(model: Self.model.path), 4, "question answering")
        assertFails(try evaluate("--images", "nowhere"), 5, "nowhere", "image folder")
        try write("world/outside.jsonl", "{\"image\":\"../../toy.png\",\"question\":\"what?\",\"answer\":\"red\"}\n")
        assertFails(try evaluate(questions: "outside.jsonl"), 5, "line 1", "no name of an image inside")
        let png = try Data(contentsOf: url("world/images/9.png"))
        try png.prefix(png.count / 2).write(to: url("world/images/9.png"))
        assertFails(try evaluate("--predictions", "p.jsonl"), 3, "world/images/9.png")
        try FileManager.default.removeItem(at: url("world/images/9.png"))
        assertFails(try evaluate("--predictions", "p.jsonl"), 5, "world/images/9.png", "the image is missing")
        XCTAssertFalse(FileManager.default.fileExists(atPath: url("p.jsonl").path))
        XCTAssertTrue(
            try FileManager.default.contentsOfDirectory(atPath: folder.path).allSatisfy { !$0.hasPrefix(".mmx") })
    }

    // MARK: What cannot be used

    func testTrainVQA_badQuestions_areRefused() throws {
        func refused(_ text: String, _ parts: String..., line: UInt = #line) throws {
            try write("world/bad.jsonl", text)
            let outcome = try run(arguments("bad.jsonl") + ["--encoder", "tiny"])
            for part in ["world/bad.jsonl"] + parts { assertFails(outcome, 5, part, line: line) }
        }
        let good = lines(0..<pictures)
        try refused("", "has no questions")
        try refused(good[0] + String(good[1].dropLast(20)), "line 2", "not valid JSON")
        try refused("what color?\tred\n", "line 1", "not valid JSON")
        try refused("[]\n", "line 1", "an object")
        try refused("{\"image\":\"0.png\",\"question\":\"what?\"}\n", "line 1", "'answer' is missing")
        try refused("{\"image\":\"0.png\",\"question\":\" \",\"answer\":\"red\"}\n", "line 1", "'question' is empty")
        try refused("{\"image\":\"0.png\",\"question\":\"what?\",\"answer\":\"\"}\n", "line 1", "'answer' is empty")
        try refused(
            "{\"image\":\"/0.png\",\"question\":\"what?\",\"answer\":\"red\"}\n", "line 1", "no name of an image")
        try refused(good[0], "too few images to keep every 4-th for dev")
        assertFails(try train(questions: "absent.jsonl"), 5, "world/absent.jsonl", "missing")
        assertFails(try train(questions: "images"), 5, "world/images", "is a folder")
        assertFails(try train("--images", "nowhere"), 5, "nowhere", "image folder")
        assertFails(try train("--dev", "world/absent.jsonl"), 5, "world/absent.jsonl", "missing")
        try write("world/none.jsonl", "\n \n")
        assertFails(try train("--dev", "world/none.jsonl"), 5, "world/none.jsonl", "has no questions")
        assertFails(
            try train("--dev", "world/dev.jsonl", "--dev-images", "world"), 5, "world/8.png", "the image is missing")
        // Questions of many words all of whose answers are left out.
        try write("world/long.jsonl", good.joined().replacingOccurrences(of: "\"answer\":\"", with: "\"answer\":\"a, "))
        assertFails(
            try train("--single-word", questions: "long.jsonl"), 5, "world/long.jsonl", "no question with an answer")
        XCTAssertEqual(files("out"), [])
        // An image that cannot be read is found when its features are computed. No part of a model is written.
        try write("world/images/3.png", "no picture")
        assertFails(try train(encoder: "tiny"), 3, "world/images/3.png")
        XCTAssertEqual(files("out"), ["training"])
        XCTAssertEqual(files("out/training").filter { $0.hasSuffix(".part") || $0.hasSuffix(".safetensors") }, [])
    }

    func testTrainVQA_vqaFilesThatDoNotFit_areRefused() throws {
        try write(
            "world/v_questions.json",
            "{\"data_subtype\":\"val2014\",\"questions\":[{\"question_id\":1,\"image_id\":7,\"question\":\"what?\"}]}")
        func vqa() throws -> Outcome { try train("--format", "vqa", questions: "v_questions.json") }
        assertFails(try vqa(), 5, "v_questions.json", "its annotations are missing", "v_annotations.json")
        try write("world/v_annotations.json", "{\"annotations\":[{\"question_id\":1,\"image_id\":7,\"answers\":[]}]}")
        assertFails(try vqa(), 5, "v_annotations.json", "question_id 1 has no answers")
        try write(
            "world/v_annotations.json",
            "{\"annotations\":[{\"question_id\":1,\"image_id\":7,\"answers\":[{\"answer\":\"a\"}")
        assertFails(try vqa(), 5, "v_annotations.json", "is not valid JSON")
        try write("world/v_annotations.json", "{\"annotations\":[]}")
        assertFails(try vqa(), 5, "v_annotations.json", "question_id 1", "has no annotation")
        let questions = try String(contentsOf: url("world/v_questions.json"), encoding: .utf8)
        try write("world/v_questions.json", String(questions.dropLast(9)))
        assertFails(try vqa(), 5, "v_questions.json", "is not valid JSON")
        XCTAssertEqual(files("out"), [])
    }

    func testTrain_wrongUsage_exitsWith64() throws {
        func usage(_ outcome: Outcome, _ said: String, line: UInt = #line) {
            XCTAssertEqual(outcome.code, 64, outcome.errors, line: line)
            XCTAssertTrue(outcome.errors.contains(said), "'\(outcome.errors)' does not say '\(said)'", line: line)
        }
        usage(try train("--format", "csv"), "csv")
        usage(try train("--output", ""), "--output is empty")
        usage(try train("--epochs", "0"), "no epoch")
        usage(try train("--epochs=-1", "--tune-epochs", "2", "--tune-from", "conv4"), "no epoch")
        usage(try train("--tune-epochs", "1"), "--tune-from")
        usage(try train("--learning-rate", "nan"), "learning rate")
        usage(try train("--learning-rate", "0"), "learning rate")
        usage(try train("--dropout", "1"), "--dropout")
        usage(try train("--batch", "0"), "--batch")
        usage(try train("--hidden", "0"), "--hidden")
        usage(try train("--dev-every", "1"), "--dev-every")
        usage(try train("--dev-images", "world/images"), "--dev-images goes with --dev")
        usage(try train("--shared-encoder", "toy"), "--shared-encoder excludes --encoder")
        usage(try train("--shared-encoder", "toy", "--encoder-weights", "w.pth", encoder: nil), "--encoder-weights")
        usage(
            try train("--shared-encoder", "toy", "--tune-epochs", "1", "--tune-from", "conv4", encoder: nil),
            "--shared-encoder excludes --tune-epochs")
        usage(try evaluate("--limit", "0"), "--limit")
        let help = try mmx("train", "vqa", "--help").output
        let options = [
            "--images", "--questions", "--format", "--dev", "--dev-images", "--dev-every", "--single-word", "--output",
            "--encoder", "--encoder-weights", "--shared-encoder", "--answerer", "--embedding", "--hidden",
            "--attention",
            "--minimum-count", "--maximum-answers", "--epochs", "--learning-rate", "--tune-epochs", "--tune-from",
            "--tune-learning-rate", "--batch", "--questions-per-picture", "--dropout", "--smoothing",
            "--flips/--no-flips",
            "--crops",
            "--seed", "--resume",
        ]
        for option in options { XCTAssertTrue(help.contains("\(option) ") || help.contains("\(option)\n"), option) }
        let caption = try mmx("train", "caption", "--help").output
        for option in ["--captions", "--train", "--dev", "--decoder", "--size", "--reward-epochs", "--vocabulary-file"]
        {
            XCTAssertTrue(caption.contains("\(option) "), option)
        }
    }

    func testTrainVQA_encodersThatDoNotFit_areRefused() throws {
        let weights = Self.model.appendingPathComponent("model.safetensors").path
        assertFails(try train("--encoder", "resnet", encoder: nil), 4, "'resnet'")
        assertFails(
            try train("--encoder-weights", weights, encoder: "efficientnet-lite0"), 4, weights, "_conv_stem", "missing")
        assertFails(try train("--encoder-weights", "missing.pth"), 4, "missing.pth")
        try Data(contentsOf: url("toy.png")).write(to: url("weights.safetensors"))
        assertFails(try train("--encoder-weights", "weights.safetensors"), 4, "weights.safetensors")
        assertFails(
            try train("--tune-epochs", "1", "--tune-from", "conv9", "--epochs", "0"), 4, "conv9", "conv1, conv2")
        try write("taken", "a file")
        assertFails(try train("--output", "taken"), 6, "cannot write", "taken is not a folder")
        assertFails(try train("--output", "taken/below"), 6, "cannot write", "taken")
        assertFails(try train("--shared-encoder", "nowhere", encoder: nil), 4, "nowhere")
        assertFails(try train("--shared-encoder", "world/images", encoder: nil), 4, "world/images", "no model folder")
        XCTAssertEqual(files("out").filter { $0 != "training" }, [])
    }

    // MARK: One encoder for two models

    func testSharedEncoder_captionAndQuestion_runsOnce() throws {
        try FileManager.default.copyItem(at: Self.model, to: url("toy"))
        let trained = try train("--shared-encoder", "./toy", encoder: nil)
        XCTAssertEqual(trained.code, 0, trained.errors)
        XCTAssertTrue(trained.errors.contains("config.json refers to it as ../toy"), trained.errors)
        let keys = try SafeTensors.read(url("out/model.safetensors")).keys
        XCTAssertTrue(keys.allSatisfy { $0.hasPrefix("answerer.") }, "\(keys)")
        assertFails(
            try train("--shared-encoder", "./out", "--output", "third", encoder: nil), 4, "no encoder of its own")
        assertFails(
            try train("--shared-encoder", "./toy", "--output", "toy", encoder: nil), 4, "train into another folder")

        let question = "what color is the circle?"
        let own = try manifest(run(["vqa", "toy.png", question, "--model", "./out", "--json"]))
        XCTAssertEqual(own.model.sharedEncoder?.model, "../toy")
        func both(_ more: String...) throws -> Outcome {
            try run(["caption", "toy.png", "--model", "./toy", "--answerer", "./out", "--output", "both"] + more)
        }
        let outcome = try both(
            "--question", question, "--question", "is there a circl", "--explain-word", "a", "--json")
        XCTAssertEqual(outcome.code, 0, outcome.errors)
        XCTAssertTrue(
            outcome.errors.contains("does not know the word 'circl'; the nearest it knows: circle"), outcome.errors)
        let caption = try JSONDecoder().decode(CaptionManifest.self, from: Data(outcome.output.utf8))
        let answers = try XCTUnwrap(caption.answers)
        XCTAssertEqual(caption.caption, "a square and something blue")
        XCTAssertEqual(answers.questions.map(\.question), [question, "is there a circl"])
        XCTAssertEqual(answers.questions[0].answers.map(\.answer), own.questions[0].answers.map(\.answer))
        XCTAssertEqual(answers.questions[0].scores[0].value, own.questions[0].scores[0].value, accuracy: 1e-5)
        XCTAssertEqual(answers.model.sha256, own.model.sha256)
        XCTAssertEqual(files("both").filter { $0.hasSuffix("-overlay.png") }.count, 3, "\(files("both"))")
        XCTAssertTrue(files("both").contains("toy-answers.json") && files("both").contains("toy-explanation.json"))

        let lines = try both("--question", question).output.split(separator: "\n")
        XCTAssertEqual(lines[0], "a square and something blue")
        XCTAssertEqual(lines[1], "1. \(question)")
        XCTAssertTrue(lines[2].contains(" %  "), "\(lines)")
        XCTAssertEqual(lines.count, 6, "\(lines)")
        // Without a question, all is as before.
        XCTAssertFalse(try plainCaption("toy.png", "--json").contains("\"answers\""))

        assertFails(try both("--question", "quo vadis", "--output", "none"), 2, "knows no word")
        XCTAssertEqual(files("none"), [])
        XCTAssertEqual(try both().code, 64)
        try FileManager.default.removeItem(at: url("toy"))
        assertFails(try run(["vqa", "toy.png", question, "--model", "./out"]), 4, "/toy, where there is no model")
    }

    private func plainCaption(_ arguments: String...) throws -> String {
        try run(["caption", "--model", "./toy"] + arguments).output
    }

    private func manifest(_ outcome: Outcome, line: UInt = #line) throws -> VQAManifest {
        XCTAssertEqual(outcome.code, 0, outcome.errors, line: line)
        return try JSONDecoder().decode(VQAManifest.self, from: Data(outcome.output.utf8))
    }
}
