import Tensors
import XCTest

@testable import Explain

/// Other tools' steps, by hand, on a map of two cells (docs/compat.md).
final class CompatibilityTests: XCTestCase {
    private let map = Tensor([1, 2], [-2, 6])

    private func assertEqual(_ a: [Float], _ b: [Float], line: UInt = #line) {
        XCTAssertEqual(a.count, b.count, line: line)
        for (x, y) in zip(a, b) { XCTAssertEqual(x, y, accuracy: 1e-6, "\(a)", line: line) }
    }

    func testRaw_ofEachTool_scalesAndRectifiesAsTheTool() {
        assertEqual(Compatibility.ramprs.raw(map, method: "grad-cam").array, [0, 12])
        assertEqual(Compatibility.ramprs.raw(map, method: "hirescam").array, [0, 6])
        assertEqual(Compatibility.pytorchGradCAM.raw(map, method: "grad-cam").array, [0, 6])
        assertEqual(Compatibility.captum.raw(map, method: "grad-cam").array, [-2, 6])
        assertEqual(Compatibility.torchCAM.raw(map, method: "grad-cam").array, [0, 6])
    }

    /// Cells 2 and 6 over five pixels, and over four.
    func testInput_ofTwoCells_resamplesAndNormalisesAsTheTool() {
        let raw = Tensor([1, 2], [2, 6])
        func input(_ tool: Compatibility, _ width: Int) -> [Float] { tool.input(raw, height: 1, width: width).array }
        // Corners aligned: 2, 3, 4, 5, 6.
        assertEqual(input(.ramprs, 5), [0, 0.25, 0.5, 0.75, 1])
        // 0 and 1 first; half-pixel centres at -0.25, 0.25, 0.75, 1.25 of the cells.
        assertEqual(input(.pytorchGradCAM, 4), [0, 0.25, 0.75, 1])
        assertEqual(input(.captum, 4), [2, 2, 6, 6])
        assertEqual(input(.captum, 5), [2, 2, 2, 6, 6])
        // Keys' cubic, a = -0.5, cut off at the edges and normalised: symmetric about the middle.
        let cubic = input(.torchCAM, 4)
        assertEqual([cubic[0] + cubic[3], cubic[1] + cubic[2]], [1, 1])
        XCTAssertLessThan(cubic[1], 0.25)
    }

    /// A layer of two cells and a flat layer of one, for an input of four pixels: 0, 1/4, 3/4, 1 and all 0. torch-cam's
    /// finest layer has two cells: 0 and 1, and 0.
    func testFuse_ofTwoLayers_isTheToolsMeanOrMaximum() {
        let layers = [Tensor([1, 1, 2], [-2, 6]), Tensor([1, 1, 1], [3])]
        let mean = Compatibility.pytorchGradCAM.fuse(layers, method: "grad-cam", height: 1, width: 4)
        XCTAssertEqual(mean.shape, [1, 1, 4])
        assertEqual(mean.array, [0, 0.125, 0.375, 0.5])
        let largest = Compatibility.torchCAM.fuse(layers.reversed(), method: "grad-cam", height: 1, width: 4)
        XCTAssertEqual(largest.shape, [1, 1, 2])
        assertEqual(largest.array, [0, 1])
        XCTAssertEqual(
            Compatibility.torchCAM.fuse(layers, method: "layercam", height: 1, width: 4).array,
            LayerFusion.fuse(layers).array)
        XCTAssertEqual(Compatibility.allCases.filter { !$0.fusesLayers }, [.ramprs, .captum])
    }

    /// A flat map stays 0.
    func testInput_ofAFlatMap_staysZero() {
        for tool in Compatibility.allCases where tool != .captum {
            let input = tool.input(Tensor([2, 2], repeating: 3), height: 3, width: 3)
            assertEqual(input.array, [Float](repeating: 0, count: 9))
        }
    }
}
