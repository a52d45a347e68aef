import Foundation
import TestSupport
import XCTest

/// `mmx model import` of other programs' captioners and VQA models, and the commands with what it wrote.
final class FamilyCommandTests: ProgramTestCase {
    private static let checkpoints = repository.appendingPathComponent("Tests/TasksTests/Fixtures/checkpoints")

    /// A file of Tests/TasksTests/Fixtures/checkpoints, decompressed.
    private func unpack(_ name: String) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", "gzip -dc '\(Self.checkpoints.path)/\(name).gz' > '\(url(name).path)'"]
        try process.run()
        process.waitUntilExit()
        XCTAssertEqual(process.terminationStatus, 0, name)
    }

    private func importFC() throws {
        try unpack("ruotianluo-fc.pth")
        try unpack("ruotianluo-fc-infos-2.pkl")
        let outcome = try mmx(
            "model", "import", "ruotianluo-fc.pth", "--vocabulary", "ruotianluo-fc-infos-2.pkl", "--encoder-weights",
            Self.model.path, "--output", "fc")
        XCTAssertEqual(outcome.code, 0, outcome.errors)
        XCTAssertTrue(outcome.errors.contains("fc, tiny (captioning)"), outcome.errors)
    }

    func testImportedCaptioner_captionsAndExplains() throws {
        try importFC()
        let photo = Self.repository.appendingPathComponent("docs/images/box.jpg").path
        let written = try mmx("caption", photo, "--model", "fc", "--explain-all", "--method", "grad-cam", "--json")
        XCTAssertEqual(written.code, 0, written.errors)
        let json = try XCTUnwrap(
            JSONSerialization.jsonObject(with: Data(written.output.utf8)) as? [String: Any], written.output)
        let words = try XCTUnwrap(json["words"] as? [[String: Any]])
        XCTAssertFalse(words.isEmpty)
        XCTAssertEqual((json["scores"] as? [Any])?.count, words.count)
        // A caption of one's own, a contrast, and a method that runs the model many times.
        let own = try mmx(
            "caption", photo, "--model", "fc", "--caption", "a red dog", "--explain-word", "dog", "--contrast", "dog",
            "cat",
            "--method", "occlusion", "--output", "own")
        XCTAssertEqual(own.code, 0, own.errors)
        XCTAssertTrue(own.output.contains("dog rather than cat"), own.output)
        XCTAssertEqual(try mmx("model", "verify", "fc").code, 0)
        // Many photographs, of different sizes, each at its own.
        let pictures = Self.repository.appendingPathComponent("docs/images").path
        let many = try mmx(
            "caption", photo, "\(pictures)/paper.jpg", "--model", "fc", "--explain-all", "--output", "many")
        XCTAssertEqual(many.code, 0, many.errors)
    }

    func testImportedVQAModel_answers() throws {
        try unpack("pytorch-vqa.pth")
        let outcome = try mmx(
            "model", "import", "pytorch-vqa.pth", "--encoder-weights", Self.model.path, "--output", "vqa")
        XCTAssertEqual(outcome.code, 0, outcome.errors)
        let photo = Self.repository.appendingPathComponent("docs/images/box.jpg").path
        let answer = try mmx("vqa", photo, "what color is the ball?", "--model", "vqa", "--explain-question")
        XCTAssertEqual(answer.code, 0, answer.errors)
    }

    func testImport_withoutTheCNN_asksForIt_andWritesNothing() throws {
        try unpack("ruotianluo-fc.pth")
        let outcome = try mmx("model", "import", "ruotianluo-fc.pth", "--output", "fc")
        assertFails(outcome, 4, "looks like fc", "give --encoder-weights resnet101.pth")
        XCTAssertFalse(FileManager.default.fileExists(atPath: url("fc").path))
    }

    func testImport_list_namesEveryFamily() throws {
        let outcome = try mmx("model", "import", "--list")
        XCTAssertEqual(outcome.code, 0)
        for family in [
            "sgrvinod", "show-and-tell", "updown", "att2in2", "pytorch-vqa", "basic_vqa", "merge", "neuraltalk2",
            "im2txt",
            "deeprnn",
        ] {
            XCTAssertTrue(outcome.output.contains(family), family)
        }
    }
}
