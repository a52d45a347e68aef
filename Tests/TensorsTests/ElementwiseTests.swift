import XCTest

@testable import Tensors

/// Arithmetic and copies of elements: values by hand, gradients by finite differences, K seeds.
final class ElementwiseTests: XCTestCase {
    private let a = randomTensor([3, 4, 9], seed: 1), b = randomTensor([3, 4, 9], seed: 2)

    private func check(_ inputs: [Tensor], line: UInt = #line, _ function: @escaping ([Variable]) -> Variable) {
        checkGradients(inputs, line: line, function)
        checkSeeds(inputs, line: line, function)
    }

    func testArithmetic_onSmallTensors_equalsHandComputedValuesAndFiniteDifferences() {
        let x = Variable(Tensor([3], [1, 2, 3]))
        let y = Variable(Tensor([3], [10, 20, 30]))
        XCTAssertEqual((x + y).value.array, [11, 22, 33])
        XCTAssertEqual((y - x).value.array, [9, 18, 27])
        XCTAssertEqual((x * y).value.array, [10, 40, 90])
        XCTAssertEqual(x.scaled(by: -2).value.array, [-2, -4, -6])
        XCTAssertEqual(x.sum().value.array, [6])
        XCTAssertEqual(x.sum().shape, [])
        check([a, b]) { $0[0] + $0[1] }
        check([a, b]) { $0[0] - $0[1] }
        check([a, b]) { $0[0] * $0[1] }
        check([a]) { $0[0].scaled(by: -1.5) }
        check([a]) { $0[0].sum() }
        check([a]) { $0[0] * $0[0] + $0[0] }
    }

    /// Computed in double: in float, adding ones to 2^24 would not change it.
    func testSum_ofLargeAndSmallNumbers_isTakenInDouble() {
        let x = Tensor([4], [16_777_216, 1, 1, 1])
        XCTAssertEqual(sumForward(x).scalar, 16_777_220)
    }

    func testPicked_withRepeatedPositions_addsTheirGradients() {
        let x = Variable(Tensor([2, 3], [1, 2, 3, 4, 5, 6]))
        XCTAssertEqual(x.picked([5, 0, 5]).value.array, [6, 1, 6])
        check([a]) { $0[0].picked([7, 0, 107, 7]) }
        XCTAssertEqual(pickBackward(Tensor([1, 3], [1, 2, 4]), positions: [1, 0, 1], count: 3).array, [2, 5, 0])
    }

    func testShapeOperations_onSmallTensors_equalHandComputedValuesAndFiniteDifferences() {
        let x = Variable(Tensor([2, 3], [1, 2, 3, 4, 5, 6]))
        XCTAssertEqual(x.permuted([1, 0]).value.array, [1, 4, 2, 5, 3, 6])
        XCTAssertEqual(x.slicedLast(1..<3).value.array, [2, 3, 5, 6])
        XCTAssertEqual(x.rows(1..<2).value.array, [4, 5, 6])
        XCTAssertEqual(x.repeatedRows(2).value.array, [1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6])
        XCTAssertEqual(concatenateLast([x, x.slicedLast(0..<1)]).value.array, [1, 2, 3, 1, 4, 5, 6, 4])
        check([a]) { $0[0].reshaped([-1, 4]) }
        check([a]) { $0[0].permuted([2, 0, 1]) }
        check([a]) { $0[0].slicedLast(2..<7) }
        check([a]) { $0[0].rows(1..<3) }
        check([a]) { $0[0].repeatedRows(3) }
        check([a, b]) { concatenateLast([$0[0], $0[1].slicedLast(0..<2), $0[0]]) }
    }

    /// One of the two inputs is a constant.
    func testArithmeticGradient_withAConstant_equalsFiniteDifferences() {
        let constant = Variable(b)
        check([a]) { $0[0] * constant }
        check([a]) { constant - $0[0] }
        check([a]) { concatenateLast([constant, $0[0]]) }
    }

    /// Long enough to be split over threads.
    func testArithmetic_splitOverThreads_equalsElementByElement() {
        let x = randomTensor([100_003], seed: 6)
        let y = randomTensor([100_003], seed: 7)
        XCTAssertEqual(addForward(x, y).array, zip(x.array, y.array).map { $0 + $1 })
        XCTAssertEqual(multiplyForward(x, y).array, zip(x.array, y.array).map { $0 * $1 })
    }
}
