import Tensors
import XCTest

/// Products of few rows use their own kernel. Each is compared with sums in double.
final class FewRowsTests: XCTestCase {
    private func check(transposeB: Bool, m: Int, n: Int, k: Int, alpha: Float, beta: Float, line: UInt = #line) {
        var generator = SeededGenerator(seed: UInt64(m * 1_000_003 + n * 1_009 + k))
        // Row strides larger than the rows: the memory between must not change.
        let lda = k + 3
        let ldb = (transposeB ? k : n) + 5
        let ldc = n + 2
        let a = Tensor([m, lda], (0..<m * lda).map { _ in generator.normal() })
        let b = Tensor([transposeB ? n : k, ldb], (0..<(transposeB ? n : k) * ldb).map { _ in generator.normal() })
        let before = (0..<m * ldc).map { _ in generator.normal() }
        let c = Tensor([m, ldc], before)
        gemm(
            transposeB: transposeB, m: m, n: n, k: k, alpha: alpha, a.pointer, lda: lda, b.pointer, ldb: ldb,
            beta: beta, c.pointer,
            ldc: ldc)
        for row in 0..<m {
            for column in 0..<ldc {
                let old = Double(before[row * ldc + column])
                if column >= n {
                    XCTAssertEqual(c[row, column], before[row * ldc + column], "outside the product", line: line)
                    continue
                }
                var sum = 0.0
                for i in 0..<k { sum += Double(a[row, i]) * Double(transposeB ? b[column, i] : b[i, column]) }
                let expected = Double(alpha) * sum + Double(beta) * old
                XCTAssertEqual(
                    Double(c[row, column]), expected, accuracy: 1e-5 * Double(k + 10).squareRoot(), line: line)
            }
        }
    }

    func testFewRowsProduct_ofOddSizes_equalsSumsInDouble() {
        for transposeB in [false, true] {
            for m in [1, 2, 3, 4, 5, 8, 15, 16, 17] {
                for (n, k) in [(1, 1), (3, 5), (16, 16), (65, 33), (67, 100), (130, 64)] {
                    check(transposeB: transposeB, m: m, n: n, k: k, alpha: 1, beta: 0)
                }
            }
        }
    }

    func testFewRowsProduct_withBeta_addsToTheOutput() {
        for transposeB in [false, true] {
            check(transposeB: transposeB, m: 3, n: 70, k: 40, alpha: 1, beta: 1)
            check(transposeB: transposeB, m: 3, n: 70, k: 40, alpha: -0.5, beta: 2)
        }
    }

    /// Large enough to be split over the threads.
    func testFewRowsProduct_splitOverThreads_equalsSumsInDouble() {
        check(transposeB: true, m: 3, n: 515, k: 257, alpha: 1, beta: 0)
        check(transposeB: false, m: 3, n: 515, k: 257, alpha: 1, beta: 1)
    }

    /// Long rows of B are added up in chunks. Rows of zero weight are not read.
    func testFewRowsProduct_withLongRows_skipsRowsOfZeroWeight() {
        for m in [1, 3, 4, 7, 16] {
            check(transposeB: false, m: m, n: 1024, k: 5, alpha: 1, beta: 0)
            check(transposeB: false, m: m, n: 2100, k: 7, alpha: 0.5, beta: 2)
        }
        check(transposeB: false, m: 2, n: 40_000, k: 9, alpha: 1, beta: 1)
        let k = 11, n = 1500
        var generator = SeededGenerator(seed: 5)
        let b = Tensor([k, n], (0..<k * n).map { _ in generator.normal() })
        for used in [[], [3], [0, 10], [1, 2, 5, 7, 8], Array(0..<k)] {
            var weights = [Float](repeating: 0, count: 2 * k)
            for i in used { weights[k + i] = Float(i + 1) }
            let a = Tensor([2, k], weights)
            // A row that is not read may hold any values.
            let damaged = Tensor([k, n], (0..<k * n).map { used.contains($0 / n) ? b.pointer[$0] : .nan })
            let c = Tensor([2, n], repeating: .nan)
            gemm(m: 2, n: n, k: k, a.pointer, lda: k, damaged.pointer, ldb: n, c.pointer, ldc: n)
            for j in stride(from: 0, to: n, by: 7) {
                XCTAssertEqual(c[0, j], 0)
                let sum = used.reduce(0.0) { $0 + Double($1 + 1) * Double(b[$1, j]) }
                XCTAssertEqual(Double(c[1, j]), sum, accuracy: 1e-4)
            }
        }
    }

    /// With beta 0 the result does not depend on the old output, not even on a NaN.
    func testFewRowsProduct_withBetaZero_ignoresTheOldOutput() {
        for transposeB in [false, true] {
            let a = Tensor([2, 20], repeating: 1)
            let b = Tensor(transposeB ? [70, 20] : [20, 70], repeating: 1)
            let c = Tensor([2, 70], repeating: .nan)
            gemm(
                transposeB: transposeB, m: 2, n: 70, k: 20, a.pointer, lda: 20, b.pointer, ldb: transposeB ? 20 : 70,
                c.pointer, ldc: 70)
            XCTAssertEqual(c.array, [Float](repeating: 20, count: 140))
        }
    }
}
