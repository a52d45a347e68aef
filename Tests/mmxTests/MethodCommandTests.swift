import Explain
import Foundation
import TestSupport
import Vision
import Weights
import XCTest

/// `--method` and what goes with it, as a user runs it.
final class MethodCommandTests: ProgramTestCase {
    private func manifest(_ outcome: Outcome, line: UInt = #line) throws -> CaptionManifest {
        XCTAssertEqual(outcome.code, 0, outcome.errors, line: line)
        return try JSONDecoder().decode(CaptionManifest.self, from: Data(outcome.output.utf8))
    }

    private let own = ["toy.png", "--caption", "a red circle and a blue square", "--explain-word", "circle", "--json"]

    private func explain(_ arguments: String...) throws -> Outcome {
        try run(["caption", "--model", Self.model.path] + own + arguments)
    }

    func testListMethods_everyCommand_listsAll() throws {
        for command in ["caption", "vqa", "classify"] {
            let outcome = try mmx(command, "--list-methods")
            XCTAssertEqual(outcome.code, 0, outcome.errors)
            let lines = outcome.output.split(separator: "\n")
            XCTAssertEqual(lines.count, Methods.all().count)
            XCTAssertTrue(lines.contains { $0.hasPrefix("hirescam ") && $0.contains("2011.08891") }, outcome.output)
        }
    }

    /// One method's files are named as always; several methods' carry their names.
    func testMethod_several_namesFilesByMethod() throws {
        let one = try manifest(explain("--method", "hirescam", "--output", "one"))
        XCTAssertEqual(one.scores.map(\.method), ["hirescam"])
        XCTAssertEqual(
            files("one"),
            ["toy-03-circle-heatmap.png", "toy-03-circle-map.npy", "toy-03-circle-overlay.png", "toy-explanation.json"])
        let several = try manifest(
            explain(
                "--method", "grad-cam++", "--method", "gradient", "--layer", "conv2", "--layer", "conv4", "--output",
                "several"))
        XCTAssertEqual(several.scores.map(\.method), ["grad-cam++", "gradient"])
        XCTAssertEqual(several.scores.map(\.support), ["conv2 + conv4", "pixels"])
        XCTAssertEqual(several.scores[1].map.shape, [64, 64])
        // A few pixels stand far out; cells are drawn as they are.
        XCTAssertLessThan(try XCTUnwrap(several.scores[1].map.clippedAt), several.scores[1].map.maximum)
        XCTAssertNil(several.scores[0].map.clippedAt)
        XCTAssertEqual(
            files("several").filter { $0.hasSuffix(".npy") },
            ["toy-03-circle-grad-cam++-map.npy", "toy-03-circle-gradient-map.npy"])
        let sheet = try caption(
            "toy.png", "--explain-all", "--method", "hirescam", "--method", "attention", "--json", "--output", "sheet")
        let words = try manifest(sheet)
        XCTAssertEqual(words.scores.count, 2 * words.words.count)
        XCTAssertNotNil(words.sheet)
        XCTAssertEqual(files("sheet").filter { $0.hasSuffix(".png") }, ["toy-words.png"])
    }

    /// The settings reach finer-cam, and refine-cam says what it needs.
    func testMethod_finerAndRefine_takeTheirSettings() throws {
        let usual = try manifest(explain("--method", "finer-cam"))
        let same = try manifest(explain("--method", "finer-cam", "--comparisons", "3", "--comparison-weight", "0.6"))
        XCTAssertEqual(same.scores.map(\.map.maximum), usual.scores.map(\.map.maximum))
        func maximum(_ arguments: String...) throws -> Float {
            try manifest(run(["caption", "--model", Self.model.path] + own + arguments)).scores[0].map.maximum
        }
        let plain = try maximum("--method", "grad-cam")
        XCTAssertEqual(try maximum("--method", "finer-cam", "--comparison-weight", "0"), plain)
        XCTAssertNotEqual(try maximum("--method", "finer-cam", "--comparisons", "1"), usual.scores[0].map.maximum)
        // --finer does the same by any method.
        let finer = try manifest(explain("--method", "grad-cam", "--finer"))
        XCTAssertEqual(finer.scores.map(\.map.maximum), usual.scores.map(\.map.maximum))
        XCTAssertEqual(finer.scores.map(\.value), usual.scores.map(\.value))
        XCTAssertEqual(finer.comparison, TargetComparison(count: 3, weight: 0.6))
        XCTAssertNil(usual.comparison)
        XCTAssertEqual(
            try maximum("--method", "layercam", "--finer", "--comparison-weight", "0"),
            try maximum("--method", "layercam"))
        XCTAssertNotEqual(try maximum("--method", "layercam", "--finer"), try maximum("--method", "layercam"))
        XCTAssertEqual(try maximum("--method", "finer-cam", "--finer"), usual.scores[0].map.maximum)
        let one = try explain("--method", "refine-cam")
        XCTAssertTrue(one.errors.contains("refine-cam of one layer is grad-cam++; give several --layer"), one.errors)
        let two = try explain("--method", "refine-cam", "--layer", "conv2", "--layer", "conv4")
        XCTAssertFalse(two.errors.contains("refine-cam of one layer"), two.errors)
        let map = try manifest(two).scores[0].map
        XCTAssertTrue((0...1).contains(map.minimum) && map.maximum <= 1, "\(map)")
    }

    func testScore_contrastAndCounterfactual_explainsWhatTheySay() throws {
        let logit = try manifest(explain("--score", "logit"))
        let usual = try manifest(explain())
        XCTAssertEqual([logit.wordScore, usual.wordScore], [.logit, .logProbability])
        XCTAssertEqual(usual.scores[0].value, usual.scores[0].logProbability)
        XCTAssertEqual(logit.scores[0].logProbability, usual.scores[0].logProbability)
        XCTAssertNotEqual(logit.scores[0].value, usual.scores[0].value)
        let contrast = try manifest(explain("--contrast", "red", "yellow"))
        XCTAssertEqual(contrast.scores.map(\.name), ["circle", "red rather than yellow"])
        XCTAssertEqual(contrast.scores[1].positions, [1])
        let against = try manifest(explain("--counterfactual"))
        XCTAssertTrue(against.isCounterfactual)
        XCTAssertEqual(against.scores[0].map.minimum, -usual.scores[0].map.maximum, accuracy: 1e-5)
        XCTAssertEqual(against.scores[0].value, usual.scores[0].value)
        let text = try caption("toy.png", "--contrast", "a", "the", "--score", "logit")
        XCTAssertTrue(text.errors.contains("does not know the word 'the'"), text.errors)
    }

    /// The box lies about the map's peak, in the photograph's pixels, and is drawn.
    func testBoxes_threshold_lieAroundThePeak() throws {
        let plain = try manifest(explain("--output", "plain"))
        let boxed = try manifest(explain("--boxes", "--output", "boxed"))
        XCTAssertNil(plain.scores[0].map.box)
        let box = try XCTUnwrap(boxed.scores[0].map.box)
        let peak = try XCTUnwrap(boxed.scores[0].map.peak)
        XCTAssertTrue(box.x0 <= peak.x && peak.x <= box.x1 && box.y0 <= peak.y && peak.y <= box.y1, "\(box) \(peak)")
        XCTAssertEqual(boxed.rendering.boxThreshold, 0.15)
        let narrow = try XCTUnwrap(manifest(explain("--boxes", "0.9")).scores[0].map.box)
        XCTAssertLessThan(narrow.width * narrow.height, box.width * box.height)
        func overlay(_ folder: String) throws -> Image { try Image.read(url("\(folder)/toy-03-circle-overlay.png")) }
        XCTAssertNotEqual(try overlay("plain").pixels, try overlay("boxed").pixels)
        XCTAssertEqual(try explain("--boxes", "1.5").code, 64)
    }

    /// The steps of docs/compat.md, from the raw map on.
    func testCompat_everyTool_followsItsSteps() throws {
        let usual = try manifest(explain("--output", "usual"))
        let raw = try NumPyArray.read(result(usual.scores[0].files.rawMap, in: "usual"))
        for tool in Compatibility.allCases {
            let found = try manifest(explain("--compat", tool.rawValue, "--output", tool.rawValue))
            XCTAssertEqual(found.rendering.compatibility, tool)
            let files = found.scores[0].files
            let map = try NumPyArray.read(result(files.rawMap, in: tool.rawValue))
            let input = try NumPyArray.read(result(files.toolMap, in: tool.rawValue))
            let factor: Float = tool == .ramprs ? Float(raw.count) : 1
            let expected = raw.array.map { factor * (tool == .captum ? $0 : max(0, $0)) }
            for (a, b) in zip(map.array, expected) { XCTAssertEqual(a, b, accuracy: 1e-5 * (expected.max() ?? 0)) }
            XCTAssertEqual(input.shape, [64, 64])
            if tool == .captum {
                XCTAssertEqual(Set(input.array), Set(map.array))
            } else {
                XCTAssertEqual(input.array.max() ?? 0, 1, accuracy: tool == .torchCAM ? 0.2 : 1e-3)
            }
        }
        let two = ["--layer", "conv2", "--layer", "conv4", "--output", "two", "--compat"]
        let fused = try manifest(run(["caption", "--model", Self.model.path] + own + two + ["pytorch-grad-cam"]))
        XCTAssertEqual(fused.scores[0].map.shape, [64, 64])
        assertFails(
            try run(["caption", "--model", Self.model.path] + own + two + ["captum"]), 2, "captum draws over one layer")
    }

    func testMethod_requestsThatCannotBeMet_areRefused() throws {
        let before = files()
        assertFails(try explain("--method", "hirescan"), 2, "no method 'hirescan'", "hirescam")
        assertFails(try explain("--method", "cam"), 2, "cam needs", "show-attend-and-tell")
        assertFails(try explain("--method", "eigen-cam", "--counterfactual"), 2, "eigen-cam", "counterfactual")
        assertFails(try explain("--method", "attention", "--layer", "conv1"), 2, "attention", "conv1")
        XCTAssertEqual(files(), before)
        for wrong in [
            ["--samples", "0"], ["--noise", "-1"], ["--keep", "1"], ["--score", "loggit"], ["--compat", "keras"],
            ["--contrast", "red"], ["--baseline", "white"], ["--comparisons", "0"], ["--comparison-weight", "-1"],
        ] { XCTAssertEqual(try run(["caption"] + own + wrong).code, 64, "\(wrong)") }
    }
}
