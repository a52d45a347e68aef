import XCTest

@testable import Tensors

final class AttentionLSTMTests: XCTestCase {
    static let names = [
        "gates", "annotations", "keys", "h", "c", "weightQuery", "weightScore", "weightGate", "biasGate",
        "weightContext",
        "weightHidden",
    ]

    private func run(_ v: [Variable]) -> Variable {
        attentionLSTM(
            gates: v[0], annotations: v[1], keys: v[2], h: v[3], c: v[4], weightQuery: v[5], weightScore: v[6],
            weightGate: v[7],
            biasGate: v[8], weightContext: v[9], weightHidden: v[10])
    }

    private func forward(_ v: [Tensor]) -> (Tensor, lastC: Tensor, AttentionLSTMSaved) {
        attentionLSTMForward(
            gates: v[0], annotations: v[1], keys: v[2], h: v[3], c: v[4], weightQuery: v[5], weightScore: v[6],
            weightGate: v[7],
            biasGate: v[8], weightContext: v[9], weightHidden: v[10])
    }

    /// T steps, M images, r rows for each image, L regions.
    private func inputs(_ t: Int, _ m: Int, _ r: Int, _ l: Int, depth: Int, width: Int, hidden: Int) -> [Tensor] {
        let n = m * r
        let gates = 4 * hidden
        let shapes = [
            [t, n, gates], [m, l, depth], [m, l, width], [n, hidden], [n, hidden], [width, hidden], [width], [hidden],
            [1],
            [gates, depth], [gates, hidden],
        ]
        return shapes.enumerated().map { randomTensor($0.element, seed: UInt64($0.offset) + 40) }
    }

    func testAttentionLSTM_forwardAndBackward_matchesPyTorchFixture() throws {
        let cases = ["attention", "attention wide", "attention, one step", "attention, large keys"]
        for name in cases {
            let one = try SequenceFixtures.load(name)
            let values = try Self.names.map { try XCTUnwrap(one[$0], $0) }
            let (output, lastC, saved) = forward(values)
            // Single steps and large keys are not factored.
            XCTAssertEqual(saved.keys.isFactored, !name.contains(","), name)
            XCTAssertLessThan(relativeError(output, try XCTUnwrap(one["y"])), 2e-6, name)
            XCTAssertLessThan(relativeError(lastC, try XCTUnwrap(one["lastC"])), 2e-6, name)
            let parts = attentionLSTMBackward(
                seeded(try XCTUnwrap(one["g"])), saved: saved, seeds: 1, needed: Array(repeating: true, count: 11))
            for (input, part) in zip(Self.names, parts) {
                XCTAssertLessThan(
                    relativeError(try XCTUnwrap(part), try XCTUnwrap(one["d\(input)"])), 1e-5, "\(name): d\(input)")
            }
        }
    }

    /// The gradients of a score of the first two of four steps equal those of a sequence of two steps. The gradients of
    /// the other steps' inputs are 0.
    func testAttentionLSTMBackward_withZeroGradientInLastSteps_equalsAShorterSequence() throws {
        let values = inputs(4, 2, 2, 3, depth: 5, width: 6, hidden: 7)
        let (output, _, saved) = forward(values)
        let row = output.count / 4
        let short = [Tensor([2, 4, 28], Array(values[0].array.prefix(2 * 4 * 28)))] + values.dropFirst()
        let g = randomTensor([1, 2, 4, output.shape[2]], seed: 3)
        let padded = Tensor([1, 4, 4, output.shape[2]], g.array + [Float](repeating: 0, count: 2 * row))
        let all = [Bool](repeating: true, count: 11)
        let found = attentionLSTMBackward(padded, saved: saved, seeds: 1, needed: all)
        let wanted = attentionLSTMBackward(g, saved: forward(short).2, seeds: 1, needed: all)
        let gates = try XCTUnwrap(found[0]).array
        XCTAssertEqual(Array(gates.prefix(2 * 4 * 28)), try XCTUnwrap(wanted[0]).array)
        XCTAssertTrue(gates.dropFirst(2 * 4 * 28).allSatisfy { $0 == 0 })
        for (name, (a, b)) in zip(Self.names, zip(found, wanted)).dropFirst() {
            XCTAssertLessThan(relativeError(try XCTUnwrap(a), try XCTUnwrap(b)), 1e-6, name)
        }
        // All gradients are 0.
        let none = attentionLSTMBackward(Tensor(padded.shape), saved: saved, seeds: 1, needed: all)
        XCTAssertTrue(none.allSatisfy { $0?.array.allSatisfy { $0 == 0 } ?? false })
    }

    func testAttentionLSTMGradient_ofEveryInput_equalsFiniteDifferences() {
        checkGradients(inputs(3, 2, 2, 4, depth: 5, width: 6, hidden: 3), run)
        checkGradients(inputs(2, 1, 3, 5, depth: 18, width: 20, hidden: 17), run)
        checkGradients(inputs(1, 2, 1, 3, depth: 3, width: 5, hidden: 4), run)
    }

    func testAttentionLSTMBackward_withSeveralSeeds_equalsSeparateRuns() {
        for (t, m, r) in [(3, 2, 2), (4, 1, 1), (1, 2, 1)] {
            let all = inputs(t, m, r, 6, depth: 19, width: 18, hidden: 9)
            checkSeeds(Array(all[..<5])) { self.run($0 + all[5...].map { Variable($0) }) }
        }
    }

    /// A seed on only h, only z or only alpha reaches the annotations on its own path. The three gradients add up.
    func testAttentionLSTMBackward_withSeedsOnPartsOfTheOutput_addsUp() {
        let values = inputs(2, 1, 2, 4, depth: 5, width: 6, hidden: 3)
        let tape = Tape()
        let leaves = values.map { tape.leaf($0) }
        let output = run(leaves)
        let g = randomTensor(output.shape, seed: 3)
        func gradient(_ columns: Range<Int>) -> Tensor {
            var part = g.array
            for i in part.indices where !columns.contains(i % 12) { part[i] = 0 }
            return tape.gradients(of: output, seed: Tensor([1] + g.shape, part), withRespectTo: [leaves[1]])[0]
        }
        let h = gradient(0..<3)
        let z = gradient(3..<8)
        let alpha = gradient(8..<12)
        for part in [h, z, alpha] { XCTAssertGreaterThan(dot(part, part), 0) }
        XCTAssertLessThan(relativeError(addForward(addForward(h, z), alpha), gradient(0..<12)), 1e-6)
    }

    /// r rows that share an image equal r rows with a copy of the image each. The gradients of the copies add up.
    func testAttentionLSTM_withRowsThatShareAnImage_equalsRepeatedImages() {
        let r = 3
        let values = inputs(3, 2, r, 5, depth: 7, width: 20, hidden: 6)
        let shared = Tape()
        let a = values.map { shared.leaf($0) }
        let together = run(a)
        let repeated = Tape()
        let b = values.map { repeated.leaf($0) }
        let apart = run([b[0], b[1].repeatedRows(r), b[2].repeatedRows(r)] + b[3...])
        XCTAssertLessThan(relativeError(together.value, apart.value), 1e-6)
        let g = seeded(randomTensor(together.shape, seed: 8))
        let first = shared.gradients(of: together, seed: g, withRespectTo: a)
        let second = repeated.gradients(of: apart, seed: g, withRespectTo: b)
        for (i, name) in Self.names.enumerated() { XCTAssertLessThan(relativeError(first[i], second[i]), 5e-6, name) }
    }

    /// T calls of one step, as in decoding, equal one call of T steps.
    func testAttentionLSTM_runStepByStep_equalsTheWholeSequence() {
        let values = inputs(4, 2, 2, 5, depth: 7, width: 20, hidden: 6)
        let (whole, lastC, _) = forward(values)
        var h = values[3]
        var c = values[4]
        for t in 0..<4 {
            var one = values
            one[0] = values[0].rows(t..<t + 1)
            one[3] = h
            one[4] = c
            let (output, next, _) = forward(one)
            XCTAssertLessThan(relativeError(output.row(0), whole.row(t)), 2e-6, "step \(t)")
            h = sliceLastForward(output.row(0), from: 0, width: 6)
            c = next
        }
        XCTAssertLessThan(relativeError(c, lastC), 2e-6)
    }

    func testAttentionLSTMBackward_withOneNeededInput_equalsThatOfAllInputs() throws {
        let values = inputs(2, 2, 2, 4, depth: 5, width: 6, hidden: 3)
        let (output, _, saved) = forward(values)
        let g = seeded(randomTensor(output.shape, seed: 2))
        let all = attentionLSTMBackward(g, saved: saved, seeds: 1, needed: Array(repeating: true, count: 11))
        for i in 0..<11 {
            var needed = [Bool](repeating: false, count: 11)
            needed[i] = true
            let parts = attentionLSTMBackward(g, saved: saved, seeds: 1, needed: needed)
            XCTAssertEqual(try XCTUnwrap(parts[i]).array, try XCTUnwrap(all[i]).array, Self.names[i])
        }
    }

    /// Two regions, one unit, all weights zero except the score's: alpha and z computed by hand.
    func testAttentionLSTM_withTwoRegions_equalsHandComputedValues() {
        // e = 2 tanh(keys) = (1, -1); alpha = 1 / (1 + e^-2); beta = sigmoid(ln 3) = 3/4.
        let key = Float(atanh(0.5))
        let (output, _, _) = forward([
            Tensor([1, 1, 4]), Tensor([1, 2, 2], [1, 2, 3, 4]), Tensor([1, 2, 1], [key, -key]), Tensor([1, 1]),
            Tensor([1, 1], [1]), Tensor([1, 1]), Tensor([1], [2]), Tensor([1]), Tensor([1], [Float(log(3.0))]),
            Tensor([4, 2]),
            Tensor([4, 1]),
        ])
        let alpha = 1 / (1 + exp(-2.0))
        let expected = [
            tanh(0.5) / 2, 0.75 * (alpha + 3 * (1 - alpha)), 0.75 * (2 * alpha + 4 * (1 - alpha)), alpha, 1 - alpha,
        ]
        for (a, e) in zip(output.array, expected) { XCTAssertEqual(Double(a), e, accuracy: 1e-6) }
    }

    /// Keys and queries far outside the range where tanh is not saturated, with and without cancellation.
    func testAttentionLSTM_withExtremeKeysAndQueries_staysAccurate() {
        for (key, query) in [(19.0, 90.0), (19, -90), (-19, 500), (0.5, -1e6), (1e4, -1e4), (-60, 60.5), (40, -39)] {
            let values = [
                Tensor([3, 1, 4]), Tensor([1, 2, 1], [1, 0]), Tensor([1, 2, 1], [Float(key), 0]), Tensor([1, 1], [1]),
                Tensor([1, 1]), Tensor([1, 1], [Float(query)]), Tensor([1], [1]), Tensor([1]), Tensor([1]),
                Tensor([4, 1]),
                Tensor([4, 1]),
            ]
            let (output, _, _) = forward(values)
            let alpha = 1 / (1 + exp(tanh(query) - tanh(key + query)))
            XCTAssertEqual(Double(output.array[2]), alpha, accuracy: 1e-6, "key \(key), query \(query)")
        }
    }

    /// As in training: words, embeddings, gates, the attention LSTM, logits, cross-entropy.
    func testAttentionLSTMGradient_inACaptionLoss_equalsFiniteDifferences() {
        let words = [3, 1, 4, 1, 2, 0]
        let targets = [1, 4, 1, 0, 3, 2]
        var values = Array(inputs(3, 1, 2, 4, depth: 5, width: 6, hidden: 3)[1...])
        values += [[5, 4], [12, 4], [12], [5, 8], [5]].enumerated().map {
            randomTensor($0.element, seed: UInt64($0.offset) + 70)
        }
        checkGradients(values) { v in
            let embedded = embedding(v[10], words).reshaped([3, 2, 4])
            let states = self.run([linear(embedded, v[11], v[12])] + v[..<10])
            let logits = linear(states.slicedLast(0..<8), v[13], v[14]).reshaped([6, 5])
            return crossEntropy(logits, targets: targets, weights: [1, 1, 0.5, 1, 0, 1], smoothing: 0.1)
        }
    }
}
