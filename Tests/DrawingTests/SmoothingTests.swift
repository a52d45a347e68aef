import Tasks
import Tensors
import Vision
import XCTest

@testable import Explain

final class SmoothingTests: XCTestCase {
    private let map = Tensor([3, 4], [9, 0, 0, 0, 0, 0, 18, 0, -9, 0, 0, 0])

    /// Sums over 3x3 squares, worked out by hand, divided by 9 at the border too.
    func testMeansOfSquares() {
        XCTAssertEqual(smoothed(map, side: 3).array, [1, 3, 2, 2, 0, 2, 2, 2, -1, 1, 2, 2])
    }

    func testOneCellIsTheMapItself() { XCTAssertEqual(smoothed(map, side: 1).array, map.array) }

    /// A square wider than the map holds all of it wherever its middle is.
    func testWiderThanTheMap() {
        XCTAssertEqual(smoothed(map, side: 9).array, [Float](repeating: 18 / 81, count: 12))
    }

    /// Linear, as Grad-CAM is: the smoothed map is the map of smoothed activations.
    func testLinear() {
        let other = Tensor([3, 4], (0..<12).map { Float($0 * $0 % 7) })
        let sum = Tensor([3, 4], zip(map.array, other.array).map { $0 + 2 * $1 })
        let expected = zip(smoothed(map, side: 3).array, smoothed(other, side: 3).array).map { $0 + 2 * $1 }
        for (a, b) in zip(smoothed(sum, side: 3).array, expected) { XCTAssertEqual(a, b, accuracy: 1e-5) }
    }

    /// 102 magnitudes, 0 (the infinite value's, nobody's measure), 0 to 99 and 100: at place 99 of 0...101 stands 98.
    /// Zeros have none.
    func testClippedByHand() {
        let (cut, limit) = clipped(Tensor([1, 102], (0..<100).map(Float.init) + [-100, .infinity]))
        XCTAssertEqual(limit, 98)
        XCTAssertEqual(cut.array, (0..<99).map(Float.init) + [98, -98, .infinity])
        let (zeros, none) = clipped(Tensor([2, 2]))
        XCTAssertEqual(zeros.array, [0, 0, 0, 0])
        XCTAssertNil(none)
    }

    /// Cells are smoothed by the model's own side and never cut, pixels cut and only smoothed when it is asked for.
    func testPreparation() {
        let values = Tensor([15, 20], (0..<300).map { $0 == 200 ? 100 : 1 })
        let own = MapPreparation(smoothing: nil, own: MapConfiguration(smoothing: 3))
        XCTAssertEqual(own.drawn(map, isOfPixels: false).map.array, smoothed(map, side: 3).array)
        XCTAssertNil(own.drawn(values, isOfPixels: false).limit)
        XCTAssertEqual(own.drawn(values, isOfPixels: true).limit, 1)
        XCTAssertEqual(own.drawn(values, isOfPixels: true).map.array, [Float](repeating: 1, count: 300))
        XCTAssertEqual(own.smooth(values, isOfPixels: true).array, values.array)
        let asked = MapPreparation(smoothing: 5, own: MapConfiguration(smoothing: 3))
        XCTAssertEqual([asked.cells, asked.pixels], [5, 5])
        XCTAssertEqual(MapPreparation(smoothing: nil, own: nil), MapPreparation())
    }

    /// Measured is the map as it is drawn, but its maximum is the map's before it was cut: of a flat rest with one pixel
    /// above all, 1/300 lies in that pixel, and it is pointed at.
    func testPixelsAreMeasuredAsTheyAreDrawn() throws {
        let raw = Tensor([15, 20], (0..<300).map { $0 == 200 ? 100 : 1 })
        let region = try XCTUnwrap(Region(mask: (0..<300).map { $0 == 200 }, width: 20))
        let placement = Placement(
            originalWidth: 20, originalHeight: 15, modelWidth: 20, modelHeight: 15,
            rectangle: Rectangle(x0: 0, y0: 0, x1: 20, y1: 15))
        let target = MapTarget(
            kind: "", context: "", fields: [:], region: region,
            maps: [
                .init(method: "gradient", fields: [:], raw: raw, isOfPixels: true),
                .init(method: "cells", fields: [:], raw: raw),
            ])
        let measured = PictureMeasurement(
            photo: Image(width: 20, height: 15),
            maps: PictureMaps(
                input: Tensor([1, 15, 20, 3]), placement: placement, wordBlind: Tensor([3, 4]), targets: [target])
        ).measure(picture: 0)[0].measurements
        func term(_ method: Int, _ name: String) -> Double { measured[method].terms[name]?.value ?? .nan }
        XCTAssertEqual(measured.prefix(2).map(\.method), ["gradient", "cells"])
        XCTAssertEqual([term(0, "pointing"), term(1, "pointing")], [1, 1])
        XCTAssertEqual(term(0, "energyInside"), 1.0 / 300, accuracy: 1e-6)
        XCTAssertEqual(term(1, "energyInside"), 100.0 / 399, accuracy: 1e-6)
    }
}
