import XCTest

@testable import Tensors

final class CrossEntropyTests: XCTestCase {
    func testCrossEntropy_withAndWithoutSmoothing_matchesPyTorchFixture() throws {
        for smoothing: Float in [0, 0.125] {
            let one = try SequenceFixtures.load(smoothing == 0 ? "crossEntropy 0.0" : "crossEntropy 0.125")
            let (loss, saved) = crossEntropyForward(
                try XCTUnwrap(one["logits"]), targets: try XCTUnwrap(one["targets"]).array.map { Int($0) },
                weights: try XCTUnwrap(one["weights"]).array, smoothing: smoothing)
            XCTAssertEqual(loss.shape, [])
            XCTAssertLessThan(relativeError(loss, try XCTUnwrap(one["y"])), 1e-6)
            let g = try XCTUnwrap(one["g"]).reshaped([1])
            let d = crossEntropyBackward(g, saved: saved, seeds: 1)
            XCTAssertLessThan(relativeError(d, try XCTUnwrap(one["dlogits"])), 2e-6)
        }
    }

    func testCrossEntropyGradient_withAndWithoutSmoothing_equalsFiniteDifferencesForEverySeed() {
        let logits = randomTensor([4, 19], seed: 1)
        for smoothing: Float in [0, 0.1] {
            let loss: ([Variable]) -> Variable = {
                crossEntropy($0[0], targets: [3, 0, 18, 5], weights: [1, 0.5, 0, 2], smoothing: smoothing)
            }
            checkGradients([logits], loss)
            checkSeeds([logits], loss)
        }
    }

    /// With four equal logits, the loss is ln 4 whatever the smoothing, and the gradient is p - target.
    func testCrossEntropy_ofEqualLogits_equalsHandComputedValues() {
        let (loss, saved) = crossEntropyForward(
            Tensor([1, 4], repeating: 7), targets: [2], weights: [3], smoothing: 0.2)
        XCTAssertEqual(loss.scalar, 3 * log(4), accuracy: 1e-5)
        let d = crossEntropyBackward(Tensor([1], [2]), saved: saved, seeds: 1)
        // 2 * 3 * (1/4 - 0.2 / 4) elsewhere; 2 * 3 * 0.8 less at the target.
        for (a, e) in zip(d.array, [1.2, 1.2, -3.6, 1.2] as [Float]) { XCTAssertEqual(a, e, accuracy: 1e-5) }
    }

    /// Rows of weight 0 are padding: their values do not count, not even NaN.
    func testCrossEntropy_withRowsOfZeroWeight_ignoresThem() {
        let rows: [Float] = [1, 2, .nan, .infinity, 0, 3]
        let (loss, saved) = crossEntropyForward(
            Tensor([3, 2], rows), targets: [0, 1, 1], weights: [1, 0, 0], smoothing: 0.1)
        XCTAssertTrue(loss.isFinite)
        let d = crossEntropyBackward(Tensor([1], [1]), saved: saved, seeds: 1)
        XCTAssertEqual(Array(d.array[2...]), [0, 0, 0, 0])
        XCTAssertNotEqual(d.array[0], 0)
    }

    func testCrossEntropy_withNaNInTheLogits_returnsNaN() {
        let (loss, _) = crossEntropyForward(Tensor([1, 3], [1, .nan, 2]), targets: [0], weights: [1], smoothing: 0)
        XCTAssertTrue(loss.scalar.isNaN)
    }

    func testCrossEntropy_withExtremeLogits_isExact() {
        let (loss, _) = crossEntropyForward(Tensor([1, 3], [1e4, -1e4, 0]), targets: [1], weights: [1], smoothing: 0)
        XCTAssertEqual(loss.scalar, 2e4)
    }
}
