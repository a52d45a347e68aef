import XCTest

@testable import Tensors

final class SoftmaxTests: XCTestCase {
    func testSoftmax_forwardAndBackward_matchesPyTorchFixture() throws {
        for name in ["softmax", "logSoftmax"] {
            let one = try SequenceFixtures.load(name)
            let x = try XCTUnwrap(one["x"])
            let g = seeded(try XCTUnwrap(one["g"]))
            let y = name == "softmax" ? softmaxForward(x) : logSoftmaxForward(x)
            XCTAssertEqual(y.shape, x.shape)
            XCTAssertLessThan(relativeError(y, try XCTUnwrap(one["y"])), 1e-6, name)
            let dx = name == "softmax" ? softmaxBackward(g, y: y) : logSoftmaxBackward(g, y: y)
            XCTAssertLessThan(relativeError(dx, try XCTUnwrap(one["dx"])), 2e-6, name)
        }
    }

    func testSoftmaxGradient_atManyWidths_equalsFiniteDifferences() {
        for width in [1, 5, 16, 37] {
            let x = randomTensor([2, 3, width], seed: 1)
            // The softmax of one element is always 1.
            if width > 1 { checkGradients([x]) { $0[0].softmax() } }
            if width > 1 { checkGradients([x]) { $0[0].logSoftmax() } }
        }
    }

    func testSoftmaxBackward_withSeveralSeeds_equalsSeparateRuns() {
        let x = randomTensor([4, 21], seed: 1)
        checkSeeds([x]) { $0[0].softmax() }
        checkSeeds([x]) { $0[0].logSoftmax() }
    }

    /// The logarithms of the weights 1 : 2 : 5, shifted by amounts that would overflow or underflow.
    func testSoftmax_ofShiftedLogits_equalsHandComputedValues() {
        for shift: Float in [0, 1000, -1000, 3e4] {
            let x = Tensor([1, 3], [shift, shift + log(2), shift + log(5)])
            let limit: Float = abs(shift) > 100 ? 2e-3 : 1e-6  // the logarithms themselves are rounded
            for (y, e) in zip(softmaxForward(x).array, [0.125, 0.25, 0.625] as [Float]) {
                XCTAssertEqual(y, e, accuracy: limit)
            }
            for (y, e) in zip(logSoftmaxForward(x).array, [0.125, 0.25, 0.625] as [Float]) {
                XCTAssertEqual(y, log(e), accuracy: 4 * limit)
            }
        }
    }

    func testSoftmax_withNaNInTheInput_returnsNaN() {
        for width in [3, 40] {
            var values = [Float](repeating: 1, count: width)
            values[width - 2] = .nan
            XCTAssertFalse(softmaxForward(Tensor([1, width], values)).isFinite)
            XCTAssertFalse(logSoftmaxForward(Tensor([1, width], values)).isFinite)
        }
    }
}
