import Foundation
import TestSupport
import XCTest

/// `mmx evaluate caption` and `mmx train caption`: results, and data sets and weights that cannot be used.
final class DataSetTests: ProgramTestCase {
    override func setUpWithError() throws {
        try super.setUpWithError()
        try writeToyWorld(to: url("world"), seed: 2_024, train: 6, dev: 12)
    }

    private func evaluate(_ arguments: String..., split: String? = "dev.txt", captions: String = "captions.csv") throws
        -> Outcome
    {
        try run(
            [
                "evaluate", "caption", "--images", "world/images", "--captions", "world/\(captions)", "--model",
                Self.model.path,
            ]
                + (split.map { ["--split", "world/\($0)"] } ?? []) + arguments)
    }

    private func train(_ arguments: String..., train: String = "train.txt", captions: String = "captions.csv") throws
        -> Outcome
    {
        try run(trainArguments(train: train, captions: captions) + arguments)
    }

    private func trainArguments(train: String = "train.txt", captions: String = "captions.csv") -> [String] {
        [
            "train", "caption", "--images", "world/images", "--captions", "world/\(captions)", "--train",
            "world/\(train)", "--dev",
            "world/dev.txt", "--encoder", "tiny", "--output", "out", "--epochs", "1", "--embedding", "8", "--hidden",
            "8",
            "--attention", "4", "--minimum-count", "1", "--batch", "2", "--captions-per-picture", "1",
        ]
    }

    // MARK: Evaluation

    func testEvaluateCaption_toyWorld_printsScoresAndPredictions() throws {
        let outcome = try evaluate("--json", "--predictions", "predictions.jsonl")
        XCTAssertEqual(outcome.code, 0, outcome.errors)
        XCTAssertEqual(outcome.output.split(separator: "\n").count, 1)
        let scores = try JSONDecoder().decode([String: Double].self, from: Data(outcome.output.utf8))
        let keys = ["bleu1", "bleu2", "bleu3", "bleu4", "ciderD", "images", "rougeL"]
        XCTAssertEqual(scores.keys.sorted(), keys)
        let places = keys.compactMap { outcome.output.range(of: "\"\($0)\":")?.lowerBound }
        XCTAssertEqual(places.count, keys.count)
        XCTAssertEqual(places, places.sorted())
        XCTAssertEqual(scores["images"], 12)
        // The model has learnt this world (ToyCaptionerTests).
        XCTAssertGreaterThan(try XCTUnwrap(scores["bleu1"]), 0.7)
        XCTAssertLessThanOrEqual(try XCTUnwrap(scores["bleu1"]), 1)
        XCTAssertGreaterThan(try XCTUnwrap(scores["ciderD"]), 3)

        let lines = try String(contentsOf: url("predictions.jsonl"), encoding: .utf8).split(separator: "\n")
        let predictions = try lines.map { try JSONDecoder().decode([String: String].self, from: Data($0.utf8)) }
        XCTAssertEqual(predictions.map { $0["image"] }, (6..<18).map { "\($0).png" })
        XCTAssertTrue(predictions.allSatisfy { $0.keys.sorted() == ["caption", "image"] })
        XCTAssertTrue(lines.allSatisfy { $0.hasPrefix("{\"caption\":") })
        for prediction in predictions.prefix(2) {
            let image = try XCTUnwrap(prediction["image"])
            let words = try XCTUnwrap(prediction["caption"])
            XCTAssertEqual(try caption("world/images/\(image)").output, words + "\n")
        }
        XCTAssertEqual(try evaluate("--json").output, outcome.output)
    }

    func testEvaluateCaption_limit_printsTable() throws {
        let outcome = try evaluate("--limit", "3", "--beam", "1", split: nil)
        XCTAssertEqual(outcome.code, 0, outcome.errors)
        let names = outcome.output.split(separator: "\n").map { $0.split(separator: " ")[0] }
        XCTAssertEqual(names, ["images", "BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "ROUGE-L", "CIDEr-D"])
        XCTAssertTrue(outcome.output.hasPrefix("images   3\n"), outcome.output)
    }

    func testEvaluateCaption_badData_isRefused() throws {
        try write("world/empty.txt", "\n")
        assertFails(try evaluate(split: "empty.txt"), 5, "world/empty.txt", "the split is empty")
        assertFails(try evaluate(split: "absent.txt"), 5, "world/absent.txt", "is missing")
        assertFails(try evaluate(captions: "absent.csv"), 5, "world/absent.csv", "is missing")
        assertFails(try evaluate("--predictions", "nowhere/p.jsonl"), 6, "nowhere/p.jsonl", "does not exist")
        let png = try Data(contentsOf: url("world/images/9.png"))
        try png.prefix(png.count / 2).write(to: url("world/images/9.png"))
        assertFails(try evaluate("--predictions", "p.jsonl"), 3, "world/images/9.png")
        XCTAssertFalse(FileManager.default.fileExists(atPath: url("p.jsonl").path))
    }

    // MARK: Training

    func testTrainCaption_toyWorld_writesAModelThatCaptions() throws {
        let outcome = try train()
        XCTAssertEqual(outcome.code, 0, outcome.errors)
        XCTAssertEqual(outcome.output, "out\n")
        XCTAssertTrue(outcome.errors.contains("6 training and 12 dev images"), outcome.errors)
        XCTAssertEqual(
            files("out"),
            [
                "calibration.json", "calibration.safetensors", "config.json", "model.safetensors", "training",
                "vocabulary.txt",
            ])
        XCTAssertEqual(try caption("toy.png", model: url("out")).code, 0)
        XCTAssertEqual(try train("--resume").code, 0)
        assertFails(try train("--resume", "--seed", "5"), 4, "out/training/state.json", "other options")
    }

    /// Where standard error is closed, no file that stays open gets its number: progress would be written into it.
    func testTrainCaption_withoutStandardStreams_writesProgressIntoNoFile() throws {
        XCTAssertEqual(try train("--output", "whole").code, 0)
        let arguments = (trainArguments() + ["--output", "closed"]).joined(separator: " ")
        let outcome = try run(
            ["-c", "'\(Self.program.path)' \(arguments) <&- >&- 2>&-"], program: URL(fileURLWithPath: "/bin/bash"))
        // The folder's name cannot be printed.
        XCTAssertEqual(outcome.code, 6)
        let lock = try String(contentsOf: url("closed/training/lock"), encoding: .utf8)
        XCTAssertNotNil(lock.wholeMatch(of: /[0-9]+\n/), lock)
        for name in files("closed") where name != "training" {
            XCTAssertEqual(
                try Data(contentsOf: url("closed/\(name)")), try Data(contentsOf: url("whole/\(name)")), name)
        }
    }

    /// A run that is killed and resumed gives the bytes of one that is not, although the hash tables of the two
    /// processes have different orders.
    func testTrainCaption_killedAndResumed_givesTheSameBytes() throws {
        let more = ["--epochs", "12", "--reward-epochs", "2", "--learning-rate", "0.02"]
        XCTAssertEqual(try run(trainArguments() + more + ["--output", "whole"]).code, 0)
        func killed() throws -> Bool {
            try? FileManager.default.removeItem(at: url("killed"))
            let process = Process()
            let errors = url("killed.txt")
            try Data().write(to: errors)
            process.executableURL = Self.program
            process.arguments = trainArguments() + more + ["--output", "killed"]
            process.currentDirectoryURL = folder
            process.standardOutput = FileHandle.nullDevice
            process.standardError = try FileHandle(forWritingTo: errors)
            try process.run()
            while process.isRunning, try !String(contentsOf: errors, encoding: .utf8).contains("epoch 3 (") {
                usleep(500)
            }
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            return process.terminationReason == .uncaughtSignal
        }
        // On a busy machine the run may be over before the signal comes.
        XCTAssertTrue(try (0..<5).contains { _ in try killed() })
        let resumed = try run(trainArguments() + more + ["--output", "killed", "--resume"])
        XCTAssertEqual(resumed.code, 0, resumed.errors)
        XCTAssertTrue(resumed.errors.contains("resuming at epoch "), resumed.errors)
        XCTAssertEqual(files("whole"), files("killed"))
        XCTAssertEqual(files("whole/training"), files("killed/training"))
        let training = ["parameters", "average", "adam"].map { "training/\($0)-14.safetensors" }
        for name in ["model.safetensors", "config.json", "vocabulary.txt"] + training {
            XCTAssertEqual(
                try Data(contentsOf: url("whole/\(name)")), try Data(contentsOf: url("killed/\(name)")), name)
        }
    }

    func testTrainCaption_badData_isRefused() throws {
        try write("world/empty.txt", "\n")
        assertFails(try train(train: "empty.txt"), 5, "world/empty.txt", "the split is empty")
        assertFails(try train(captions: "absent.csv"), 5, "world/absent.csv", "is missing")
        try write("world/strange.txt", "0.png\nz.png\n")
        assertFails(try train(train: "strange.txt"), 5, "world/strange.txt", "line 2", "z.png has no captions")
        try write("world/bad.csv", "picture;text\n0.png;a dog\n")
        assertFails(try train(captions: "bad.csv"), 5, "world/bad.csv", "line 1", "has no comma")
        try write("world/bad.csv", "picture,text\n0.png,a dog\n")
        assertFails(try train(captions: "bad.csv"), 5, "world/bad.csv", "line 1", "image,caption")
        assertFails(try train("--images", "nowhere"), 5, "nowhere", "image folder")
        assertFails(try train("--encoder", "resnet"), 4, "'resnet'")
        try FileManager.default.removeItem(at: url("world/images/3.png"))
        assertFails(try train(), 5, "world/images/3.png", "the image is missing")
        XCTAssertEqual(files("out"), [])
        try write("taken", "a file")
        try Data(contentsOf: url("toy.png")).write(to: url("world/images/3.png"))
        assertFails(try train("--output", "taken"), 6, "cannot write", "taken is not a folder")
        XCTAssertEqual(try train("--epochs", "0").code, 64)
        XCTAssertEqual(try train("--tune-epochs", "1").code, 64)
    }

    /// A pickle that would run a command in Python is refused with the name that it asks for. Nothing is run.
    func testTrainCaption_hostileCheckpoint_isRefusedByName() throws {
        func number<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
            withUnsafeBytes(of: value.littleEndian) { Array($0) }
        }
        let marker = url("was-executed").path
        let command = Array("touch \(marker)".utf8)
        // PyTorch's older format: the magic number, the protocol and the machine, each a pickle, then the object.
        let head: [UInt8] = [
            0x80, 2, 0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E, 0x80, 2, 0x4D, 0xE9, 3,
            0x2E, 0x80, 2, 0x7D, 0x2E,
        ]
        for (module, name) in [("posix", "system"), ("os", "system"), ("builtins", "eval"), ("torch", "load")] {
            // GLOBAL module name, BINUNICODE command, TUPLE1, REDUCE, STOP
            let object =
                [0x80, 2, 0x63] + Array("\(module)\n\(name)\n".utf8) + [0x58] + number(UInt32(command.count)) + command
                + [0x85, 0x52, 0x2E]
            let storages: [UInt8] = [0x80, 2, 0x5D, 0x2E]
            try Data(head + object + storages).write(to: url("weights.pth"))
            assertFails(
                try train("--encoder-weights", "weights.pth"), 4, "weights.pth", "\(module).\(name)", "nothing was run")
        }
        XCTAssertFalse(FileManager.default.fileExists(atPath: marker))
        try Data(contentsOf: url("toy.png")).write(to: url("weights.pth"))
        assertFails(try train("--encoder-weights", "weights.pth"), 4, "weights.pth")
        assertFails(try train("--encoder-weights", "missing.pth"), 4, "missing.pth")
        XCTAssertEqual(files("out"), [])
    }
}
