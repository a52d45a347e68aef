import Explain
import XCTest

final class MapScaleTests: XCTestCase {
    private let maps: [(method: String, values: [Float])] = [
        ("grad-cam", [0.1, 0.4, -3]), ("grad-cam", [0.8, 0.2, .infinity]), ("occlusion", [12, -20, .nan]),
        ("attention", [-1, -2]),
    ]

    func testEachMapHasItsOwnMaximum() {
        XCTAssertEqual(MapScale.each.maxima(of: maps, isSigned: false), [nil, nil, nil, nil])
    }

    func testMapsOfAMethodShareTheirLargest() {
        XCTAssertEqual(MapScale.shared.maxima(of: maps, isSigned: false), [0.8, 0.8, 12, nil])
        XCTAssertEqual(MapScale.shared.maxima(of: maps, isSigned: true), [3, 3, 20, 2])
        XCTAssertEqual(MapScale.shared.maxima(of: [], isSigned: true), [])
    }

    func testAFixedScaleIsTheSameForAll() {
        XCTAssertEqual(MapScale.fixed(2.5).maxima(of: maps, isSigned: false), [2.5, 2.5, 2.5, 2.5])
        XCTAssertEqual([MapScale.each, .shared, .fixed(1)].map(\.kind), MapScale.Kind.allCases)
    }

    func testMapsOnOneScaleKeepTheirProportion() {
        let weak = Normalisation.unit([0.1, 0.4, -3], maximum: 0.8)
        XCTAssertEqual(weak.values, [0.125, 0.5, 0])
        XCTAssertEqual(weak.maximum, 0.8)
        XCTAssertEqual(weak.warnings, [])
        XCTAssertEqual(Normalisation.signed([1, -2], maximum: 4).values, [0.25, -0.5])
    }

    func testWhatIsBeyondTheScaleIsCutOffAndTold() {
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
