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
}
