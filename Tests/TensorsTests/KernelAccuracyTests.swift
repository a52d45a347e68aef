import Tensors
import TestSupport
import XCTest

/// Every convolution kernel against sums in double precision, on random numbers at the sizes of real networks.
/// VisionTests/RealActivationTests does the same on the activations of networks.
final class KernelAccuracyTests: XCTestCase {
    private struct Case {
        let algorithm: ConvolutionAlgorithm
        let n: Int, side: Int, inputs: Int, outputs: Int, kernel: Int
        var stride = 1
        var groups = 1
    }

    /// The largest allowed difference between a fast kernel and the direct convolution, relative to the largest value.
    private let limit = 1e-4

    private let cases: [Case] = [
        Case(algorithm: .winograd, n: 1, side: 56, inputs: 64, outputs: 64, kernel: 3),
        Case(algorithm: .winograd, n: 1, side: 14, inputs: 512, outputs: 512, kernel: 3),
        Case(algorithm: .winograd, n: 3, side: 13, inputs: 33, outputs: 50, kernel: 3),
        Case(algorithm: .product, n: 1, side: 28, inputs: 512, outputs: 128, kernel: 1),
        Case(algorithm: .product, n: 1, side: 7, inputs: 2048, outputs: 512, kernel: 1),
        Case(algorithm: .product, n: 2, side: 9, inputs: 37, outputs: 70, kernel: 1),
        Case(algorithm: .depthwise, n: 1, side: 56, inputs: 144, outputs: 144, kernel: 3, stride: 2, groups: 144),
        Case(algorithm: .depthwise, n: 2, side: 14, inputs: 500, outputs: 500, kernel: 5, groups: 500),
        Case(algorithm: .direct, n: 1, side: 112, inputs: 3, outputs: 64, kernel: 7, stride: 2),
        Case(algorithm: .direct, n: 1, side: 14, inputs: 256, outputs: 512, kernel: 1, stride: 2),
        Case(algorithm: .direct, n: 1, side: 7, inputs: 512, outputs: 512, kernel: 3),
        Case(algorithm: .direct, n: 1, side: 14, inputs: 128, outputs: 128, kernel: 3, groups: 32),
    ]

    /// Measured with AVX-512, the largest of the errors of output, input gradient and weight gradient: Winograd 1.1e-5,
    /// 1x1 products 1.7e-6, direct 6e-7, depthwise 5e-7.
    func testEveryAlgorithm_onRandomNumbers_isNearSumsInDouble() {
        var worst: [String: KernelError] = [:]
        for one in cases {
            let geometry = ConvolutionGeometry(one.kernel, stride: one.stride, padding: .same, groups: one.groups)
            let x = randomTensor([one.n, one.side, one.side, one.inputs], seed: 1)
            let weight = randomTensor([one.outputs, one.kernel, one.kernel, one.inputs / one.groups], seed: 2)
            let size = geometry.outputSize(height: one.side, width: one.side)
            let output = [one.n, size.height, size.width, one.outputs]
            XCTAssertEqual(ConvolutionAlgorithm(weight: weight, geometry: geometry, output: output), one.algorithm)
            let error = KernelError(
                x: x, weight: weight, geometry: geometry,
                gradient: randomTensor([1, one.n, size.height, size.width, one.outputs], seed: 3))
            XCTAssertLessThan(error.worst, limit, "\(one)")
            if error.worst > worst[one.algorithm.rawValue]?.worst ?? 0 { worst[one.algorithm.rawValue] = error }
        }
        for (name, error) in worst.sorted(by: { $0.key < $1.key }) {
            print(name, "forward \(error.forward), input \(error.input), weight \(error.weight)")
        }
        XCTAssertEqual(worst.count, ConvolutionAlgorithm.allCases.count)
    }
}
