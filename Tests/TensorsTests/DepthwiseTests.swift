import XCTest

@testable import Tensors

/// Depthwise convolutions against their definition, one sum at a time: widths around the blocks of five, six and seven
/// columns, windows over each edge, channels that are not whole vectors.
final class DepthwiseTests: XCTestCase {
    private func check(
        _ shape: [Int], kernel: Int, stride: Int = 1, padding: Padding = .same, _ activation: Activation = .none,
        line: UInt = #line
    ) {
        let (n, h, w, c) = (shape[0], shape[1], shape[2], shape[3])
        let geometry = ConvolutionGeometry(kernel, stride: stride, padding: padding, groups: c)
        let x = randomTensor(shape, seed: 1), weight = randomTensor([c, kernel, kernel, 1], seed: 2)
        let bias = randomTensor([c], seed: 3)
        let y = convolution(
            Variable(x), Variable(weight), Variable(bias), geometry, activation: activation,
            prepared: PreparedConvolution(weight: weight, geometry: geometry)
        ).value
        let size = geometry.outputSize(height: h, width: w), pad = geometry.padding(height: h, width: w)
        XCTAssertEqual(y.shape, [n, size.height, size.width, c], line: line)
        var worst: Float = 0
        for image in 0..<n {
            for oy in 0..<size.height {
                for ox in 0..<size.width {
                    for ch in 0..<c {
                        var sum = Double(bias.pointer[ch])
                        for ky in 0..<kernel {
                            for kx in 0..<kernel {
                                let (iy, ix) = (oy * stride - pad.top + ky, ox * stride - pad.left + kx)
                                if iy < 0 || iy >= h || ix < 0 || ix >= w { continue }
                                sum +=
                                    Double(x.pointer[((image * h + iy) * w + ix) * c + ch])
                                    * Double(weight.pointer[(ch * kernel + ky) * kernel + kx])
                            }
                        }
                        if activation == .relu6 { sum = min(6, max(0, sum)) }
                        let found = y.pointer[((image * size.height + oy) * size.width + ox) * c + ch]
                        worst = max(worst, abs(found - Float(sum)))
                    }
                }
            }
        }
        // Up to 49 products of about 1, each rounded once.
        XCTAssertLessThan(worst, 1e-5, "\(shape), \(kernel)x\(kernel), stride \(stride)", line: line)
    }

    func testDepthwise_atEveryWidth_equalsSumsInDouble() {
        for width in 1...23 {
            for kernel in [3, 5] {
                for stride in [1, 2] { check([1, 6, width, 32], kernel: kernel, stride: stride, .relu6) }
            }
        }
    }

    func testDepthwise_withPartialVectorsOfChannels_equalsSumsInDouble() {
        for channels in [2, 15, 17, 40, 130, 275] {
            check([1, 5, 9, channels], kernel: 3, .relu6)
            check([1, 5, 9, channels], kernel: 5, stride: 2)
        }
    }

    func testDepthwise_withOtherKernelsAndStrides_equalsSumsInDouble() {
        check([1, 9, 11, 20], kernel: 7)
        check([1, 9, 11, 20], kernel: 3, stride: 3)
        check([2, 8, 8, 16], kernel: 1, stride: 2)
    }

    /// Windows that are all inside the image, and windows that are all outside it.
    func testDepthwise_withLittleAndMuchPadding_equalsSumsInDouble() {
        check([1, 9, 13, 32], kernel: 5, padding: .all(0))
        check([1, 9, 13, 32], kernel: 3, padding: .all(4))
        check([1, 7, 6, 32], kernel: 5, stride: 2, padding: .all(7))
        check([1, 9, 13, 32], kernel: 3, stride: 2, padding: .explicit(top: 2, left: 0, bottom: 1, right: 3))
    }

    /// Few rows are split by channels. Many rows are split by rows, which may be of several images.
    func testDepthwise_withSeveralImagesAndThreads_equalsSumsInDouble() {
        check([1, 40, 5, 48], kernel: 3)
        check([3, 2, 6, 160], kernel: 5)
        check([7, 9, 8, 48], kernel: 5, .relu6)
    }
}
