import Foundation
import TestSupport
import Vision
import XCTest

@testable import Explain

final class MapDrawingTests: XCTestCase {
    private let photo = Image(width: 120, height: 80, color: (100, 110, 120))
    /// The middle square of the photograph.
    private var placement: Placement {
        Placement(
            originalWidth: 120, originalHeight: 80, modelWidth: 32, modelHeight: 32,
            rectangle: Rectangle(x0: 20, y0: 0, x1: 100, y1: 80))
    }
    private func drawing(_ style: DrawingStyle) -> MapDrawing {
        MapDrawing(photo: photo, placement: placement, style: style)
    }
    private let map = Normalisation.unit([0, 0, 0, 1])

    func testPicturesAreTheOverlayAndTheHeatMap() {
        let style = DrawingStyle(colorMap: .viridis, opacity: 0.8, blend: .even)
        let (overlay, heat) = drawing(style).pictures(of: map, width: 2, height: 2, name: "dog")
        let plane = placement.toOriginal(map.values, width: 2, height: 2).values
        XCTAssertEqual(
            overlay,
            Overlay.draw(
                photo, map: plane, colorMap: .viridis, opacity: 0.8, blend: .even, seen: placement.rectangle))
        XCTAssertEqual(
            heat, Overlay.heatMap(plane, width: 120, height: 80, colorMap: .viridis, seen: placement.rectangle))
        XCTAssertEqual(drawing(style).tile(of: map, width: 2, height: 2, name: "dog"), overlay)
    }

    func testALegendStandsUnderFilesAndNotUnderTiles() {
        let style = DrawingStyle(hasLegend: true)
        let plain = drawing(DrawingStyle()).pictures(of: map, width: 2, height: 2, name: "dog")
        let (overlay, heat) = drawing(style).pictures(of: map, width: 2, height: 2, name: "dog")
        XCTAssertTrue(overlay.height > 100 && heat.height == overlay.height)
        XCTAssertEqual(Array(overlay.pixels.prefix(plain.overlay.pixels.count)), plain.overlay.pixels)
        XCTAssertEqual(drawing(style).tile(of: map, width: 2, height: 2, name: "dog"), plain.overlay)
    }

    /// Left half 0, right half 1: at half the maximum the line runs down the middle of what the model saw.
    func testContoursRunAtTheirLevel() throws {
        let half = Normalisation.unit([0, 1, 0, 1])
        let plain = drawing(DrawingStyle()).tile(of: half, width: 2, height: 2, name: "dog")
        let lined = drawing(DrawingStyle(contours: [0.5])).tile(of: half, width: 2, height: 2, name: "dog")
        let changed = changes(plain, lined)
        XCTAssertTrue((56...59).contains(try XCTUnwrap(changed.map(\.x).min())))
        XCTAssertTrue((60...63).contains(try XCTUnwrap(changed.map(\.x).max())))
        XCTAssertEqual(Set(changed.map(\.y)), Set(0..<80))
        // Signed maps have the line on both sides of zero.
        let signed = DrawingStyle(colorMap: .coolwarm, contours: [0.5])
        let sides = Normalisation.signed([-1, 1, -1, 1])
        let both = changes(
            drawing(DrawingStyle(colorMap: .coolwarm)).tile(of: sides, width: 2, height: 2, name: "dog"),
            drawing(signed).tile(of: sides, width: 2, height: 2, name: "dog"))
        XCTAssertTrue(both.contains { $0.x < 55 } && both.contains { $0.x > 65 })
        XCTAssertFalse(both.contains { $0.x == 60 })
    }

    func testABoxIsDrawnWhereItLies() throws {
        let box = Rectangle(x0: 30, y0: 20, x1: 90, y1: 60)
        let plain = drawing(DrawingStyle()).tile(of: map, width: 2, height: 2, name: "dog")
        let boxed = drawing(DrawingStyle()).tile(of: map, width: 2, height: 2, name: "dog", box: box)
        let changed = changes(plain, boxed)
        XCTAssertEqual([changed.map(\.x).min(), changed.map(\.x).max()], [30, 89])
        XCTAssertEqual([changed.map(\.y).min(), changed.map(\.y).max()], [20, 59])
        XCTAssertFalse(changed.contains { $0.x == 60 && $0.y == 40 })
    }

    func testASmallerDrawingSeesTheSamePart() {
        let small = drawing(DrawingStyle()).resized((60, 40)).resized((30, 20))
        XCTAssertEqual(small.placement.rectangle, Rectangle(x0: 5, y0: 0, x1: 25, y1: 20))
        XCTAssertTrue((small.photo.width, small.photo.height) == (30, 20))
        let tile = small.tile(of: map, width: 2, height: 2, name: "dog")
        XCTAssertTrue((tile.width, tile.height) == (30, 20))
        // Outside of what the model saw the photograph is dimmed gray.
        XCTAssertEqual(tile.pixels[0], tile.pixels[2])
    }

    func testAMapThatShowsNothingSaysSo() {
        let d = drawing(DrawingStyle())
        let empty = Normalisation.unit([-1, -2, -1, -1])
        let zero = Normalisation.unit([0, 0, 0, 0])
        let noted = d.tile(of: empty, width: 2, height: 2, name: "dog")
        // Apart from the note, the photograph, muted.
        XCTAssertEqual(
            Array(noted.pixels.prefix(60)), Array(d.tile(of: map, width: 2, height: 2, name: "dog").pixels.prefix(60)))
        let plain = d.tile(of: map, width: 2, height: 2, name: "dog").pixels.max() ?? 255
        XCTAssertGreaterThan(noted.pixels.max() ?? 0, plain)
        XCTAssertEqual(noted, d.tile(of: zero, width: 2, height: 2, name: "dog"))
        XCTAssertNotEqual(noted, d.tile(of: empty, width: 2, height: 2, name: "cat"))
        XCTAssertNotEqual(
            d.pictures(of: empty, width: 2, height: 2, name: "dog").heatMap,
            d.pictures(of: empty, width: 2, height: 2, name: "cat").heatMap)
        XCTAssertEqual(MapWarning.nowherePositive.note(about: "dog"), "nothing speaks for 'dog'")
        XCTAssertNil(MapWarning.beyondScale(2, 1).note(about: "dog"))
        var tiny = Image(width: 3, height: 2)
        tiny.note("nothing speaks for it")
    }

    func testPicturesAreWrittenTogetherOrTheErrorIsTold() throws {
        let folder = try Fixture.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let urls = ["a.png", "b.png", "c.png"].map { folder.appendingPathComponent($0) }
        try PictureFiles.write(urls.map { (photo, $0) })
        for url in urls { XCTAssertEqual(try Image.read(url), photo) }
        let missing = folder.appendingPathComponent("none/d.png")
        XCTAssertThrowsError(try PictureFiles.write([(photo, urls[0]), (photo, missing)])) {
            XCTAssertTrue("\($0)".contains("none"), "\($0)")
        }
    }

    private func changes(_ a: Image, _ b: Image) -> [(x: Int, y: Int)] {
        (0..<a.width * a.height).filter { a.pixels[3 * $0..<3 * $0 + 3] != b.pixels[3 * $0..<3 * $0 + 3] }.map {
            ($0 % a.width, $0 / a.width)
        }
    }
}
