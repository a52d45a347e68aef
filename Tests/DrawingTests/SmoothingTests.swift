import Tensors
import Vision
import XCTest

@testable import Drawing

final class SmoothingTests: XCTestCase {
    private let map = Tensor([3, 4], [9, 0, 0, 0, 0, 0, 18, 0, -9, 0, 0, 0])

    /// Sums over squares of 3 x 3 cells, worked out by hand. They are divided by 9 at the border too.
    func testSmoothed_squaresOfThree_areMeans() {
        XCTAssertEqual(smoothed(map, side: 3).array, [1, 3, 2, 2, 0, 2, 2, 2, -1, 1, 2, 2])
    }

    func testSmoothed_sideOfOne_isTheMapItself() { XCTAssertEqual(smoothed(map, side: 1).array, map.array) }

    /// A square that is wider than the map holds the whole map at every position.
    func testSmoothed_squareWiderThanTheMap_holdsTheWholeMap() {
        XCTAssertEqual(smoothed(map, side: 9).array, [Float](repeating: 18 / 81, count: 12))
    }

    /// Smoothing is linear, as Grad-CAM is. So the smoothed map is the map of smoothed activations.
    func testSmoothed_sumOfMaps_isTheSumOfSmoothedMaps() {
        let other = Tensor([3, 4], (0..<12).map { Float($0 * $0 % 7) })
        let sum = Tensor([3, 4], zip(map.array, other.array).map { $0 + 2 * $1 })
        let expected = zip(smoothed(map, side: 3).array, smoothed(other, side: 3).array).map { $0 + 2 * $1 }
        for (a, b) in zip(smoothed(sum, side: 3).array, expected) { XCTAssertEqual(a, b, accuracy: 1e-5) }
    }

    /// The 102 magnitudes in order are 0 (of the infinite value), 0 to 99 and 100. The 99th percentile is at index 99,
    /// which is 98. A map of zeros has no limit.
    func testClipped_smallMap_isCutAtThePercentile() {
        let (cut, limit) = clipped(Tensor([1, 102], (0..<100).map(Float.init) + [-100, .infinity]))
        XCTAssertEqual(limit, 98)
        XCTAssertEqual(cut.array, (0..<99).map(Float.init) + [98, -98, .infinity])
        let (zeros, none) = clipped(Tensor([2, 2]))
        XCTAssertEqual(zeros.array, [0, 0, 0, 0])
        XCTAssertNil(none)
    }
}
