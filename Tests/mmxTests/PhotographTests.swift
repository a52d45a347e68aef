import Foundation
import Vision
import XCTest

/// Photographs that are too large, or read at a smaller size, or that end early.
final class PhotographTests: ProgramTestCase {
    private func read(_ photo: String, _ options: String...) throws -> Outcome {
        try run(["caption", photo, "--model", Self.model.path, "--json"] + options)
    }

    private func photo(in outcome: Outcome) throws -> [String: Any] {
        let manifest = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
        return try XCTUnwrap(manifest?["photo"] as? [String: Any])
    }

    func testCaption_ofMorePixelsThanAllowed_namesTheOption() throws {
        for command in [["caption"], ["vqa"], ["classify"]] {
            let question = command == ["vqa"] ? ["what is it?"] : []
            let outcome = try run(command + ["toy.png"] + question + ["--max-pixels", "0"])
            XCTAssertEqual(outcome.code, 64, outcome.errors)
            XCTAssertTrue(outcome.errors.contains("--max-pixels is at least 1"), outcome.errors)
        }
        let refused = try read("toy.png", "--max-pixels", "4095")
        XCTAssertEqual(refused.code, 3)
        XCTAssertTrue(refused.errors.contains("--max-pixels"), refused.errors)
        XCTAssertTrue(refused.errors.contains("64x64 is 4096 pixels; at most 4095 are read"), refused.errors)
        XCTAssertEqual(refused.output, "")
        let allowed = try read("toy.png", "--max-pixels", "4096")
        XCTAssertEqual(allowed.code, 0, allowed.errors)
        XCTAssertEqual(allowed.errors, "")
        XCTAssertEqual(try Set(photo(in: allowed).keys), ["path", "sha256", "width", "height"])
    }

    func testCaption_ofAVeryLargePhotograph_tellsBothSizes() throws {
        try Image(width: 9000, height: 6000, color: (90, 120, 200)).write(
            to: folder.appendingPathComponent("large.jpg"))
        let outcome = try read("large.jpg")
        XCTAssertEqual(outcome.code, 0, outcome.errors)
        let photo = try photo(in: outcome)
        XCTAssertEqual(photo["width"] as? Int, 4500)
        XCTAssertEqual(photo["height"] as? Int, 3000)
        XCTAssertEqual(photo["fileWidth"] as? Int, 9000)
        XCTAssertEqual(photo["fileHeight"] as? Int, 6000)
        XCTAssertTrue(outcome.errors.contains("warning: "), outcome.errors)
        XCTAssertTrue(outcome.errors.contains("4500x3000 of its 9000x6000 pixels"), outcome.errors)
    }

    func testCaption_ofAPhotographWithoutItsEnd_warnsOnce() throws {
        let image = Image(width: 64, height: 64, color: (90, 120, 200))
        try image.jpegData().dropLast(2).write(to: folder.appendingPathComponent("cut.jpg"))
        let outcome = try read("cut.jpg")
        XCTAssertEqual(outcome.code, 0, outcome.errors)
        XCTAssertEqual(outcome.errors.components(separatedBy: "end marker").count, 2, outcome.errors)
        XCTAssertTrue(outcome.output.contains("end marker"), outcome.output)
    }

    func testEvaluate_ofMorePixelsThanAllowed_namesTheOption() throws {
        try Data("image,caption\ntoy.png,a red circle\n".utf8).write(to: folder.appendingPathComponent("captions.csv"))
        let question =
            #"{"image":"toy.png","question":"what color?","answer":"red","boxes":[[0,0,9,9]],"kind":"color"}"#
        try Data(question.utf8).write(to: folder.appendingPathComponent("questions.jsonl"))
        let answerer = Self.model.deletingLastPathComponent().appendingPathComponent("toy-vqa").path
        for (arguments, model) in [
            (["caption", "--captions", "captions.csv"], Self.model.path),
            (["vqa", "--questions", "questions.jsonl"], answerer),
            (["maps", "--questions", "questions.jsonl", "--resamples", "10"], answerer),
        ] {
            let command = ["evaluate"] + arguments + ["--images", ".", "--model", model, "--max-pixels"]
            let refused = try run(command + ["4095"]), allowed = try run(command + ["4096"])
            XCTAssertEqual(refused.code, 3, refused.errors)
            XCTAssertTrue(refused.errors.contains("--max-pixels"), refused.errors)
            XCTAssertEqual(allowed.code, 0, allowed.errors)
        }
    }

    func testEvaluateCaption_ofAnImageWithoutItsEnd_warns() throws {
        let image = Image(width: 64, height: 64, color: (90, 120, 200))
        try image.jpegData().dropLast(2).write(to: folder.appendingPathComponent("cut.jpg"))
        try Data("image,caption\ncut.jpg,a red circle\n".utf8).write(to: folder.appendingPathComponent("captions.csv"))
        let outcome = try run(
            ["evaluate", "caption", "--images", ".", "--captions", "captions.csv", "--model", Self.model.path])
        XCTAssertEqual(outcome.code, 0, outcome.errors)
        XCTAssertTrue(outcome.errors.contains("warning: "), outcome.errors)
        XCTAssertTrue(outcome.errors.contains("cut.jpg: the file ends early"), outcome.errors)
    }
}
