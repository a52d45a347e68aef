import Foundation
import Tensors
import TestSupport
import XCTest

@testable import Tasks

/// The distribution of training images' features and the distance from it: by hand, by properties, and against NumPy.
final class FeatureDistributionTests: XCTestCase {
    private func distribution(of maps: [Tensor]) -> FeatureDistribution {
        var statistics = FeatureStatistics()
        for map in maps { statistics.add(map) }
        return statistics.distribution
    }

    private func map(_ values: [Float], cells: (Int, Int) = (1, 1)) -> Tensor {
        Tensor([1, cells.0, cells.1, values.count / cells.0 / cells.1], values)
    }

    private func random(_ count: Int, cells: Int = 4, channels: Int = 6, seed: UInt64) -> [Tensor] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { _ in
            Tensor(
                [1, cells / 2, 2, channels], (0..<cells * channels).map { Float($0 % channels) + generator.uniform() })
        }
    }

    // MARK: By hand

    /// (3, 4) and (4, 3) have a mean square of 12.5. Scaled, their mean is 3.5 / sqrt(12.5) = sqrt(0.98) in both
    /// channels, and the variance 0.25 / 12.5 = 0.02, to which 0.01 * 0.02 + 1e-6 is added.
    func testDistribution_ofTwoImages_isWhatItIsByHand() {
        let distribution = distribution(of: [map([3, 4]), map([4, 3])])
        for k in 0..<2 {
            XCTAssertEqual(distribution.mean[k], Float(0.98).squareRoot(), accuracy: 5e-4)
            XCTAssertEqual(distribution.deviation[k], Float(0.020_201).squareRoot(), accuracy: 1e-4)
        }
        XCTAssertEqual(distribution.distance(map([3, 4])), (0.02 / 0.020_201).squareRoot(), accuracy: 0.005)
        // (1, 0) becomes (sqrt(2), 0): 0.18 and 0.98 from the mean, squared.
        XCTAssertEqual(distribution.distance(map([1, 0])), (0.58 / 0.020_201).squareRoot(), accuracy: 0.02)
    }

    /// Images near 0 and near 10, and one at 4, on a line. By squared distances the medoids are 0.1, which is nearer to 4
    /// than 0 is, and 10.
    func testTypicalImages_ofTwoClusters_areTheirMedoids() {
        let points = Tensor([7, 1], [0, 10, 0.1, 9.9, 4, -0.1, 10.1])
        let found = TypicalImages.choose(points, count: 2)
        XCTAssertEqual(found.map(\.row), [2, 1])
        XCTAssertEqual(found.map(\.share), [4.0 / 7, 3.0 / 7])
        // As many as there are different images.
        XCTAssertEqual(TypicalImages.choose(Tensor([4, 1], [1, 2, 1, 2]), count: 3).count, 2)
        XCTAssertEqual(TypicalImages.compared(of: 3), [0, 1, 2])
        XCTAssertEqual(TypicalImages.compared(of: 6_000).count, 1_000)
        XCTAssertEqual(TypicalImages.compared(of: 6_000).last, 5_994)
    }

    func testDistance_ofAnImageWithoutActiveChannels_isFinite() {
        let distribution = distribution(of: [map([3, 4]), map([4, 3])])
        XCTAssertEqual(distribution.distance(map([0, 0])), (0.98 / 0.020_201).squareRoot(), accuracy: 0.02)
    }

    func testDistribution_ofEqualImages_hasDistancesThatAreFinite() {
        let distribution = distribution(of: [map([3, 4]), map([3, 4])])
        XCTAssertEqual(distribution.distance(map([3, 4])), 0, accuracy: 1)
        XCTAssertGreaterThan(distribution.distance(map([4, 3])), 50)
        XCTAssertTrue(distribution.distance(map([4, 3])).isFinite)
    }

    /// 5 of 100 are beyond the 95th.
    func testThreshold_ofAHundredDistances_leavesFiveBeyond() {
        var distribution = distribution(of: [map([3, 4])])
        distribution.setThreshold((1...100).map(Double.init).reversed())
        XCTAssertEqual(distribution.threshold, 95)
        XCTAssertEqual(distribution.devWarned, 0.05)
        distribution.setThreshold([2, 7, 3])
        XCTAssertEqual(distribution.threshold, 7)
        XCTAssertEqual(distribution.devWarned, 0)
        distribution.setThreshold([Double](repeating: 4, count: 40))
        XCTAssertEqual(distribution.threshold, 4)
        XCTAssertEqual(distribution.devWarned, 0)
    }

    /// Of the four pairs, three are in order and one is equal.
    func testAreaUnderCurve_ofTwoAndTwo_countsPairs() {
        XCTAssertEqual(AreaUnderCurve.value(positive: [2, 3], negative: [2, 1]), 0.875)
        XCTAssertEqual(AreaUnderCurve.value(positive: [5], negative: [1, 2]), 1)
        XCTAssertEqual(AreaUnderCurve.value(positive: [0], negative: [1, 2]), 0)
        XCTAssertEqual(AreaUnderCurve.value(positive: [1], negative: []), 0.5)
    }

    // MARK: Properties

    func testDistance_ofAScaledImage_isTheSame() {
        let maps = random(20, seed: 1)
        let distribution = distribution(of: maps)
        for map in random(3, seed: 2) {
            let scaled = Tensor(map.shape, map.array.map { 8 * $0 })
            XCTAssertEqual(distribution.distance(scaled), distribution.distance(map), accuracy: 1e-9)
        }
    }

    func testDistance_ofCellsInAnotherOrder_isTheSame() {
        let distribution = distribution(of: random(20, seed: 1))
        for map in random(3, seed: 2) {
            let values = map.array
            let turned = (0..<4).reversed().flatMap { values[$0 * 6..<$0 * 6 + 6] }
            XCTAssertEqual(
                distribution.distance(Tensor(map.shape, turned)), distribution.distance(map), accuracy: 1e-9)
        }
    }

    /// The mean of the squared distances of the training images is 1, less what is added to the variances.
    func testDistance_ofTheTrainingImages_isOneOnAverage() {
        let maps = random(40, seed: 3)
        let distribution = distribution(of: maps)
        let mean = maps.reduce(0) { $0 + pow(distribution.distance($1), 2) } / 40
        XCTAssertEqual(mean, 0.98, accuracy: 0.03)
    }

    func testStatistics_ofOtherBatches_areTheSame() {
        let maps = random(6, seed: 4)
        var together = FeatureStatistics()
        together.add(Tensor([6] + maps[0].shape.dropFirst(), maps.flatMap(\.array)))
        let apart = distribution(of: maps)
        XCTAssertEqual(together.distribution.mean.array, apart.mean.array)
        XCTAssertEqual(together.distribution.deviation.array, apart.deviation.array)
    }

    // MARK: Against NumPy

    private struct Expected: Decodable {
        var shape: [Int]
        var train: [[Float]]
        var others: [[Float]]
        var distances: [Double]
    }

    func testDistance_ofRandomMaps_agreesWithNumPy() throws {
        let expected = try JSONDecoder().decode(
            Expected.self, from: Data(contentsOf: Fixture.url("feature_distances.json")))
        let distribution = distribution(of: expected.train.map { Tensor([1] + expected.shape, $0) })
        for (values, distance) in zip(expected.others, expected.distances) {
            XCTAssertEqual(
                distribution.distance(Tensor([1] + expected.shape, values)), distance, accuracy: 2e-3 * distance)
        }
    }
}
