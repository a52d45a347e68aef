import XCTest

@testable import Tensors

final class BatchedProductTests: XCTestCase {
    private let ways = [(false, false), (false, true), (true, false), (true, true)]

    func testBatchedProduct_withEachTransposition_equalsHandComputedValues() {
        // [1 2; 3 4] [5 6; 7 8] = [19 22; 43 50]. In the second pair, a is the identity.
        let a = Variable(Tensor([2, 2, 2], [1, 2, 3, 4, 1, 0, 0, 1]))
        let b = Variable(Tensor([2, 2, 2], [5, 6, 7, 8, 9, 10, 11, 12]))
        XCTAssertEqual(batchedProduct(a, b).value.array, [19, 22, 43, 50, 9, 10, 11, 12])
        // [1 2; 3 4] [5 7; 6 8], [1 3; 2 4] [5 6; 7 8], [1 3; 2 4] [5 7; 6 8]
        XCTAssertEqual(batchedProduct(a, b, transposeB: true).value.array, [17, 23, 39, 53, 9, 11, 10, 12])
        XCTAssertEqual(batchedProduct(a, b, transposeA: true).value.array, [26, 30, 38, 44, 9, 10, 11, 12])
        XCTAssertEqual(
            batchedProduct(a, b, transposeA: true, transposeB: true).value.array, [23, 31, 34, 46, 9, 11, 10, 12])
    }

    /// Shapes that are not square, above and below the size at which a batch is split over the threads. The tolerance
    /// is 2e-6 of the largest value, for sums of at most 60 floats.
    func testBatchedProduct_ofOddShapes_equalsSumsInDouble() {
        for (m, n, k) in [(1, 7, 5), (5, 3, 1), (33, 49, 60)] {
            for batch in [1, 5] {
                for (ta, tb) in ways {
                    let a = randomTensor(ta ? [batch, k, m] : [batch, m, k], seed: 1)
                    let b = randomTensor(tb ? [batch, n, k] : [batch, k, n], seed: 2)
                    let y = batchedProduct(Variable(a), Variable(b), transposeA: ta, transposeB: tb).value
                    var expected: [Float] = []
                    for i in 0..<batch {
                        for r in 0..<m {
                            for c in 0..<n {
                                var sum = 0.0
                                for j in 0..<k {
                                    sum += Double(ta ? a[i, j, r] : a[i, r, j]) * Double(tb ? b[i, c, j] : b[i, j, c])
                                }
                                expected.append(Float(sum))
                            }
                        }
                    }
                    XCTAssertEqual(y.shape, [batch, m, n])
                    let error = relativeError(y, Tensor([batch, m, n], expected))
                    XCTAssertLessThan(error, 2e-6, "\(m) \(n) \(k) \(ta) \(tb)")
                }
            }
        }
    }

    func testBatchedProductGradient_withEachTransposition_equalsFiniteDifferencesForEverySeed() {
        for (ta, tb) in ways {
            let a = randomTensor(ta ? [3, 4, 2] : [3, 2, 4], seed: 3)
            let b = randomTensor(tb ? [3, 5, 4] : [3, 4, 5], seed: 4)
            checkGradients([a, b]) { batchedProduct($0[0], $0[1], transposeA: ta, transposeB: tb) }
            checkSeeds([a, b]) { batchedProduct($0[0], $0[1], transposeA: ta, transposeB: tb) }
            checkGradients([a]) { batchedProduct($0[0], Variable(b), transposeA: ta, transposeB: tb) }
            checkGradients([b]) { batchedProduct(Variable(a), $0[0], transposeA: ta, transposeB: tb) }
        }
    }
}
