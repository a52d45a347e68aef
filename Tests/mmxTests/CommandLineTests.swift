import Explain
import Foundation
import Tasks
import Tensors
import TestSupport
import Vision
import Weights
import XCTest

/// `mmx caption` as a user runs it: what it prints where, its exit codes, and what it leaves behind.
final class CommandLineTests: ProgramTestCase {
    func testCaption_explainWord_printsCaptionAndWritesFiles() throws {
        XCTAssertEqual(try caption("toy.png").output, "a square and something blue\n")
        XCTAssertEqual(files(), [])
        let wide = try caption("wide.png", "--explain-word", "a", "--json", "--no-legend")
        XCTAssertEqual(wide.code, 0, wide.errors)
        let manifest = try JSONDecoder().decode(CaptionManifest.self, from: Data(wide.output.utf8))
        XCTAssertEqual(manifest.photo.width, 210)
        XCTAssertEqual(manifest.scores.map(\.name), ["a"])
        let overlay = try Image.read(result(manifest.scores[0].files.overlay))
        XCTAssertEqual([overlay.width, overlay.height], [210, 70])
        let raw = try NumPyArray.read(result(manifest.scores[0].files.rawMap))
        XCTAssertEqual(raw.shape, manifest.scores[0].map.shape)
        XCTAssertEqual(
            files(), ["wide-01-a-heatmap.png", "wide-01-a-map.npy", "wide-01-a-overlay.png", "wide-explanation.json"])
    }

    func testCaption_absentWord_isExplainedOrRefused() throws {
        let absent = try caption("toy.png", "--explain-word", "yellow")
        XCTAssertEqual(absent.code, 0)
        XCTAssertTrue(
            absent.errors.contains("'yellow' is not in the caption \"a square and something blue\""), absent.errors)
        let unknown = try caption("toy.png", "--explain-word", "../yelow")
        XCTAssertEqual(unknown.code, 2, unknown.errors)
        XCTAssertEqual(unknown.output, "")
    }

    func testCaption_listLayersAndWrongUsage_printLayersAndExitWith64() throws {
        let layers = try caption("--list-layers")
        XCTAssertTrue(layers.output.contains("conv1\t16 channels\t2 px"), layers.output)
        XCTAssertEqual(try caption("toy.png", "--layer", "conv99").code, 2)
        XCTAssertEqual(try caption("toy.png", "--beam", "0").code, 64)
        XCTAssertEqual(try caption("toy.png", "--no-such-flag").code, 64)
        let help = try mmx("caption", "--help")
        XCTAssertEqual(help.code, 0)
        for option in ["--explain-word", "--explain-all", "--caption", "--occurrence", "--layer", "--json"] {
            XCTAssertTrue(help.output.contains(option), option)
        }
        XCTAssertTrue(try mmx("--version").output.hasPrefix("mmx "))
    }

    func testCaption_unreadableImages_areRefused() throws {
        func write(_ name: String, _ data: Data) throws { try data.write(to: folder.appendingPathComponent(name)) }
        let png = try Data(contentsOf: folder.appendingPathComponent("toy.png"))
        try write("cut.png", png.prefix(png.count / 2))
        try write("empty.jpg", Data())
        try write("text.jpg", Data("this is no picture".utf8))
        // The header of a PNG that claims 60,000 x 10 pixels.
        var huge = png
        huge.replaceSubrange(16..<24, with: [0, 0, 0xEA, 0x60, 0, 0, 0, 10])
        try write("huge.png", huge)
        for name in ["cut.png", "empty.jpg", "text.jpg", "huge.png", "missing.jpg"] {
            let outcome = try caption(name, "--explain-word", "red")
            XCTAssertEqual(outcome.code, 3, "\(name): \(outcome.errors)")
            XCTAssertTrue(outcome.errors.hasPrefix("mmx: "), "\(name): \(outcome.errors)")
            XCTAssertEqual(outcome.output, "")
        }
        XCTAssertEqual(files(), [])
    }

    func testCaption_brokenModels_areRefused() throws {
        func model(_ name: String, _ change: (URL) throws -> Void) throws -> URL {
            let url = folder.appendingPathComponent(name)
            try FileManager.default.copyItem(at: Self.model, to: url)
            try change(url)
            return url
        }
        func remove(_ file: String) throws -> URL {
            try model("without-\(file)") { try FileManager.default.removeItem(at: $0.appendingPathComponent(file)) }
        }
        func edit(_ name: String, _ file: String, _ change: (inout Data) -> Void) throws -> URL {
            try model(name) {
                var data = try Data(contentsOf: $0.appendingPathComponent(file))
                change(&data)
                try data.write(to: $0.appendingPathComponent(file))
            }
        }
        let cases: [(URL, String)] = [
            (try remove("config.json"), "config.json"), (try remove("model.safetensors"), "model.safetensors"),
            (try remove("vocabulary.txt"), "vocabulary.txt"),
            (try edit("short-vocabulary", "vocabulary.txt") { $0 = $0.prefix(while: { $0 != 0x67 }) }, "vocabulary"),
            (try edit("not-json", "config.json") { $0 = Data("{".utf8) }, "config.json"),
            (try edit("cut-weights", "model.safetensors") { $0 = $0.prefix($0.count - 100) }, "model.safetensors"),
            (
                try edit("lying-header", "model.safetensors") {
                    $0.replaceSubrange(0..<8, with: [0, 0, 0, 0, 0, 0, 0, 0x40])
                }, "model.safetensors"
            ),
        ]
        for (url, named) in cases {
            let outcome = try caption("toy.png", "--explain-word", "red", model: url)
            XCTAssertEqual(outcome.code, 4, "\(url.lastPathComponent): \(outcome.errors)")
            XCTAssertTrue(outcome.errors.contains(named), "\(url.lastPathComponent): \(outcome.errors)")
        }
        XCTAssertEqual(try mmx("caption", "toy.png", "--model", "no-such-model").code, 4)
        XCTAssertEqual(files(), [])
    }

    func testCaption_outputThatCannotBeWritten_isRefused() throws {
        try Data("a file".utf8).write(to: folder.appendingPathComponent("taken"))
        let outcome = try caption("toy.png", "--explain-word", "blue", "--output", "taken/below")
        XCTAssertEqual(outcome.code, 6, outcome.errors)
        XCTAssertTrue(outcome.errors.contains("taken/below"), outcome.errors)
    }

    func testModelAndPhoto_bothMissing_tellTheModelFirst() throws {
        for arguments in [["caption", "no.jpg"], ["vqa", "no.jpg", "what is it?"], ["classify", "no.jpg"]] {
            assertFails(try run(arguments + ["--model", "no-such-model"]), 4, "no-such-model")
        }
    }

    func testVersion_ofTheProgram_tellsCommitAndBuild() throws {
        let version = try mmx("--version").output
        XCTAssertTrue(version.hasPrefix("mmx 0.1.0 (commit "), version)
        XCTAssertTrue(version.contains("release") && version.contains("Swift 6"), version)
    }
}
