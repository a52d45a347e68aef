import CBLAS
import Foundation
import XCTest

@testable import Tensors

final class BLASCoreTests: XCTestCase {
    /// A processor with AVX2 never runs OpenBLAS's kernels for SSE3, whatever OpenBLAS knows of it.
    func testNoFallbackToTheOldestKernels() throws {
        XCTAssertGreaterThan(Parallel.threads, 0)
        guard mmx_blas_core() != nil, getenv("OPENBLAS_CORETYPE") == nil else {
            throw XCTSkip("OpenBLAS's own choice stands here")
        }
        XCTAssertNotEqual(BLASCore.name, "Prescott")
        XCTAssertNil(getenv("OPENBLAS_CORETYPE"), "what the user did not set stays unset")
    }
}
