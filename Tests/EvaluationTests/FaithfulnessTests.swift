import Tensors
import XCTest

@testable import Evaluation

/// Figures of faithfulness for images of a few pixels, compared with values worked out by hand.
final class FaithfulnessTests: XCTestCase {
    /// An image of one row and one channel.
    private func row(_ values: [Float]) -> Tensor { Tensor([1, 1, values.count, 1], values) }

    /// A tenth of each image's sum.
    private func sum(_ images: Tensor) -> [Double] {
        (0..<images.shape[0]).map { Double(images.row($0).array.reduce(0, +)) / 10 }
    }

    func testRelevanceOrder_pixels_areInDescendingOrder() {
        XCTAssertEqual(RelevanceOrder.pixels([1, 3, .nan, 3, 2]), [1, 3, 4, 0, 2])
        XCTAssertEqual((0...3).map { RelevanceOrder.taken($0, of: 3, pixels: 10) }, [0, 3, 6, 10])
    }

    func testDeletionInsertion_images_giveTheAreasByHand() {
        let image = Tensor([1, 2, 2, 1], [1, 2, 3, 4])
        let empty = Tensor([1, 2, 2, 1])
        let order = RelevanceOrder.pixels(image.array)
        let deleted = sum(DeletionInsertion.images(from: image, to: empty, order: order, steps: 2))
        for (found, wanted) in zip(deleted, [1, 0.3, 0]) { XCTAssertEqual(found, wanted, accuracy: 1e-6) }
        XCTAssertEqual(deleted.count, 3)
        // (1.3 / 2 + 0.3 / 2) / 2
        XCTAssertEqual(DeletionInsertion.area(deleted), 0.4, accuracy: 1e-6)
        let inserted = sum(DeletionInsertion.images(from: empty, to: image, order: order, steps: 4))
        for (found, wanted) in zip(inserted, [0, 0.4, 0.7, 0.9, 1]) { XCTAssertEqual(found, wanted, accuracy: 1e-6) }
        XCTAssertEqual(DeletionInsertion.area(inserted), (0.2 + 0.55 + 0.8 + 0.95) / 4, accuracy: 1e-6)
        // Both channels of a pixel are changed.
        let colours = Tensor([1, 1, 2, 2], [1, 2, 3, 4])
        let half = sum(DeletionInsertion.images(from: colours, to: Tensor(colours.shape), order: [1, 0], steps: 2))
        XCTAssertEqual(half[1], 0.3, accuracy: 1e-6)
    }

    func testDeletionInsertion_blurred_isAGaussian() {
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

    func testAverageDrop_dropAndIncrease_areThoseByHand() {
        let shown = AverageDrop.shown(Tensor([1, 2, 2, 1], [1, 2, 3, 4]), by: [0, 0.5, 1, 0.25])
        XCTAssertEqual(shown.array, [0, 1, 3, 1])
        XCTAssertEqual(AverageDrop.drop(whole: 0.8, shown: 0.2), 0.75, accuracy: 1e-12)
        XCTAssertEqual(AverageDrop.drop(whole: 0.2, shown: 0.8), 0)
        XCTAssertEqual(AverageDrop.drop(whole: 0, shown: 0), 0)
        XCTAssertEqual(AverageDrop.increase(whole: 0.2, shown: 0.8), 1)
        XCTAssertEqual(AverageDrop.increase(whole: 0.8, shown: 0.8), 0)
    }

    private func impute(_ image: Tensor, _ removed: Set<Int>, noise: Float = 0, seed: UInt64 = 1) -> [Float] {
        let pixels = image.shape[1] * image.shape[2]
        return NoisyLinearImputation.impute(
            image, removed: (0..<pixels).map(removed.contains), noise: noise, seed: seed, tolerance: 1e-6
        ).array
    }

    func testImputation_removedPixels_areWeightedMeansOfTheirNeighbours() {
        let square = Tensor([1, 3, 3, 1], [1, 2, 3, 4, 100, 6, 7, 8, 9])
        // The pixels beside it give 20 / 6, those at its corners 20 / 12.
        XCTAssertEqual(impute(square, [4])[4], 5, accuracy: 1e-4)
        // (2 / 6 + 4 / 6 + 100 / 12) / (5 / 12)
        XCTAssertEqual(impute(square, [0])[0], 22.4, accuracy: 1e-3)
        // Two at once: a = (0 + b) / 2, b = (a + 3) / 2.
        for (found, wanted) in zip(impute(row([0, 5, 7, 3]), [1, 2]), [0, 1, 2, 3] as [Float]) {
            XCTAssertEqual(found, wanted, accuracy: 1e-4)
        }
        // Without a kept pixel the values are 0.
        XCTAssertEqual(impute(row([4, 5]), [0, 1]), [0, 0])
    }

    func testImputation_noise_isAddedToRemovedPixelsOnly() {
        let image = row([0, 5, 7, 3])
        let noisy = impute(image, [1, 2], noise: 0.5)
        XCTAssertEqual([noisy[0], noisy[3]], [0, 3])
        XCTAssertNotEqual(noisy[1], 1, accuracy: 1e-3)
        XCTAssertEqual(noisy, impute(image, [1, 2], noise: 0.5))
        XCTAssertNotEqual(noisy, impute(image, [1, 2], noise: 0.5, seed: 2))
    }

    func testROAD_images_loseTheirParts() {
        // A quarter: (0 + 7) / 2 in place of 5, sum 13.5. A half: 1 and 2, sum 6.
        let found = sum(
            ROAD.images(row([0, 5, 7, 3]), order: [1, 2, 0, 3], parts: [0.25, 0.5], noise: 0, seed: 1))
        XCTAssertEqual(found.count, 2)
        for (found, wanted) in zip(found, [1.35, 0.6]) { XCTAssertEqual(found, wanted, accuracy: 1e-3) }
    }

    func testOcclusionGrid_images_loseTheCoveredSquare() {
        var values = [Float](repeating: 0, count: 16)
        values[0] = 10
        values[15] = 5
        // Squares of 3 pixels a side at the corners, clipped to the image.
        let left = (0..<2).flatMap { sum(OcclusionGrid.images(Tensor([1, 4, 4, 1], values), row: $0, side: 2)) }
        XCTAssertEqual(left.count, 4)
        for (found, wanted) in zip(left, [0.5, 1.5, 1.5, 1]) { XCTAssertEqual(found, wanted, accuracy: 1e-6) }
        for left in sum(OcclusionGrid.images(Tensor([1, 4, 4, 1], repeating: 1), row: 1, side: 2)) {
            XCTAssertEqual(left, 0.7, accuracy: 1e-6)
        }
    }
}
