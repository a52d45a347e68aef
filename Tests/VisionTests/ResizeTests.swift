import XCTest

@testable import Vision

final class ResizeTests: XCTestCase {
    func testImageResize_atManySizes_equalsPillow() throws {
        let image = try ImagingCases.image("resize.png"), expected = try ImagingCases.expected()
        let cases = try ImagingCases.load().resized
        XCTAssertEqual(cases.count, 52)
        for item in cases {
            let box = item.box.map { Rectangle(x0: $0[0], y0: $0[1], x1: $0[2], y1: $0[3]) }
            let result = image.resized(width: item.width, height: item.height, filter: item.filter, box: box)
            XCTAssertEqual([result.width, result.height], [item.width, item.height])
            let pixels = expected[item.offset..<item.offset + item.width * item.height * 3]
            XCTAssertEqual(
                difference(result, pixels), 0, "\(item.width)x\(item.height) \(item.filter) \(item.box ?? [])")
        }
    }

    func testNearest_ofALongRow_readsPillowsPixels() throws {
        let cases = try ImagingCases.load().nearest
        XCTAssertEqual(cases.count, 9)
        for item in cases {
            var image = Image(width: item.inputs, height: 1)
            for x in 0..<item.inputs {
                image.pixels[3 * x] = UInt8(x & 255)
                image.pixels[3 * x + 1] = UInt8(x >> 8)
            }
            let box = Rectangle(x0: item.low, y0: 0, x1: item.high, y1: 1)
            let row = image.resized(width: item.read.count, height: 1, filter: .nearest, box: box).pixels
            let read = item.read.indices.map { Int(row[3 * $0]) + 256 * Int(row[3 * $0 + 1]) }
            XCTAssertEqual(read, item.read, "\(item.inputs) to \(item.read.count)")
        }
    }

    /// Each output's positive weights, and so each of its sums in any order, times 255 and with the half for rounding.
    func testWeights_ofAllFilters_haveSumsOf32Bits() {
        for filter in ResizeFilter.allCases {
            var largest = 0
            for inputs in [1, 2, 3, 4, 5, 7, 11, 40, 300] {
                for outputs in [1, 2, 3, 5, 8, 17, 64, 299] {
                    for start in [0, 0.3, 0.97] {
                        for part in [1.0, 0.5, 0.01] {
                            let weights = ResampleWeights(
                                inputs: inputs, start: start * Double(inputs) * (1 - part),
                                step: part * Double(inputs) / Double(outputs), outputs: outputs, filter: filter)
                            let fixed = weights.fixed.map(Int.init)
                            for i in 0..<outputs {
                                let own = fixed[i * weights.taps..<i * weights.taps + weights.count[i]]
                                largest = max(largest, own.reduce(0) { $0 + max(0, $1) })
                            }
                        }
                    }
                }
            }
            XCTAssertGreaterThanOrEqual(largest, 1 << ResampleWeights.bits, filter.rawValue)
            XCTAssertLessThan(
                largest * 255 + 1 << (ResampleWeights.bits - 1), Int(Int32.max), filter.rawValue)
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
