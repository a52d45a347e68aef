import Drawing
import Vision
import XCTest

final class LocalisationBoxTests: XCTestCase {
    private func plane(_ rows: [[Float]]) -> Plane {
        Plane(width: rows[0].count, height: rows.count, values: rows.flatMap { $0 })
    }

    func testLocalisationBox_segmentsThatMeetFurtherDown_areOne() {
        // An arch: two legs that one run of the row above joins.
        let arch = plane([[0, 0, 0, 0], [1, 1, 1, 0], [1, 0, 1, 0], [1, 0, 1, 1], [0, 0, 0, 0]])
        XCTAssertEqual(LocalisationBox.find(in: arch), Rectangle(x0: 0, y0: 1, x1: 4, y1: 4))
        let cup = plane([[1, 0, 1, 1], [1, 0, 1, 0], [1, 1, 1, 0]])
        XCTAssertEqual(LocalisationBox.find(in: cup), Rectangle(x0: 0, y0: 0, x1: 4, y1: 3))
    }

    func testLocalisationBox_severalSegments_isAroundTheLargest() throws {
        let map = plane([
            [0.15, 0, 0, 0.6, 0.6],
            [0, 0.14, 0, 0.6, 0],
            [0.2, 0.2, 0, 0, 1],
            [0.2, 0.2, 0, 0, 1],
        ])
        // Segments of 1, 3, 4 and 2 pixels. Pixels are joined along edges only: 0.6 and 1 meet at a corner.
        XCTAssertEqual(LocalisationBox.find(in: map), Rectangle(x0: 0, y0: 2, x1: 2, y1: 4))
        // From half of the maximum on, the largest segment has 3 pixels.
        XCTAssertEqual(LocalisationBox.find(in: map, threshold: 0.5), Rectangle(x0: 3, y0: 0, x1: 5, y1: 2))
        // Of two segments of equal size, the first counts.
        XCTAssertEqual(
            LocalisationBox.find(in: plane([[0, 0, 1], [1, 0, 0]])), Rectangle(x0: 2, y0: 0, x1: 3, y1: 1))
    }

    func testLocalisationBox_mapWithoutAPositiveValue_isNil() {
        for value in [Float(0), -1, .nan] {
            XCTAssertNil(LocalisationBox.find(in: plane([[value, value], [value, value]])))
        }
    }

    /// More than 16 values in a row, so that the maximum by SIMD lanes has a remainder.
    func testPlane_peakOfWideMaps_isTheFirstOfTheLargest() {
        XCTAssertEqual(
            plane([(0..<37).map { Float($0 == 36 ? 9 : $0 % 5) }, (0..<37).map { -Float($0) }]).peak, 36)
        XCTAssertEqual(plane([(0..<37).map { Float($0 % 5) }]).peak, 4)
        XCTAssertNil(plane([(0..<37).map { -Float($0) }]).peak)
    }
}
