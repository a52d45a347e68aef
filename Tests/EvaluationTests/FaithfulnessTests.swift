import Tensors
import XCTest

@testable import Explain

/// What a model says of changed pictures, of a few pixels and with models that are worked out by hand.
final class FaithfulnessTests: XCTestCase {
    /// A picture of one row and one channel.
    private func row(_ values: [Float]) -> Tensor { Tensor([1, 1, values.count, 1], values) }

    /// A tenth of each picture's sum.
    private func sum(_ pictures: Tensor) -> [Double] {
        (0..<pictures.shape[0]).map { Double(pictures.row($0).array.reduce(0, +)) / 10 }
    }

    func testTheMostRelevantPixelsComeFirst() {
        XCTAssertEqual(RelevanceOrder.pixels([1, 3, .nan, 3, 2]), [1, 3, 4, 0, 2])
        XCTAssertEqual((0...3).map { RelevanceOrder.taken($0, of: 3, pixels: 10) }, [0, 3, 6, 10])
    }

    func testDeletionAndInsertion() {
        let picture = Tensor([1, 2, 2, 1], [1, 2, 3, 4])
        let empty = Tensor([1, 2, 2, 1])
        let order = RelevanceOrder.pixels(picture.array)
        let deleted = sum(DeletionInsertion.pictures(from: picture, to: empty, order: order, steps: 2))
        for (found, wanted) in zip(deleted, [1, 0.3, 0]) { XCTAssertEqual(found, wanted, accuracy: 1e-6) }
        XCTAssertEqual(deleted.count, 3)
        // (1.3 / 2 + 0.3 / 2) / 2
        XCTAssertEqual(DeletionInsertion.area(deleted), 0.4, accuracy: 1e-6)
        let inserted = sum(DeletionInsertion.pictures(from: empty, to: picture, order: order, steps: 4))
        for (found, wanted) in zip(inserted, [0, 0.4, 0.7, 0.9, 1]) { XCTAssertEqual(found, wanted, accuracy: 1e-6) }
        XCTAssertEqual(DeletionInsertion.area(inserted), (0.2 + 0.55 + 0.8 + 0.95) / 4, accuracy: 1e-6)
        // Both channels of a pixel go.
        let colours = Tensor([1, 1, 2, 2], [1, 2, 3, 4])
        let half = sum(DeletionInsertion.pictures(from: colours, to: Tensor(colours.shape), order: [1, 0], steps: 2))
        XCTAssertEqual(half[1], 0.3, accuracy: 1e-6)
    }

    func testTheBlurIsAGaussian() {
        var values = [Float](repeating: 0, count: 45)
        values[22] = 1
        let blurred = DeletionInsertion.blurred(row(values)).array
        // Of 45 pixels the deviation is 1: exp(-k^2 / 2) over its sum for k in -3...3, 2.505958.
        for (pixel, wanted) in [(22, 0.399049), (23, 0.242036), (20, 0.054005), (25, 0.004433), (26, 0)] {
            XCTAssertEqual(Double(blurred[pixel]), wanted, accuracy: 1e-5)
        }
        let flat = DeletionInsertion.blurred(Tensor([1, 4, 5, 3], repeating: 2)).array
        for value in flat { XCTAssertEqual(value, 2, accuracy: 1e-5) }
    }

    func testAverageDropAndIncrease() {
        let shown = AverageDrop.shown(Tensor([1, 2, 2, 1], [1, 2, 3, 4]), by: [0, 0.5, 1, 0.25])
        XCTAssertEqual(shown.array, [0, 1, 3, 1])
        XCTAssertEqual(AverageDrop.drop(whole: 0.8, shown: 0.2), 0.75, accuracy: 1e-12)
        XCTAssertEqual(AverageDrop.drop(whole: 0.2, shown: 0.8), 0)
        XCTAssertEqual(AverageDrop.drop(whole: 0, shown: 0), 0)
        XCTAssertEqual(AverageDrop.increase(whole: 0.2, shown: 0.8), 1)
        XCTAssertEqual(AverageDrop.increase(whole: 0.8, shown: 0.8), 0)
    }

    private func impute(_ picture: Tensor, _ removed: Set<Int>, noise: Float = 0, seed: UInt64 = 1) -> [Float] {
        let pixels = picture.shape[1] * picture.shape[2]
        return NoisyLinearImputation.impute(
            picture, removed: (0..<pixels).map(removed.contains), noise: noise, seed: seed, tolerance: 1e-6
        ).array
    }

    func testImputationIsTheNeighboursWeightedMean() {
        let square = Tensor([1, 3, 3, 1], [1, 2, 3, 4, 100, 6, 7, 8, 9])
        // Beside it 20 / 6, across the corners 20 / 12.
        XCTAssertEqual(impute(square, [4])[4], 5, accuracy: 1e-4)
        // (2 / 6 + 4 / 6 + 100 / 12) / (5 / 12)
        XCTAssertEqual(impute(square, [0])[0], 22.4, accuracy: 1e-3)
        // Two at once: a = (0 + b) / 2, b = (a + 3) / 2.
        for (found, wanted) in zip(impute(row([0, 5, 7, 3]), [1, 2]), [0, 1, 2, 3] as [Float]) {
            XCTAssertEqual(found, wanted, accuracy: 1e-4)
        }
        // Where nothing is kept there is nothing to go by.
        XCTAssertEqual(impute(row([4, 5]), [0, 1]), [0, 0])
    }

    func testImputedPixelsAreNoisyAndKeptOnesAreNot() {
        let picture = row([0, 5, 7, 3])
        let noisy = impute(picture, [1, 2], noise: 0.5)
        XCTAssertEqual([noisy[0], noisy[3]], [0, 3])
        XCTAssertNotEqual(noisy[1], 1, accuracy: 1e-3)
        XCTAssertEqual(noisy, impute(picture, [1, 2], noise: 0.5))
        XCTAssertNotEqual(noisy, impute(picture, [1, 2], noise: 0.5, seed: 2))
    }

    func testROADRemovesParts() {
        // A quarter: (0 + 7) / 2 in place of 5, sum 13.5. A half: 1 and 2, sum 6.
        let found = sum(
            ROAD.pictures(row([0, 5, 7, 3]), order: [1, 2, 0, 3], parts: [0.25, 0.5], noise: 0, seed: 1))
        XCTAssertEqual(found.count, 2)
        for (found, wanted) in zip(found, [1.35, 0.6]) { XCTAssertEqual(found, wanted, accuracy: 1e-3) }
    }

    func testOcclusionLosesWhatItCovers() {
        var values = [Float](repeating: 0, count: 16)
        values[0] = 10
        values[15] = 5
        // Squares of 3 pixels a side at the corners, cut at the picture's edge.
        let left = (0..<2).flatMap { sum(OcclusionGrid.pictures(Tensor([1, 4, 4, 1], values), row: $0, side: 2)) }
        XCTAssertEqual(left.count, 4)
        for (found, wanted) in zip(left, [0.5, 1.5, 1.5, 1]) { XCTAssertEqual(found, wanted, accuracy: 1e-6) }
        for left in sum(OcclusionGrid.pictures(Tensor([1, 4, 4, 1], repeating: 1), row: 1, side: 2)) {
            XCTAssertEqual(left, 0.7, accuracy: 1e-6)
        }
    }
}
