import CBLAS
import Foundation
import XCTest

@testable import Tensors

final class BLASCoreTests: XCTestCase {
    /// OpenBLAS's kernels are those of the set of instructions in use, even if OpenBLAS does not recognise the processor.
    func testBLASCore_isThatOfTheInstructions() throws {
        XCTAssertGreaterThan(Parallel.threads, 0)
        guard getenv("OPENBLAS_CORETYPE") == nil else { throw XCTSkip("OpenBLAS's kernels are chosen by the user") }
        switch Instructions.name {
        case "avx512", "avx2": XCTAssertNotEqual(BLASCore.name, "Prescott")
        case "sse2" where Instructions.available.count > 1: XCTAssertEqual(BLASCore.name, "Prescott")
        default: break
        }
        XCTAssertNil(getenv("OPENBLAS_CORETYPE"), "the variable must stay unset")
    }

    /// OpenBLAS's own threads are ended, and products on this thread are still correct.
    func testBLASCore_afterSetUp_hasNoThreadsAndRightProducts() throws {
        XCTAssertGreaterThan(Parallel.threads, 0)
        guard let available = dlsym(nil, "blas_server_avail") else {
            throw XCTSkip("this OpenBLAS does not report its threads")
        }
        XCTAssertEqual(available.load(as: Int32.self), 0)
        // Large enough for OpenBLAS, which is not used for products of few rows.
        let ones = [Float](repeating: 1, count: 200 * 200)
        var product = [Float](repeating: 0, count: 200 * 200)
        gemm(m: 200, n: 200, k: 200, ones, lda: 200, ones, ldb: 200, &product, ldc: 200)
        XCTAssertEqual(product, [Float](repeating: 200, count: 200 * 200))
        XCTAssertEqual(available.load(as: Int32.self), 0)
    }
}
