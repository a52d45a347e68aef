import Drawing
import XCTest

final class NormalisationTests: XCTestCase {
    func testNormalisation_smallMap_givesTheValuesByHand() {
        let map: [Float] = [-4, 0, 1, 2]
        XCTAssertEqual(Normalisation.raw(map), NormalisedMap(values: map, isSigned: false, warnings: []))
        XCTAssertEqual(
            Normalisation.unit(map), NormalisedMap(values: [0, 0, 0.5, 1], isSigned: false, maximum: 2, warnings: []))
        XCTAssertEqual(
            Normalisation.minmax(map).values, [0, Float(4.0 / 6), Float(5.0 / 6), 1])
        XCTAssertEqual(
            Normalisation.signed(map),
            NormalisedMap(values: [-1, 0, 0.25, 0.5], isSigned: true, maximum: 4, warnings: []))
    }

    func testNormalisation_emptyMap_hasAWarning() {
        for step in Normalisation.allCases {
            XCTAssertEqual(step([0, 0, -0.0]).warnings, [.allZero], step.rawValue)
            XCTAssertEqual(step([0, 0, 0]).values, [0, 0, 0], step.rawValue)
        }
        XCTAssertEqual(
            Normalisation.unit([-1, -2]), NormalisedMap(values: [0, 0], isSigned: false, warnings: [.nowherePositive]))
        XCTAssertEqual(
            Normalisation.minmax([3, 3]), NormalisedMap(values: [0, 0], isSigned: false, warnings: [.constant(3)]))
        XCTAssertEqual(Normalisation.unit([3, 3]).values, [1, 1])
        XCTAssertTrue(MapWarning.nowherePositive.description.contains("nowhere positive"))
    }

    func testNormalisation_nonFiniteValues_becomeZeroWithAWarning() {
        let map: [Float] = [.nan, .infinity, -.infinity, 2, -1]
        for step in Normalisation.allCases {
            let result = step(map)
            XCTAssertEqual(result.warnings, [.notFinite(count: 3, of: 5)], step.rawValue)
            XCTAssertTrue(result.values.allSatisfy(\.isFinite), step.rawValue)
        }
        XCTAssertEqual(Normalisation.unit(map).values, [0, 0, 0, 1, 0])
        XCTAssertEqual(Normalisation.signed([.nan]).warnings, [.notFinite(count: 1, of: 1), .allZero])
    }

    func testNormalisation_extremeValues_stayInRange() {
        let huge = Float.greatestFiniteMagnitude
        let tiny = Float.leastNonzeroMagnitude
        XCTAssertEqual(Normalisation.minmax([-huge, 0, huge]).values, [0, 0.5, 1])
        XCTAssertEqual(Normalisation.unit([tiny, 0]).values, [1, 0])
        XCTAssertEqual(Normalisation.signed([-tiny, tiny, 0]).values, [-1, 1, 0])
    }
}
