import Drawing
import Tensors
import Vision
import XCTest

final class MapPreparationTests: XCTestCase {
    private let map = Tensor([3, 4], [9, 0, 0, 0, 0, 0, 18, 0, -9, 0, 0, 0])
    /// 300 pixels of 1, but for one of 100.
    private let values = Tensor([15, 20], (0..<300).map { $0 == 200 ? 100 : 1 })
    private let own = MapPreparation(smoothing: nil, own: 3)

    func testMapPreparation_cells_areSmoothedAndNotClipped() {
        let prepared = own(map, isOfPixels: false)
        XCTAssertEqual(prepared.values.array, smoothed(map, side: 3).array)
        XCTAssertEqual(prepared.smoothed.array, prepared.values.array)
        XCTAssertNil(own(values, isOfPixels: false).limit)
    }

    func testMapPreparation_pixels_areClippedAndNotSmoothed() {
        let prepared = own(values, isOfPixels: true)
        XCTAssertEqual(prepared.limit, 1)
        XCTAssertEqual(prepared.values.array, [Float](repeating: 1, count: 300))
        XCTAssertEqual(prepared.smoothed.array, values.array)
    }

    func testMapPreparation_userSmoothing_replacesTheModels() {
        let asked = MapPreparation(smoothing: 5, own: 3)
        XCTAssertEqual([asked.cellSmoothing, asked.pixelSmoothing], [5, 5])
        XCTAssertEqual([own.cellSmoothing, own.pixelSmoothing], [3, 1])
        XCTAssertEqual(MapPreparation(smoothing: nil, own: nil), MapPreparation())
    }

    func testPreparedMap_placed_isNormalisedOverThePhotograph() throws {
        let placement = Placement(
            originalWidth: 20, originalHeight: 15, modelWidth: 20, modelHeight: 15,
            rectangle: Rectangle(x0: 0, y0: 0, x1: 20, y1: 15))
        let cells = own(values, isOfPixels: false), pixels = own(values, isOfPixels: true)
        XCTAssertEqual(pixels.plane.values, [Float](repeating: 1, count: 300))
        XCTAssertEqual(pixels.placed(in: placement).values, [Float](repeating: 1, count: 300))
        // Only the map before clipping has one largest pixel.
        XCTAssertEqual(try XCTUnwrap(pixels.placedUnclipped(in: placement)).peak, 200)
        XCTAssertNil(cells.placedUnclipped(in: placement))
        XCTAssertEqual(cells.normalised(divisor: 50).values, Normalisation.unit(cells.values.array, maximum: 50).values)
        XCTAssertEqual(
            PreparedMap(values: map).box(in: placement, threshold: 0.5, .unit),
            LocalisationBox.find(in: PreparedMap(values: map).placed(in: placement), threshold: 0.5))
        XCTAssertNil(PreparedMap(values: Tensor([3, 4])).box(in: placement, threshold: 0.5, .unit))
    }
}
