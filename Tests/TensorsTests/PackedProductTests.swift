import XCTest

@testable import Tensors

/// Products with a packed right-hand side, for numbers of rows and columns that do and do not fill register blocks and
/// panels.
final class PackedProductTests: XCTestCase {
    private func check(rows: Int, depth: Int, columns: Int, line: UInt = #line) {
        let a = randomTensor([rows, depth], seed: 1), b = randomTensor([depth, columns], seed: 2)
        let bias = randomTensor([columns], seed: 3), shortcut = randomTensor([rows, columns], seed: 4)
        let matrix = PackedMatrix(b, depth: depth, columns: columns, rowStride: columns, columnStride: 1)
        let transposed = PackedMatrix(
            transposing: b.permuted([1, 0]), depth: depth, columns: columns)
        XCTAssertEqual(matrix.panels.array, transposed.panels.array, "\(depth) x \(columns)", line: line)
        // The memory after each row must not change.
        let ldc = columns + 5
        let y = Tensor([rows, ldc], repeating: 7), other = Tensor([rows, ldc])
        for r in 0..<rows {
            (other.pointer + r * ldc).update(from: shortcut.pointer + r * columns, count: columns)
        }
        let epilogue = Epilogue(bias: bias.pointer, activation: .relu).adding(other.pointer, to: y.pointer)
        parallelProduct(
            rows: rows, depth: depth, columns: columns, a.pointer, lda: depth, matrix.panels.pointer, y.pointer,
            ldc: ldc, epilogue)
        withExtendedLifetime((matrix, bias, other)) {}
        var worst: Float = 0
        for r in 0..<rows {
            for n in 0..<columns {
                var sum = Double(bias.pointer[n]) + Double(shortcut.pointer[r * columns + n])
                for k in 0..<depth {
                    sum += Double(a.pointer[r * depth + k]) * Double(b.pointer[k * columns + n])
                }
                worst = max(worst, abs(y.pointer[r * ldc + n] - Float(max(0, sum))))
            }
            for n in columns..<ldc { XCTAssertEqual(y.pointer[r * ldc + n], 7, "\(rows) x \(columns)", line: line) }
        }
        // Products of about 1, each rounded once.
        XCTAssertLessThan(worst, depth > 256 ? 1e-4 : 2e-5, "\(rows) x \(depth) x \(columns)", line: line)
    }

    func testPackedProduct_withEveryNumberOfColumns_equalsSumsInDouble() {
        for columns in 1...70 { check(rows: 13, depth: 9, columns: columns) }
    }

    func testPackedProduct_withEveryNumberOfRows_equalsSumsInDouble() {
        for rows in 1...50 { for columns in [16, 24, 32, 45, 56] { check(rows: rows, depth: 9, columns: columns) } }
    }

    /// Sums are kept between stretches of the depth, and few panels are split into pieces.
    func testPackedProduct_withLongDepths_equalsSumsInDouble() {
        for rows in [1, 8, 9, 21, 33, 81, 93] {
            for columns in [16, 40, 88] { check(rows: rows, depth: 600, columns: columns) }
        }
        check(rows: 81, depth: 257, columns: 208)
        check(rows: 301, depth: 70, columns: 120)
    }
}

/// Products of only the elements that are not zero: the same bits as the dense product.
final class SparseProductTests: XCTestCase {
    private func check(rows: Int, depth: Int, columns: Int, density: Double, line: UInt = #line) {
        let a = randomTensor([rows, depth], seed: 1), b = randomTensor([depth, columns], seed: 2)
        var generator = SeededGenerator(seed: 5)
        for i in 0..<a.count where Double.random(in: 0..<1, using: &generator) >= density { a.pointer[i] = 0 }
        let bias = randomTensor([columns], seed: 3), shortcut = randomTensor([rows, columns], seed: 4)
        let matrix = PackedMatrix(b, depth: depth, columns: columns, rowStride: columns, columnStride: 1)
        XCTAssertTrue(looksSparse(rows: rows, depth: depth, columns: columns, a.pointer, lda: depth), line: line)
        func product(_ run: (UnsafeMutablePointer<Float>, Epilogue) -> Void) -> [Float] {
            let y = Tensor([rows, columns + 3], repeating: 7)
            // The shortcut has y's shape.
            let other = Tensor([rows, columns + 3])
            for r in 0..<rows {
                (other.pointer + r * (columns + 3)).update(from: shortcut.pointer + r * columns, count: columns)
            }
            run(y.pointer, Epilogue(bias: bias.pointer, activation: .relu).adding(other.pointer, to: y.pointer))
            return withExtendedLifetime((other, bias)) { y.array }
        }
        let panels = matrix.panels.pointer
        let dense = product {
            packedProduct(
                rows: rows, depth: depth, columns: columns, a.pointer, lda: depth, panels, $0, ldc: columns + 3, $1)
        }
        let found = product {
            matrixProduct(
                rows: rows, depth: depth, columns: columns, a.pointer, lda: depth, panels, $0, ldc: columns + 3, $1)
        }
        let parallel = product {
            parallelProduct(
                rows: rows, depth: depth, columns: columns, a.pointer, lda: depth, panels, $0, ldc: columns + 3, $1)
        }
        XCTAssertEqual(found, dense, "\(rows) x \(depth) x \(columns)", line: line)
        XCTAssertEqual(parallel, dense, "\(rows) x \(depth) x \(columns)", line: line)
        withExtendedLifetime(matrix) {}
    }

    func testSparseProduct_withEveryNumberOfColumns_equalsTheDenseOne() {
        for columns in 24...200 { check(rows: 5, depth: 70, columns: columns, density: 0.2) }
    }

    /// Depths that are not whole vectors, several stretches of B, several blocks of rows, a matrix of zeros.
    func testSparseProduct_withManyDepthsAndRows_equalsTheDenseOne() {
        for depth in [64, 79, 80, 257, 1300] { check(rows: 9, depth: depth, columns: 208, density: 0.15) }
        check(rows: 301, depth: 720, columns: 120, density: 0.2)
        check(rows: 81, depth: 1248, columns: 88, density: 0.1)
        check(rows: 20, depth: 100, columns: 48, density: 0)
    }

    /// NaN does not count as zero, and a dense matrix is not treated as sparse.
    func testSparseProduct_withNaN_returnsNaN() {
        let a = Tensor([3, 64]), b = randomTensor([64, 40], seed: 2)
        a.pointer[70] = .nan
        let matrix = PackedMatrix(b, depth: 64, columns: 40, rowStride: 40, columnStride: 1)
        let y = Tensor([3, 40], repeating: 7)
        matrixProduct(
            rows: 3, depth: 64, columns: 40, a.pointer, lda: 64, matrix.panels.pointer, y.pointer, ldc: 40, .none)
        withExtendedLifetime((a, matrix)) {}
        XCTAssertEqual(y.array.map(\.isNaN), (0..<120).map { (40..<80).contains($0) })
        XCTAssertEqual(y.array[0], 0)
        XCTAssertFalse(looksSparse(rows: 64, depth: 64, columns: 40, b.pointer, lda: 40))
    }
}
