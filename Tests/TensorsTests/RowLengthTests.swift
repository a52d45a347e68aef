import XCTest

@testable import Tensors

/// L2 normalisation of rows, and the element-wise maximum.
final class RowLengthTests: XCTestCase {
    func testL2Normalised_onSmallRows_equalsHandComputedValues() {
        // (3, 4) has length 5. A row of zeros stays zero. With epsilon 9, the row (0, 4) is divided by sqrt(16 + 9).
        let x = Variable(Tensor([3, 2], [3, 4, 0, 0, 0, 4]))
        for (y, e) in zip(x.l2Normalised().value.array, [0.6, 0.8, 0, 0, 0, 1] as [Float]) {
            XCTAssertEqual(y, e, accuracy: 1e-6)
        }
        XCTAssertEqual(x.l2Normalised(epsilon: 9).value.array[5], 0.8, accuracy: 1e-6)
    }

    func testL2NormalisedGradient_atManyWidths_equalsFiniteDifferencesForEverySeed() {
        for width in [1, 5, 37] {
            let x = randomTensor([2, 3, width], seed: 1)
            checkGradients([x]) { $0[0].l2Normalised(epsilon: 0.1) }
            if width > 1 { checkGradients([x]) { $0[0].l2Normalised() } }
            checkSeeds([x]) { $0[0].l2Normalised(epsilon: 0.1) }
        }
    }

    /// The gradient of a row of zeros is 1 / sqrt(epsilon), not infinite.
    func testL2NormalisedGradient_ofZeros_isFinite() {
        let tape = Tape()
        let x = tape.leaf(Tensor([1, 3]))
        let d = tape.gradients(of: x.l2Normalised(epsilon: 0.25), withRespectTo: [x])[0]
        XCTAssertEqual(d.array, [2, 2, 2])
    }

    func testMaximum_onSmallTensors_equalsHandComputedValues() {
        let tape = Tape()
        let a = tape.leaf(Tensor([4], [1, 5, -2, 3])), b = tape.leaf(Tensor([4], [2, 4, -1, 3]))
        let y = maximum(a, b)
        XCTAssertEqual(y.value.array, [2, 5, -1, 3])
        // Where both are equal, the gradient goes to the first.
        let d = tape.gradients(of: y, seed: Tensor([1, 4], [1, 2, 3, 4]), withRespectTo: [a, b])
        XCTAssertEqual(d[0].array, [0, 2, 0, 4])
        XCTAssertEqual(d[1].array, [1, 0, 3, 0])
    }

    /// b is a plus or minus 0.3, so that no step of the finite differences changes which one is larger.
    func testMaximumGradient_awayFromEquality_equalsFiniteDifferencesForEverySeed() {
        let a = randomTensor([3, 4, 9], seed: 1)
        let b = Tensor(a.shape, a.array.enumerated().map { $1 + ($0 % 3 == 0 ? 0.3 : -0.3) })
        checkGradients([a, b]) { maximum($0[0], $0[1]) }
        checkGradients([b]) { maximum(Variable(a), $0[0]) }
        checkSeeds([a, b]) { maximum($0[0], $0[1]) }
    }
}
