import XCTest

@testable import Tensors

/// A convolution and the pool after it in one kernel equal the two run separately, bit for bit.
final class PooledConvolutionTests: XCTestCase {
    private func check(
        height: Int, width: Int, inputs: Int, outputs: Int, images: Int = 1, activation: Activation = .relu,
        spoilt: Int? = nil, line: UInt = #line
    ) throws {
        let p = ParameterStore(seed: 5).scope()
        _ = p["conv"]("bias", shape: [outputs], initial: .normal(0.5))
        let layer = Convolution(
            p, "conv", inputs: inputs, outputs: outputs, ConvolutionGeometry(3, padding: .all(1)),
            activation: activation)
        var generator = SeededGenerator(seed: 9)
        let shape = [images, height, width, inputs]
        let x = Tensor(shape, (0..<shape.reduce(1, *)).map { _ in generator.normal() })
        if let spoilt { x.pointer[spoilt] = .nan }
        let expected = maximumPool(layer(Variable(x)), PoolGeometry(2)).value
        let found = try XCTUnwrap(layer.pooledByTwo(Variable(x)), line: line).value
        XCTAssertEqual(found.shape, expected.shape, line: line)
        XCTAssertEqual(found.array.map(\.bitPattern), expected.array.map(\.bitPattern), line: line)
    }

    func testPooledConvolution_atManySizes_equalsConvolutionThenPool() throws {
        // Whole tiles, tiles of two rows or columns, channels that are not whole vectors, several images, many tiles.
        try check(height: 16, width: 16, inputs: 16, outputs: 32)
        try check(height: 14, width: 18, inputs: 16, outputs: 20)
        try check(height: 10, width: 26, inputs: 20, outputs: 16, images: 3, activation: .none)
        try check(height: 60, width: 62, inputs: 16, outputs: 16, activation: .relu6)
        // The other pixels of a window do not hide a NaN.
        try check(height: 14, width: 18, inputs: 16, outputs: 20, spoilt: 777)
    }

    func testPooledConvolution_whereNoKernelFits_isNil() {
        let p = ParameterStore(seed: 5).scope()
        func layer(_ name: String, kernel: Int) -> Convolution {
            Convolution(
                p, name, inputs: 16, outputs: 16, ConvolutionGeometry(kernel, padding: .all(kernel / 2)),
                activation: .relu)
        }
        let three = layer("three", kernel: 3)
        // An odd size, few tiles, another kernel.
        XCTAssertNil(three.pooledByTwo(Variable(Tensor([1, 15, 16, 16]))))
        XCTAssertNil(three.pooledByTwo(Variable(Tensor([1, 16, 15, 16]))))
        XCTAssertNil(three.pooledByTwo(Variable(Tensor([1, 8, 8, 16]))))
        XCTAssertNil(layer("five", kernel: 5).pooledByTwo(Variable(Tensor([1, 16, 16, 16]))))
        // On a tape, a gradient of the map between the two may be needed.
        XCTAssertNil(three.pooledByTwo(Tape().leaf(Tensor([1, 16, 16, 16]))))
        XCTAssertNotNil(three.pooledByTwo(Variable(Tensor([1, 16, 16, 16]))))
    }
}
