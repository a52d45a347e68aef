import XCTest

@testable import Explain

/// The part of a map that holds half of its positive mass.
final class ManifestMapTests: XCTestCase {
    func testHalfMassArea_byHand_isThePartThatHoldsHalf() throws {
        func area(_ values: [Float]) throws -> Float { try XCTUnwrap(ManifestMap.halfMassArea(values)) }
        // One cell has everything: half of it is half of a cell.
        XCTAssertEqual(try area([0, 0, 8, 0]), 0.125)
        XCTAssertEqual(try area([-5, -1, 8, -3]), 0.125)
        // Two equal cells: one of them has half.
        XCTAssertEqual(try area([3, 0, 0, 3, 0, 0, 0, 0]), 0.125)
        // 6 of 10 in the largest: 5 / 6 of a cell. 4 of 10: that cell, and a third of the next.
        XCTAssertEqual(try area([1, 6, 2, 1]), 5 / 6 / 4, accuracy: 1e-6)
        XCTAssertEqual(try area([4, 3, 3]), (1 + 1 / 3) / 3, accuracy: 1e-6)
        XCTAssertNil(ManifestMap.halfMassArea([0, -1, -2]))
        XCTAssertNil(ManifestMap.halfMassArea([]))
    }

    func testHalfMassArea_ofAnEvenMap_isAHalfWhateverItsSize() throws {
        for count in [1, 2, 7, 49, 256] {
            for value: Float in [1e-30, 1, 1e38] {
                let even = try XCTUnwrap(ManifestMap.halfMassArea([Float](repeating: value, count: count)))
                XCTAssertEqual(even, 0.5, accuracy: 1e-6, "\(count) \(value)")
            }
        }
    }

    /// Neither the order of the cells nor a factor changes it, and no map has more than an even one.
    func testHalfMassArea_anyMap_isAtMostAHalf() throws {
        var state: UInt64 = 1
        let values = (0..<200).map { _ -> Float in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Float(state >> 40) / Float(1 << 24) - 0.3
        }
        let area = try XCTUnwrap(ManifestMap.halfMassArea(values))
        XCTAssertEqual(try XCTUnwrap(ManifestMap.halfMassArea(values.reversed())), area, accuracy: 1e-6)
        XCTAssertEqual(try XCTUnwrap(ManifestMap.halfMassArea(values.map { 7 * $0 })), area, accuracy: 1e-5)
        XCTAssertTrue((0.1..<0.5).contains(area), "\(area)")
    }
}
