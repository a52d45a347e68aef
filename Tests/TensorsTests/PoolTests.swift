import XCTest

@testable import Tensors

final class PoolTests: XCTestCase {
    func testLikePyTorch() throws {
        for one in try ConvolutionFixtures.load().pools {
            let x = one.x.tensor
            let g = one.g.tensor.reshaped([1] + one.g.shape)
            let geometry = one.geometry
            let y: Tensor
            let dx: Tensor
            if one.kind == "maximum" {
                let (value, argument) = maximumPoolForward(x, geometry: geometry)
                y = value
                dx = maximumPoolBackward(g, argument: argument, input: x.shape, seeds: 1)
                for (i, place) in argument.enumerated() { XCTAssertEqual(y.array[i], x.array[Int(place)]) }
            } else {
                y = averagePoolForward(x, geometry: geometry)
                dx = averagePoolBackward(g, geometry: geometry, input: x.shape, seeds: 1)
            }
            XCTAssertEqual(y.shape, one.y.shape, "\(one.kind) \(geometry)")
            XCTAssertEqual(dx.shape, [1] + x.shape)
            // At most nine terms a sum.
            XCTAssertLessThan(relativeError(y, one.y.tensor), 5e-7, "\(one.kind) \(geometry)")
            XCTAssertLessThan(relativeError(dx, one.dx.tensor), 5e-7, "\(one.kind) \(geometry)")
        }
    }

    func testPaddingNeverWinsAndTheFirstOfEqualsDoes() {
        let x = Tensor([1, 2, 2, 1], [-5, -5, -7, -6])
        let (y, argument) = maximumPoolForward(x, geometry: PoolGeometry(3, stride: 2, padding: .all(1)))
        XCTAssertEqual(y.array, [-5])
        XCTAssertEqual(argument, [0])
    }

    func testNaNIsNotHidden() {
        let x = Tensor([1, 2, 2, 1], [1, .nan, 3, 2])
        XCTAssertTrue(maximumPoolForward(x, geometry: PoolGeometry(2)).0.scalar.isNaN)
    }

    func testSeedsAreSeparateRuns() {
        let x = randomTensor([2, 7, 7, 5], seed: 1)
        let geometry = PoolGeometry(3, stride: 2, padding: .all(1))
        let (y, argument) = maximumPoolForward(x, geometry: geometry)
        let g = randomTensor([3] + y.shape, seed: 2)
        let maximum = maximumPoolBackward(g, argument: argument, input: x.shape, seeds: 3)
        let average = averagePoolBackward(g, geometry: geometry, input: x.shape, seeds: 3)
        for k in 0..<3 {
            let one = g.rows(k..<k + 1)
            XCTAssertEqual(
                maximum.row(k).array, maximumPoolBackward(one, argument: argument, input: x.shape, seeds: 1).array)
            XCTAssertEqual(
                average.row(k).array, averagePoolBackward(one, geometry: geometry, input: x.shape, seeds: 1).array)
        }
    }

    func testGlobalAverage() {
        let x = Tensor([2, 1, 2, 2], [1, 2, 3, 6, -1, 0, 1, 10])
        XCTAssertEqual(globalAveragePoolForward(x).array, [2, 4, 0, 5])
        let g = Tensor([2, 2, 2], [2, 4, 6, 8, 1, 1, 1, 1])
        XCTAssertEqual(
            globalAveragePoolBackward(g, input: x.shape, seeds: 2).array,
            [1, 2, 1, 2, 3, 4, 3, 4, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5])
    }
}
