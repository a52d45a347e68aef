import Foundation
import Tensors
import TestSupport
import Vision
import XCTest

@testable import Drawing

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

    func testMapDrawing_images_areTheOverlayAndTheHeatMap() {
        let style = DrawingStyle(colorMap: .viridis, opacity: 0.8, blend: .even, contours: [])
        let (overlay, heat) = drawing(style).images(of: map, width: 2, height: 2, name: "dog")
        let plane = placement.toOriginal(map.values, width: 2, height: 2).values
        XCTAssertEqual(
            overlay,
            Overlay.draw(
                photo, map: plane, colorMap: .viridis, opacity: 0.8, blend: .even, seen: placement.rectangle))
        XCTAssertEqual(
            heat, Overlay.heatMap(plane, width: 120, height: 80, colorMap: .viridis, seen: placement.rectangle))
        XCTAssertEqual(drawing(style).tile(of: map, width: 2, height: 2, name: "dog"), overlay)
    }

    func testMapDrawing_legend_isUnderImagesAndNotUnderTiles() {
        let style = DrawingStyle(hasLegend: true)
        let plain = drawing(DrawingStyle()).images(of: map, width: 2, height: 2, name: "dog")
        let (overlay, heat) = drawing(style).images(of: map, width: 2, height: 2, name: "dog")
        XCTAssertTrue(overlay.height > 100 && heat.height == overlay.height)
        XCTAssertEqual(Array(overlay.pixels.prefix(plain.overlay.pixels.count)), plain.overlay.pixels)
        XCTAssertEqual(drawing(style).tile(of: map, width: 2, height: 2, name: "dog"), plain.overlay)
    }

    /// The left half is 0 and the right half is 1. The line at half of the maximum is in the middle of the model's
    /// input.
    func testMapDrawing_overlayOfAPreparedMap_isDividedByTheFixedScale() {
        let prepared = PreparedMap(values: Tensor([2, 2], [0, 0, 0, 2]))
        func overlay(_ scale: MapScale) -> Image {
            drawing(DrawingStyle(hasLegend: true, scale: scale)).overlay(of: prepared, name: "dog")
        }
        func expected(_ scale: MapScale, _ divisor: Float?) -> Image {
            drawing(DrawingStyle(hasLegend: true, scale: scale)).images(
                of: prepared.normalised(divisor: divisor), width: 2, height: 2, name: "dog"
            ).overlay
        }
        XCTAssertEqual(overlay(.each), expected(.each, 2))
        XCTAssertEqual(overlay(.fixed(8)), expected(.fixed(8), 8))
        XCTAssertNotEqual(overlay(.fixed(8)), expected(.fixed(8), 2))
    }

    func testMapDrawing_contours_runAtTheirLevel() throws {
        let half = Normalisation.unit([0, 1, 0, 1])
        let plain = drawing(DrawingStyle(contours: [])).tile(of: half, width: 2, height: 2, name: "dog")
        let lined = drawing(DrawingStyle(contours: [0.5])).tile(of: half, width: 2, height: 2, name: "dog")
        let changed = changes(plain, lined)
        XCTAssertTrue((56...59).contains(try XCTUnwrap(changed.map(\.x).min())))
        XCTAssertTrue((60...63).contains(try XCTUnwrap(changed.map(\.x).max())))
        XCTAssertEqual(Set(changed.map(\.y)), Set(0..<80))
        // A signed map has lines on both sides of zero.
        let signed = DrawingStyle(colorMap: .coolwarm, contours: [0.5])
        let sides = Normalisation.signed([-1, 1, -1, 1])
        let both = changes(
            drawing(DrawingStyle(colorMap: .coolwarm, contours: [])).tile(of: sides, width: 2, height: 2, name: "dog"),
            drawing(signed).tile(of: sides, width: 2, height: 2, name: "dog"))
        XCTAssertTrue(both.contains { $0.x < 55 } && both.contains { $0.x > 65 })
        XCTAssertFalse(both.contains { $0.x == 60 })
    }

    func testMapDrawing_box_isDrawnAtItsPlace() throws {
        let box = Rectangle(x0: 30, y0: 20, x1: 90, y1: 60)
        let plain = drawing(DrawingStyle()).tile(of: map, width: 2, height: 2, name: "dog")
        let boxed = drawing(DrawingStyle()).tile(of: map, width: 2, height: 2, name: "dog", box: box)
        let changed = changes(plain, boxed)
        XCTAssertEqual([changed.map(\.x).min(), changed.map(\.x).max()], [30, 89])
        XCTAssertEqual([changed.map(\.y).min(), changed.map(\.y).max()], [20, 59])
        XCTAssertFalse(changed.contains { $0.x == 60 && $0.y == 40 })
    }

    func testMapDrawing_resized_keepsThePartThatTheModelSaw() {
        let small = drawing(DrawingStyle()).resized((60, 40)).resized((30, 20))
        XCTAssertEqual(small.placement.rectangle, Rectangle(x0: 5, y0: 0, x1: 25, y1: 20))
        XCTAssertTrue((small.photo.width, small.photo.height) == (30, 20))
        let tile = small.tile(of: map, width: 2, height: 2, name: "dog")
        XCTAssertTrue((tile.width, tile.height) == (30, 20))
        // Outside of the model's input the photograph is dark gray.
        XCTAssertEqual(tile.pixels[0], tile.pixels[2])
    }

    func testMapDrawing_emptyMap_hasANote() {
        let d = drawing(DrawingStyle(contours: []))
        let empty = Normalisation.unit([-1, -2, -1, -1])
        let zero = Normalisation.unit([0, 0, 0, 0])
        let noted = d.tile(of: empty, width: 2, height: 2, name: "dog")
        // Outside of the note, the photograph is muted.
        XCTAssertEqual(
            Array(noted.pixels.prefix(60)), Array(d.tile(of: map, width: 2, height: 2, name: "dog").pixels.prefix(60)))
        let plain = d.tile(of: map, width: 2, height: 2, name: "dog").pixels.max() ?? 255
        XCTAssertGreaterThan(noted.pixels.max() ?? 0, plain)
        XCTAssertEqual(noted, d.tile(of: zero, width: 2, height: 2, name: "dog"))
        XCTAssertNotEqual(noted, d.tile(of: empty, width: 2, height: 2, name: "cat"))
        XCTAssertNotEqual(
            d.images(of: empty, width: 2, height: 2, name: "dog").heatMap,
            d.images(of: empty, width: 2, height: 2, name: "cat").heatMap)
        XCTAssertEqual(MapWarning.nowherePositive.note(about: "dog"), "nothing speaks for 'dog'")
        XCTAssertNil(MapWarning.beyondScale(2, 1).note(about: "dog"))
        var tiny = Image(width: 3, height: 2)
        tiny.note("nothing speaks for it")
    }

    func testImageFiles_write_writesAllImagesOrThrows() throws {
        let folder = try Fixture.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let urls = ["a.png", "b.png", "c.png"].map { folder.appendingPathComponent($0) }
        try ImageFiles.write(urls.map { (photo, $0) })
        for url in urls { XCTAssertEqual(try Image.read(url), photo) }
        let missing = folder.appendingPathComponent("none/d.png")
        XCTAssertThrowsError(try ImageFiles.write([(photo, urls[0]), (photo, missing)])) {
            XCTAssertTrue("\($0)".contains("none"), "\($0)")
        }
    }

    private func changes(_ a: Image, _ b: Image) -> [(x: Int, y: Int)] {
        (0..<a.width * a.height).filter { a.pixels[3 * $0..<3 * $0 + 3] != b.pixels[3 * $0..<3 * $0 + 3] }.map {
            ($0 % a.width, $0 / a.width)
        }
    }
}
