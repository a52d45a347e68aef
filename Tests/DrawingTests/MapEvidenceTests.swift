import Vision
import XCTest

@testable import Drawing

final class MapEvidenceTests: XCTestCase {
    private let photo = Image(width: 120, height: 80, color: (200, 110, 20))
    private let map = Normalisation.unit([0, 0, 0, 4])

    private func drawing(_ style: DrawingStyle) -> MapDrawing {
        MapDrawing(
            photo: photo,
            placement: Placement(
                originalWidth: 120, originalHeight: 80, modelWidth: 32, modelHeight: 32,
                rectangle: Rectangle(x0: 0, y0: 0, x1: 120, y1: 80)), style: style)
    }

    private func tile(_ scale: MapScale, _ evidence: MapEvidence?, contours: [Float] = [0.5]) -> Image {
        drawing(DrawingStyle(contours: contours, scale: scale)).tile(
            of: map, width: 2, height: 2, name: "dog", evidence: evidence)
    }

    /// The largest difference between two channels of a pixel.
    private func color(_ image: Image) -> Int {
        (0..<image.width * image.height).map { i in
            let p = image.pixels[3 * i..<3 * i + 3].map(Int.init)
            return (p.max() ?? 0) - (p.min() ?? 0)
        }.max() ?? 0
    }

    func testMapEvidence_strength_isClipped() {
        XCTAssertEqual([-1, 0.25, 7, .nan].map { MapEvidence(strength: $0).strength }, [0, 0.25, 1, 0])
    }

    func testMapEvidence_noStrength_isTheGrayPhotographWithANote() {
        let bare = tile(.evidence, MapEvidence(strength: 0, note: "follows from the words before it"))
        XCTAssertLessThan(color(bare), 20)
        XCTAssertGreaterThan(color(tile(.evidence, MapEvidence())), 100)
        // The note is white on black, across the middle.
        XCTAssertGreaterThan(bare.pixels.max() ?? 0, 240)
        XCTAssertNotEqual(bare, tile(.evidence, MapEvidence(strength: 0, note: "the regions speak against it")))
        // Without a text of its own it has one all the same.
        XCTAssertGreaterThan(tile(.evidence, MapEvidence(strength: 0)).pixels.max() ?? 0, 240)
        // Above the note, nothing but the gray photograph.
        XCTAssertEqual(Set(stride(from: 0, to: 3 * 120 * 20, by: 3).map { bare.pixels[$0] }).count, 1)
    }

    func testMapEvidence_strength_multipliesTheMapOnlyInItsOwnScale() {
        let half = MapEvidence(strength: 0.5)
        let expected = drawing(DrawingStyle(contours: [], scale: .each)).tile(
            of: NormalisedMap(values: [0, 0, 0, 0.5], isSigned: false, warnings: []), width: 2, height: 2, name: "dog")
        XCTAssertEqual(tile(.evidence, half, contours: []), expected)
        XCTAssertEqual(tile(.evidence, nil), tile(.each, nil))
        for scale in [MapScale.each, .shared, .fixed(4)] {
            let none = MapEvidence(strength: 0, note: "nothing")
            XCTAssertEqual(tile(scale, none), tile(scale, nil), "\(scale)")
        }
    }

    /// The line is where the map has half of its own largest value, whatever its strength; a map that is hardly drawn
    /// has none.
    func testMapEvidence_contour_isAtHalfOfTheDrawnMap() {
        func line(_ strength: Float) -> [Bool] {
            let evidence = MapEvidence(strength: strength)
            return zip(tile(.evidence, evidence).pixels, tile(.evidence, evidence, contours: []).pixels).map {
                $0 != $1
            }
        }
        let full = line(1)
        let pixels = full.filter { $0 }.count
        XCTAssertGreaterThan(pixels, 300)
        // White and black differ from every other colour, so the same pixels change, but for the thin edge of the line.
        XCTAssertLessThan(zip(line(0.3), full).filter { $0 != $1 }.count, pixels / 10)
        XCTAssertFalse(line(0.04).contains(true))
    }

    func testMapEvidence_direction_choosesTheColoursUnlessTheStyleDoes() {
        let against = MapEvidence(isAgainst: true)
        XCTAssertEqual(
            tile(.each, against),
            drawing(DrawingStyle(colorMap: .cool)).tile(of: map, width: 2, height: 2, name: "dog"))
        XCTAssertEqual(
            tile(.each, nil), drawing(DrawingStyle(colorMap: .warm)).tile(of: map, width: 2, height: 2, name: "dog"))
        let turbo = drawing(DrawingStyle(colorMap: .turbo))
        XCTAssertEqual(
            turbo.tile(of: map, width: 2, height: 2, name: "dog", evidence: against),
            turbo.tile(of: map, width: 2, height: 2, name: "dog"))
        XCTAssertEqual(MapWarning.allZero.note(about: "dog", isAgainst: true), "nothing speaks against 'dog'")
    }
}
