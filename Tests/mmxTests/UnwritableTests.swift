import Explain
import Foundation
import XCTest

/// A result that is computed is printed, also where its files cannot be written.
final class UnwritableTests: ProgramTestCase {
    private static let fixtures = model.deletingLastPathComponent()

    /// Each command with a request that writes files, and what its text begins with.
    private var requests: [(arguments: [String], start: String)] {
        [
            (
                ["caption", "--model", Self.model.path, "toy.png", "--explain-word", "square", "--explain-all"],
                "a square "
            ),
            (
                ["vqa", "--model", Self.fixtures.appendingPathComponent("toy-vqa").path]
                    + ["toy.png", "is there a red circle?", "--sheet"], " "
            ),
        ]
    }

    /// What the program prints is what it prints with files, but for their paths, and the error follows.
    private func assertPrints(_ request: (arguments: [String], start: String), output: String, file: String) throws {
        let text = try run(request.arguments + ["--output", output])
        XCTAssertEqual(text.code, 6, text.errors)
        let whole = try run(request.arguments + ["--output", "whole"])
        XCTAssertEqual(whole.code, 0, whole.errors)
        let named = whole.output.split(separator: "\n").filter { !$0.contains("/whole/") }
        XCTAssertEqual(text.output.split(separator: "\n"), named, text.output)
        XCTAssertTrue(text.output.hasPrefix(request.start), text.output)
        let last = text.errors.split(separator: "\n").last ?? ""
        XCTAssertTrue(last.hasPrefix("mmx: cannot write ") && last.contains(file), text.errors)

        let json = try run(request.arguments + ["--output", output, "--json"])
        XCTAssertEqual(json.code, 6, json.errors)
        XCTAssertTrue(json.errors.contains("mmx: cannot write "), json.errors)
        let printed = try XCTUnwrap(JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
        XCTAssertNil(printed["manifest"])
        XCTAssertNil(printed["folder"])
        for key in ["overlay", "heatMap", "rawMap", "sheet", "methodSheet"] {
            XCTAssertFalse(json.output.contains("\"\(key)\" :"), json.output)
        }
        XCTAssertTrue(json.output.contains("\"maximum\" :"), json.output)
    }

    func testResult_folderThatCannotBeMade_isPrintedAllTheSame() throws {
        for request in requests {
            try assertPrints(request, output: "toy.png/below", file: "toy.png/below")
            try FileManager.default.removeItem(at: url("whole"))
        }
    }

    /// The second of several files does not fit: no file is half-written, and none is named.
    func testResult_diskThatIsFull_isPrintedAllTheSame() throws {
        let vqa = Self.fixtures.appendingPathComponent("toy-vqa").path
        let outcome = try run(
            [
                "-c",
                """
                ulimit -f 2; '\(Self.program.path)' vqa wide.png 'is there a red circle?' --model '\(vqa)' \
                --output full --json
                """,
            ], program: URL(fileURLWithPath: "/bin/bash"))
        XCTAssertEqual(outcome.code, 6, outcome.errors)
        let manifest = try JSONDecoder().decode(VQAManifest.self, from: Data(outcome.output.utf8))
        XCTAssertEqual(manifest.questions[0].answers.count, 3)
        XCTAssertEqual(manifest.questions[0].scores.count, 1)
        XCTAssertNil(manifest.questions[0].scores[0].files.rawMap)
        XCTAssertNil(manifest.manifest)
        XCTAssertEqual(files("full").filter { $0.hasSuffix(".png") || $0.hasSuffix(".json") }, [])
        XCTAssertEqual(files("full").filter { $0.hasPrefix(".") }, [])
    }

    /// The answers asked with a caption are printed with it.
    func testCaption_withQuestionsAndNoFolder_printsBoth() throws {
        let outcome = try caption(
            "toy.png", "--question", "is there a red circle?", "--answerer",
            Self.fixtures.appendingPathComponent("toy-vqa").path, "--output", "toy.png/below")
        XCTAssertEqual(outcome.code, 6, outcome.errors)
        let lines = outcome.output.split(separator: "\n")
        XCTAssertEqual(lines.first, "a square and something blue", outcome.output)
        XCTAssertEqual(lines.count, 5, outcome.output)
        XCTAssertEqual(outcome.errors.components(separatedBy: "cannot write").count, 2, outcome.errors)
    }
}
