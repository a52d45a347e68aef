import XCTest

@testable import Tensors

final class BatchNormTests: XCTestCase {
    /// Float32 against float64. dx is a difference of terms of similar size, so its tolerance is 1e-5.
    func testBatchNorm_forwardAndBackward_matchesPyTorchFixture() throws {
        for one in try ConvolutionFixtures.load().norms {
            let x = one.x.tensor
            let (y, mean, variance, saved) = batchNormForward(
                x, gamma: one.gamma.tensor, beta: one.beta.tensor, epsilon: 1e-3)
            XCTAssertLessThan(relativeError(y, one.y.tensor), 2e-6)
            XCTAssertLessThan(relativeError(mean, one.mean.tensor), 5e-7)
            XCTAssertLessThan(relativeError(variance, one.variance.tensor), 1e-6)
            let parts = batchNormBackward(one.g.tensor.reshaped([1] + one.g.shape), saved: saved, seeds: 1)
            for (part, expected) in zip(parts, [one.dx, one.dgamma, one.dbeta]) {
                XCTAssertLessThan(relativeError(try XCTUnwrap(part), expected.tensor), 1e-5)
            }
        }
    }

    /// A mean of 10,000 and a deviation of 0.3 over several blocks of rows, where a sum of squares in float would be
    /// useless.
    func testBatchNorm_withMeanMuchLargerThanDeviation_staysAccurate() {
        let rows = 5000
        let c = 24
        var generator = SeededGenerator(seed: 1)
        let values = (0..<rows * c).map { _ in 10_000 + Float(Int(generator.uniform() * 1024)) / 1024 }
        let (_, mean, variance, _) = batchNormForward(
            Tensor([rows, 1, 1, c], values), gamma: Tensor([c], repeating: 1), beta: Tensor([c]), epsilon: 1e-3)
        for ch in 0..<c {
            let column = (0..<rows).map { Double(values[$0 * c + ch]) }
            let m = column.reduce(0, +) / Double(rows)
            let v = column.reduce(0) { $0 + ($1 - m) * ($1 - m) } / Double(rows)
            XCTAssertEqual(Double(mean[ch]), m, accuracy: 1e-3)
            XCTAssertEqual(Double(variance[ch]), v, accuracy: 1e-5)
        }
    }

    func testBatchNormBackward_withTwoSeeds_equalsSeparateRuns() throws {
        let x = randomTensor([3, 4, 5, 18], seed: 2)
        let gamma = randomTensor([18], seed: 3)
        let beta = randomTensor([18], seed: 4)
        let (_, _, _, saved) = batchNormForward(x, gamma: gamma, beta: beta, epsilon: 1e-3)
        let g = randomTensor([2] + x.shape, seed: 5)
        let both = batchNormBackward(g, saved: saved, seeds: 2)
        for k in 0..<2 {
            let one = batchNormBackward(g.rows(k..<k + 1), saved: saved, seeds: 1)
            XCTAssertEqual(try XCTUnwrap(both[0]).row(k).array, try XCTUnwrap(one[0]).array)
        }
    }

    func testFoldedBatchNorm_inAConvolution_equalsConvolutionThenNorm() {
        let weight = randomTensor([6, 3, 3, 4], seed: 6)
        let bias = randomTensor([6], seed: 7)
        let gamma = randomTensor([6], seed: 8)
        let beta = randomTensor([6], seed: 9)
        let mean = randomTensor([6], seed: 10)
        let variance = Tensor([6], randomTensor([6], seed: 11).array.map { $0 + 1.5 })
        let folded = foldedBatchNorm(
            weight: weight, bias: bias, gamma: gamma, beta: beta, mean: mean, variance: variance, epsilon: 1e-3)
        let x = randomTensor([1, 5, 5, 4], seed: 12)
        let geometry = ConvolutionGeometry(3, padding: .all(1))
        let y = convolutionForward(x, weight: weight, bias: bias, geometry: geometry, activation: .none, prepared: nil)
        let scale = Tensor([6], (0..<6).map { gamma[$0] / (variance[$0] + 1e-3).squareRoot() })
        let shift = Tensor([6], (0..<6).map { beta[$0] - mean[$0] * scale[$0] })
        let expected = channelAffineForward(y, scale: scale, shift: shift)
        let actual = convolutionForward(
            x, weight: folded.weight, bias: folded.bias, geometry: geometry, activation: .none, prepared: nil)
        XCTAssertLessThan(relativeError(actual, expected), 2e-6)
    }

    /// y = x * scale + shift is linear in each argument: a step of 1 is exact up to rounding.
    func testChannelAffineGradient_ofEveryInput_equalsFiniteDifferences() throws {
        let x = randomTensor([2, 3, 18], seed: 13)
        let scale = randomTensor([18], seed: 14)
        let shift = randomTensor([18], seed: 15)
        let g = randomTensor([1] + x.shape, seed: 16)
        let parts = channelAffineBackward(g, x: x, scale: scale, seeds: 1, needed: [true, true, true])
        let arguments = [x, scale, shift]
        let y = channelAffineForward(x, scale: scale, shift: shift)
        for argument in 0..<3 {
            let gradient = try XCTUnwrap(parts[argument])
            for i in stride(from: 0, to: arguments[argument].count, by: 7) {
                var moved = arguments
                moved[argument] = arguments[argument].copy()
                moved[argument].pointer[i] += 1
                let difference = dot(g, channelAffineForward(moved[0], scale: moved[1], shift: moved[2])) - dot(g, y)
                XCTAssertEqual(Double(gradient.array[i]), difference, accuracy: 2e-5)
            }
        }
    }

    func testChannelSums_overManyRows_areExact() {
        let c = 5
        let rows = 40_000
        let x = Tensor([rows, c], (0..<rows * c).map { 1 + Float($0 % c) / 4 })
        // 40,000 and its quarters are exact in float.
        XCTAssertEqual(channelSums(x, channels: c).array, (0..<c).map { Float(rows) * (1 + Float($0) / 4) })
    }

    /// The column (1, 3) has mean 2 and variance 1 (unbiased 2), the column (0, 4) mean 2 and variance 4 (unbiased 8).
    /// Training gives ±1 and moves the running values by a tenth. In inference with those, x = 2.2 in the first column
    /// gives (2.2 - 0.2) / sqrt(1.1).
    func testBatchNormLayer_inTrainingAndInference_equalsHandComputedValues() throws {
        let store = ParameterStore(seed: 1)
        let trained = BatchNorm(store.scope(on: Tape())["norm"], channels: 2)
        let y = trained(Variable(Tensor([2, 2], [1, 0, 3, 4]))).value.array
        for (a, b) in zip(y, [-1, -1, 1, 1] as [Float]) { XCTAssertEqual(a, b, accuracy: 1e-4) }
        XCTAssertEqual(store.values["norm.running_mean"]?.array ?? [], [0.2, 0.2])
        for (a, b) in zip(store.values["norm.running_var"]?.array ?? [], [1.1, 1.7] as [Float]) {
            XCTAssertEqual(a, b, accuracy: 1e-6)
        }
        let used = BatchNorm(store.scope()["norm"], channels: 2)
        let z = used(Variable(Tensor([1, 2], [2.2, 0.2]))).value.array
        XCTAssertEqual(z[0], 2 / Float(1.1).squareRoot(), accuracy: 1e-4)
        XCTAssertEqual(z[1], 0, accuracy: 1e-6)
    }

    /// With and without a fused activation, for widths that are not multiples of a vector's.
    func testChannelAffine_withFusedActivation_equalsSeparateActivation() {
        for c in [3, 16, 37] {
            let x = Variable(randomTensor([2, 5, 3, c], seed: 20))
            let scale = Variable(randomTensor([c], seed: 21)), shift = Variable(randomTensor([c], seed: 22))
            for activation in [Activation.none, .relu, .relu6, .tanh] {
                let fused = channelAffine(x, scale: scale, shift: shift, activation: activation)
                let followed = channelAffine(Tape().leaf(x.value), scale: scale, shift: shift, activation: activation)
                XCTAssertEqual(fused.value.array, followed.value.array)
                for (i, y) in channelAffine(x, scale: scale, shift: shift).value.array.enumerated() {
                    let expected = x.value.array[i] * scale.value.array[i % c] + shift.value.array[i % c]
                    XCTAssertEqual(y, expected, accuracy: 1e-6)
                }
            }
        }
    }
}
