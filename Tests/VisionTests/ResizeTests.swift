import XCTest

@testable import Vision

final class ResizeTests: XCTestCase {
    func testImageResize_atManySizes_equalsPillow() throws {
        let image = try ImagingCases.image("resize.png"), expected = try ImagingCases.expected()
        let cases = try ImagingCases.load().resized
        XCTAssertEqual(cases.count, 28)
        for item in cases {
            let box = item.box.map { Rectangle(x0: $0[0], y0: $0[1], x1: $0[2], y1: $0[3]) }
            let result = image.resized(width: item.width, height: item.height, filter: item.filter, box: box)
            XCTAssertEqual([result.width, result.height], [item.width, item.height])
            let pixels = expected[item.offset..<item.offset + item.width * item.height * 3]
            XCTAssertEqual(
                difference(result, pixels), 0, "\(item.width)x\(item.height) \(item.filter) \(item.box ?? [])")
        }
    }

    func testPlaneResize_atManySizes_matchesPillow() throws {
        let cases = try ImagingCases.load().plane
        let plane = Plane(width: cases.width, height: cases.height, values: cases.values)
        for item in cases.cases {
            let result = plane.resized(width: item.width, height: item.height, filter: item.filter)
            for (value, expected) in zip(result.values, item.values) { XCTAssertEqual(value, expected, accuracy: 2e-6) }
        }
    }

    func testPlaneResize_enlarging_isBilinearWithHalfPixelCentres() {
        let plane = Plane(width: 2, height: 1, values: [0, 1]).resized(width: 8, height: 2, filter: .bilinear)
        XCTAssertEqual(plane.values, [0, 0, 0.125, 0.375, 0.625, 0.875, 1, 1, 0, 0, 0.125, 0.375, 0.625, 0.875, 1, 1])
    }

    func testResize_ofAConstant_staysConstant() {
        let image = Image(width: 301, height: 203, color: (255, 0, 97))
        for filter in ResizeFilter.allCases {
            for (w, h) in [(1, 1), (17, 500), (640, 3), (300, 202)] {
                XCTAssertEqual(
                    image.resized(width: w, height: h, filter: filter), Image(width: w, height: h, color: (255, 0, 97)))
            }
            let plane = Plane(width: 5, height: 3, values: [Float](repeating: 2, count: 15))
            for value in plane.resized(width: 99, height: 2, filter: filter).values {
                XCTAssertEqual(value, 2, accuracy: 1e-6)
            }
        }
    }
}
