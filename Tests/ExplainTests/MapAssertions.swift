import Explain
import Tensors
import TestSupport
import Vision
import XCTest

/// Fails unless every value of `a` is that of `b` to within a part of the largest magnitude of `b`.
func assertEqual(
    _ a: [Float], _ b: [Float], within part: Float, _ message: String = "", file: StaticString = #filePath,
    line: UInt = #line
) {
    XCTAssertEqual(a.count, b.count, message, file: file, line: line)
    let largest = max(b.map(abs).max() ?? 0, 1e-12)
    for (x, y) in zip(a, b) { XCTAssertEqual(x, y, accuracy: part * largest, message, file: file, line: line) }
}

extension Tensor {
    /// 0 for a map of nothing but zeros.
    var largestMagnitude: Float { array.map(abs).max() ?? 0 }
}

extension ExplainedTarget {
    /// The map of the first method.
    var map: Tensor { attributions[0].map }
}

extension ExplainableModel {
    /// A drawn image as the model takes it.
    func toyImage(seed: UInt64 = 2_024, index: Int) -> Tensor {
        modelEncoder.identity.preprocessing.prepare(ToyScene(seed: seed, index: index).image).tensor
    }
}
