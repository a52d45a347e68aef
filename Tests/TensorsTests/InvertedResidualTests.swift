import XCTest

@testable import Tensors

/// A block run in strips equals its layers run separately, bit for bit.
final class InvertedResidualTests: XCTestCase {
    private struct Case {
        var height = 64, width = 64, inputs = 8, inner = 64, outputs = 8, kernel = 3, stride = 1, images = 1
        var padding: Padding = .same
        var expands = true
        var addsInput = true
    }

    private func check(_ c: Case, line: UInt = #line) {
        let store = ParameterStore(seed: 11)
        let p = store.scope()
        func convolution(
            _ name: String, _ inputs: Int, _ outputs: Int, _ geometry: ConvolutionGeometry, _ activation: Activation
        ) -> Convolution {
            // Biases other than 0.
            _ = p[name]("bias", shape: [outputs], initial: .normal(0.5))
            return Convolution(p, name, inputs: inputs, outputs: outputs, geometry, activation: activation)
        }
        let inner = c.expands ? c.inner : c.inputs
        let expand = c.expands ? convolution("expand", c.inputs, inner, ConvolutionGeometry(1), .relu6) : nil
        let depthwise = convolution(
            "depthwise", inner, inner,
            ConvolutionGeometry(c.kernel, stride: c.stride, padding: c.padding, groups: inner), .relu6)
        let project = convolution("project", inner, c.outputs, ConvolutionGeometry(1), .none)
        var generator = SeededGenerator(seed: 3)
        let shape = [c.images, c.height, c.width, c.inputs]
        let x = Tensor(shape, (0..<shape.reduce(1, *)).map { _ in generator.normal() })
        XCTAssertGreaterThanOrEqual(c.height * c.width * inner, InvertedResidual.small, line: line)
        let block = InvertedResidual(expand: expand, depthwise: depthwise, project: project, addsInput: c.addsInput)
        let found = block(Variable(x)).value
        // On a tape, the layers run separately.
        let layers = block(Tape().leaf(x)).value
        XCTAssertEqual(found.shape, layers.shape, line: line)
        XCTAssertEqual(found.array, layers.array, line: line)
        XCTAssertTrue(layers.array.contains { $0 != 0 }, line: line)
    }

    func testInvertedResidual_withEachStride_equalsItsLayers() {
        check(Case())
        check(Case(stride: 2, addsInput: false))
        check(Case(kernel: 5, padding: .all(2)))
        check(Case(kernel: 5, stride: 2, addsInput: false))
    }

    /// Odd sizes, channels that are not whole vectors, and rows that need more than one strip.
    func testInvertedResidual_atOddSizes_equalsItsLayers() {
        check(Case(height: 67, width: 61, inputs: 5, inner: 77, outputs: 5))
        check(Case(height: 130, width: 130, inputs: 16, inner: 96, outputs: 24, stride: 2, addsInput: false))
        check(Case(height: 9, width: 2_000, inputs: 3, inner: 33, outputs: 17, padding: .all(1), addsInput: false))
    }

    func testInvertedResidual_withoutExpansion_equalsItsLayers() {
        check(Case(height: 100, width: 100, inputs: 32, outputs: 32, expands: false))
        check(Case(height: 100, width: 100, inputs: 32, outputs: 16, stride: 2, expands: false, addsInput: false))
    }

    /// A thread's strips may begin in one image and end in another.
    func testInvertedResidual_onSeveralImages_equalsItsLayers() {
        check(Case(images: 3))
        check(Case(kernel: 5, stride: 2, images: 3, padding: .all(2), addsInput: false))
    }
}
