import Drawing
import Vision
import XCTest

final class CanvasTests: XCTestCase {
    func testOutline_insideAndOutsideTheImage_isDrawnAndClipped() {
        var image = Image(width: 20, height: 20, color: (90, 90, 90))
        image.outline(Rectangle(x0: 3.2, y0: 4, x1: 15, y1: 12.9), color: (255, 0, 0), thickness: 1)
        func pixel(_ x: Int, _ y: Int) -> [UInt8] { Array(image.pixels[(y * 20 + x) * 3..<(y * 20 + x) * 3 + 3]) }
        for x in 3..<15 { XCTAssertTrue(pixel(x, 4) == [255, 0, 0] && pixel(x, 12) == [255, 0, 0]) }
        for y in 4..<13 { XCTAssertTrue(pixel(3, y) == [255, 0, 0] && pixel(14, y) == [255, 0, 0]) }
        XCTAssertEqual(image.pixels.filter { $0 == 255 }.count, 2 * 12 + 2 * 7)

        let before = image
        image.outline(Rectangle(x0: .nan, y0: 0, x1: .nan, y1: 9))
        image.outline(Rectangle(x0: 30, y0: 30, x1: 40, y1: 40))
        XCTAssertEqual(image, before)
        image.outline(Rectangle(x0: -1e300, y0: -.infinity, x1: .infinity, y1: 1e300), thickness: 1000)
    }
}
