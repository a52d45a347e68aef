import Tensors
import Vision
import XCTest

@testable import Evaluation

final class ImageEvaluationTests: XCTestCase {
    /// The map is measured as it is drawn, but its peak is that of the map before clipping. One pixel of 300 is larger
    /// than the others: after clipping it holds 1/300 of the map, and it is still the peak.
    func testImageEvaluation_mapOfPixels_isMeasuredAsDrawn() throws {
        let raw = Tensor([15, 20], (0..<300).map { $0 == 200 ? 100 : 1 })
        let region = try XCTUnwrap(Region(mask: (0..<300).map { $0 == 200 }, width: 20))
        let placement = Placement(
            originalWidth: 20, originalHeight: 15, modelWidth: 20, modelHeight: 15,
            rectangle: Rectangle(x0: 0, y0: 0, x1: 20, y1: 15))
        let target = MapTarget(
            kind: "", context: "", fields: [:], region: region,
            maps: [
                .init(method: "gradient", fields: [:], raw: raw, isOfPixels: true),
                .init(method: "cells", fields: [:], raw: raw),
            ])
        let figures = try ImageEvaluation(
            photo: Image(width: 20, height: 15),
            maps: ImageMaps(
                input: Tensor([1, 15, 20, 3]), placement: placement, wordBlind: Tensor([3, 4]), targets: [target])
        ).measure(image: 0)[0].figures
        func term(_ method: Int, _ name: String) -> Double { figures[method].terms[name]?.value ?? .nan }
        XCTAssertEqual(figures.prefix(2).map(\.method), ["gradient", "cells"])
        XCTAssertEqual([term(0, "pointing"), term(1, "pointing")], [1, 1])
        XCTAssertEqual(term(0, "energyInside"), 1.0 / 300, accuracy: 1e-6)
        XCTAssertEqual(term(1, "energyInside"), 100.0 / 399, accuracy: 1e-6)
    }
}
