import TestSupport
import XCTest

@testable import Language
@testable import Tensors

final class NeckTests: XCTestCase {
    /// An attention over pooled cells, turned into one over the map's own cells, gives the same weighted sum. The windows
    /// of 5x4 cells pooled to 3x3 overlap; those of 2x3 cells repeat cells.
    func testSharesOfCells_keepTheWeightedSum() throws {
        for cells in [[5, 4], [2, 3], [3, 3]] {
            let neck = try XCTUnwrap(
                NeckLayers(ParameterStore(seed: 1).scope(), Neck(.adaptivePool, side: 3), features: 2))
            let map = ReproducibleWeights.noise("map", [1, cells[0], cells[1], 2])
            let attention = Variable(ReproducibleWeights.noise("attention", [1, 9], scale: 4)).softmax()
            let pooled = neck(Variable(map)).reshaped([1, 9, 2])
            let expected = batchedProduct(attention.reshaped([1, 1, 9]), pooled).value.array
            let own = linear(attention, try XCTUnwrap(neck.sharesOfCells(cells)))
            XCTAssertEqual(own.value.array.reduce(0, +), 1, accuracy: 1e-6)
            let found = batchedProduct(
                own.reshaped([1, 1, -1]), Variable(map).reshaped([1, cells[0] * cells[1], 2])
            ).value.array
            for (found, expected) in zip(found, expected) { XCTAssertEqual(found, expected, accuracy: 1e-6) }
        }
    }
}
