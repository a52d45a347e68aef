import Tensors
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
}
