import XCTest

@testable import Tensors

final class LSTMTests: XCTestCase {
    static let names = ["x", "h", "c", "weightInput", "weightHidden", "bias"]

    private func run(_ v: [Variable]) -> Variable {
        lstm(v[0], h: v[1], c: v[2], weightInput: v[3], weightHidden: v[4], bias: v[5])
    }

    private func inputs(steps: Int = 3, rows: Int = 2, width: Int = 3, hidden: Int = 5) -> [Tensor] {
        [
            [steps, rows, width], [rows, hidden], [rows, hidden], [4 * hidden, width], [4 * hidden, hidden],
            [4 * hidden],
        ]
        .enumerated().map { randomTensor($0.element, seed: UInt64($0.offset) + 1) }
    }

    /// Float32 over up to four steps, against float64.
    func testLSTM_forwardAndBackward_matchesPyTorchFixture() throws {
        for name in ["lstm", "lstm wide"] {
            let one = try SequenceFixtures.load(name)
            let (states, saved) = lstmForward(
                try XCTUnwrap(one["x"]), h: try XCTUnwrap(one["h"]), c: try XCTUnwrap(one["c"]),
                weightInput: try XCTUnwrap(one["weightInput"]), weightHidden: try XCTUnwrap(one["weightHidden"]),
                bias: try XCTUnwrap(one["bias"]))
            XCTAssertLessThan(relativeError(states, try XCTUnwrap(one["y"])), 2e-6, name)
            let parts = lstmBackward(
                seeded(try XCTUnwrap(one["g"])), saved: saved, seeds: 1, needed: Array(repeating: true, count: 6))
            for (input, part) in zip(Self.names, parts) {
                XCTAssertLessThan(
                    relativeError(try XCTUnwrap(part), try XCTUnwrap(one["d\(input)"])), 5e-6, "\(name): d\(input)")
            }
        }
    }

    func testLSTMGradient_ofEveryInput_equalsFiniteDifferences() {
        checkGradients(inputs(), run)
        checkGradients(inputs(steps: 2, rows: 1, width: 18, hidden: 17), run)
    }

    func testLSTMBackward_withSeveralSeeds_equalsSeparateRuns() {
        let all = inputs(steps: 4, rows: 3, width: 7, hidden: 20)
        checkSeeds(Array(all[..<3])) { self.run($0 + all[3...].map { Variable($0) }) }
    }

    /// All weights are zero, so every gate is sigmoid(0) = 1/2 and every candidate tanh(bias). One unit, two steps.
    func testLSTM_withZeroWeights_equalsHandComputedValues() {
        let bias = Tensor([4], [0, 0, Float(atanh(0.5)), 0])
        let (states, saved) = lstmForward(
            Tensor([2, 1, 1]), h: Tensor([1, 1]), c: Tensor([1, 1], [1]), weightInput: Tensor([4, 1]),
            weightHidden: Tensor([4, 1]),
            bias: bias)
        // c1 = 1/2 * 1 + 1/2 * 1/2 = 3/4; c2 = 3/8 + 1/4 = 5/8; h = tanh(c) / 2.
        let expected = Tensor([2, 2, 1, 1], [Float(tanh(0.75) / 2), Float(tanh(0.625) / 2), 0.75, 0.625])
        XCTAssertLessThan(relativeError(states, expected), 1e-6)
        // d c2 / d c0 = f f = 1/4; d c2 / d bias of g = (1 - 1/4) i (f + 1) = 0.75 * 0.5 * 1.5.
        let parts = lstmBackward(
            Tensor([1, 2, 2, 1, 1], [0, 0, 0, 1]), saved: saved, seeds: 1, needed: Array(repeating: true, count: 6))
        XCTAssertEqual(parts[2]?.scalar ?? 0, 0.25, accuracy: 1e-6)
        XCTAssertEqual(parts[5]?.array[2] ?? 0, 0.75 * 0.5 * 1.5, accuracy: 1e-6)
    }

    func testLSTM_withNoSteps_returnsNoStates() {
        let h = randomTensor([2, 3], seed: 1)
        let (states, _) = lstmForward(
            Tensor([0, 2, 4]), h: h, c: h, weightInput: Tensor([12, 4]), weightHidden: Tensor([12, 3]),
            bias: Tensor([12]))
        XCTAssertEqual(states.shape, [2, 0, 2, 3])
    }

    func testLSTM_withSaturatedGates_staysFinite() {
        let big = Tensor([1, 1, 1], [1e6])
        let (states, _) = lstmForward(
            big, h: Tensor([1, 1]), c: Tensor([1, 1], [2]), weightInput: Tensor([4, 1], [1, -1, 1, 1]),
            weightHidden: Tensor([4, 1]), bias: Tensor([4]))
        // i = 1, f = 0, g = 1, o = 1.
        XCTAssertEqual(states.array[1], 1, accuracy: 1e-6)
        XCTAssertEqual(states.array[0], Float(tanh(1.0)), accuracy: 1e-6)
    }
}
