import Drawing
import Explain
import Foundation
import Vision
import Weights
import XCTest

/// How maps are drawn, as a user asks for it: sheets, scales, blends, contours, legends.
final class DrawingCommandTests: ProgramTestCase {
    private let own = ["toy.png", "--caption", "a red circle and a blue square", "--json"]

    private func explain(_ arguments: String..., line: UInt = #line) throws -> CaptionManifest {
        let outcome = try run(["caption", "--model", Self.model.path] + own + arguments)
        XCTAssertEqual(outcome.code, 0, outcome.errors, line: line)
        return try JSONDecoder().decode(CaptionManifest.self, from: Data(outcome.output.utf8))
    }

    private func picture(_ name: String?, in output: String) throws -> Image {
        try Image.read(result(name, in: output))
    }

    func testSheet_methodsAndWords_hasATileEach() throws {
        let two = try explain(
            "--explain-word", "circle", "--explain-word", "square", "--method", "grad-cam", "--method", "hirescam",
            "--method", "occlusion", "--sheet", "--output", "two")
        XCTAssertTrue(files("two").contains("toy-sheet.png"))
        let sheet = try picture(two.methodSheet, in: "two")
        let size = MethodSheet.tileSize(width: 64, height: 64, columns: 2, rows: 3)
        XCTAssertTrue((3 * size.width + 48..<4 * size.width + 48).contains(sheet.width), "\(sheet.width)")
        XCTAssertTrue((4 * size.height + 48..<5 * size.height + 48).contains(sheet.height), "\(sheet.height)")
        // Every word where none was chosen.
        let all = try explain("--explain-all", "--sheet", "--output", "all")
        XCTAssertEqual(files("all").filter { $0.hasSuffix(".png") }, ["toy-sheet.png", "toy-words.png"])
        XCTAssertGreaterThan(
            try picture(all.methodSheet, in: "all").width, try picture(two.methodSheet, in: "two").width)
        XCTAssertNil(try explain("--explain-word", "red").methodSheet)
    }

    func testScale_sharedAndFixed_divideAllMapsOfAMethod() throws {
        let words = ["--explain-word", "red", "--explain-word", "circle", "--explain-word", "and"]
        func maxima(_ arguments: [String]) throws -> [Float] {
            let outcome = try run(["caption", "--model", Self.model.path] + own + words + arguments)
            XCTAssertEqual(outcome.code, 0, outcome.errors)
            let manifest = try JSONDecoder().decode(CaptionManifest.self, from: Data(outcome.output.utf8))
            return try manifest.scores.map { try XCTUnwrap($0.map.drawnMaximum) }
        }
        let each = try maxima(["--method", "grad-cam", "--method", "layercam"])
        XCTAssertEqual(Set(each).count, 6)
        // A word's maps stand side by side: grad-cam's are the even ones.
        let shared = try maxima(["--method", "grad-cam", "--method", "layercam", "--scale", "shared"])
        let (largest, other) = (
            try XCTUnwrap([each[0], each[2], each[4]].max()), try XCTUnwrap([each[1], each[3], each[5]].max())
        )
        XCTAssertEqual(shared, [largest, other, largest, other, largest, other])
        XCTAssertEqual(try maxima(["--scale", "fixed", "--scale-maximum", "0.25"]), [0.25, 0.25, 0.25])
        let small = try explain("--explain-word", "red", "--scale", "fixed", "--scale-maximum", "1e-6")
        XCTAssertEqual(small.rendering.scale, .fixed)
        XCTAssertTrue(
            small.scores[0].warnings.contains { $0.contains("beyond the scale") }, "\(small.scores[0].warnings)")
    }

    func testOverlay_blendContoursAndLegend_areDrawn() throws {
        let plain = try explain("--explain-word", "circle", "--no-legend", "--output", "plain")
        let drawn = try explain(
            "--explain-word", "circle", "--blend", "even", "--contour", "0.5", "--contour", "0.8", "--output", "drawn")
        XCTAssertEqual(plain.rendering.blend, .weighted)
        XCTAssertEqual(drawn.rendering.blend, .even)
        XCTAssertEqual(drawn.rendering.contours, [0.5, 0.8])
        let before = try picture(plain.scores[0].files.overlay, in: "plain")
        let after = try picture(drawn.scores[0].files.overlay, in: "drawn")
        XCTAssertTrue((before.width, before.height) == (64, 64))
        XCTAssertTrue(after.width == 480 && after.height > 500, "\(after.width)x\(after.height)")
        XCTAssertGreaterThan(try picture(drawn.scores[0].files.heatMap, in: "drawn").height, 500)
    }

    /// One number for each pixel, and with gray colours that cover all it is what the images show.
    func testDrawnMap_values_areWhatTheImagesShow() throws {
        try Image.read(url("toy.png")).resized(width: 90, height: 60, filter: .bilinear).write(to: url("photo.png"))
        let options = [
            "--explain-word", "circle", "--drawn-map", "--color-map", "gray", "--opacity", "1", "--no-legend",
            "--no-contour", "--json",
        ]
        for more in [["--blend", "even"], ["--blend", "even", "--scale", "fixed", "--scale-maximum", "1000"]] {
            let outcome = try run(["caption", "--model", Self.model.path, "photo.png"] + options + more)
            let manifest = try JSONDecoder().decode(CaptionManifest.self, from: Data(outcome.output.utf8))
            let files = manifest.scores[0].files
            let map = try NumPyArray.read(result(files.drawnMap))
            XCTAssertEqual(map.shape, [60, 90])
            let largest = try XCTUnwrap(map.array.max())
            if more.count == 2 {
                XCTAssertTrue((0.9...1).contains(largest), "\(largest)")
            } else {
                XCTAssertLessThan(largest, 0.1)
            }
            XCTAssertGreaterThanOrEqual(try XCTUnwrap(map.array.min()), 0)
            for name in [files.heatMap, files.overlay] {
                let image = try picture(name, in: "mmx-output")
                for (pixel, value) in map.array.enumerated() {
                    XCTAssertEqual(Float(image.pixels[3 * pixel]), 255 * value, accuracy: 1.01, "\(pixel)")
                }
            }
        }
        XCTAssertNil(try explain("--explain-word", "circle").scores[0].files.drawnMap)
    }

    func testDrawing_wrongUsage_exitsWith64() throws {
        for (arguments, part) in [
            (["--contour", "0"], "--contour"), (["--contour", "1.5"], "--contour"),
            (["--scale", "fixed"], "--scale-maximum"),
            (["--scale-maximum", "2"], "--scale fixed"), (["--scale", "fixed", "--scale-maximum", "0"], "above 0"),
            (["--blend", "odd"], "weighted"), (["--scale", "odd"], "shared"),
        ] {
            let outcome = try run(
                ["caption", "--model", Self.model.path, "toy.png", "--explain-word", "red"] + arguments)
            XCTAssertEqual(outcome.code, 64, "\(arguments)")
            XCTAssertTrue(outcome.errors.contains(part), outcome.errors)
        }
        let nothing = try caption("toy.png", "--sheet")
        XCTAssertEqual(nothing.code, 64)
        XCTAssertTrue(nothing.errors.contains("--explain-word"), nothing.errors)
        XCTAssertEqual(files(), [])
    }
}
