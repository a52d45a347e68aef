import XCTest

@testable import Tensors

final class EmbeddingTests: XCTestCase {
    func testEmbedding_forwardAndBackward_matchesPyTorchFixture() throws {
        let one = try SequenceFixtures.load("embedding")
        let indices = try XCTUnwrap(one["indices"]).array.map { Int($0) }
        let y = embeddingForward(try XCTUnwrap(one["table"]), indices: indices)
        XCTAssertEqual(y.array, try XCTUnwrap(one["y"]).array)
        let d = embeddingBackward(seeded(try XCTUnwrap(one["g"])), indices: indices, rows: 5, seeds: 1)
        XCTAssertEqual(d.shape, [1, 5, 19])
        XCTAssertLessThan(relativeError(d, try XCTUnwrap(one["dtable"])), 1e-6)
    }

    func testEmbeddingGradient_withRepeatedIndices_equalsFiniteDifferencesForEverySeed() {
        let table = randomTensor([4, 3], seed: 1)
        checkGradients([table]) { embedding($0[0], [2, 0, 2, 3]) }
        checkSeeds([table]) { embedding($0[0], [2, 0, 2, 3]) }
    }

    func testEmbedding_withRepeatedAndNoIndices_equalsHandComputedValues() {
        let d = embeddingBackward(Tensor([1, 3, 1], [1, 2, 4]), indices: [1, 0, 1], rows: 3, seeds: 1)
        XCTAssertEqual(d.array, [2, 5, 0])
        XCTAssertEqual(embeddingForward(Tensor([2, 1]), indices: []).shape, [0, 1])
    }
}
