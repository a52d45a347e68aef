import Foundation
import XCTest

/// `--timings` of the commands that explain.
final class TimingsCommandTests: ProgramTestCase {
    private static let words = ["caption", "toy.png", "--model", model.path, "--explain-word", "square"]

    private func json(_ arguments: [String]) throws -> [String: Any] {
        let outcome = try run(arguments + ["--json"])
        XCTAssertEqual(outcome.code, 0, outcome.errors)
        XCTAssertEqual(outcome.errors, "")
        return try XCTUnwrap(JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    }

    func testTimings_inText_areATableOnStandardError() throws {
        let plain = try run(Self.words), timed = try run(Self.words + ["--timings"])
        XCTAssertEqual(plain.errors, "")
        XCTAssertEqual(timed.output, plain.output)
        let lines = timed.errors.split(separator: "\n").map(String.init)
        let names = lines.dropFirst().map { $0.components(separatedBy: "  ")[0] }
        XCTAssertEqual(
            names,
            [
                "process start", "command line", "reading the model", "hashing", "decoding", "resizing", "encoder",
                "beam search", "reading, evidence", "maps (backward)", "drawing", "PNG", "writing files", "other",
                "total",
            ])
        XCTAssertTrue(lines.allSatisfy { $0.last != " " }, timed.errors)
    }

    func testTimings_inJSON_addUpToTheTotalAndAreNotInTheFile() throws {
        XCTAssertNil(try json(Self.words)["timings"])
        var timings = try XCTUnwrap(json(Self.words + ["--timings"])["timings"] as? [String: Any])
        timings.removeValue(forKey: "otherThreads")
        let total = try XCTUnwrap(timings.removeValue(forKey: "total") as? Double)
        let steps = try XCTUnwrap(timings as? [String: Double])
        XCTAssertEqual(steps.values.reduce(0, +), total, accuracy: 1e-6)
        XCTAssertTrue(
            Set(steps.keys).isSuperset(of: ["processStart", "model", "decoding", "encoder", "beams", "png", "other"]),
            "\(steps.keys)")
        XCTAssertTrue(steps.values.allSatisfy { $0 >= 0 }, "\(steps)")
        let file = try String(contentsOf: result("toy-explanation.json"), encoding: .utf8)
        XCTAssertFalse(file.contains("\"timings\""))
    }

    func testTimings_ofAQuestion_areInItsJSON() throws {
        let fixtures = Self.model.deletingLastPathComponent()
        let answer = try json([
            "vqa", "toy.png", "is there a red circle?", "--model", fixtures.appendingPathComponent("toy-vqa").path,
            "--timings",
        ])
        XCTAssertNotNil((answer["timings"] as? [String: Any])?["reading"])
    }
}
