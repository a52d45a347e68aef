import Tensors
import TestSupport
import XCTest

@testable import Vision

/// EfficientNet-Lite against PyTorch, with weights that both sides make by the same rule (Fixtures/encoders.py).
final class EncoderTests: XCTestCase {
    private struct Case: Decodable {
        let name: String
        let height: Int, width: Int
        let shape: [Int]
        let output: [Float], gradient: [Float]
        let outputNorm: Double, gradientNorm: Double
    }

    private func noise(_ count: Int, _ salt: Int) -> [Float] {
        (0..<count).map { i in
            var h = (UInt64(i) * 2_654_435_761 + UInt64(salt) * 40_503 + 12_345) % (1 << 32)
            h = (h ^ (h >> 15)) &* 2_246_822_519 % (1 << 32)
            return Float(Double(h >> 8) / 16_777_216 - 0.5)
        }
    }

    /// The state dictionary of encoders.py, in the order of `normPairs`.
    private func state(_ configuration: EncoderConfiguration) throws -> [String: Tensor] {
        let probe = ParameterStore(seed: 0)
        _ = try configuration.makeEncoder(probe.scope())
        let shapes = probe.stateDictionary().mapValues(\.shape)
        var state: [String: Tensor] = [:], salt = 0
        for (convolution, norm) in try configuration.normPairs().pairs {
            for name in ["\(convolution).weight"]
                + ["weight", "bias", "running_mean", "running_var"].map({ "\(norm).\($0)" })
            {
                let shape = try XCTUnwrap(shapes[name])
                var values = noise(shape.reduce(1, *), salt)
                salt += 1
                if shape.count == 4 {
                    let bound = 2 * Float((6 / Double(shape.dropFirst().reduce(1, *))).squareRoot())
                    values = values.map { $0 * bound }
                } else if name.hasSuffix("running_var") {
                    values = values.map { $0 + 1 }
                } else {
                    values = values.map { $0 * 0.4 + (name.hasSuffix("weight") ? 1 : 0) }
                }
                state[name] = Tensor(shape, values)
            }
        }
        return state
    }

    /// Stages that run two at a time equal separate ones.
    func testEncoder_withFusedStages_equalsSeparateStages() throws {
        let encoder = try EncoderConfiguration(name: "vgg11", folded: true).makeEncoder(ParameterStore(seed: 3).scope())
        let x = Variable(Tensor([1, 64, 64, 3], noise(64 * 64 * 3, 7)))
        let whole = encoder(x)
        let single = (0..<encoder.stages.count).reduce(x) { encoder($0, stages: $1..<$1 + 1) }
        XCTAssertEqual(whole.value.array, single.value.array)
        // Up to the layer before a pool, and on from there.
        let layer = try XCTUnwrap(encoder.index(of: "relu2_1"))
        let half = encoder(x, stages: 0..<layer + 1)
        XCTAssertEqual(half.shape, [1, 32, 32, 128])
        // That layer and its pool run in one kernel.
        let before = encoder(x, stages: 0..<layer)
        XCTAssertEqual(try XCTUnwrap(encoder.stages[layer].applyWithNext?(before)).shape, [1, 16, 16, 128])
        XCTAssertEqual(encoder(half, stages: layer + 1..<encoder.stages.count).value.array, whole.value.array)
    }

    private func norm(_ x: Tensor) -> Double { x.array.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot() }

    /// Sixty layers of single-precision sums in another order: 1e-3 of the root mean square.
    ///
    /// Lite4's gradient has a tolerance a hundred times as large. It passes so many ReLU6s that at every size some
    /// input is within a rounding error of 0 or 6. PyTorch's own gradient, in double precision, changes by up to 2e-2
    /// of its length if the weights change by a factor of 1 + 6e-8, and otherwise by 6e-7. A wrong rule gives 1.
    private func check(
        _ x: Tensor, _ expected: [Float], _ expectedNorm: Double, _ label: String, slack: Float = 1
    ) {
        let step = max(1, x.count / 40)
        let picked = stride(from: 0, to: x.count, by: step).map { x.array[$0] }
        XCTAssertEqual(picked.count, expected.count, label)
        let typical = Float(expectedNorm / Double(x.count).squareRoot())
        for (a, b) in zip(picked, expected) {
            XCTAssertEqual(a, b, accuracy: slack * 1e-3 * max(typical, abs(b)), label)
        }
        XCTAssertEqual(norm(x), expectedNorm, accuracy: Double(slack) * 1e-4 * expectedNorm, label)
    }

    func testEfficientNetLite_forwardAndBackward_matchesPyTorchFixture() throws {
        let cases = try JSONDecoder().decode([Case].self, from: Data(contentsOf: Fixture.url("encoders.json")))
        XCTAssertEqual(cases.count, 7)
        for c in cases {
            let raw = EncoderConfiguration(name: c.name, folded: false)
            let state = try state(raw)
            let input = Tensor([1, c.height, c.width, 3], noise(c.height * c.width * 3, 999))
            // Folded when the encoder is made, and folded before.
            let (pairs, epsilon) = try raw.normPairs()
            let folded = try foldingBatchNorms(state, pairs: pairs, epsilon: epsilon)
            for (configuration, parameters) in [
                (raw, state), (EncoderConfiguration(name: c.name, folded: true), folded),
            ] {
                let store = ParameterStore(strict: parameters, origin: c.name)
                let encoder = try configuration.makeEncoder(store.scope())
                try store.checkComplete()
                let y = encoder(Variable(input)).value
                XCTAssertEqual(y.shape, c.shape)
                check(y, c.output, c.outputNorm, "\(c.name) output")
                let tape = Tape()
                let x = tape.leaf(input)
                let seed = Tensor([1] + c.shape, noise(c.shape.reduce(1, *), 77))
                let gradient = tape.gradients(of: encoder(x), seed: seed, withRespectTo: [x])[0]
                let slack: Float = c.name == "efficientnet-lite4" ? 100 : 1
                check(gradient, c.gradient, c.gradientNorm, "\(c.name) gradient", slack: slack)
            }
        }
    }

    /// A network split in two equals the whole, and its stages give the right sizes of their maps.
    func testEncoder_splitInTwo_equalsTheWhole() throws {
        let configuration = EncoderConfiguration(name: "tiny", folded: true)
        let encoder = try configuration.makeEncoder(ParameterStore(seed: 3).scope())
        let x = Variable(Tensor([2, 64, 64, 3], noise(2 * 64 * 64 * 3, 5)))
        let whole = encoder(x).value
        let front = encoder(x, stages: 0..<2)
        XCTAssertEqual(encoder(front, stages: 2..<encoder.stages.count).value.array, whole.array)
        XCTAssertEqual(
            front.shape, [2, 64 / encoder.stages[1].stride, 64 / encoder.stages[1].stride, encoder.stages[1].channels])
        XCTAssertEqual(whole.shape[3], encoder.channels)
        XCTAssertEqual(encoder.index(of: encoder.lastLayer), encoder.stages.count - 1)
        XCTAssertNil(encoder.index(of: "fc"))
    }

    func testEncoder_withWeightsOfAnotherArchitecture_throws() throws {
        let state = try state(EncoderConfiguration(name: "efficientnet-lite0", folded: false))
        let store = ParameterStore(strict: state, origin: "lite0.pth")
        _ = try EncoderConfiguration(name: "efficientnet-lite2", folded: false).makeEncoder(store.scope())
        XCTAssertThrowsError(try store.checkComplete()) { error in
            let text = "\(error)"
            XCTAssertTrue(text.contains("lite0.pth") && text.contains("missing") && text.contains("_blocks.16"), text)
        }
        XCTAssertThrowsError(
            try foldingBatchNorms(
                ["_conv_stem.weight": Tensor([32, 3, 3, 3])], pairs: [("_conv_stem", "_bn0")], epsilon: 1e-3)
        ) {
            XCTAssertTrue("\($0)".contains("_bn0.weight is missing"), "\($0)")
        }
        XCTAssertThrowsError(try EncoderConfiguration(name: "vgg99", folded: true).makeEncoder(store.scope())) {
            XCTAssertTrue("\($0)".contains("vgg99"))
        }
    }
}
