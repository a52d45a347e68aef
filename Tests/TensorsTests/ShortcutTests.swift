import XCTest

@testable import Tensors

/// A convolution that adds a shortcut before its activation equals the three separate steps, bit for bit, in every
/// kernel.
final class ShortcutTests: XCTestCase {
    private func check(
        _ kernel: Int, side: Int, inputs: Int, outputs: Int, stride: Int = 1, groups: Int = 1, images: Int = 1,
        _ activation: Activation = .relu, line: UInt = #line
    ) {
        let p = ParameterStore(seed: 4).scope()
        _ = p["conv"]("bias", shape: [outputs], initial: .normal(0.5))
        let layer = Convolution(
            p, "conv", inputs: inputs, outputs: outputs,
            ConvolutionGeometry(kernel, stride: stride, padding: .all(kernel / 2), groups: groups))
        var generator = SeededGenerator(seed: 8)
        func tensor(_ shape: [Int]) -> Tensor {
            Tensor(shape, (0..<shape.reduce(1, *)).map { _ in generator.normal() })
        }
        let x = tensor([images, side, side, inputs])
        let plain = layer(Variable(x))
        let shortcut = tensor(plain.shape)
        let sum = addForward(plain.value, shortcut)
        let expected = activation == .none ? sum : activationForward(activation, sum)
        let found = layer(Variable(x), adding: Variable(shortcut), activation: activation).value
        XCTAssertEqual(found.array, expected.array, line: line)
        // On a tape, the steps run separately.
        let recorded = layer(Tape().leaf(x), adding: Variable(shortcut), activation: activation)
        XCTAssertTrue(recorded.isRecorded, line: line)
        XCTAssertEqual(recorded.value.array, expected.array, line: line)
    }

    func testConvolutionWithShortcut_inMatrixProducts_equalsSeparateSteps() {
        check(1, side: 15, inputs: 20, outputs: 64)
        // Panels of 16 columns or fewer, few rows, and a depth of more than one stretch.
        for outputs in [16, 24, 37, 40] { check(1, side: 9, inputs: 33, outputs: outputs) }
        for side in [1, 2, 3] { check(1, side: side, inputs: 300, outputs: 50, .relu6) }
        check(1, side: 14, inputs: 700, outputs: 48, images: 2, .none)
    }

    func testConvolutionWithShortcut_inIm2colAndWinograd_equalsSeparateSteps() {
        check(3, side: 18, inputs: 16, outputs: 40)
        check(3, side: 7, inputs: 16, outputs: 40)
        check(3, side: 15, inputs: 16, outputs: 24, stride: 2)
        check(3, side: 9, inputs: 12, outputs: 18, groups: 3)
    }
}
