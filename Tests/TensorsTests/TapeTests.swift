import XCTest

@testable import Tensors

final class TapeTests: XCTestCase {
    /// y = (3 a)^2 + a: dy/da = 18 a + 1. The gradients of both uses of a add up.
    func testGradients_ofAVariableUsedTwice_addUp() {
        let tape = Tape()
        let a = tape.leaf(Tensor([2], [1, -2]))
        let b = a.scaled(by: 3)
        let y = b * b + a
        let gradients = tape.gradients(of: y, withRespectTo: [a, b, y])
        XCTAssertEqual(gradients[0].array, [19, -35])
        // An intermediate variable, and the output itself.
        XCTAssertEqual(gradients[1].array, [6, -12])
        XCTAssertEqual(gradients[2].array, [1, 1])
    }

    func testGradients_ofVariablesOffThePath_areZero() {
        let tape = Tape()
        let a = tape.leaf(Tensor([2], [1, 2]))
        let unused = tape.leaf(Tensor([3]))
        let early = a.scaled(by: 2)
        let late = early.scaled(by: 2)
        // A leaf that is not used, a leaf made later, and a variable that depends on the output.
        let after = tape.leaf(Tensor([1]))
        let gradients = tape.gradients(of: early, withRespectTo: [unused, a, after, late])
        XCTAssertEqual(gradients[0].shape, [1, 3])
        XCTAssertEqual(gradients[0].array, [0, 0, 0])
        XCTAssertEqual(gradients[1].array, [2, 2])
        XCTAssertEqual(gradients[2].array, [0])
        XCTAssertEqual(gradients[3].array, [0, 0])
    }

    /// Gradients of weights do not allow several seeds, so a gradient of x only must not compute them.
    func testGradients_ofOneInput_doNotComputeTheOthers() {
        let tape = Tape()
        let x = tape.leaf(randomTensor([2, 3], seed: 1))
        let weight = tape.leaf(randomTensor([4, 3], seed: 2))
        let bias = tape.leaf(Tensor([4]))
        let y = linear(x, weight, bias)
        let d = tape.gradients(of: y, seed: randomTensor([5, 2, 4], seed: 3), withRespectTo: [x])
        XCTAssertEqual(d[0].shape, [5, 2, 3])
        // The same for a gradient that stops at y.
        let z = linear(y, tape.leaf(randomTensor([2, 4], seed: 4)))
        XCTAssertEqual(
            tape.gradients(of: z, seed: randomTensor([5, 2, 2], seed: 3), withRespectTo: [y])[0].shape, [5, 2, 4])
    }

    func testOperations_onConstants_recordNothing() {
        let x = Variable(Tensor([2], [1, 2]))
        let y = (x + x).activated(.relu)
        XCTAssertFalse(y.isRecorded)
        let tape = Tape()
        let leaf = tape.leaf(x.value)
        XCTAssertTrue((leaf + x).isRecorded)
        XCTAssertFalse((leaf.detached + x).isRecorded)
        XCTAssertEqual(tape.nodes.count, 2)
    }

    /// A detached variable passes no gradient.
    func testDetached_inAProduct_passesNoGradient() {
        let tape = Tape()
        let a = tape.leaf(Tensor([1], [3]))
        let y = a * a.detached
        XCTAssertEqual(tape.gradients(of: y, withRespectTo: [a])[0].array, [3])
    }

    /// The same tape can be used again, with another rule and other seeds.
    func testGradients_readTwiceFromATape_followTheRule() {
        let tape = Tape()
        let a = tape.leaf(Tensor([2], [-1, 1]))
        let y = a.activated(.relu)
        let seed = Tensor([2, 2], [1, 1, -1, -1])
        XCTAssertEqual(tape.gradients(of: y, seed: seed, withRespectTo: [a])[0].array, [0, 1, 0, -1])
        XCTAssertEqual(
            tape.gradients(of: y, seed: seed, withRespectTo: [a], relu: .deconvolution)[0].array, [1, 1, 0, 0])
        XCTAssertEqual(tape.gradients(of: y, seed: seed, withRespectTo: [a], relu: .guided)[0].array, [0, 1, 0, 0])
    }
}
