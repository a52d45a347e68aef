import XCTest

@testable import Explain

/// Intervals by resampling pictures.
final class BootstrapTests: XCTestCase {
    func testValuesAreSumsOverSums() throws {
        // Three pictures with 2, 1 and 1 maps: 3 of 4 hit, not the mean of 1, 1 and 0.
        let hits = [Ratio(2, over: 2), Ratio(1), Ratio(0)]
        let found = try XCTUnwrap(Bootstrap().estimates([hits])[0])
        XCTAssertEqual(found.value, 0.75)
        XCTAssertEqual([found.low, found.high], [0, 1])
    }

    func testTheSameEverywhereIsCertain() throws {
        let found = try XCTUnwrap(Bootstrap().estimates([[Ratio](repeating: Ratio(3, over: 4), count: 20)])[0])
        XCTAssertEqual([found.value, found.low, found.high], [0.75, 0.75, 0.75])
    }

    /// 400 pictures, half of them hit: the standard error is 2.5 %, 1.96 of them make 4.9 %.
    func testTheIntervalIsTheBinomialOne() throws {
        let hits = (0..<400).map { Ratio($0 % 2 == 0 ? 1 : 0) }
        let found = try XCTUnwrap(Bootstrap(resamples: 2000).estimates([hits])[0])
        XCTAssertEqual(found.low, 0.451, accuracy: 0.008)
        XCTAssertEqual(found.high, 0.549, accuracy: 0.008)
        // The same pictures asked about four times are not four times as many.
        let often = try XCTUnwrap(
            Bootstrap(resamples: 2000).estimates([hits.map { Ratio(4 * $0.value, over: 4) }])[0])
        XCTAssertEqual(often, found)
    }

    func testSeedsAndEmptyColumns() {
        let column = (0..<50).map { Ratio(Double($0 * $0 % 7)) }
        XCTAssertEqual(Bootstrap(seed: 3).estimates([column]), Bootstrap(seed: 3).estimates([column]))
        XCTAssertNotEqual(Bootstrap(seed: 3).estimates([column]), Bootstrap(seed: 4).estimates([column]))
        // A column's draws do not depend on its neighbours.
        XCTAssertEqual(Bootstrap().estimates([column, column])[1], Bootstrap().estimates([column])[0])
        XCTAssertEqual(Bootstrap().estimates([[Ratio(0, over: 0), Ratio(0, over: 0)]]), [nil])
        XCTAssertEqual(Bootstrap().estimates([]), [])
        // Only the second picture has a map; draws without it say nothing.
        let rare = Bootstrap().estimates([[Ratio(0, over: 0), Ratio(1)]])[0]
        XCTAssertEqual(rare, Estimate(value: 1, low: 1, high: 1))
    }
}
