import CBLAS
import Foundation
import XCTest

@testable import Tensors

final class BLASCoreTests: XCTestCase {
    /// A processor with AVX2 does not run OpenBLAS's kernels for SSE3, even if OpenBLAS does not recognise it.
    func testBLASCore_onAProcessorWithAVX2_isNotTheOldest() throws {
        XCTAssertGreaterThan(Parallel.threads, 0)
        guard mmx_blas_core() != nil, getenv("OPENBLAS_CORETYPE") == nil else {
            throw XCTSkip("OpenBLAS's own choice is used here")
        }
        XCTAssertNotEqual(BLASCore.name, "Prescott")
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
