import Foundation
import Support
import Tensors
import TestSupport
import Vision
import Weights
import XCTest

@testable import Tasks

/// The folder of a training: locked, of these images and no others, whole after any interruption, checked when resumed.
final class TrainingFolderTests: XCTestCase {
    private var made: DrawnWorld?

    override func setUpWithError() throws { made = TestChild.folder == nil ? try DrawnWorld(train: 8, dev: 3) : nil }
    override func tearDownWithError() throws { if let made { try FileManager.default.removeItem(at: made.folder) } }

    private func world() throws -> DrawnWorld { try XCTUnwrap(made) }

    private static var options: CaptionTrainingOptions {
        var options = CaptionTrainingOptions()
        (options.encoder, options.decoder) = ("tiny", .showAttendAndTell)
        (options.embedding, options.hidden, options.attention) = (6, 8, 4)
        (options.minimumCount, options.batch, options.captionsPerPicture, options.maximumLength) = (1, 4, 1, 6)
        options.phases = [
            .init(kind: .words, epochs: 3, learningRate: 2e-2, from: "conv1"),
            .init(kind: .words, epochs: 3, learningRate: 1e-2, from: "conv4"),
        ]
        return options
    }

    private static func trainer(
        _ folder: URL, _ name: String, options: CaptionTrainingOptions = options,
        report: @escaping (TrainingEvent) -> Void = { _ in }
    ) throws -> CaptionTrainer {
        func data(_ split: String) throws -> CaptionDataset {
            try CaptionDataset(
                images: folder.appendingPathComponent("images"),
                captions: folder.appendingPathComponent("captions.csv"),
                split: folder.appendingPathComponent(split))
        }
        return try CaptionTrainer(
            options: options, train: data("train.txt"), dev: data("dev.txt"), encoderWeights: nil,
            output: folder.appendingPathComponent(name), report: report)
    }

    private func train(
        _ name: String, options: CaptionTrainingOptions = options, resume: Bool = false,
        report: @escaping (TrainingEvent) -> Void = { _ in }
    ) throws {
        try Self.trainer(world().folder, name, options: options, report: report).run(resume: resume)
    }

    private func file(_ path: String) throws -> URL { try world().folder.appendingPathComponent(path) }

    /// The model's and the training's files by name; without those that hold times and process numbers.
    private func files(_ name: String) throws -> [String: Data] {
        var files: [String: Data] = [:]
        for path in try FileManager.default.subpathsOfDirectory(atPath: file(name).path) {
            if ["training", "training/lock", "training/images.json", "training/state.json"].contains(path) { continue }
            files[path] = try Data(contentsOf: file("\(name)/\(path)"))
        }
        return files
    }

    private func assertSame(_ a: String, _ b: String, line: UInt = #line) throws {
        let (first, second) = (try files(a), try files(b))
        XCTAssertEqual(first.keys.sorted(), second.keys.sorted(), line: line)
        for (name, data) in first { XCTAssertEqual(data, second[name], "\(name) of \(a) and \(b)", line: line) }
    }

    // MARK: The images

    /// Every image is replaced by another under the same name: the model is that of the new images. When nothing has
    /// changed, nothing is computed.
    func testCaptionTrainer_ofReplacedImages_computesTheirFeatures() throws {
        var cached = 0
        func train(_ name: String) throws {
            cached = 0
            try self.train(name) { if case .caching = $0 { cached += 1 } }
        }
        try train("run")
        let old = try files("run")
        XCTAssertGreaterThan(cached, 0)
        try train("run")
        XCTAssertEqual(cached, 0)
        XCTAssertEqual(try files("run"), old)
        for i in 0..<8 {
            let gray = UInt8(20 * i)
            try Image(width: 64, height: 64, color: (gray, 255 - gray, 90)).write(to: file("images/t\(i).png"))
        }
        try train("run")
        XCTAssertGreaterThan(cached, 0)
        try train("fresh")
        XCTAssertNotEqual(try files("run")["model.safetensors"], old["model.safetensors"])
        try assertSame("run", "fresh")
    }

    // MARK: Two processes

    func testCaptionTrainer_inALockedFolder_isRefused() throws {
        try FileManager.default.createDirectory(at: file("run/training"), withIntermediateDirectories: true)
        let lock = try FolderLock(file("run/training"))
        XCTAssertThrowsError(try train("run")) { error in
            for part in ["run/training", "process \(getpid()) is at work in this folder"] {
                XCTAssertTrue("\(error)".contains(part), "\(error)")
            }
        }
        lock.release()
        // The folder is free again after a training, also one that fails.
        var options = Self.options
        options.phases[0].from = "nowhere"
        XCTAssertThrowsError(try train("run", options: options))
        XCTAssertNoThrow(try train("run"))
        XCTAssertNoThrow(try train("run"))
    }

    /// A process that trains into `killed`, or goes on there; it has locked the folder.
    private func startChild() throws -> TestChild {
        let child = try TestChild("TasksTests.TrainingFolderTests/testChild_trains", folder: world().folder)
        let lock = try file("killed/training/lock")
        child.wait { (try? String(contentsOf: lock, encoding: .utf8)) == "\(child.number)\n" }
        return child
    }

    /// While a process trains, another is refused and spoils nothing.
    func testCaptionTrainer_besideAnotherProcess_isRefused() throws {
        try train("whole")
        // On a busy machine it may be over before it is stopped. A stopped process keeps its lock.
        var stopped: TestChild?
        for _ in 0..<5 where stopped == nil {
            try? FileManager.default.removeItem(at: file("killed"))
            let child = try startChild()
            kill(child.number, SIGSTOP)
            if child.isRunning { stopped = child }
        }
        let child = try XCTUnwrap(stopped)
        XCTAssertThrowsError(try train("killed")) { error in
            XCTAssertTrue("\(error)".contains("process \(child.number) is at work in this folder"), "\(error)")
        }
        kill(child.number, SIGCONT)
        let outcome = child.finish()
        XCTAssertTrue(outcome.succeeded, outcome.text)
        try assertSame("whole", "killed")
    }

    // MARK: Interruptions

    /// Killed again and again at any moment and resumed, a training ends with the bytes of one that was not killed.
    /// `MMX_KILLS` sets the number of kills.
    func testCaptionTrainer_killedAndResumedAgainAndAgain_givesTheSameBytes() throws {
        try train("whole")
        var random = SeededGenerator(seed: 19)
        var kills = 0
        var rounds = 0
        let wanted = ProcessInfo.processInfo.environment["MMX_KILLS"].flatMap(Int.init) ?? 8
        while kills < wanted {
            let child = try startChild()
            usleep(UInt32(random.next() % 250_000))
            if child.kill() {
                kills += 1
            } else {
                // It has ended before the signal came: a whole training, and the next one begins anew.
                try assertSame("whole", "killed")
                try FileManager.default.removeItem(at: file("killed"))
                rounds += 1
            }
            if rounds > 10 * wanted { return XCTFail("the trainings end before they are killed") }
        }
        let last = try TestChild("TasksTests.TrainingFolderTests/testChild_trains", folder: world().folder).finish()
        XCTAssertTrue(last.succeeded, last.text)
        try assertSame("whole", "killed")
    }

    /// A run that was killed after its checkpoint, before it removed the one before.
    func testCaptionTrainer_resumed_removesOtherCheckpoints() throws {
        try train("whole")
        let kept = try files("whole").keys.sorted()
        for name in ["parameters-1", "average-1", "adam-1", "best-99"] {
            try Data("old".utf8).write(to: file("whole/training/\(name).safetensors"))
        }
        try Data("mine".utf8).write(to: file("whole/training/notes.safetensors"))
        try train("whole", resume: true)
        XCTAssertEqual(try files("whole").keys.sorted(), (kept + ["training/notes.safetensors"]).sorted())
    }

    /// Runs as a child only: trains, or goes on.
    func testChild_trains() throws {
        guard let folder = TestChild.folder else { return }
        try Self.trainer(folder, "killed").run(resume: true)
    }

    /// Killed after the first epoch of a phase, between its best weights and its checkpoint: the phase begins again
    /// from the best weights before it.
    func testCaptionTrainer_killedBeforeAPhasesFirstCheckpoint_startsItFromTheSameWeights() throws {
        var options = Self.options
        options.phases[0].epochs = 1
        options.phases[1].epochs = 1
        try train("whole", options: options) { event in
            guard case .epoch(let epoch) = event, epoch.epoch == 1, let world = self.made else { return }
            try? FileManager.default.copyItem(at: world.output("whole"), to: world.output("stopped"))
        }
        // The best weights of the second epoch, whatever its score.
        let best = try file("stopped/training/best-2.safetensors")
        try FileManager.default.copyItem(at: file("whole/training/parameters-2.safetensors"), to: best)
        try train("stopped", options: options, resume: true)
        try assertSame("whole", "stopped")
    }

    /// A disk that is full at any point (here: files may have so many bytes) is an error; the old model stays, and
    /// nothing is left behind.
    func testCaptionTrainer_onAFullDisk_keepsTheOldModel() throws {
        try train("killed")
        let old = try files("killed").filter { !$0.key.hasPrefix("training/") }
        let sizes = try files("killed").mapValues(\.count)
        XCTAssertEqual(
            old.keys.sorted(),
            ["calibration.json", "calibration.safetensors", "config.json", "model.safetensors", "vocabulary.txt"])
        let model = try XCTUnwrap(sizes["model.safetensors"])
        var failures = 0
        for limit in [0, 2, 100, 5_000, model - 1, model, 2 * model, 1 << 30] {
            try Data("\(limit)".utf8).write(to: file("limit"))
            let child = try TestChild(
                "TasksTests.TrainingFolderTests/testChild_trainsInLittleSpace", folder: world().folder)
            let outcome = child.finish()
            let now = try files("killed")
            if !outcome.succeeded {
                failures += 1
                XCTAssertTrue(outcome.text.contains("cannot write "), outcome.text)
                XCTAssertTrue(outcome.text.contains("File too large"), outcome.text)
                XCTAssertEqual(now.filter { !$0.key.hasPrefix("training/") }, old, "\(limit)")
            }
            XCTAssertEqual(now.keys.filter { $0.contains(".mmx-") }, [], "\(limit)")
            XCTAssertNoThrow(try Captioner.load(file("killed")))
        }
        XCTAssertTrue((3...7).contains(failures), "\(failures)")
    }

    /// Runs as a child only: trains with another seed, where files may have few bytes.
    func testChild_trainsInLittleSpace() throws {
        guard let folder = TestChild.folder else { return }
        let limit = try XCTUnwrap(
            Int(String(contentsOf: folder.appendingPathComponent("limit"), encoding: .utf8)))
        signal(SIGXFSZ, SIG_IGN)
        var options = Self.options
        options.seed = 2
        let trainer = try Self.trainer(folder, "killed", options: options)
        var bound = rlimit(rlim_cur: rlim_t(limit), rlim_max: rlim_t(limit))
        XCTAssertEqual(setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &bound), 0)
        try trainer.run(resume: false)
    }

    /// The same on a small disk in memory, which root alone may mount.
    func testCaptionTrainer_onAFullTemporaryFileSystem_keepsTheOldModel() throws {
        let disk = try file("disk")
        try FileManager.default.createDirectory(at: disk, withIntermediateDirectories: true)
        guard mount("tmpfs", disk.path, "tmpfs", 0, "size=4m") == 0 else {
            throw XCTSkip("a file system cannot be mounted here: \(systemMessage(errno))")
        }
        defer { umount2(disk.path, Int32(MNT_DETACH)) }
        try train("disk/model")
        func model() throws -> [String: Data] { try files("disk/model").filter { !$0.key.hasPrefix("training/") } }
        let old = try model()
        var other = Self.options
        other.seed = 2
        let filler = try file("disk/filler")
        for free in [0, 8, 40, 100] {
            // All of the disk but `free` kB.
            let handle = open(filler.path, O_WRONLY | O_CREAT | O_TRUNC, 0o666)
            let page = [UInt8](repeating: 1, count: 4096)
            var pages: off_t = 0
            while write(handle, page, page.count) == page.count { pages += 1 }
            XCTAssertEqual(ftruncate(handle, (pages - off_t(free / 4)) * 4096), 0)
            close(handle)
            XCTAssertThrowsError(try train("disk/model", options: other), "\(free) kB") {
                XCTAssertTrue("\($0)".contains("cannot write ") && "\($0)".contains("No space left"), "\($0)")
            }
            XCTAssertEqual(try model(), old, "\(free) kB")
            let names = try FileManager.default.subpathsOfDirectory(atPath: file("disk/model").path)
            XCTAssertEqual(names.filter { $0.contains(".mmx-") }, [], "\(free) kB")
            try FileManager.default.removeItem(at: filler)
        }
        try train("disk/model", options: other)
        XCTAssertNotEqual(try model(), old)
    }

    // MARK: Checkpoints that do not fit

    private func assertRefusesToResume(_ parts: String..., line: UInt = #line) throws {
        XCTAssertThrowsError(try train("run", resume: true), line: line) { error in
            for part in parts {
                XCTAssertTrue("\(error)".contains(part), "'\(error)' does not say '\(part)'", line: line)
            }
        }
    }

    func testCaptionTrainer_resumingDamagedTensors_isRefusedByName() throws {
        var options = Self.options
        options.phases = [options.phases[1]]
        options.phases[0].epochs = 1
        try train("run", options: options)
        for name in ["parameters", "average", "adam", "best"] {
            let url = try file("run/training/\(name)-1.safetensors")
            let good = try Data(contentsOf: url)
            let state = try SafeTensors.read(url).mapValues { $0.copy() }
            let some = try XCTUnwrap(state.keys.sorted().first { state[$0].map { $0.count > 1 } ?? false })
            func refused(
                _ part: String, type: SafeTensors.DataType = .f32, line: UInt = #line,
                _ change: (inout [String: Tensor]) -> Void
            ) throws {
                var damaged = state
                change(&damaged)
                try SafeTensors.write(damaged, to: url, type: type)
                try assertRefusesToResume("training/\(name)-1.safetensors", part, line: line)
                try good.write(to: url)
            }
            try refused("strange") { $0["strange"] = Tensor([1]) }
            try refused("\(some) (expected") { $0[some] = $0[some]?.reshaped([1, -1]).copy() }
            try refused("of type F16", type: .f16) { _ in }
            if name != "average" { try refused("missing: ") { $0[some] = nil } }
            try FileManager.default.removeItem(at: url)
            try assertRefusesToResume("training/\(name)-1.safetensors")
            try good.prefix(good.count / 2).write(to: url)
            try assertRefusesToResume("training/\(name)-1.safetensors")
            try good.write(to: url)
        }
        XCTAssertNoThrow(try train("run", options: options, resume: true))
    }

    func testCaptionTrainer_resumingHostileNumbers_isRefusedByName() throws {
        var options = Self.options
        options.phases = [options.phases[1]]
        options.phases[0].epochs = 1
        try train("run", options: options)
        let url = try file("run/training/state.json")
        let good = try String(contentsOf: url, encoding: .utf8)
        func refused(_ key: String, _ value: String, _ part: String, line: UInt = #line) throws {
            let bad = good.replacingOccurrences(
                of: "\"\(key)\" : [0-9]+", with: "\"\(key)\" : \(value)", options: .regularExpression)
            XCTAssertNotEqual(bad, good, key, line: line)
            try Data(bad.utf8).write(to: url)
            try assertRefusesToResume("state.json", "is not a training checkpoint", part, line: line)
        }
        for value in ["-1", "0", "2", "9223372036854775807"] { try refused("next", value, "'next' is \(value)") }
        for value in ["-1", "0", "2", "9223372036854775807"] { try refused("best", value, "'best' is \(value)") }
        for key in ["averagedSteps", "optimizerSteps"] {
            for value in ["-1", "9223372036854775807"] { try refused(key, value, "'\(key)' is \(value)") }
        }
        for key in ["next", "averagedSteps"] {
            for value in ["1e400", "99999999999999999999", "0.5", "\"1\"", "null", "[1]"] {
                try refused(key, value, "another folder")
            }
        }
        // What is there and cannot be read is no reason to begin again.
        try FileManager.default.removeItem(at: url)
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        try assertRefusesToResume("state.json", "is a folder")
    }
}
