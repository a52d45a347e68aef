import Drawing
import XCTest

final class MapScaleTests: XCTestCase {
    private let maps: [(method: String, values: [Float])] = [
        ("grad-cam", [0.1, 0.4, -3]), ("grad-cam", [0.8, 0.2, .infinity]), ("occlusion", [12, -20, .nan]),
        ("attention", [-1, -2]),
    ]

    private func divisors(
        _ scale: MapScale, of maps: [(method: String, values: [Float])], isSigned: Bool
    ) -> [Float?] {
        let divisors = scale.divisors(of: maps, isSigned: isSigned)
        return maps.map { divisors[$0.method] }
    }

    func testMapScale_each_hasNoDivisor() {
        XCTAssertEqual(divisors(.each, of: maps, isSigned: false), [nil, nil, nil, nil])
        XCTAssertEqual(divisors(.evidence, of: maps, isSigned: true), [nil, nil, nil, nil])
    }

    func testMapScale_shared_dividesByTheLargestOfItsMethod() {
        XCTAssertEqual(divisors(.shared, of: maps, isSigned: false), [0.8, 0.8, 12, nil])
        XCTAssertEqual(divisors(.shared, of: maps, isSigned: true), [3, 3, 20, 2])
        XCTAssertNil(MapScale.shared.divisors(of: [], isSigned: true)["grad-cam"])
    }

    func testMapScale_fixed_dividesAllMapsByTheSameNumber() {
        XCTAssertEqual(divisors(.fixed(2.5), of: maps, isSigned: false), [2.5, 2.5, 2.5, 2.5])
        XCTAssertEqual([MapScale.evidence, .each, .shared, .fixed(1)].map(\.kind), MapScale.Kind.allCases)
    }

    func testMapDivisors_severalMethods_shareADivisorOnlyIfAllHaveIt() {
        let shared = MapScale.shared.divisors(of: maps, isSigned: false)
        XCTAssertEqual(shared.shared(by: ["grad-cam"]), 0.8)
        XCTAssertNil(shared.shared(by: ["grad-cam", "occlusion"]))
        XCTAssertNil(shared.shared(by: ["grad-cam", "attention"]))
        XCTAssertNil(shared.shared(by: []))
        let fixed = MapScale.fixed(2.5).divisors(of: [], isSigned: false)
        XCTAssertEqual(fixed.shared(by: ["grad-cam", "occlusion"]), 2.5)
        XCTAssertNil(MapScale.each.divisors(of: maps, isSigned: false).shared(by: ["grad-cam", "occlusion"]))
    }

    func testNormalisation_mapsOfOneScale_keepTheirProportion() {
        let weak = Normalisation.unit([0.1, 0.4, -3], maximum: 0.8)
        XCTAssertEqual(weak.values, [0.125, 0.5, 0])
        XCTAssertEqual(weak.maximum, 0.8)
        XCTAssertEqual(weak.warnings, [])
        XCTAssertEqual(Normalisation.signed([1, -2], maximum: 4).values, [0.25, -0.5])
    }

    func testNormalisation_valuesBeyondTheScale_areClippedWithAWarning() {
        let high = Normalisation.unit([1, 3, 6], maximum: 3)
        XCTAssertEqual(high.values, [1 / 3, 1, 1])
        XCTAssertEqual(high.warnings, [.beyondScale(6, 3)])
        let low = Normalisation.signed([1, -6], maximum: 3)
        XCTAssertEqual(low.values, [1 / 3, -1])
        XCTAssertEqual(low.warnings, [.beyondScale(6, 3)])
        XCTAssertTrue("\(low.warnings[0])".contains("beyond the scale's 3"))
        // A scale does not give a map a positive value.
        XCTAssertEqual(Normalisation.unit([-1, -2], maximum: 3).warnings, [.nowherePositive])
    }
}
