import Explain
import Tensors
import XCTest

/// Targets as sums of outputs, by hand.
final class LinearTargetTests: XCTestCase {
    private let one = LinearTarget(output: 1), contrast = LinearTarget(output: 2, against: 1)

    func testSeeds_ofAnOutputAndAContrast_holdTheTermsWeights() {
        let seeds = LinearTarget.seeds([one, contrast], width: 3)
        XCTAssertEqual(seeds.shape, [2, 1, 3])
        XCTAssertEqual(seeds.array, [0, 1, 0, 0, -1, 1])
    }

    func testSeeds_ofTwoImages_repeatTheTermsForEachImage() {
        let seeds = LinearTarget.seeds([one, contrast], images: 2, width: 3)
        XCTAssertEqual(seeds.shape, [2, 2, 3])
        XCTAssertEqual(seeds.array, [0, 1, 0, 0, 1, 0, 0, -1, 1, 0, -1, 1])
    }

    func testSeeds_ofATargetThatNamesAnOutputTwice_addItsWeights() {
        let target = LinearTarget([.init(index: 0, weight: 2), .init(index: 0, weight: 0.5)])
        XCTAssertEqual(LinearTarget.seeds([target], width: 2).array, [2.5, 0])
        XCTAssertEqual(target.values(Tensor([1, 2], [4, 9])), [10])
    }

    func testValues_ofAnOutputAndAContrast_areTheOutputAndTheDifference() {
        let outputs = Tensor([2, 3], [5, 2, -1, 0, 7, 9])
        XCTAssertEqual(one.values(outputs), [2, 7])
        XCTAssertEqual(contrast.values(outputs), [-3, 2])
    }

    func testNegated_ofAContrast_turnsEveryTerm() {
        XCTAssertEqual(contrast.negated, LinearTarget([.init(index: 2, weight: -1), .init(index: 1, weight: 1)]))
        XCTAssertEqual(contrast.negated.values(Tensor([1, 3], [5, 2, -1])), [3])
    }
}
