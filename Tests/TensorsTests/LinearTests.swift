import XCTest

@testable import Tensors

final class LinearTests: XCTestCase {
    func testLinear_forwardAndBackward_matchesPyTorchFixture() throws {
        let one = try SequenceFixtures.load("linear")
        let x = try XCTUnwrap(one["x"])
        let weight = try XCTUnwrap(one["weight"])
        let bias = try XCTUnwrap(one["bias"])
        XCTAssertLessThan(relativeError(linearForward(x, weight: weight, bias: bias), try XCTUnwrap(one["y"])), 1e-6)
        let parts = linearBackward(
            seeded(try XCTUnwrap(one["g"])), x: x, weight: weight, seeds: 1, needed: [true, true, true])
        for (part, name) in zip(parts, ["dx", "dweight", "dbias"]) {
            XCTAssertLessThan(relativeError(try XCTUnwrap(part), try XCTUnwrap(one[name])), 2e-6, name)
        }
    }

    func testLinearGradient_withAndWithoutBias_equalsFiniteDifferencesForEverySeed() {
        let x = randomTensor([2, 3, 5], seed: 1)
        let weight = randomTensor([4, 5], seed: 2)
        let bias = randomTensor([4], seed: 3)
        checkGradients([x, weight, bias]) { linear($0[0], $0[1], $0[2]) }
        checkGradients([x, weight]) { linear($0[0], $0[1]) }
        checkSeeds([x]) { linear($0[0], Variable(weight), Variable(bias)) }
    }

    func testLinear_onSmallMatrices_equalsHandComputedValues() {
        let y = linearForward(
            Tensor([1, 2], [1, 2]), weight: Tensor([3, 2], [1, 0, 0, 1, 1, 1]), bias: Tensor([3], [10, 20, 30]))
        XCTAssertEqual(y.array, [11, 22, 33])
        XCTAssertEqual(columnSums(Tensor([2, 3], [1, 2, 3, 4, 5, 6]), columns: 3).array, [5, 7, 9])
    }

    /// A prepared weight gives the same product at every use, however it is split. Few rows do not use it.
    func testLinear_withPreparedWeight_equalsThatWithout() {
        for (rows, inputs, outputs) in [(81, 70, 33), (17, 300, 64), (40, 16, 5), (3, 20, 9)] {
            let x = randomTensor([rows, inputs], seed: 1), weight = randomTensor([outputs, inputs], seed: 2)
            let bias = randomTensor([outputs], seed: 3), g = randomTensor([2, rows, outputs], seed: 4)
            let prepared = PreparedLinear(weight: weight)
            let y = linearForward(x, weight: weight, bias: bias)
            let dx = linearBackward(g, x: x, weight: weight, seeds: 2, needed: [true, false])[0]
            var found: [[Float]] = [], gradients: [[Float]] = []
            func run() {
                found.append(linearForward(x, weight: weight, bias: bias, prepared: prepared).array)
                let parts = linearBackward(
                    g, x: x, weight: weight, prepared: prepared, seeds: 2, needed: [true, false])
                gradients.append(parts[0]?.array ?? [])
            }
            run()
            run()
            Parallel.serially { run() }
            XCTAssertLessThan(relativeError(Tensor(y.shape, found[0]), y), 1e-6)
            XCTAssertLessThan(relativeError(Tensor([2, rows, inputs], gradients[0]), dx ?? y), 1e-6)
            for i in 1..<3 {
                XCTAssertEqual(found[i], found[0])
                XCTAssertEqual(gradients[i], gradients[0])
            }
        }
    }

    /// Products split over threads, along rows and along columns, in all four transpositions.
    func testGEMM_withEachTransposition_equalsSumsInDouble() {
        for (m, n, k) in [(1, 1, 1), (3, 70, 5), (150, 33, 40), (37, 260, 21), (1, 600, 300), (600, 1, 300)] {
            let a = randomTensor([m, k], seed: 1)
            let b = randomTensor([k, n], seed: 2)
            let at = a.permuted([1, 0])
            let bt = b.permuted([1, 0])
            var exact = [Double](repeating: 0, count: m * n)
            let left = a.array
            let right = b.array
            for i in 0..<m {
                for l in 0..<k {
                    for j in 0..<n { exact[i * n + j] += Double(left[i * k + l]) * Double(right[l * n + j]) }
                }
            }
            let expected = Tensor([m, n], exact.map { Float($0) })
            for (transposeA, transposeB) in [(false, false), (true, false), (false, true), (true, true)] {
                let c = Tensor([m, n], repeating: 1)
                gemm(
                    transposeA: transposeA, transposeB: transposeB, m: m, n: n, k: k, alpha: 2,
                    (transposeA ? at : a).pointer,
                    lda: transposeA ? m : k, (transposeB ? bt : b).pointer, ldb: transposeB ? k : n, beta: 0.5,
                    c.pointer, ldc: n)
                let sum = addForward(scaleForward(expected, by: 2), Tensor([m, n], repeating: 0.5))
                XCTAssertLessThan(relativeError(c, sum), 2e-6, "\(m) \(n) \(k) \(transposeA) \(transposeB)")
            }
            withExtendedLifetime((a, b, at, bt)) {}
        }
    }
}
