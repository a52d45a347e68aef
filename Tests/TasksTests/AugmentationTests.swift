import Tensors
import Vision
import XCTest

@testable import Tasks

/// The copies of an image in training, and the choice of its captions.
final class AugmentationTests: XCTestCase {
    private let preprocessing = Preprocessing(
        width: 8, height: 6, fit: .squash, filter: .bilinear, mean: [0, 0, 0], std: [255, 255, 255])

    /// An image whose red grows to the right and whose green grows downwards.
    private var picture: Image {
        var image = Image(width: 64, height: 48)
        for y in 0..<48 {
            for x in 0..<64 {
                image.pixels[(y * 64 + x) * 3] = UInt8(4 * x)
                image.pixels[(y * 64 + x) * 3 + 1] = UInt8(5 * y)
            }
        }
        return image
    }

    func testAugmentation_ofCropsAndFlips_makesTheCopies() {
        let augmentation = Augmentation(crops: 3, flips: true, seed: 4)
        XCTAssertEqual(augmentation.copies, 8)
        XCTAssertEqual(Augmentation.none.copies, 1)
        let copies = augmentation.inputs(picture, index: 5, preprocessing)
        XCTAssertEqual(copies.shape, [8, 6, 8, 3])
        XCTAssertEqual(copies.row(0).array, preprocessing.prepare(picture).tensor.array)
        XCTAssertEqual(Augmentation.none.inputs(picture, index: 5, preprocessing).array, copies.row(0).array)
        // Red's span is the part of the width that a copy shows.
        func span(_ copy: Int) -> Float {
            let row = copies.row(copy)
            return abs(row[0, 7, 0] - row[0, 0, 0])
        }
        for crop in 0...3 {
            let one = copies.row(2 * crop)
            let mirrored = copies.row(2 * crop + 1)
            for y in 0..<6 {
                for x in 0..<8 {
                    for c in 0..<3 { XCTAssertEqual(one[y, x, c], mirrored[y, 7 - x, c]) }
                }
            }
            if crop > 0 {
                XCTAssertNotEqual(one.array, copies.row(0).array)
                XCTAssertLessThanOrEqual(span(2 * crop), span(0) * 1.05)
                XCTAssertGreaterThanOrEqual(span(2 * crop), span(0) * 0.65)
            }
        }
        XCTAssertEqual(Set((1...3).map { span(2 * $0) }).count, 3)
        XCTAssertEqual(augmentation.inputs(picture, index: 5, preprocessing).array, copies.array)
        XCTAssertNotEqual(augmentation.inputs(picture, index: 6, preprocessing).array, copies.array)
    }

    func testChosenCaptions_fewerOrMoreThanThereAre_areDrawnFromAll() {
        var random = SeededGenerator(seed: 3)
        let own = ["a", "b", "c", "d", "e"]
        var seen = Set<String>()
        for _ in 0..<40 {
            let two = CaptionTask.choose(2, of: own, using: &random)
            XCTAssertEqual(Set(two).count, 2)
            seen.formUnion(two)
        }
        XCTAssertEqual(seen, Set(own))
        XCTAssertEqual(CaptionTask.choose(5, of: own, using: &random), own)
        let seven = CaptionTask.choose(7, of: own, using: &random)
        XCTAssertEqual(Array(seven.prefix(5)), own)
        XCTAssertEqual(seven.count, 7)
        XCTAssertTrue(seven.allSatisfy(own.contains))
    }
}
