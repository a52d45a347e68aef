import Vision
import XCTest

@testable import Drawing

final class ContourTests: XCTestCase {
    private func segments(_ map: [Float], _ width: Int, level: Float) -> [Contour.Segment] {
        Contour.segments(of: map, width: width, columns: 0..<width, rows: 0..<map.count / width, level: level)
    }

    func testContour_ramp_isCutWhereItReachesTheLevel() {
        // The values 0, 1 and 2 are at x = 0.5, 1.5 and 2.5. So 1.25 is at x = 1.75.
        let lines = segments([0, 1, 2, 0, 1, 2], 3, level: 1.25)
        XCTAssertEqual(lines.count, 1)
        XCTAssertEqual(Set([lines[0].0, lines[0].1]), [SIMD2(1.75, 0.5), SIMD2(1.75, 1.5)])
        XCTAssertTrue(segments([0, 1, 2, 0, 1, 2], 3, level: 2.5).isEmpty)
        XCTAssertTrue(segments([1, 1, 1, 1], 2, level: 1).isEmpty)
    }

    func testContour_hill_hasAClosedLineAtItsRadius() {
        let side = 40
        let centre = SIMD2<Float>(19.3, 21.8)
        let map = (0..<side * side).map { i -> Float in
            let d = SIMD2(Float(i % side) + 0.5, Float(i / side) + 0.5) - centre
            return 20 - (d * d).sum().squareRoot()
        }
        let lines = segments(map, side, level: 8)
        var ends: [SIMD2<Float>: Int] = [:]
        for (a, b) in lines {
            ends[a, default: 0] += 1
            ends[b, default: 0] += 1
            let d = a - centre
            XCTAssertEqual((d * d).sum().squareRoot(), 12, accuracy: 0.05)
        }
        XCTAssertGreaterThan(lines.count, 60)
        XCTAssertTrue(ends.values.allSatisfy { $0 == 2 }, "the line has loose ends")
        let length = lines.reduce(Float(0)) { $0 + (($1.0 - $1.1) * ($1.0 - $1.1)).sum().squareRoot() }
        XCTAssertEqual(length, 2 * .pi * 12, accuracy: 0.3)
    }

    /// A single high pixel anywhere in a wide map has its line: no square is passed over.
    func testContour_singlePixel_isFoundAtEveryPlace() {
        let width = 70
        for place in 1..<width - 1 {
            var map = [Float](repeating: 0, count: 3 * width)
            map[width + place] = 1
            let lines = segments(map, width, level: 0.5)
            XCTAssertEqual(lines.count, 4, "\(place)")
            XCTAssertTrue(lines.allSatisfy { abs($0.0.x - Float(place) - 0.5) <= 0.5 }, "\(place)")
        }
    }

    func testContour_saddle_followsItsMiddle() {
        // The corners at the upper left and the lower right are high. The middle is 0.5.
        let map: [Float] = [1, 0, 0, 1]
        // At the level 0.4 the middle is high, and the low corners are cut off. At 0.6 the high corners are.
        let joined = segments(map, 2, level: 0.4)
        let apart = segments(map, 2, level: 0.6)
        XCTAssertEqual([joined.count, apart.count], [2, 2])
        func cornerDistances(_ lines: [Contour.Segment], _ corner: SIMD2<Float>) -> Float {
            lines.map { strokeDistance(corner, $0.0, $0.1) }.min() ?? .infinity
        }
        XCTAssertLessThan(cornerDistances(joined, SIMD2(1.5, 0.5)), cornerDistances(joined, SIMD2(0.5, 0.5)))
        XCTAssertLessThan(cornerDistances(apart, SIMD2(0.5, 0.5)), cornerDistances(apart, SIMD2(1.5, 0.5)))
    }

    func testContour_rangesAndExtremeValues_giveFiniteLines() {
        let map: [Float] = [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        XCTAssertEqual(segments(map, 4, level: 0.5).count, 4)
        XCTAssertTrue(Contour.segments(of: map, width: 4, columns: 2..<4, rows: 0..<4, level: 0.5).isEmpty)
        XCTAssertTrue(Contour.segments(of: map, width: 4, columns: 1..<2, rows: 0..<4, level: 0.5).isEmpty)
        for strange in [Float.nan, .infinity, -.infinity, .greatestFiniteMagnitude] {
            let lines = segments([strange, 0, 1, strange], 2, level: 0.5)
            XCTAssertTrue(lines.allSatisfy { $0.0.x.isFinite && $0.0.y.isFinite && $0.1.x.isFinite && $0.1.y.isFinite })
        }
    }

    func testStroke_lightAndDarkImages_showTheLine() {
        for gray: UInt8 in [0, 255] {
            var image = Image(width: 24, height: 16, color: (gray, gray, gray))
            Stroke([(SIMD2(4, 8), SIMD2(20, 8))], on: image).draw(into: &image)
            let column = (0..<16).map { image.pixels[($0 * 24 + 12) * 3] }
            XCTAssertEqual(column.max(), 255)
            XCTAssertLessThan(column.min() ?? 255, 60, "no dark edge on \(gray)")
            // The stroke is symmetric, and other pixels do not change.
            XCTAssertEqual(column, column.reversed())
            XCTAssertEqual([column[0], image.pixels[0]], [gray, gray])
            XCTAssertGreaterThan(column[7], 200)
        }
        var image = Image(width: 4, height: 4, color: (9, 9, 9))
        let before = image
        Stroke([], on: image).draw(into: &image)
        Stroke([(SIMD2(-90, -80), SIMD2(-70, -60)), (SIMD2(400, 3), SIMD2(500, 3))], on: image).draw(into: &image)
        XCTAssertEqual(image, before)
    }
}
