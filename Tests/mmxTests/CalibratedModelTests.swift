import Explain
import Foundation
import TestSupport
import Vision
import Weights
import XCTest

/// What the commands say and draw with a model that has a calibration.
final class CalibratedModelTests: ProgramTestCase {
    /// A toy captioner in the test's folder, calibrated on a drawn world.
    private func calibratedCaptioner() throws -> URL {
        try FileManager.default.copyItem(at: Self.model, to: url("captioner"))
        try writeToyWorld(to: url("world"), seed: 2_024, train: 40, dev: 20)
        let outcome = try run([
            "model", "calibrate", "./captioner", "--images", "world/images", "--captions", "world/captions.csv",
            "--train",
            "world/train.txt", "--dev", "world/dev.txt",
        ])
        XCTAssertEqual(outcome.code, 0, outcome.errors)
        return url("captioner")
    }

    private func manifest(_ outcome: Outcome) throws -> CaptionManifest {
        XCTAssertEqual(outcome.code, 0, outcome.errors)
        return try JSONDecoder().decode(CaptionManifest.self, from: Data(outcome.output.utf8))
    }

    func testCaption_ofACalibratedModel_drawsMapsAsStrongAsTheirEvidence() throws {
        let model = try calibratedCaptioner()
        let options = ["--explain-word", "square", "--explain-word", "and", "--drawn-map", "--json"]
        let found = try manifest(run(["caption", "toy.png", "--model", model.path] + options))
        for (score, index) in zip(found.scores, [1, 2]) {
            let evidence = try XCTUnwrap(score.evidence.evidence), word = found.words[index]
            XCTAssertEqual(word.word, score.name)
            XCTAssertEqual(word.evidence, evidence)
            let strength = try XCTUnwrap(score.map.strength)
            XCTAssertEqual(strength, score.evidence.strength)
            let drawn = try NumPyArray.read(result(score.files.drawnMap))
            XCTAssertEqual(try XCTUnwrap(drawn.array.max()), strength, accuracy: 0.1 * strength + 1e-6)
        }
        // The drawn world has five forms and its captions always go on with "and".
        XCTAssertGreaterThan(try XCTUnwrap(found.words[1].evidence), 0.5)
        XCTAssertEqual(try XCTUnwrap(found.words[2].evidence), 0, accuracy: 0.05)
        XCTAssertGreaterThan(try XCTUnwrap(found.scores[0].map.strength), 0.4)
        XCTAssertLessThan(try XCTUnwrap(found.scores[1].map.strength), 0.05)
        let words = found.words.map(\.probability).reduce(1) { $0 * Double($1) }
        XCTAssertLessThan(found.probability, words)
        XCTAssertGreaterThan(found.probability, 0)

        let each = try manifest(
            run(["caption", "toy.png", "--model", model.path, "--scale", "each", "--output", "each"] + options))
        XCTAssertNil(each.scores[1].map.strength)
        let full = try NumPyArray.read(result(each.scores[1].files.drawnMap, in: "each"))
        XCTAssertGreaterThan(try XCTUnwrap(full.array.max()), 0.9)

        let text = try run(["caption", "toy.png", "--model", model.path, "--explain-word", "square"])
        XCTAssertTrue(text.output.contains("square (p = ") || text.output.contains("square (p is"), text.output)
        XCTAssertTrue(text.output.contains(", evidence +"), text.output)
        // Pictures carry what they show.
        let picture = try Data(contentsOf: result(found.scores[0].files.overlay))
        for part in ["Description", "evidence +", found.photo.sha256, found.model.sha256] {
            XCTAssertNotNil(picture.range(of: Data(part.utf8)), part)
        }
    }

    func testCaption_ofAnUnlikePhotograph_isWarnedOf() throws {
        let model = try calibratedCaptioner()
        let own = try manifest(run(["caption", "world/images/3.png", "--model", model.path, "--json"]))
        let distance = try XCTUnwrap(own.trainingDistance)
        XCTAssertFalse(distance.isUnlike, "\(distance)")
        try Image(width: 80, height: 80, color: (10, 200, 30)).write(to: url("flat.png"))
        try Image(width: 20, height: 90, color: (10, 200, 30)).write(to: url("thin.png"))
        let flat = try run(["caption", "flat.png", "--model", model.path, "--json"])
        XCTAssertTrue(try XCTUnwrap(manifest(flat).trainingDistance).isUnlike)
        XCTAssertTrue(flat.errors.contains("unlike those that the model was trained on"), flat.errors)
        XCTAssertTrue(try manifest(flat).header.warnings.contains { $0.contains("unlike those") })
        XCTAssertFalse(flat.errors.contains("pixels: what"), flat.errors)
        let thin = try run(["caption", "thin.png", "--model", model.path])
        XCTAssertTrue(thin.errors.contains("has only 20x90 pixels"), thin.errors)
    }

    func testVQA_ofAKindThatTheModelIsBadAt_saysSo() throws {
        let source = Self.repository.appendingPathComponent("Tests/ExplainTests/Fixtures/toy-vqa")
        try FileManager.default.copyItem(at: source, to: url("answerer"))
        for index in 0..<6 {
            try ToyScene(seed: 5, index: index).image.write(to: url("\(index).png"))
        }
        // Answers that are wrong whatever the model says, and of a kind that was not asked.
        try write(
            "asked.jsonl",
            (0..<6).map { "{\"image\":\"\($0).png\",\"question\":\"what color is the square?\",\"answer\":\"two\"}\n" }
                .joined())
        let outcome = try run([
            "model", "calibrate", "./answerer", "--images", ".", "--questions", "asked.jsonl", "--dev", "asked.jsonl",
        ])
        XCTAssertEqual(outcome.code, 0, outcome.errors)
        let color = try run(["vqa", "toy.png", "what color is the square?", "--model", "./answerer"])
        XCTAssertEqual(color.code, 0, color.errors)
        XCTAssertTrue(color.errors.contains("right in 0 of 100"), color.errors)
        let place = try run(["vqa", "toy.png", "where is the square?", "--model", "./answerer"])
        XCTAssertEqual(place.code, 0, place.errors)
        XCTAssertFalse(place.errors.contains("of 100"), place.errors)
    }
}
