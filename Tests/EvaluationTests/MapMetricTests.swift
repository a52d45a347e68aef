import Drawing
import Vision
import XCTest

@testable import Evaluation

/// The metrics of maps of a few pixels, compared with values worked out by hand.
final class MapMetricTests: XCTestCase {
    private func inRegion(_ map: Plane, _ region: Region) -> MapInRegion { MapInRegion(DrawnMap(map), in: region) }

    private func rank(_ map: Plane, _ region: Region) -> Double { RankAccuracy.share(of: DrawnMap(map), in: region) }

    func testPointing_peak_hitsOrMisses() throws {
        let map = plane([[0, 0.5, 0, 0], [0, 0, 0, 1], [1, 0, 0, 0]])
        // Two pixels are 1. The first in row order counts.
        XCTAssertEqual(PointingGame.peak(of: map), Pixel(x: 3, y: 1))
        XCTAssertEqual(MapMetric.pointing.measure(inRegion(map, try region([[3, 1, 4, 2]]))), Ratio(1))
        XCTAssertEqual(MapMetric.pointing.measure(inRegion(map, try region([[0, 2, 1, 3], [0, 0, 4, 1]]))), Ratio(0))
        XCTAssertEqual(MapMetric.pointing.chance(try region([[0, 0, 4, 1]])), Ratio(1.0 / 3))
    }

    func testMetrics_mapWithoutAPositiveValue_areZero() throws {
        let everywhere = try region([[0, 0, 4, 3]])
        for value in [Float(0), -1, .nan] {
            let map = plane([[Float]](repeating: [value, value, value, value], count: 3))
            XCTAssertNil(PointingGame.peak(of: map))
            XCTAssertEqual(MapMetric.pointing.measure(inRegion(map, everywhere)), Ratio(0))
            XCTAssertEqual(EnergyInside.share(of: map, in: everywhere), 0)
            XCTAssertNil(LocalisationBox.find(in: map))
            XCTAssertEqual(MapMetric.boxIoU.measure(inRegion(map, everywhere)), Ratio(0))
        }
    }

    func testEnergyInside_andInsideOverOutside_areThoseByHand() throws {
        let map = plane([[1, 0.5, 0, -7], [0.5, 0, 0, 0], [0, 0, 0, 2]])
        let corner = try region([[0, 0, 2, 2]])
        // 1 + 0.5 + 0.5 of 4 is inside. The negative value does not count.
        XCTAssertEqual(EnergyInside.share(of: map, in: corner), 0.5)
        // Means 2 / 4 pixels inside, 2 / 8 outside.
        XCTAssertEqual(MapMetric.insideOverOutside.measure(inRegion(map, corner)), Ratio(0.5, over: 0.25))
        XCTAssertEqual(MapMetric.insideOverOutside.chance(corner), Ratio(1))
        let everywhere = try region([[0, 0, 4, 3]])
        XCTAssertNil(MapMetric.insideOverOutside.measure(inRegion(map, everywhere)))
        XCTAssertNil(MapMetric.insideOverOutside.chance(everywhere))
    }

    func testRankAccuracy_tiesAndZeros_areTheExpectation() throws {
        let row = try region([[0, 0, 4, 1]])
        // The four largest are 9, 8, 7 and 6. Three of them are in the first row.
        XCTAssertEqual(rank(plane([[9, 8, 7, 1], [6, 5, 4, 3], [2, 0, -1, -2]]), row), 0.75)
        // 9 and 8 are taken, and 9 is inside. Two of five sevens are drawn, and three of the five are inside.
        XCTAssertEqual(
            rank(plane([[9, 7, 7, 7], [8, 7, 7, 3], [2, 0, -1, -2]]), row), (1 + 1.2) / 4,
            accuracy: 1e-12)
        // A map of one value has the region's share of the area, also below zero and for both zeros.
        for value in [Float(3), 0, -2] {
            let flat = plane([[Float]](repeating: [value, value, value, value], count: 3))
            XCTAssertEqual(rank(flat, row), 1.0 / 3, accuracy: 1e-12)
        }
        let zeros = plane([[-0.0, -0.0, -0.0, -0.0], [0, 0, 0, 0], [0, 0, 0, 0]])
        XCTAssertEqual(rank(zeros, row), 1.0 / 3, accuracy: 1e-12)
        // Values whose upper 16 bits agree.
        let close: Float = 1 + 0x1p-20
        XCTAssertEqual(
            rank(plane([[1, 1, 1, close], [close, close, close, 1], [0, 0, 0, 0]]), row), 0.25)
    }

    /// More than 16 values in a row, so that sums and maxima by SIMD lanes have a remainder.
    func testMetrics_wideMaps_countEveryPixel() throws {
        let map = plane([(0..<37).map { Float($0 == 36 ? 9 : $0 % 5) }, (0..<37).map { -Float($0) }])
        XCTAssertEqual(PointingGame.peak(of: map), Pixel(x: 36, y: 0))
        let left = try region([[0, 0, 19, 2]], width: 37, height: 2)
        // The columns 0 to 4 sum to 10. Inside there are three such sums and 0 + 1 + 2 + 3, in all seven sums, 0 and 9.
        XCTAssertEqual(EnergyInside.share(of: map, in: left), 36 / 79.0)
        XCTAssertEqual(PointingGame.peak(of: plane([(0..<37).map { Float($0 % 5) }])), Pixel(x: 4, y: 0))
    }

    func testBoxIoU_score_takesTheBoxThatFitsBest() throws {
        let map = plane([
            [0.15, 0, 0, 0.6, 0.6],
            [0, 0.14, 0, 0.6, 0],
            [0.2, 0.2, 0, 0, 1],
            [0.2, 0.2, 0, 0, 1],
        ])
        // The map's box has 2 x 2 pixels. The first box has 2 x 3 and contains it. The second box is disjoint.
        let boxes = try region([[0, 1, 2, 4], [4, 0, 5, 1]], width: 5, height: 4)
        XCTAssertEqual(BoxIoU.score(DrawnMap(map).box, boxes), 4.0 / 6, accuracy: 1e-12)
        XCTAssertEqual(BoxIoU.score(nil, boxes), 0)
        XCTAssertEqual(
            BoxIoU.iou(Rectangle(x0: 0, y0: 0, x1: 2, y1: 2), Rectangle(x0: 1, y0: 1, x1: 3, y1: 3)), 1.0 / 7)
    }

    func testDiscrimination_rivalsAndScore_areThoseByHand() throws {
        XCTAssertNil(Discrimination.score(own: 0.5, others: []))
        XCTAssertEqual(Discrimination.score(own: 0.5, others: [0.4, 0.5, 0.9]), Ratio(1.5, over: 3))
        func target(_ x0: Double, _ x1: Double, _ context: String) throws -> MapTarget {
            MapTarget(
                kind: "", context: context, fields: [:], region: try region([[x0, 0, x1, 1]], width: 20, height: 1),
                maps: [])
        }
        // 0-10 and 9-19 share 1 pixel of 19. 0-10 and 8-18 share 2 of 18. The last target is in another caption.
        let targets = try [target(0, 10, "0"), target(9, 19, "0"), target(8, 18, "0"), target(12, 20, "1")]
        XCTAssertEqual(targets[0].region.iou(targets[1].region), 1.0 / 19)
        XCTAssertEqual(Discrimination.rivals(targets), [[1], [0], [], []])
    }
}
