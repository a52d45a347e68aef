import Foundation
import XCTest

/// Standard output and standard error that are closed or full. A shell opens and closes them.
final class StreamTests: ProgramTestCase {
    /// Runs mmx in a shell.
    /// - Parameters:
    ///   - arguments: behind `mmx`, with redirections.
    ///   - before: what the shell does first.
    private func shell(_ arguments: String, before: String = "") throws -> Outcome {
        try run(
            ["-c", "\(before)'\(Self.program.path)' \(arguments)"], program: URL(fileURLWithPath: "/bin/bash"))
    }

    private var explain: String { "caption toy.png --model '\(Self.model.path)' --explain-word square" }

    /// Every command's results.
    private var commands: [String] {
        let fixtures = Self.model.deletingLastPathComponent().path
        return [
            explain, explain + " --json", "vqa toy.png 'is there a red circle?' --model '\(fixtures)/toy-vqa' --json",
            "model info tiny --json", "model verify '\(Self.model.path)'", "model list --json",
            "bench layers --model tiny --json",
            "caption --list-methods", "--help", "caption --help", "--version",
        ]
    }

    func testStandardOutput_full_isAnErrorWithItsExitCode() throws {
        for command in commands {
            let outcome = try shell("\(command) > /dev/full")
            XCTAssertEqual(outcome.code, 6, command)
            XCTAssertEqual(
                outcome.errors.split(separator: "\n").last,
                "mmx: cannot write the results to standard output: No space left on device", command)
        }
        XCTAssertTrue(files().contains("toy-explanation.json"), "\(files())")
    }

    func testStandardOutput_closed_isAnErrorAndFilesAreWhole() throws {
        let outcome = try shell("\(explain) >&-")
        XCTAssertEqual(outcome.code, 6)
        XCTAssertTrue(outcome.errors.hasPrefix("mmx: cannot write the results to standard output: "), outcome.errors)
        let whole = try mmx("caption", "toy.png", "--model", Self.model.path, "--explain-word", "square", "--json")
        try assertPrinted(whole.output, isFile: "toy-explanation.json")
    }

    func testStandardOutput_readerGone_endsQuietly() throws {
        let outcome = try shell("caption --list-methods | true; exit ${PIPESTATUS[0]}")
        XCTAssertEqual(outcome.errors, "")
        // 141: the signal SIGPIPE; 0 where the pipe still took everything.
        XCTAssertTrue([0, 141].contains(outcome.code), "\(outcome.code)")
        // A program that ignores the signal hands this on; then it is an error as others are. The reader ends first.
        let ignored = try shell("caption --list-methods | true; exit ${PIPESTATUS[0]}", before: "trap '' PIPE; ")
        XCTAssertTrue([0, 6].contains(ignored.code), "\(ignored.code)")
    }

    /// Warnings, errors and progress that nobody can read change nothing else.
    func testStandardError_closedOrFull_changesNothing() throws {
        let warned = explain + " --caption 'a purple square' --method score-cam"
        let expected = try shell(warned)
        XCTAssertTrue(expected.errors.contains("mmx: warning: "), expected.errors)
        for redirection in ["2>&-", "2> /dev/full", "2> >(true)"] {
            try FileManager.default.removeItem(at: url("mmx-output"))
            let outcome = try shell("\(warned) \(redirection)")
            XCTAssertEqual(outcome.code, 0, redirection)
            XCTAssertEqual(outcome.output, expected.output, redirection)
            XCTAssertTrue(files().contains("toy-explanation.json"), redirection)
            XCTAssertEqual(
                try shell("caption missing.png --model '\(Self.model.path)' \(redirection)").code, 3, redirection)
            XCTAssertEqual(try shell("caption toy.png --no-such-option \(redirection)").code, 64, redirection)
        }
        // No stream at all: nothing that is opened may take its place.
        try FileManager.default.removeItem(at: url("mmx-output"))
        XCTAssertEqual(try shell("\(warned) <&- >&- 2>&-").code, 6)
        XCTAssertEqual(files().filter { $0.hasSuffix(".json") }, ["toy-explanation.json"])
    }

    /// Names in files cannot steer a terminal, and a name of megabytes does not fill it.
    func testNames_withControlCharacters_areEscaped() throws {
        let hostile = "a\u{1B}[2J\u{9B}31m\u{202E}b"
        let outcome = try mmx("caption", "\(hostile).jpg", "--model", Self.model.path)
        XCTAssertEqual(outcome.code, 3)
        XCTAssertTrue(outcome.errors.contains("a\\u{1B}[2J\\u{9B}31m\\u{202E}b.jpg"), outcome.errors)
        XCTAssertFalse(outcome.errors.contains("\u{1B}"))
        let copy = url("model")
        try FileManager.default.copyItem(at: Self.model, to: copy)
        let long = String(repeating: "x", count: 3_000_000)
        try write("model/config.json", "{\"task\": \"\(long)\\u001b[2J\"}")
        let broken = try mmx("caption", "toy.png", "--model", copy.path)
        XCTAssertEqual(broken.code, 4)
        XCTAssertLessThan(broken.errors.utf8.count, 20_000)
        XCTAssertFalse(broken.errors.contains("\u{1B}"))
        // JSON keeps the text, and the terminal is safe all the same.
        try write("names.txt", "toy\u{9B}31m\n")
        let json = try mmx("caption", "toy.png", "--model", Self.model.path, "--caption", "a circle \u{9B}", "--json")
        XCTAssertFalse(json.output.unicodeScalars.contains("\u{9B}"), json.errors)
    }

    func testThreads_notANumber_isWrongUsage() throws {
        for text in ["0", "-3", "abc", "257", "2.5"] {
            let outcome = try run(["model", "info", "tiny"], environment: ["MMX_THREADS": text])
            XCTAssertEqual(outcome.code, 64, text)
            XCTAssertTrue(outcome.errors.hasPrefix("Error: MMX_THREADS is '\(text)'"), outcome.errors)
        }
        for text in ["", "1", "256"] {
            XCTAssertEqual(try run(["model", "info", "tiny"], environment: ["MMX_THREADS": text]).code, 0, text)
        }
    }

    /// Where OpenBLAS gets no memory it would wait for ever, and a small stack would be overrun.
    func testLimits_tooLow_areSaid() throws {
        try XCTSkipIf(
            ProcessInfo.processInfo.environment["MMX_SANITIZER"] != nil, "a sanitizer reserves address space of its own"
        )
        for (option, value) in [("-v", 200_000), ("-s", 128)] {
            let outcome = try shell(explain, before: "ulimit \(option) \(value); ")
            XCTAssertEqual(outcome.code, 1, option)
            XCTAssertTrue(outcome.errors.hasPrefix("mmx: the limit of the "), outcome.errors)
            XCTAssertTrue(outcome.errors.contains("(ulimit \(option))"), outcome.errors)
        }
        XCTAssertEqual(try shell(explain, before: "export MMX_THREADS=2; ulimit -v 800000; ulimit -s 1024; ").code, 0)
        // Every further thread needs a stack.
        let threads = try shell(explain, before: "export MMX_THREADS=256; ulimit -v 800000; ")
        XCTAssertEqual(threads.code, 1, threads.errors)
        XCTAssertTrue(threads.errors.contains("needs at least 3387392: "), threads.errors)
    }
}
