import Explain
import Tensors
import Vision
import XCTest

@testable import Evaluation

final class ReferenceMapsTests: XCTestCase {
    func testReferenceMaps_gaussian_isLargestInTheMiddle() {
        let map = ReferenceMaps.gaussian(width: 5, height: 3)
        XCTAssertEqual(PointingGame.peak(of: map), Pixel(x: 2, y: 1))
        XCTAssertEqual(map.values[7], 1)
        // One pixel to the right: dx / s = 1 / 1.25.
        XCTAssertEqual(map.values[8], Float(0.726149), accuracy: 1e-6)
        XCTAssertEqual(map.values[0], map.values[14])
    }

    func testReferenceMaps_edges_areWhereTheLuminanceChanges() {
        var image = Image(width: 6, height: 3)
        for y in 0..<3 { for x in 3..<6 { for c in 0..<3 { image.pixels[(y * 6 + x) * 3 + c] = 100 } } }
        // The luminance steps by 100. Sobel's weights sum to 4 in the two columns beside the step.
        let row: [Float] = [0, 0, 400, 400, 0, 0]
        let edges = ReferenceMaps.edges(of: image)
        for (found, wanted) in zip(edges.values, row + row + row) { XCTAssertEqual(found, wanted, accuracy: 0.01) }
        let placement = Placement(
            originalWidth: 6, originalHeight: 3, modelWidth: 3, modelHeight: 3,
            rectangle: Rectangle(x0: 3, y0: 0, x1: 6, y1: 3))
        let cells = ReferenceMaps.edges(of: image, placement: placement, columns: 3, rows: 1)
        XCTAssertEqual(cells.shape, [1, 3])
        XCTAssertEqual(cells.array[0], 400, accuracy: 0.01)
        XCTAssertEqual(cells.array[2], 0, accuracy: 0.01)
    }

    func testActivationSum_map_isTheSumOverChannels() {
        let map = ActivationSum.map(Tensor([1, 2, 2, 3], [1, 2, 3, 0, 0, 0, -1, 1, 2, 5, 0, 0]))
        XCTAssertEqual(map.shape, [2, 2])
        XCTAssertEqual(map.array, [6, 0, 2, 5])
    }
}
