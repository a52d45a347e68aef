import Vision
import XCTest

@testable import Explain

/// The metrics of maps, on maps of a few pixels, worked out by hand.
final class MapMetricTests: XCTestCase {
    private func plane(_ rows: [[Float]]) -> Plane {
        Plane(width: rows[0].count, height: rows.count, values: rows.flatMap { $0 })
    }

    private func region(_ boxes: [[Double]], width: Int = 4, height: Int = 3) throws -> Region {
        try XCTUnwrap(
            Region(
                boxes: boxes.map { Rectangle(x0: $0[0], y0: $0[1], x1: $0[2], y1: $0[3]) }, width: width, height: height
            ))
    }

    private func held(_ map: Plane, _ region: Region) -> RegionalMap { RegionalMap(MeasuredMap(map), in: region) }

    private func rank(_ map: Plane, _ region: Region) -> Double { RankAccuracy.share(of: MeasuredMap(map), in: region) }

    private func pixels(_ region: Region) -> [[Int]] {
        region.mask.indices.filter { region.mask[$0] }.map { [$0 % region.width, $0 / region.width] }
    }

    // MARK: Regions

    func testARegionHasThePixelsWhoseCentresLieInside() throws {
        // Columns with centres 0.5, 1.5, 2.5, 3.5: 0.5 is inside of 0.5..<2.5, 2.5 is not.
        let one = try region([[0.5, 0, 2.5, 1.2]])
        XCTAssertEqual(pixels(one), [[0, 0], [1, 0]])
        XCTAssertEqual([one.count, one.width, one.height], [2, 4, 3])
        XCTAssertEqual(one.share, 2.0 / 12)
        // Overlapping boxes count a pixel once; what lies outside is cut off.
        let two = try region([[0, 0, 2, 2], [1, 1, 9, 1e300]])
        XCTAssertEqual(two.count, 4 + 6 - 1)
        XCTAssertEqual(two.boxes[1], Rectangle(x0: 1, y0: 1, x1: 4, y1: 3))
    }

    func testABoxWithoutAPixelsCentreHasThePixelAtItsOwn() throws {
        XCTAssertEqual(pixels(try region([[1.6, 2.6, 1.9, 2.9]])), [[1, 2]])
        XCTAssertEqual(pixels(try region([[3.9, 2.9, 4, 3]])), [[3, 2]])
    }

    func testNothingInsideThePicture() {
        for box in [[4.0, 0, 9, 3], [-5, 0, 0, 3], [0, -3, 4, 0], [0, 3, 4, 8], [-1e300, -1e300, -1e299, -1e299]] {
            let rectangle = Rectangle(x0: box[0], y0: box[1], x1: box[2], y1: box[3])
            XCTAssertNil(Region(boxes: [rectangle], width: 4, height: 3), "\(box)")
        }
        XCTAssertNil(Region(boxes: [], width: 4, height: 3))
        XCTAssertNil(Region(mask: [false, false], width: 2))
    }

    func testRegionsOverlapByTheirPixels() throws {
        // Rows of columns 0-1 and 1-2 of three rows against column 1: 3 of 6 + 3 - 3, and nothing at all.
        let diagonal = try XCTUnwrap(
            Region(mask: [true, true, false, false, true, true, true, true, false], width: 3))
        let column = try region([[1, 0, 2, 3]], width: 3)
        XCTAssertEqual(diagonal.runs, [0..<2, 4..<8])
        XCTAssertEqual(diagonal.iou(column), 3.0 / 6)
        XCTAssertEqual(column.iou(diagonal), 3.0 / 6)
        XCTAssertEqual(diagonal.iou(diagonal), 1)
        XCTAssertEqual(try region([[0, 0, 1, 1]], width: 3).iou(try region([[1, 0, 3, 3]], width: 3)), 0)
    }

    func testAMaskIsARegion() throws {
        let mask = try XCTUnwrap(Region(mask: [false, true, false, false, true, true], width: 3))
        XCTAssertEqual([mask.width, mask.height, mask.count], [3, 2, 3])
        XCTAssertEqual(mask.boxes, [Rectangle(x0: 1, y0: 0, x1: 3, y1: 2)])
        XCTAssertTrue(mask.contains(Pixel(x: 2, y: 1)))
        XCTAssertFalse(mask.contains(Pixel(x: 2, y: 0)))
    }

    // MARK: Metrics

    func testPointing() throws {
        let map = plane([[0, 0.5, 0, 0], [0, 0, 0, 1], [1, 0, 0, 0]])
        // Of the two ones the first in row order.
        XCTAssertEqual(PointingGame.peak(of: map), Pixel(x: 3, y: 1))
        XCTAssertEqual(MapMetric.pointing.measure(held(map, try region([[3, 1, 4, 2]]))), Ratio(1))
        XCTAssertEqual(MapMetric.pointing.measure(held(map, try region([[0, 2, 1, 3], [0, 0, 4, 1]]))), Ratio(0))
        XCTAssertEqual(MapMetric.pointing.chance(try region([[0, 0, 4, 1]])), Ratio(1.0 / 3))
    }

    func testAMapWithoutAPositiveValueMisses() throws {
        let everywhere = try region([[0, 0, 4, 3]])
        for value in [Float(0), -1, .nan] {
            let map = plane([[Float]](repeating: [value, value, value, value], count: 3))
            XCTAssertNil(PointingGame.peak(of: map))
            XCTAssertEqual(MapMetric.pointing.measure(held(map, everywhere)), Ratio(0))
            XCTAssertEqual(EnergyInside.share(of: map, in: everywhere), 0)
            XCTAssertNil(LocalisationBox.find(in: map))
            XCTAssertEqual(MapMetric.boxIoU.measure(held(map, everywhere)), Ratio(0))
        }
    }

    func testEnergyInsideAndMeans() throws {
        let map = plane([[1, 0.5, 0, -7], [0.5, 0, 0, 0], [0, 0, 0, 2]])
        let corner = try region([[0, 0, 2, 2]])
        // Inside 1 + 0.5 + 0.5 of 4; the negative value counts nowhere.
        XCTAssertEqual(EnergyInside.share(of: map, in: corner), 0.5)
        // Means 2 / 4 pixels inside, 2 / 8 outside.
        XCTAssertEqual(MapMetric.insideOverOutside.measure(held(map, corner)), Ratio(0.5, over: 0.25))
        XCTAssertEqual(MapMetric.insideOverOutside.chance(corner), Ratio(1))
        let everywhere = try region([[0, 0, 4, 3]])
        XCTAssertNil(MapMetric.insideOverOutside.measure(held(map, everywhere)))
        XCTAssertNil(MapMetric.insideOverOutside.chance(everywhere))
    }

    func testRankAccuracy() throws {
        let row = try region([[0, 0, 4, 1]])
        // The four largest are 9, 8, 7, 6; three of them in the first row.
        XCTAssertEqual(rank(plane([[9, 8, 7, 1], [6, 5, 4, 3], [2, 0, -1, -2]]), row), 0.75)
        // 9 and 8 are sure, one of them inside; two of the five sevens are drawn, three of the five are inside.
        XCTAssertEqual(
            rank(plane([[9, 7, 7, 7], [8, 7, 7, 3], [2, 0, -1, -2]]), row), (1 + 1.2) / 4,
            accuracy: 1e-12)
        // No preference: the area's share, also below zero, and between the two zeros.
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

    /// More than 16 values in a row, so that sums and maxima by lanes have a rest.
    func testWideMaps() throws {
        let map = plane([(0..<37).map { Float($0 == 36 ? 9 : $0 % 5) }, (0..<37).map { -Float($0) }])
        XCTAssertEqual(PointingGame.peak(of: map), Pixel(x: 36, y: 0))
        let left = try region([[0, 0, 19, 2]], width: 37, height: 2)
        // 0 + 1 + 2 + 3 + 4 three times and 0 + 1 + 2 + 3 of seven times 10 and 0 and 9.
        XCTAssertEqual(EnergyInside.share(of: map, in: left), 36 / 79.0)
        XCTAssertEqual(PointingGame.peak(of: plane([(0..<37).map { Float($0 % 5) }])), Pixel(x: 4, y: 0))
    }

    func testSegmentsThatMeetFurtherDown() {
        // An arch: two legs that one run of the row above joins.
        let arch = plane([[0, 0, 0, 0], [1, 1, 1, 0], [1, 0, 1, 0], [1, 0, 1, 1], [0, 0, 0, 0]])
        XCTAssertEqual(LocalisationBox.find(in: arch), Rectangle(x0: 0, y0: 1, x1: 4, y1: 4))
        let cup = plane([[1, 0, 1, 1], [1, 0, 1, 0], [1, 1, 1, 0]])
        XCTAssertEqual(LocalisationBox.find(in: cup), Rectangle(x0: 0, y0: 0, x1: 4, y1: 3))
    }

    func testLocalisationBox() throws {
        let map = plane([
            [0.15, 0, 0, 0.6, 0.6],
            [0, 0.14, 0, 0.6, 0],
            [0.2, 0.2, 0, 0, 1],
            [0.2, 0.2, 0, 0, 1],
        ])
        // Segments of 1, 3, 4 and 2 pixels: along edges only, so that 0.6 and 1 are not joined across a corner.
        XCTAssertEqual(LocalisationBox.find(in: map), Rectangle(x0: 0, y0: 2, x1: 2, y1: 4))
        // Above half of the maximum, the one of 3 pixels is left.
        XCTAssertEqual(LocalisationBox.find(in: map, threshold: 0.5), Rectangle(x0: 3, y0: 0, x1: 5, y1: 2))
        // Two of equal size: the first.
        XCTAssertEqual(
            LocalisationBox.find(in: plane([[0, 0, 1], [1, 0, 0]])), Rectangle(x0: 2, y0: 0, x1: 3, y1: 1))
        // 2 x 2 against 2 x 3 that holds it, and one elsewhere that it fits less.
        let boxes = try region([[0, 1, 2, 4], [4, 0, 5, 1]], width: 5, height: 4)
        XCTAssertEqual(LocalisationBox.score(MeasuredMap(map).box, boxes), 4.0 / 6, accuracy: 1e-12)
        XCTAssertEqual(
            LocalisationBox.iou(Rectangle(x0: 0, y0: 0, x1: 2, y1: 2), Rectangle(x0: 1, y0: 1, x1: 3, y1: 3)), 1.0 / 7)
    }

    // MARK: References

    func testTheGaussianIsLargestInTheMiddle() {
        let map = ReferenceMaps.gaussian(width: 5, height: 3)
        XCTAssertEqual(PointingGame.peak(of: map), Pixel(x: 2, y: 1))
        XCTAssertEqual(map.values[7], 1)
        // One pixel to the right: dx / s = 1 / 1.25.
        XCTAssertEqual(map.values[8], Float(0.726149), accuracy: 1e-6)
        XCTAssertEqual(map.values[0], map.values[14])
    }

    func testEdgesAreWhereTheBrightnessChanges() {
        var picture = Image(width: 6, height: 3)
        for y in 0..<3 { for x in 3..<6 { for c in 0..<3 { picture.pixels[(y * 6 + x) * 3 + c] = 100 } } }
        // A step of 100: Sobel's weights add up to 4 on the two columns beside it.
        let row: [Float] = [0, 0, 400, 400, 0, 0]
        let edges = ReferenceMaps.edges(of: picture)
        for (found, wanted) in zip(edges.values, row + row + row) { XCTAssertEqual(found, wanted, accuracy: 0.01) }
        let placement = Placement(
            originalWidth: 6, originalHeight: 3, modelWidth: 3, modelHeight: 3,
            rectangle: Rectangle(x0: 3, y0: 0, x1: 6, y1: 3))
        let cells = ReferenceMaps.edges(of: picture, placement: placement, columns: 3, rows: 1)
        XCTAssertEqual(cells.shape, [1, 3])
        XCTAssertEqual(cells.array[0], 400, accuracy: 0.01)
        XCTAssertEqual(cells.array[2], 0, accuracy: 0.01)
    }
}
