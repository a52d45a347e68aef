import XCTest

@testable import Tensors

final class ActivationTests: XCTestCase {
    func testActivation_ofEveryKind_matchesPyTorchFixture() throws {
        for kind in [Activation.tanh, .sigmoid, .relu, .relu6] {
            let one = try SequenceFixtures.load("activation \(kind.rawValue)")
            let y = activationForward(kind, try XCTUnwrap(one["x"]))
            XCTAssertLessThan(relativeError(y, try XCTUnwrap(one["y"])), 1e-6, kind.rawValue)
            let dx = activationBackward(kind, seeded(try XCTUnwrap(one["g"])), y: y, rule: .exact)
            XCTAssertLessThan(relativeError(dx, try XCTUnwrap(one["dx"])), 1e-6, kind.rawValue)
        }
    }

    func testActivationGradient_awayFromCorners_equalsFiniteDifferencesForEverySeed() {
        // No input is at a corner of a ReLU.
        let x = Tensor([37], (0..<37).map { Float($0) / 2 - 9.25 + 0.13 })
        for kind in [Activation.tanh, .sigmoid, .relu, .relu6] {
            checkGradients([x]) { $0[0].activated(kind) }
            checkSeeds([x]) { $0[0].activated(kind) }
        }
        XCTAssertEqual(Variable(x).activated(.none).value.array, x.array)
    }

    /// Inputs below, in and above the linear range, with gradients of either sign.
    func testActivationGradient_underEachReLURule_equalsHandComputedValues() {
        let x = Tensor([6], [-1, -1, 2, 2, 8, 8])
        let g: [Float] = [3, -3, 3, -3, 3, -3]
        let expected: [(Activation, ReLURule, [Float])] = [
            (.relu, .exact, [0, 0, 3, -3, 3, -3]),
            (.relu, .guided, [0, 0, 3, 0, 3, 0]),
            (.relu, .deconvolution, [3, 0, 3, 0, 3, 0]),
            (.relu6, .exact, [0, 0, 3, -3, 0, 0]),
            (.relu6, .guided, [0, 0, 3, 0, 0, 0]),
            (.relu6, .deconvolution, [3, 0, 3, 0, 3, 0]),
        ]
        for (kind, rule, values) in expected {
            let tape = Tape()
            let leaf = tape.leaf(x)
            let y = leaf.activated(kind)
            let d = tape.gradients(of: y, seed: Tensor([1, 6], g), withRespectTo: [leaf], relu: rule)[0]
            XCTAssertEqual(d.array, values, "\(kind) \(rule)")
        }
        // The rule does not affect the other nonlinearities.
        for rule in ReLURule.allCases {
            let tape = Tape()
            let leaf = tape.leaf(Tensor([1], [0]))
            let y = leaf.activated(.tanh)
            XCTAssertEqual(
                tape.gradients(of: y, seed: Tensor([1, 1], [-2]), withRespectTo: [leaf], relu: rule)[0].array, [-2])
        }
    }

    func testActivation_atCornersAndNaN_behavesAsPyTorch() {
        XCTAssertEqual(activationForward(.relu, Tensor([3], [0, -0.0, 1])).array, [0, 0, 1])
        XCTAssertEqual(activationForward(.relu6, Tensor([3], [6, 6.5, -2])).array, [6, 6, 0])
        // At the corner the derivative is 0, as in PyTorch.
        XCTAssertEqual(activationBackward(.relu, Tensor([1, 1], [5]), y: Tensor([1], [0]), rule: .exact).array, [0])
        // Where the output is NaN the gradient passes, as in PyTorch.
        XCTAssertEqual(activationBackward(.relu, Tensor([1, 1], [5]), y: Tensor([1], [.nan]), rule: .exact).array, [5])
        XCTAssertEqual(
            activationBackward(.relu6, Tensor([1, 3], [5, 5, 5]), y: Tensor([3], [0, 3, 6]), rule: .exact).array,
            [0, 5, 0])
        for kind in [Activation.relu, .relu6, .tanh, .sigmoid] {
            XCTAssertTrue(activationForward(kind, Tensor([1], [.nan])).scalar.isNaN, kind.rawValue)
        }
    }
}
