import XCTest

@testable import Tensors

final class PoolTests: XCTestCase {
    func testPool_forwardAndBackward_matchesPyTorchFixture() throws {
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
                for (i, position) in argument.enumerated() { XCTAssertEqual(y.array[i], x.array[Int(position)]) }
            } else {
                y = averagePoolForward(x, geometry: geometry)
                dx = averagePoolBackward(g, geometry: geometry, input: x.shape, seeds: 1)
            }
            XCTAssertEqual(y.shape, one.y.shape, "\(one.kind) \(geometry)")
            XCTAssertEqual(dx.shape, [1] + x.shape)
            // At most nine terms in each sum.
            XCTAssertLessThan(relativeError(y, one.y.tensor), 5e-7, "\(one.kind) \(geometry)")
            XCTAssertLessThan(relativeError(dx, one.dx.tensor), 5e-7, "\(one.kind) \(geometry)")
        }
    }

    func testMaximumPool_withPaddingAndEqualValues_takesTheFirstInputValue() {
        let x = Tensor([1, 2, 2, 1], [-5, -5, -7, -6])
        let (y, argument) = maximumPoolForward(x, geometry: PoolGeometry(3, stride: 2, padding: .all(1)))
        XCTAssertEqual(y.array, [-5])
        XCTAssertEqual(argument, [0])
    }

    func testMaximumPool_withNaNInTheInput_returnsNaN() {
        let x = Tensor([1, 2, 2, 1], [1, .nan, 3, 2])
        XCTAssertTrue(maximumPoolForward(x, geometry: PoolGeometry(2)).0.scalar.isNaN)
    }

    func testMaximumPool_withoutPositions_returnsTheSameValues() {
        let x = randomTensor([2, 7, 9, 20], seed: 3)
        let geometry = PoolGeometry(3, stride: 2, padding: .all(1))
        let (y, positions) = maximumPoolForward(x, geometry: geometry, wantsPositions: false)
        XCTAssertTrue(positions.isEmpty)
        XCTAssertEqual(y.array, maximumPoolForward(x, geometry: geometry).0.array)
    }

    func testPoolBackward_withThreeSeeds_equalsSeparateRuns() {
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

    /// Windows floor(i s / n) ..< ceil((i + 1) s / n), as in PyTorch: from 5 to 3 they overlap, from 2 to 3 they repeat
    /// inputs.
    func testAdaptiveAveragePool_ofOverlappingWindows_equalsHandComputedValuesAndIsAdjoint() {
        let row = Tensor([1, 1, 5, 1], [1, 3, 8, 4, 6])
        XCTAssertEqual(adaptiveAveragePoolForward(row, height: 1, width: 3).array, [2, 5, 5])
        XCTAssertEqual(adaptiveAveragePoolForward(row, height: 2, width: 1).array, [4.4, 4.4])
        XCTAssertEqual(
            adaptiveAveragePoolForward(Tensor([1, 2, 1, 1], [1, 5]), height: 3, width: 1).array, [1, 3, 5])
        let same = Variable(row)
        XCTAssertEqual(adaptiveAveragePool(same, height: 1, width: 5).value.array, row.array)
        // The backward rule is the forward's transpose: <g, A x> = <A^T g, x> for every seed.
        for (h, w, height, width) in [(6, 4, 7, 7), (9, 11, 6, 6), (7, 7, 7, 7), (14, 14, 7, 7), (1, 3, 2, 2)] {
            let x = randomTensor([2, h, w, 19], seed: 4),
                y = adaptiveAveragePoolForward(x, height: height, width: width)
            let g = randomTensor([3] + y.shape, seed: 5)
            let dx = adaptiveAveragePoolBackward(g, height: height, width: width, input: x.shape, seeds: 3)
            for k in 0..<3 {
                func dot(_ a: Tensor, _ b: Tensor) -> Double {
                    zip(a.array, b.array).reduce(0) { $0 + Double($1.0) * Double($1.1) }
                }
                XCTAssertEqual(dot(g.row(k), y), dot(dx.row(k), x), accuracy: 1e-4, "\(h)x\(w) to \(height)x\(width)")
            }
        }
    }

    func testGlobalAveragePool_forwardAndBackward_equalsHandComputedValues() {
        let x = Tensor([2, 1, 2, 2], [1, 2, 3, 6, -1, 0, 1, 10])
        XCTAssertEqual(globalAveragePoolForward(x).array, [2, 4, 0, 5])
        let g = Tensor([2, 2, 2], [2, 4, 6, 8, 1, 1, 1, 1])
        XCTAssertEqual(
            globalAveragePoolBackward(g, input: x.shape, seeds: 2).array,
            [1, 2, 1, 2, 3, 4, 3, 4, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5])
    }

    /// Inception's pool. The backward pass is the adjoint of the forward pass, for one image (split by channel) and for
    /// several.
    func testAveragePoolBackward_forOneAndSeveralImages_isTheAdjoint() {
        let geometry = PoolGeometry(3, stride: 1, padding: .all(1))
        for n in [1, 4] {
            let x = randomTensor([n, 6, 5, 37], seed: 3)
            let y = averagePoolForward(x, geometry: geometry)
            let g = randomTensor([1] + y.shape, seed: 4)
            let dx = averagePoolBackward(g, geometry: geometry, input: x.shape, seeds: 1)
            XCTAssertEqual(dot(g, y), dot(dx, x), accuracy: 1e-4)
            // A corner has four inputs and five zeros of padding.
            let at = { (row: Int, column: Int) in x.array[(row * 5 + column) * 37] }
            XCTAssertEqual(y.array[0], (at(0, 0) + at(0, 1) + at(1, 0) + at(1, 1)) / 9, accuracy: 1e-6)
        }
    }

    /// Large enough to be split over the threads.
    func testConcatenateLast_splitOverThreads_keepsEveryPart() {
        let parts = [3, 40, 16].map { randomTensor([2, 31, 29, $0], seed: UInt64($0)) }
        let y = concatenateLastForward(parts)
        XCTAssertEqual(y.shape, [2, 31, 29, 59])
        var from = 0
        for part in parts {
            XCTAssertEqual(sliceLastForward(y, from: from, width: part.shape[3]).array, part.array)
            from += part.shape[3]
        }
    }
}
