import Drawing
import Foundation
import TestSupport
import XCTest

@testable import Evaluation

/// Figures of a map alone, by hand and against Quantus 0.6.0 (Fixtures/quantus-metrics.py).
final class MapShapeTests: XCTestCase {
    func testGini_ofSmallMaps_isThatByHand() throws {
        XCTAssertEqual(try XCTUnwrap(Sparseness.gini([1, 1, 1, 1])), 0, accuracy: 1e-12)
        // One of four holds all: (2 x 4 - 4 - 1) / 4.
        XCTAssertEqual(try XCTUnwrap(Sparseness.gini([0, 9, 0, 0])), 0.75, accuracy: 1e-6)
        // (-1 + 3) / (2 x 4), whatever the order and the signs.
        for values in [[1, 3], [3, 1], [-3, 1]] as [[Float]] {
            XCTAssertEqual(try XCTUnwrap(Sparseness.gini(values)), 0.25, accuracy: 1e-6)
        }
        for values in [[], [0, 0], [1, .nan], [1, .infinity]] as [[Float]] { XCTAssertNil(Sparseness.gini(values)) }
    }

    func testEntropy_ofSmallMaps_isThatByHand() throws {
        XCTAssertEqual(try XCTUnwrap(Complexity.entropy([2, 2, 2, 2])), log(4), accuracy: 1e-12)
        XCTAssertEqual(Complexity.entropy([0, 5, 0]), 0)
        XCTAssertEqual(
            try XCTUnwrap(Complexity.entropy([1, -3])), -0.25 * log(0.25) - 0.75 * log(0.75), accuracy: 1e-12)
        for values in [[], [0, 0], [1, .nan], [1, .infinity]] as [[Float]] { XCTAssertNil(Complexity.entropy(values)) }
    }

    /// The map is measured as it is drawn, at the image's size.
    func testDrawnMap_hasTheFiguresOfItsPixels() throws {
        let map = DrawnMap(plane([[0, 9], [0, 0]]))
        XCTAssertEqual(try XCTUnwrap(map.sparseness), 0.75, accuracy: 1e-6)
        XCTAssertEqual(map.complexity, 0)
        let pair = MapInRegion(map, in: try region([[0, 0, 1, 1]], width: 2, height: 2))
        XCTAssertEqual(MapMetric.complexity.measure(pair), Ratio(0))
        XCTAssertNil(DrawnMap(plane([[0, 0]])).sparseness)
    }

    func testFigures_ofEveryMap_matchQuantus() throws {
        let maps = try QuantusFixture.load().maps
        XCTAssertEqual(maps.count, 5)
        for map in maps {
            XCTAssertEqual(try XCTUnwrap(Sparseness.gini(map.values)), map.sparseness, accuracy: 1e-5, map.name)
            XCTAssertEqual(try XCTUnwrap(Complexity.entropy(map.values)), map.complexity, accuracy: 1e-5, map.name)
        }
    }
}

/// What Fixtures/quantus-metrics.py has written.
struct QuantusFixture: Decodable {
    struct Map: Decodable {
        let name: String, values: [Float], sparseness: Double, complexity: Double
    }

    struct Stability: Decodable {
        let image: [Float], moved: [[Float]], map: [Float], movedMaps: [[Float]]
        let maxSensitivity: Double, lipschitz: Double
    }

    let maps: [Map], stability: [Stability]

    static func load() throws -> QuantusFixture {
        try JSONDecoder().decode(
            QuantusFixture.self, from: Data(contentsOf: Fixture.url("quantus-metrics.json")))
    }
}
