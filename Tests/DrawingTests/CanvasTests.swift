import Drawing
import Vision
import XCTest

final class CanvasTests: XCTestCase {
    func testImage_outlineAndMark_areDrawnAndClipped() {
        var image = Image(width: 20, height: 20, color: (90, 90, 90))
        image.outline(Rectangle(x0: 3.2, y0: 4, x1: 15, y1: 12.9), color: (255, 0, 0), thickness: 1)
        func pixel(_ x: Int, _ y: Int) -> [UInt8] { Array(image.pixels[(y * 20 + x) * 3..<(y * 20 + x) * 3 + 3]) }
        for x in 3..<15 { XCTAssertTrue(pixel(x, 4) == [255, 0, 0] && pixel(x, 12) == [255, 0, 0]) }
        for y in 4..<13 { XCTAssertTrue(pixel(3, y) == [255, 0, 0] && pixel(14, y) == [255, 0, 0]) }
        XCTAssertEqual(image.pixels.filter { $0 == 255 }.count, 2 * 12 + 2 * 7)

        let before = image
        image.outline(Rectangle(x0: .nan, y0: 0, x1: .nan, y1: 9))
        image.outline(Rectangle(x0: 30, y0: 30, x1: 40, y1: 40))
        image.mark(x: .nan, y: .infinity)
        image.mark(x: -400, y: 1e8)
        XCTAssertEqual(image, before)
        image.outline(Rectangle(x0: -1e300, y0: -.infinity, x1: .infinity, y1: 1e300), thickness: 1000)
        image.mark(x: 10, y: 9)
        XCTAssertEqual(pixel(10, 9), [255, 255, 255])
        XCTAssertEqual(pixel(10, 5), [255, 255, 255])
        image.mark(x: 0, y: 19)
        XCTAssertEqual(pixel(0, 19), [255, 255, 255])
    }

    func testPeak_find_givesTheMiddleOfTheMaximum() {
        XCTAssertTrue(try XCTUnwrap(Peak.find([0, 1, 0, 0, 0, 5], width: 3)) == (2, 1))
        // The maximum is flat at the edge: its middle counts.
        XCTAssertTrue(try XCTUnwrap(Peak.find([3, 3, 3, 0, 3, 3, 3, 0, 3, 3, 3, 0], width: 4)) == (1, 1))
        XCTAssertTrue(try XCTUnwrap(Peak.find([.nan, -2, .infinity, -1], width: 2)) == (1, 1))
        XCTAssertNil(Peak.find([2, 2], width: 2))
        XCTAssertNil(Peak.find([.nan], width: 1))
        XCTAssertNil(Peak.find([], width: 0))
    }
}
