import Explain
import Foundation
import Tasks
import TestSupport
import XCTest

@testable import mmx

/// Wrong usage that a person meets on the first day, and the sentence that helps.
final class SuggestionTests: ProgramTestCase {
    private func assertUsage(
        _ arguments: String..., says parts: String..., command: String, line: UInt = #line
    ) throws {
        let outcome = try run(arguments)
        XCTAssertEqual(outcome.code, 64, outcome.errors, line: line)
        XCTAssertEqual(outcome.output, "", line: line)
        XCTAssertTrue(outcome.errors.hasPrefix("Error: "), outcome.errors, line: line)
        XCTAssertTrue(outcome.errors.contains("\nUsage: \(command) "), outcome.errors, line: line)
        XCTAssertTrue(
            outcome.errors.hasSuffix("\n  See '\(command) --help' for more information.\n"), outcome.errors, line: line)
        let first = outcome.errors.split(separator: "\n").first ?? ""
        for part in parts { XCTAssertTrue(first.contains(part), "'\(first)' does not say '\(part)'", line: line) }
        XCTAssertEqual(files(), [], line: line)
    }

    // MARK: Commands

    func testCapton_misspelt_suggestsCaption() throws {
        try assertUsage("capton", says: "mmx has no command 'capton'. Did you mean 'caption'?", command: "mmx")
        try assertUsage("clasify", "toy.png", says: "Did you mean 'classify'?", command: "mmx")
        try assertUsage("vqq", says: "Did you mean 'vqa'?", command: "mmx")
    }

    func testSubcommand_misspelt_suggestsTheNearest() throws {
        try assertUsage("train", "captoin", says: "Did you mean 'caption'?", command: "mmx train")
        try assertUsage("model", "improt", "weights.pth", says: "Did you mean 'import'?", command: "mmx model")
        try assertUsage("evaluate", "map", says: "Did you mean 'maps'?", command: "mmx evaluate")
        try assertUsage("bench", "layer", says: "Did you mean 'layers'?", command: "mmx bench")
        try assertUsage("help", "train", "captoin", says: "Did you mean 'caption'?", command: "mmx train")
    }

    func testCommand_unlikeAll_listsTheCommands() throws {
        try assertUsage("explain-everything", says: "it has caption, vqa, classify, train", command: "mmx")
        try assertUsage("toy.png", says: "mmx caption toy.png", command: "mmx")
    }

    func testCommandNames_right_areLeftAlone() throws {
        XCTAssertEqual(try mmx("help", "train", "caption").output, try mmx("train", "caption", "--help").output)
        XCTAssertTrue(try mmx("train").output.contains("SUBCOMMANDS:"))
        XCTAssertTrue(try mmx().output.contains("SUBCOMMANDS:"))
    }

    func testOption_misspelt_suggestsTheNearest() throws {
        for (arguments, suggestion) in [
            (["caption", "toy.png", "--explain-wrd", "red"], "--explain-word"),
            (["vqa", "toy.png", "what color", "--anwser", "red"], "--answer"),
            (["classify", "toy.png", "--legnd"], "--legend"),
        ] {
            let outcome = try run(arguments)
            XCTAssertEqual(outcome.code, 64)
            XCTAssertTrue(outcome.errors.contains("Did you mean '\(suggestion)'?"), outcome.errors)
        }
    }

    // MARK: Questions

    func testQuestion_unquoted_isShownInQuotes() throws {
        try assertUsage(
            "vqa", "toy.png", "what", "color", "is", "the", "dog",
            says: "put the question in quotes: mmx vqa toy.png \"what color is the dog\"", command: "mmx vqa")
        try assertUsage(
            "vqa", "toy.png", "is", "it", "red?", "--legend", says: "mmx vqa toy.png \"is it red?\"",
            command: "mmx vqa")
        try assertUsage(
            "vqa", "toy.png", "how", "much", "is", "$5", says: "mmx vqa toy.png 'how much is $5'", command: "mmx vqa")
    }

    func testQuestion_beforeThePhoto_isSwapped() throws {
        try assertUsage(
            "vqa", "what color is the dog?", "toy.png",
            says: "the photograph stands before the question", "mmx vqa toy.png \"what color is the dog?\"",
            command: "mmx vqa")
        try assertUsage(
            "vqa", "what", "color", "is", "this", "toy.png", says: "mmx vqa toy.png \"what color is this\"",
            command: "mmx vqa")
        try assertUsage(
            "vqa", "what color?", "my photo.jpg", says: "mmx vqa \"my photo.jpg\" \"what color?\"", command: "mmx vqa")
    }

    func testQuestion_withoutAPhoto_saysWhatIsMissing() throws {
        try assertUsage("vqa", "what color is it?", says: "'<photo>'", "before the question", command: "mmx vqa")
    }

    // MARK: Values of several words

    func testValue_ofSeveralWords_isShownInQuotes() throws {
        try assertUsage(
            "vqa", "toy.png", "what color?", "--answer", "black", "and", "white",
            says: "--answer \"black and white\"", command: "mmx vqa")
        try assertUsage(
            "caption", "toy.png", "--explain-phrase", "red", "ball", "--json", says: "--explain-phrase \"red ball\"",
            command: "mmx caption")
        try assertUsage(
            "caption", "toy.png", "--explain-word", "red", "ball", says: "--explain-phrase \"red ball\"",
            command: "mmx caption")
        try assertUsage(
            "caption", "toy.png", "--question", "what", "is", "it", says: "--question \"what is it\"",
            command: "mmx caption")
        try assertUsage(
            "classify", "toy.png", "--explain", "tiger", "cat", says: "--explain \"tiger cat\"",
            command: "mmx classify")
    }

    func testPhoto_severalOrWithASpace_saysWhatToDo() throws {
        try assertUsage("caption", "toy.png", "wide.png", says: "--output run", command: "mmx caption")
        try assertUsage("caption", "my", "photo.jpg", says: "\"my photo.jpg\"", command: "mmx caption")
        try assertUsage("caption", "toy.png", "dog", says: "unexpected argument 'dog'", command: "mmx caption")
    }

    // MARK: Addresses

    func testPhoto_onTheWeb_mustBeDownloadedFirst() throws {
        let address = "https://example.org/dog.jpg"
        assertFails(try mmx("caption", address), 3, address, "Download the image first", "curl -O \(address)")
        assertFails(try mmx("vqa", address, "what is it?"), 3, address, "Download the image first")
        assertFails(try mmx("classify", "HTTP://EXAMPLE.ORG/x.png", "--explain"), 3, "Download the image first")
    }

    // MARK: Models

    /// The shipped decoder on VGG-16, whose encoder `make models` fetches.
    func testVGG16Captioner_withoutItsEncoder_namesMakeModels() throws {
        let manager = FileManager.default
        let model = Self.repository.appendingPathComponent("models/caption-flickr8k-vgg16")
        let copy = url("models/caption-flickr8k-vgg16")
        try manager.createDirectory(at: copy, withIntermediateDirectories: true)
        for name in ["config.json", "model.safetensors"] {
            try manager.copyItem(at: model.appendingPathComponent(name), to: copy.appendingPathComponent(name))
        }
        try manager.createSymbolicLink(
            at: url("vocab"), withDestinationURL: Self.repository.appendingPathComponent("vocab"))
        assertFails(
            try mmx("caption", "toy.png", "--model", copy.path), 4, "models/vgg16-trunk",
            "make models ENCODERS=vgg16-trunk")
    }

    func testFetchedModels_inMessages_areThoseOfTheMakefile() throws {
        let makefile = try String(contentsOf: Self.repository.appendingPathComponent("Makefile"), encoding: .utf8)
        let line = try XCTUnwrap(makefile.split(separator: "\n").first { $0.hasPrefix("ENCODERS ?= ") })
        XCTAssertEqual(ModelFolder.fetched, line.split(separator: " ").dropFirst(2).map(String.init))
    }

    // MARK: Drawing without a map

    func testDrawing_withoutAMap_saysWhatGivesOne() throws {
        for option in [
            ["--legend"], ["--contour", "0.5"], ["--boxes"], ["--scale", "shared"], ["--color-map", "turbo"],
            ["--opacity", "0.6"], ["--blend", "even"], ["--smooth", "3"], ["--sheet"],
            ["--scale", "fixed", "--scale-maximum", "2"],
        ] {
            for (command, remedy) in [("caption", "--explain-word"), ("classify", "--explain")] {
                let outcome = try run([command, "toy.png"] + option)
                XCTAssertEqual(outcome.code, 64, outcome.errors)
                let first = outcome.errors.split(separator: "\n").first ?? ""
                XCTAssertTrue(first.hasPrefix("Error: \(option[0]) changes how maps are drawn"), outcome.errors)
                XCTAssertTrue(first.contains("add \(remedy)"), outcome.errors)
            }
        }
        try assertUsage(
            "caption", "toy.png", "--legend", "--boxes", says: "--legend, --boxes change how maps are drawn",
            command: "mmx caption")
    }

    func testDrawing_withAMap_isDone() throws {
        XCTAssertEqual(try caption("toy.png", "--explain-word", "red", "--legend").code, 0)
        XCTAssertEqual(try caption("--list-layers", "--legend").code, 0)
    }
}
