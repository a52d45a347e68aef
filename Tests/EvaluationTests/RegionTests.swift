import Vision
import XCTest

@testable import Evaluation

final class RegionTests: XCTestCase {
    private func pixels(_ region: Region) -> [[Int]] {
        region.mask.indices.filter { region.mask[$0] }.map { [$0 % region.width, $0 / region.width] }
    }

    func testRegion_boxes_haveThePixelsWhoseCentresAreInside() throws {
        // The columns have the centres 0.5, 1.5, 2.5 and 3.5: 0.5 is in 0.5..<2.5, 2.5 is not.
        let one = try region([[0.5, 0, 2.5, 1.2]])
        XCTAssertEqual(pixels(one), [[0, 0], [1, 0]])
        XCTAssertEqual([one.count, one.width, one.height], [2, 4, 3])
        XCTAssertEqual(one.share, 2.0 / 12)
        // A pixel of two boxes counts once. Boxes are clipped to the image.
        let two = try region([[0, 0, 2, 2], [1, 1, 9, 1e300]])
        XCTAssertEqual(two.count, 4 + 6 - 1)
        XCTAssertEqual(two.boxes[1], Rectangle(x0: 1, y0: 1, x1: 4, y1: 3))
    }

    func testRegion_boxWithoutAPixelCentre_hasThePixelAtItsCentre() throws {
        XCTAssertEqual(pixels(try region([[1.6, 2.6, 1.9, 2.9]])), [[1, 2]])
        XCTAssertEqual(pixels(try region([[3.9, 2.9, 4, 3]])), [[3, 2]])
    }

    func testRegion_nothingInsideTheImage_isNil() {
        for box in [[4.0, 0, 9, 3], [-5, 0, 0, 3], [0, -3, 4, 0], [0, 3, 4, 8], [-1e300, -1e300, -1e299, -1e299]] {
            let rectangle = Rectangle(x0: box[0], y0: box[1], x1: box[2], y1: box[3])
            XCTAssertNil(Region(boxes: [rectangle], width: 4, height: 3), "\(box)")
        }
        XCTAssertNil(Region(boxes: [], width: 4, height: 3))
        XCTAssertNil(Region(mask: [false, false], width: 2))
    }

    func testRegion_iou_countsPixels() throws {
        // Two pixels in each of three rows and a column that has one of each two: 3 of 6 + 3 - 3.
        let diagonal = try XCTUnwrap(
            Region(mask: [true, true, false, false, true, true, true, true, false], width: 3))
        let column = try region([[1, 0, 2, 3]], width: 3)
        XCTAssertEqual(diagonal.runs, [0..<2, 4..<8])
        XCTAssertEqual(diagonal.iou(column), 3.0 / 6)
        XCTAssertEqual(column.iou(diagonal), 3.0 / 6)
        XCTAssertEqual(diagonal.iou(diagonal), 1)
        XCTAssertEqual(try region([[0, 0, 1, 1]], width: 3).iou(try region([[1, 0, 3, 3]], width: 3)), 0)
    }

    func testRegion_mask_hasItsPixelsAndTheirBox() throws {
        let mask = try XCTUnwrap(Region(mask: [false, true, false, false, true, true], width: 3))
        XCTAssertEqual([mask.width, mask.height, mask.count], [3, 2, 3])
        XCTAssertEqual(mask.boxes, [Rectangle(x0: 1, y0: 0, x1: 3, y1: 2)])
        XCTAssertTrue(mask.contains(Pixel(x: 2, y: 1)))
        XCTAssertFalse(mask.contains(Pixel(x: 2, y: 0)))
    }
}
