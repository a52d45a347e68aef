import XCTest

@testable import Tensors

/// Convolutions of few channels, whose windows are multiplied in place, against their definition.
final class WindowProductTests: XCTestCase {
    private func check(
        _ shape: [Int], outputs: Int, kernel: Int, stride: Int, padding: Padding = .same, line: UInt = #line
    ) {
        let (n, h, w, c) = (shape[0], shape[1], shape[2], shape[3])
        let geometry = ConvolutionGeometry(kernel, stride: stride, padding: padding)
        let x = randomTensor(shape, seed: 1), weight = randomTensor([outputs, kernel, kernel, c], seed: 2)
        let bias = randomTensor([outputs], seed: 3)
        let size = geometry.outputSize(height: h, width: w), pad = geometry.padding(height: h, width: w)
        XCTAssertTrue(
            suitsWindows(geometry, length: kernel * kernel * c, outputWidth: size.width), "another kernel", line: line)
        let y = convolution(
            Variable(x), Variable(weight), Variable(bias), geometry, activation: .relu6,
            prepared: PreparedConvolution(weight: weight, geometry: geometry)
        ).value
        XCTAssertEqual(y.shape, [n, size.height, size.width, outputs], line: line)
        var worst: Float = 0, positive = 0
        for (at, found) in y.array.enumerated() {
            let o = at % outputs, ox = at / outputs % size.width, oy = at / outputs / size.width % size.height
            let image = at / outputs / size.width / size.height
            var sum = Double(bias.pointer[o])
            for ky in 0..<kernel {
                for kx in 0..<kernel {
                    let (iy, ix) = (oy * stride - pad.top + ky, ox * stride - pad.left + kx)
                    if iy < 0 || iy >= h || ix < 0 || ix >= w { continue }
                    for k in 0..<c {
                        sum +=
                            Double(x.pointer[((image * h + iy) * w + ix) * c + k])
                            * Double(weight.pointer[((o * kernel + ky) * kernel + kx) * c + k])
                    }
                }
            }
            worst = max(worst, abs(found - Float(min(6, max(0, sum)))))
            if found > 0 && found < 6 { positive += 1 }
        }
        // Up to 243 products of about 1, each rounded once.
        XCTAssertLessThan(worst, 3e-5, "\(shape), \(outputs) outputs", line: line)
        XCTAssertGreaterThan(positive, y.count / 8, line: line)
    }

    /// Shapes of first layers: one panel of weights, panels of each width, and strips of more than one row.
    func testWindowProduct_atShapesOfFirstLayers_equalsSumsInDouble() {
        check([1, 70, 70, 3], outputs: 32, kernel: 3, stride: 2)
        check([1, 48, 47, 3], outputs: 64, kernel: 7, stride: 2, padding: .all(3))
        check([1, 30, 48, 3], outputs: 88, kernel: 3, stride: 1)
        check([1, 150, 24, 1], outputs: 17, kernel: 5, stride: 1)
        check([1, 24, 24, 27], outputs: 15, kernel: 3, stride: 1)
    }

    func testWindowProduct_withLittleAndMuchPadding_equalsSumsInDouble() {
        check([1, 26, 26, 3], outputs: 16, kernel: 3, stride: 2, padding: .all(0))
        check([1, 8, 8, 3], outputs: 16, kernel: 3, stride: 1, padding: .all(9))
        check(
            [1, 9, 23, 2], outputs: 20, kernel: 5, stride: 1, padding: .explicit(top: 4, left: 0, bottom: 0, right: 5))
    }

    /// A thread's rows may be of several images.
    func testWindowProduct_onSeveralImages_equalsSumsInDouble() {
        check([5, 9, 24, 3], outputs: 16, kernel: 3, stride: 1)
        check([3, 1, 24, 3], outputs: 40, kernel: 3, stride: 1)
    }
}
