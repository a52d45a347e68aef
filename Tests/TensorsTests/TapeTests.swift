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

    /// y = sum of relu(x) x, with x = (-1, 2): the gradient is 2 x where x > 0. With the corners of x = (1, -2), which
    /// lie on the other side, relu lets through what it would stop; the values stay: (0 + x_0, relu(x_1) + 0).
    func testGradients_withCornersOfAnotherInput_takeItsSidesAndTheirOwnValues() {
        func record(_ values: [Float]) -> (tape: Tape, x: Variable, y: Variable) {
            let tape = Tape()
            let x = tape.leaf(Tensor([1, 2], values))
            return (tape, x, x.activated(.relu) * x)
        }
        let own = record([-1, 2]), other = record([1, -2])
        func gradients(_ corners: Tape?) -> [Float] {
            own.tape.gradients(of: own.y, withRespectTo: [own.x], corners: corners)[0].array
        }
        XCTAssertEqual(gradients(nil), [0, 4])
        XCTAssertEqual(gradients(own.tape), [0, 4])
        XCTAssertEqual(gradients(other.tape), [-1, 2])
    }

    /// The same for ReLU6 and for the largest of a window, whose gradient goes to where the other input is largest.
    func testGradients_withCornersOfAMaximum_goWhereTheOtherInputIsLargest() {
        func record(_ values: [Float]) -> (tape: Tape, x: Variable, y: Variable) {
            let tape = Tape()
            let x = tape.leaf(Tensor([1, 2, 2, 1], values + [0, 0]))
            return (tape, x, maximumPool(x.activated(.relu6), PoolGeometry(2)))
        }
        let own = record([1, 2]), larger = record([3, 2]), saturated = record([1, 7])
        func gradients(_ corners: Tape) -> [Float] {
            own.tape.gradients(of: own.y, withRespectTo: [own.x], corners: corners)[0].array
        }
        XCTAssertEqual(gradients(own.tape), [0, 1, 0, 0])
        XCTAssertEqual(gradients(larger.tape), [1, 0, 0, 0])
        XCTAssertEqual(gradients(saturated.tape), [0, 0, 0, 0])
    }
}
