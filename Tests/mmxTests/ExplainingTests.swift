import Explain
import Foundation
import TestSupport
import Vision
import XCTest

/// `mmx caption` beyond one word: the contact sheet, occurrences, and an installed program.
final class ExplainingTests: ProgramTestCase {
    private func manifest(_ outcome: Outcome) throws -> CaptionManifest {
        XCTAssertEqual(outcome.code, 0, outcome.errors)
        return try JSONDecoder().decode(CaptionManifest.self, from: Data(outcome.output.utf8))
    }

    func testExplainAll_everyWord_writesOneSheet() throws {
        let words = try XCTUnwrap(caption("toy.png").output.split(separator: "\n").first).split(separator: " ").map(
            String.init)
        let manifest = try manifest(caption("toy.png", "--explain-all", "--json", "--output", "all"))
        XCTAssertEqual(manifest.scores.map(\.name), words)
        XCTAssertEqual(manifest.scores.map(\.positions), words.indices.map { [$0] })
        XCTAssertTrue(manifest.scores.allSatisfy { $0.files.overlay == nil && $0.files.heatMap == nil })
        let maps = words.enumerated().map { "toy-0\($0.offset + 1)-\($0.element)-map.npy" }
        XCTAssertEqual(files("all"), (maps + ["toy-explanation.json", "toy-words.png"]).sorted())
        let sheet = try Image.read(result(manifest.sheet, in: "all"))
        // The image itself and each word beside it.
        XCTAssertGreaterThan(sheet.width * sheet.height, 64 * 64 * (words.count + 1))
        let text = try caption("toy.png", "--explain-all", "--explain-word", words[1], "--output", "both")
        XCTAssertEqual(text.code, 0, text.errors)
        XCTAssertTrue(text.output.contains("every word: "), text.output)
        XCTAssertEqual(files("both").filter { $0.hasSuffix(".png") }.count, 3)
    }

    func testOccurrence_repeatedWord_choosesThePosition() throws {
        let own = "a red circle and a blue square"
        let first = try manifest(caption("toy.png", "--caption", own, "--explain-word", "a", "--json"))
        let second = try manifest(
            caption("toy.png", "--caption", own, "--explain-word", "a", "--occurrence", "2", "--json"))
        XCTAssertEqual([first.scores[0].positions, second.scores[0].positions], [[0], [4]])
        XCTAssertNotEqual(first.scores[0].logProbability, second.scores[0].logProbability)
        let before = files()
        assertFails(
            try caption("toy.png", "--caption", own, "--explain-word", "a", "--occurrence", "3"), 2,
            "'a' occurs 2 times",
            "there is no occurrence 3")
        assertFails(
            try caption("toy.png", "--caption", own, "--explain-word", "red", "--occurrence", "2"), 2,
            "'red' occurs once",
            "there is no occurrence 2")
        assertFails(
            try caption("toy.png", "--caption", own, "--explain-phrase", "blue circle"), 2,
            "'blue circle' is not in the caption")
        XCTAssertEqual(files(), before)
        let zero = try caption("toy.png", "--explain-word", "a", "--occurrence", "0")
        XCTAssertEqual(zero.code, 64)
        XCTAssertTrue(zero.errors.contains("--occurrence counts from 1"), zero.errors)
    }

    /// bin/mmx and share/mmx/models, moved as one, used from anywhere; models may be links.
    func testInstalledProgram_movedOrLinked_findsItsModels() throws {
        let manager = FileManager.default
        let bin = url("prefix/bin")
        let models = url("prefix/share/mmx/models")
        let elsewhere = url("elsewhere")
        for folder in [bin, models, elsewhere] {
            try manager.createDirectory(at: folder, withIntermediateDirectories: true)
        }
        let program = bin.appendingPathComponent("mmx")
        try manager.copyItem(at: Self.program, to: program)
        try manager.createSymbolicLink(at: models.appendingPathComponent("toy"), withDestinationURL: Self.model)
        // A model whose vocabulary is outside its folder ("../../vocab/words.txt"), behind a link.
        let real = url("store/models/other")
        try manager.createDirectory(at: real.deletingLastPathComponent(), withIntermediateDirectories: true)
        try manager.createDirectory(at: url("store/vocab"), withIntermediateDirectories: true)
        try manager.copyItem(at: Self.model, to: real)
        try manager.moveItem(at: real.appendingPathComponent("vocabulary.txt"), to: url("store/vocab/words.txt"))
        let config = real.appendingPathComponent("config.json")
        let text = try String(contentsOf: config, encoding: .utf8)
        let changed = text.replacingOccurrences(of: "vocabulary.txt", with: "../../vocab/words.txt")
        XCTAssertNotEqual(changed, text)
        try Data(changed.utf8).write(to: config)
        try manager.createSymbolicLink(at: models.appendingPathComponent("other"), withDestinationURL: real)

        let expected = try caption("toy.png").output
        func installed(_ model: String, _ environment: [String: String] = [:]) throws -> Outcome {
            try run(
                ["caption", url("toy.png").path, "--model", model], program: program, in: elsewhere,
                environment: environment)
        }
        for model in ["toy", "other"] {
            let outcome = try installed(model)
            XCTAssertEqual(outcome.code, 0, outcome.errors)
            XCTAssertEqual(outcome.output, expected)
        }
        assertFails(
            try installed("nothing"), 4, "model nothing", "was not found", "prefix/share/mmx/models/nothing",
            "MMX_MODELS")
        // MMX_MODELS comes first.
        try manager.createDirectory(at: url("mine/toy"), withIntermediateDirectories: true)
        try write("mine/toy/config.json", "{")
        assertFails(try installed("toy", ["MMX_MODELS": url("mine").path]), 4, "mine/toy/config.json")
        // A link to the program is the program.
        let link = url("mmx-link")
        try manager.createSymbolicLink(at: link, withDestinationURL: program)
        let linked = try run(
            ["caption", url("toy.png").path, "--model", "toy"], program: link, in: elsewhere, environment: [:])
        XCTAssertEqual(linked.output, expected, linked.errors)
    }

    /// A word that the model lacks stands everywhere as it was typed, and the manifest marks it.
    func testCaption_unknownWord_appearsAsTyped() throws {
        let outcome = try caption(
            "toy.png", "--caption", "a Zebra and a gnu", "--explain-word", "zebra", "--explain-phrase", "zebra and a",
            "--contrast", "gnu", "circle", "--json")
        let found = try manifest(outcome)
        XCTAssertEqual(found.caption, "a zebra and a gnu")
        XCTAssertEqual(found.words.map(\.word), ["a", "zebra", "and", "a", "gnu"])
        XCTAssertEqual(found.words.map(\.known), [nil, false, nil, nil, false])
        XCTAssertEqual(found.scores.map(\.name), ["zebra", "zebra and a", "gnu rather than circle"])
        XCTAssertEqual(found.scores.map(\.positions), [[1], [1, 2, 3], [4]])
        XCTAssertEqual(found.scores.map(\.inCaption), [true, true, true])
        XCTAssertEqual(found.scores[0].value, found.words[1].logProbability)
        XCTAssertTrue(files().contains("toy-02-zebra-overlay.png"), "\(files())")
        XCTAssertFalse(outcome.output.contains("<unknown>"), outcome.output)
        XCTAssertTrue(outcome.errors.contains("the model does not know the word 'zebra'"), outcome.errors)
        // The model reads an unknown word, whichever it is.
        let other = try manifest(caption("toy.png", "--caption", "a gnu and a zebra", "--json"))
        XCTAssertEqual(other.words.map(\.logProbability), found.words.map(\.logProbability))
        assertFails(try caption("toy.png", "--explain-word", "zebra"), 2, "does not know the word 'zebra'")
    }

    /// A caption of one's own has a limit as a question has.
    func testCaption_tooManyWords_isRefused() throws {
        func caption(_ words: Int) throws -> Outcome {
            let text = Array(repeating: "circle", count: words).joined(separator: " ")
            return try self.caption("toy.png", "--caption", text)
        }
        XCTAssertEqual(try caption(200).code, 0)
        assertFails(try caption(201), 2, "the caption 'circle circle", "has 201 words; at most 200 words")
        assertFails(try caption(5_000), 2, "has 34999 bytes; at most 200 words")
    }

    /// The shipped model's default score has the same weights for a word at every place. By the default method, which
    /// takes the gradient's mean, the word has one map, and the sheet's run says so.
    func testExplainAll_ofRepeatedWords_saysThatTheirMapsAreTheSame() throws {
        func explain(_ more: String...) throws -> Outcome {
            let model = Self.repository.appendingPathComponent("models/caption-flickr8k").path
            let outcome = try run(
                ["caption", "toy.png", "--model", model, "--caption", "a dog and a cat", "--explain-all", "--json"]
                    + more)
            XCTAssertEqual(outcome.code, 0, outcome.errors)
            return outcome
        }
        let gated = try explain("--method", "gated-grad-cam")
        XCTAssertFalse(gated.errors.contains("one map"), gated.errors)
        XCTAssertFalse(gated.output.contains("sameMapAt"))
        let visual = try explain()
        XCTAssertTrue(visual.errors.contains("one map for all places of 'a' (words 1, 4): "), visual.errors)
        XCTAssertTrue(visual.output.contains("\"sameMapAt\" : ["))
        let other = try explain("--score", "log-probability", "--method", "grad-cam")
        XCTAssertFalse(other.errors.contains("one map"), other.errors)
        XCTAssertFalse(other.output.contains("sameMapAt"))
    }
}
