import XCTest

@testable import Evaluation

/// Intervals by resampling images.
final class BootstrapTests: XCTestCase {
    func testBootstrap_value_isTheSumOverTheSumOfWeights() throws {
        // Three images with 2, 1 and 1 maps: 3 of 4 hit, not the mean of 1, 1 and 0.
        let hits = [Ratio(2, over: 2), Ratio(1), Ratio(0)]
        let found = try XCTUnwrap(Bootstrap().estimates([hits])[0])
        XCTAssertEqual(found.value, 0.75)
        XCTAssertEqual([found.low, found.high], [0, 1])
    }

    func testBootstrap_equalImages_haveAnIntervalOfNoWidth() throws {
        let found = try XCTUnwrap(Bootstrap().estimates([[Ratio](repeating: Ratio(3, over: 4), count: 20)])[0])
        XCTAssertEqual([found.value, found.low, found.high], [0.75, 0.75, 0.75])
    }

    /// Half of 400 images are hits: the standard error is 2.5 %, and 1.96 times that is 4.9 %.
    func testBootstrap_hitsAndMisses_haveTheBinomialInterval() throws {
        let hits = (0..<400).map { Ratio($0 % 2 == 0 ? 1 : 0) }
        let found = try XCTUnwrap(Bootstrap(resamples: 2000).estimates([hits])[0])
        XCTAssertEqual(found.low, 0.451, accuracy: 0.008)
        XCTAssertEqual(found.high, 0.549, accuracy: 0.008)
        // Four targets in each image do not make four times as many images.
        let often = try XCTUnwrap(
            Bootstrap(resamples: 2000).estimates([hits.map { Ratio(4 * $0.value, over: 4) }])[0])
        XCTAssertEqual(often, found)
    }

    func testBootstrap_seedsAndEmptyColumns_areReproducible() {
        let column = (0..<50).map { Ratio(Double($0 * $0 % 7)) }
        XCTAssertEqual(Bootstrap(seed: 3).estimates([column]), Bootstrap(seed: 3).estimates([column]))
        XCTAssertNotEqual(Bootstrap(seed: 3).estimates([column]), Bootstrap(seed: 4).estimates([column]))
        // A column's samples do not depend on the columns beside it.
        XCTAssertEqual(Bootstrap().estimates([column, column])[1], Bootstrap().estimates([column])[0])
        XCTAssertEqual(Bootstrap().estimates([[Ratio(0, over: 0), Ratio(0, over: 0)]]), [nil])
        XCTAssertEqual(Bootstrap().estimates([]), [])
        // Only the second image has a map. Samples without it have no value.
        let rare = Bootstrap().estimates([[Ratio(0, over: 0), Ratio(1)]])[0]
        XCTAssertEqual(rare, Estimate(value: 1, low: 1, high: 1))
    }
}
