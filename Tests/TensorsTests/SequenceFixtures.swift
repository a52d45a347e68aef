import Foundation
import TestSupport
import XCTest

@testable import Tensors

/// The output of `Fixtures/make_sequences.py`: named tensors for each case.
struct SequenceFixtures: Decodable {
    let cases: [String: [String: ConvolutionFixtures.Stored]]

    static func load() throws -> SequenceFixtures {
        try JSONDecoder().decode(SequenceFixtures.self, from: Data(contentsOf: Fixture.url("sequences.json")))
    }

    /// The tensors of one case.
    static func load(_ name: String) throws -> [String: Tensor] {
        try XCTUnwrap(load().cases[name], "no case \(name)").mapValues(\.tensor)
    }
}

/// With one seed: `[1] + shape`.
func seeded(_ g: Tensor) -> Tensor { g.reshaped([1] + g.shape) }

/// Compares an operation's gradients (through the tape) with central differences of its output.
///
/// The scalar is dot(g, output) for a random g, summed in double. Each input is moved along a random direction by h and
/// by h / 2. The two slopes are combined (Richardson), which leaves an error of order h^4 and the rounding of the float
/// forward pass (about 1e-7 / h of the scalar's terms). With h = 0.02 and values of order 1, the slope is accurate to
/// 2e-4 of |gradient| |direction|; the limit is ten times that.
func checkGradients(
    _ inputs: [Tensor], tolerance: Double = 2e-3, step: Float = 0.02, seed: UInt64 = 9, file: StaticString = #filePath,
    line: UInt = #line, _ function: ([Variable]) -> Variable
) {
    let tape = Tape()
    let leaves = inputs.map { tape.leaf($0) }
    let output = function(leaves)
    let g = randomTensor(output.shape, seed: seed)
    let gradients = tape.gradients(of: output, seed: seeded(g), withRespectTo: leaves)
    for (i, input) in inputs.enumerated() {
        XCTAssertEqual(gradients[i].shape, [1] + input.shape, file: file, line: line)
        for trial in 0..<2 {
            let direction = randomTensor(input.shape, seed: seed + 100 + UInt64(10 * i + trial))
            func slope(_ h: Float) -> Double {
                func value(_ h: Float) -> Double {
                    var moved = inputs.map { Variable($0) }
                    moved[i] = Variable(addForward(input, scaleForward(direction, by: h)))
                    return dot(g, function(moved).value)
                }
                return (value(h) - value(-h)) / (2 * Double(h))
            }
            let numeric = (4 * slope(step / 2) - slope(step)) / 3
            let analytic = dot(gradients[i], direction)
            let size = (dot(gradients[i], gradients[i]) * dot(direction, direction)).squareRoot()
            XCTAssertGreaterThan(size, 0, "input \(i) has no gradient", file: file, line: line)
            XCTAssertEqual(
                numeric, analytic, accuracy: tolerance * size + 1e-5, "input \(i), trial \(trial)", file: file,
                line: line)
        }
    }
}

/// K seeds in one backward pass equal K separate backward passes.
func checkSeeds(
    _ inputs: [Tensor], seeds: Int = 3, file: StaticString = #filePath, line: UInt = #line,
    _ function: ([Variable]) -> Variable
) {
    let tape = Tape()
    let leaves = inputs.map { tape.leaf($0) }
    let output = function(leaves)
    let g = randomTensor([seeds] + output.shape, seed: 5)
    let together = tape.gradients(of: output, seed: g, withRespectTo: leaves)
    for k in 0..<seeds {
        let alone = tape.gradients(of: output, seed: g.rows(k..<k + 1), withRespectTo: leaves)
        for (i, (all, one)) in zip(together, alone).enumerated() {
            XCTAssertEqual(all.shape, [seeds] + inputs[i].shape, file: file, line: line)
            XCTAssertGreaterThan(dot(one, one), 0, "input \(i) has no gradient", file: file, line: line)
            XCTAssertLessThan(
                relativeError(all.rows(k..<k + 1), one), 2e-6, "input \(i), seed \(k)", file: file, line: line)
        }
    }
}
