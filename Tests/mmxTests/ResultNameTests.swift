import Foundation
import Tensors
import Vision
import Weights
import XCTest

/// Results of different photographs, questions and options never share a file.
final class ResultNameTests: ProgramTestCase {
    /// Contents of the files in an output folder.
    private func contents(_ name: String) throws -> [String: Data] {
        var found: [String: Data] = [:]
        for file in files(name) { found[file] = try Data(contentsOf: url("\(name)/\(file)")) }
        return found
    }

    private func copyPhoto(_ name: String) throws {
        let copy = url(name)
        try FileManager.default.createDirectory(
            at: copy.deletingLastPathComponent(), withIntermediateDirectories: true)
        try FileManager.default.copyItem(at: url("toy.png"), to: copy)
    }

    private func explain(_ photo: String, _ more: String..., output: String = "out") throws {
        let outcome = try run(
            ["caption", photo, "--model", Self.model.path, "--explain-word", "square", "--output", output] + more)
        XCTAssertEqual(outcome.code, 0, outcome.errors)
    }

    private func ask(_ question: String, _ more: String...) throws {
        let model = Self.model.deletingLastPathComponent().appendingPathComponent("toy-vqa").path
        let outcome = try run(["vqa", "toy.png", question, "--model", model, "--output", "out"] + more)
        XCTAssertEqual(outcome.code, 0, outcome.errors)
    }

    /// Runs each request in turn and checks that it adds files and leaves all others as they were; then runs each again
    /// and checks that nothing is added or changed.
    private func assertDistinct(_ requests: [() throws -> Void], line: UInt = #line) throws {
        var before: [String: Data] = [:]
        for (number, request) in requests.enumerated() {
            try request()
            let after = try contents("out")
            for (name, data) in before { XCTAssertEqual(after[name], data, "\(number): \(name)", line: line) }
            XCTAssertGreaterThanOrEqual(after.count, before.count + 2, "\(number)", line: line)
            before = after
        }
        for request in requests { try request() }
        XCTAssertEqual(try contents("out"), before, line: line)
    }

    func testPhotographs_ofOneNameInTwoFolders_haveTheirOwnFiles() throws {
        for name in ["a/IMG_1.png", "b/IMG_1.png", "a/IMG_1.jpg"] { try copyPhoto(name) }
        try assertDistinct(["a/IMG_1.png", "b/IMG_1.png", "a/IMG_1.jpg"].map { name in { try self.explain(name) } })
        XCTAssertTrue(files("out").contains("IMG_1-02-square-map.npy"), "\(files("out"))")
    }

    func testPhotographs_withNamesOfOtherScripts_keepThem() throws {
        let long = String(repeating: "long", count: 30)
        let names = [
            "\u{5199}\u{771F}", "\u{72AC}\u{753B}", "\u{444}\u{43E}\u{442}\u{43E}", "\u{1F415}", long + "1", long + "2",
        ]
        for name in names { try copyPhoto("\(name).png") }
        try assertDistinct(names.map { name in { try self.explain("\(name).png") } })
        for name in names.prefix(4) { XCTAssertTrue(files("out").contains("\(name)-02-square-map.npy"), name) }
    }

    func testRequests_thatDifferInAnyOption_haveTheirOwnFiles() throws {
        try assertDistinct([
            { try self.explain("toy.png") }, { try self.explain("toy.png", "--counterfactual") },
            { try self.explain("toy.png", "--method", "smoothgrad", "--samples", "2") },
            { try self.explain("toy.png", "--method", "smoothgrad", "--samples", "3") },
            { try self.explain("toy.png", "--opacity", "0.3") }, { try self.explain("toy.png", "--sheet") },
            { try self.explain("toy.png", "--explain-all") },
        ])
    }

    func testQuestions_withTheSameAnswer_haveTheirOwnFiles() throws {
        try assertDistinct([
            { try self.ask("is there a red circle?") }, { try self.ask("is there a circle that is red?") },
            { try self.ask("is there a red circle?", "--explain-question") },
        ])
    }

    /// Maps for a word and maps against it are told apart by their names, sheets and manifests too.
    func testCounterfactual_files_sayAgainst() throws {
        try explain("toy.png", "--sheet", "--drawn-map")
        let plain = files("out")
        XCTAssertEqual(plain.filter { $0.contains("against") }, [])
        try explain("toy.png", "--sheet", "--drawn-map", "--counterfactual")
        XCTAssertEqual(
            files("out").filter { !plain.contains($0) },
            ["drawn.npy", "heatmap.png", "map.npy", "overlay.png"].map { "toy-02-square-against-\($0)" }
                + ["toy-explanation-against.json", "toy-sheet-against.png"])
    }

    /// A file that mmx did not write is kept.
    func testFiles_ofOthers_areNotReplaced() throws {
        try FileManager.default.createDirectory(at: url("out"), withIntermediateDirectories: true)
        try write("out/toy-02-square-overlay.png", "mine")
        try explain("toy.png")
        XCTAssertEqual(try String(contentsOf: url("out/toy-02-square-overlay.png"), encoding: .utf8), "mine")
        let keyed = files("out").filter { $0.contains("-02-square-") && $0 != "toy-02-square-overlay.png" }
        XCTAssertEqual(keyed.count, 3, "\(keyed)")
        try FileManager.default.removeItem(at: url("out/toy-explanation.json"))
        let outcome = try run(
            ["caption", "toy.png", "--model", Self.model.path, "--explain-word", "square", "--output", "out"])
        XCTAssertEqual(outcome.code, 6)
        XCTAssertEqual(outcome.output, "a square and something blue\n")
        XCTAssertTrue(outcome.errors.contains("a file of another request has this name"), outcome.errors)
        XCTAssertTrue(outcome.errors.contains("--output"), outcome.errors)
    }

    /// Sixteen processes with as many photographs of one name.
    func testProcesses_inOneFolder_haveTheirOwnFiles() throws {
        let names = (0..<16).map { "\($0)/same.png" }
        for name in names { try copyPhoto(name) }
        let runs = try names.map { name -> Process in
            let process = Process()
            process.executableURL = Self.program
            process.arguments = [
                "caption", url(name).path, "--model", Self.model.path, "--explain-word", "square", "--output",
                url("out").path,
            ]
            process.standardOutput = FileHandle.nullDevice
            try process.run()
            return process
        }
        for process in runs {
            process.waitUntilExit()
            XCTAssertEqual(process.terminationStatus, 0)
        }
        XCTAssertEqual(files("out").count, 16 * 4, "\(files("out"))")
    }

    /// Killed at moments of a fixed seed: no file is half-written under its name, and the next run removes what is left
    /// under temporary names. MMX_KILLS sets the number of kills.
    func testProcess_killedWhileItWrites_leavesWholeFiles() throws {
        let kills = ProcessInfo.processInfo.environment["MMX_KILLS"].flatMap(Int.init) ?? 24
        var random = SeededGenerator(seed: 19)
        for _ in 0..<kills {
            let process = Process()
            process.executableURL = Self.program
            process.arguments = [
                "caption", url("toy.png").path, "--model", Self.model.path, "--explain-caption", "--explain-all",
                "--sheet", "--output", url("out").path,
            ]
            process.standardOutput = FileHandle.nullDevice
            process.standardError = FileHandle.nullDevice
            try process.run()
            usleep(UInt32(random.uniform() * 60_000))
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            for name in files("out") where !name.hasPrefix(".mmx-") {
                let file = url("out/\(name)")
                switch file.pathExtension {
                case "png": XCTAssertNoThrow(try Image.read(file), name)
                case "npy": XCTAssertNoThrow(try NumPyArray.read(file), name)
                case "json":
                    XCTAssertNoThrow(try JSONSerialization.jsonObject(with: Data(contentsOf: file)), name)
                default: XCTFail(name)
                }
            }
        }
        try explain("toy.png")
        XCTAssertEqual(files("out").filter { $0.hasPrefix(".") }, [])
    }

    func testPhotograph_thatBeginsWithADash_isAFile() throws {
        try copyPhoto("-dash.png")
        try explain("-dash.png")
        XCTAssertTrue(files("out").contains("-dash-02-square-map.npy"), "\(files("out"))")
        assertFails(try mmx("caption", "-missing.jpg", "--model", Self.model.path), 3, "-missing.jpg", "no such file")
    }

    /// A name in Latin-1.
    func testPhotograph_whoseNameIsNotUTF8_isRead() throws {
        let outcome = try run(
            [
                "-c",
                """
                cp toy.png $'caf\\xe9.png' && '\(Self.program.path)' caption $'caf\\xe9.png' --model \
                '\(Self.model.path)' --explain-word square --output out && \
                '\(Self.program.path)' caption toy.png --model '\(Self.model.path)' --explain-word square \
                --output $'d\\xe9/out' && mv $'d\\xe9' folder
                """,
            ], program: URL(fileURLWithPath: "/bin/bash"))
        XCTAssertEqual(outcome.code, 0, outcome.errors)
        XCTAssertTrue(files("out").contains("caf_-02-square-map.npy"), "\(files("out"))")
        XCTAssertEqual(files("folder/out").count, 4, "\(files("folder/out"))")
        let missing = try run(
            ["-c", "'\(Self.program.path)' caption $'th\\xe9.png' --model '\(Self.model.path)'"],
            program: URL(fileURLWithPath: "/bin/bash"))
        assertFails(missing, 3, "th\\xE9.png", "no such file")
    }
}
