import XCTest

@testable import Tensors

final class ConvolutionTests: XCTestCase {
    /// Float32 sums of up to 150 terms against float64: 2e-6 of the largest value. Winograd's transforms multiply by up
    /// to 8 and lose about two more digits (Lavin & Gray 2016, section 5).
    private func tolerance(_ weight: Tensor, _ geometry: ConvolutionGeometry) -> Double {
        WinogradWeights.suits(weight, geometry) ? 3e-5 : 2e-6
    }

    func testConvolution_forwardAndBackward_matchesPyTorchFixture() throws {
        let cases = try ConvolutionFixtures.load().convolutions
        XCTAssertGreaterThan(cases.count, 20)
        for one in cases {
            let x = one.x.tensor
            let weight = one.weight.tensor
            let bias = one.bias.tensor
            let geometry = one.geometry
            let limit = tolerance(weight, geometry)
            let prepared = PreparedConvolution(weight: weight, geometry: geometry)
            for preparation in [nil, prepared] {
                let y = convolutionForward(
                    x, weight: weight, bias: bias, geometry: geometry, activation: .none, prepared: preparation)
                XCTAssertEqual(y.shape, one.y.shape, one.name)
                XCTAssertLessThan(relativeError(y, one.y.tensor), limit, "\(one.name): y")
            }
            let parts = convolutionBackward(
                one.g.tensor.reshaped([1] + one.g.shape), x: x, weight: weight, geometry: geometry, seeds: 1,
                needed: [true, true, true])
            XCTAssertEqual(parts.count, 3)
            for (i, (what, expected)) in [("dx", one.dx), ("dw", one.dw), ("db", one.db)].enumerated() {
                XCTAssertLessThan(
                    relativeError(try XCTUnwrap(parts[i]), expected.tensor), limit, "\(one.name): \(what)")
            }
            XCTAssertEqual(parts[0]?.shape, [1] + x.shape, one.name)
            XCTAssertEqual(parts[1]?.shape, weight.shape, one.name)
        }
    }

    func testConvolutionBackward_withSomeNeededInputs_returnsOnlyThese() {
        let x = randomTensor([1, 4, 4, 3], seed: 1)
        let weight = randomTensor([2, 3, 3, 3], seed: 2)
        let g = randomTensor([1, 1, 2, 2, 2], seed: 3)
        let geometry = ConvolutionGeometry(3)
        func needed(_ flags: [Bool]) -> [Bool] {
            convolutionBackward(g, x: x, weight: weight, geometry: geometry, seeds: 1, needed: flags).map { $0 != nil }
        }
        XCTAssertEqual(needed([true, false]), [true, false, false])
        XCTAssertEqual(needed([false, true]), [false, true, false])
        XCTAssertEqual(needed([false, false, true]), [false, false, true])
    }

    /// A 2x2 kernel over a 3x3 image.
    func testConvolution_withTwoByTwoKernel_equalsHandComputedValues() {
        let x = Tensor([1, 3, 3, 1], [1, 2, 3, 4, 5, 6, 7, 8, 9])
        let weight = Tensor([1, 2, 2, 1], [1, 2, 3, 4])
        let geometry = ConvolutionGeometry(2)
        let y = convolutionForward(
            x, weight: weight, bias: Tensor([1], [-40]), geometry: geometry, activation: .relu, prepared: nil)
        // 1+4+12+20 = 37, 2+6+15+24 = 47, 4+10+21+32 = 67, 5+12+24+36 = 77; minus 40.
        XCTAssertEqual(y.array, [0, 7, 27, 37])
        let g = Tensor([1, 1, 2, 2, 1], [1, 0, 0, 10])
        let parts = convolutionBackward(
            g, x: x, weight: weight, geometry: geometry, seeds: 1, needed: [true, true, true])
        XCTAssertEqual(parts[0]?.array, [1, 2, 0, 3, 14, 20, 0, 30, 40])
        XCTAssertEqual(parts[1]?.array, [51, 62, 84, 95])
        XCTAssertEqual(parts[2]?.array, [11])
    }

    func testSamePadding_withAnOddPixel_putsItLast() {
        // As in TensorFlow: width 4, kernel 3, stride 2 give one zero at the right and none at the left.
        let geometry = ConvolutionGeometry(3, stride: 2, padding: .same)
        XCTAssertTrue(geometry.padding(height: 4, width: 5) == (0, 1, 1, 1))
        XCTAssertTrue(geometry.outputSize(height: 4, width: 5) == (2, 3))
        let y = convolutionForward(
            Tensor([1, 4, 4, 1], repeating: 1), weight: Tensor([1, 3, 3, 1], repeating: 1), bias: nil,
            geometry: geometry,
            activation: .none, prepared: nil)
        XCTAssertEqual(y.array, [9, 6, 6, 4])
    }

    func testConvolution_withFusedActivation_equalsTheActivationKernel() {
        let shapes: [([Int], [Int], ConvolutionGeometry)] = [
            ([1, 6, 6, 20], [18, 1, 1, 20], ConvolutionGeometry(1)),
            ([1, 6, 7, 16], [17, 3, 3, 16], ConvolutionGeometry(3, padding: .all(1))),
            ([1, 6, 6, 18], [18, 3, 3, 1], ConvolutionGeometry(3, padding: .same, groups: 18)),
            ([1, 6, 6, 3], [5, 3, 3, 3], ConvolutionGeometry(3, stride: 2, padding: .same)),
        ]
        for (input, kernel, geometry) in shapes {
            let x = randomTensor(input, seed: 4)
            let weight = randomTensor(kernel, seed: 5)
            let bias = randomTensor([kernel[0]], seed: 6)
            let plain = convolutionForward(
                x, weight: weight, bias: bias, geometry: geometry, activation: .none, prepared: nil)
            for activation in [Activation.relu, .relu6, .tanh, .sigmoid] {
                let fused = convolutionForward(
                    x, weight: weight, bias: bias, geometry: geometry, activation: activation, prepared: nil)
                XCTAssertEqual(fused.array, activationForward(activation, plain).array, "\(activation) \(geometry)")
            }
        }
    }

    /// NaN is not clamped away, so a broken image is noticed.
    func testConvolution_withNaNInTheInput_returnsNaN() {
        var values = [Float](repeating: 1, count: 3 * 3 * 16)
        values[4 * 16] = .nan
        let x = Tensor([1, 3, 3, 16], values)
        for geometry in [ConvolutionGeometry(1), ConvolutionGeometry(3, padding: .all(1))] {
            let weight = Tensor([16, geometry.kernelHeight, geometry.kernelWidth, 16], repeating: 0.1)
            let y = convolutionForward(
                x, weight: weight, bias: nil, geometry: geometry, activation: .relu6, prepared: nil)
            XCTAssertTrue(y[0, 1, 1, 3].isNaN)
        }
    }

    /// Shapes of real networks, odd shapes, and both schedules of Winograd, against a sum in double.
    func testWinograd_atSizesOfRealNetworks_equalsIm2col() {
        for (n, h, w, c, o, relu) in [
            (1, 14, 14, 64, 48, true), (1, 60, 57, 16, 32, false), (3, 13, 7, 33, 40, true), (1, 4, 4, 256, 16, true),
        ] {
            let values = randomTensor([n, h, w, c], seed: 7)
            let x = relu ? activationForward(.relu, values) : values
            let weight = randomTensor([o, 3, 3, c], seed: 8)
            let geometry = ConvolutionGeometry(3, padding: .all(1))
            XCTAssertTrue(WinogradWeights.suits(weight, geometry))
            let y = convolutionForward(
                x, weight: weight, bias: nil, geometry: geometry, activation: .none, prepared: nil)
            let matrix = PackedMatrix(transposing: weight, depth: 9 * c, columns: o)
            let direct = Tensor(uninitialized: y.shape)
            im2colForward(x, matrices: [matrix], geometry: geometry, .none, direct)
            XCTAssertLessThan(relativeError(y, direct), 3e-5, "\(h)x\(w)x\(c)->\(o)")
            let pixel = [0, h / 2, w - 1, o - 1]
            XCTAssertEqual(
                Double(direct[0, pixel[1], pixel[2], pixel[3]]), directSum(x, weight, pixel), accuracy: 1e-4)
        }
    }

    private func directSum(_ x: Tensor, _ weight: Tensor, _ p: [Int]) -> Double {
        var sum = 0.0
        for ky in 0..<3 {
            for kx in 0..<3 {
                let y = p[1] + ky - 1
                let column = p[2] + kx - 1
                if y < 0 || y >= x.shape[1] || column < 0 || column >= x.shape[2] { continue }
                for c in 0..<x.shape[3] { sum += Double(x[p[0], y, column, c]) * Double(weight[p[3], ky, kx, c]) }
            }
        }
        return sum
    }

    /// <g, conv(x, w)> = <dx, x> = <dw, w>: both gradients are adjoints of the forward pass, at sizes that the fixtures
    /// do not have.
    func testConvolutionBackward_atManySizes_isTheAdjoint() throws {
        for (n, h, w, c, o, k, s, groups) in [
            (2, 23, 19, 24, 40, 3, 1, 1), (1, 30, 31, 8, 50, 5, 2, 1), (4, 17, 17, 48, 48, 5, 2, 48),
            (2, 28, 28, 64, 64, 3, 1, 64),
            (3, 20, 20, 40, 100, 1, 1, 1), (1, 20, 20, 12, 12, 3, 1, 4), (1, 15, 15, 16, 16, 1, 2, 1),
            (5, 33, 29, 3, 32, 3, 2, 1),
        ] {
            let geometry = ConvolutionGeometry(k, stride: s, padding: .same, groups: groups)
            let x = randomTensor([n, h, w, c], seed: 9)
            let weight = randomTensor([o, k, k, c / groups], seed: 10)
            let y = convolutionForward(
                x, weight: weight, bias: nil, geometry: geometry, activation: .none, prepared: nil)
            let g = randomTensor([1] + y.shape, seed: 11)
            let parts = convolutionBackward(
                g, x: x, weight: weight, geometry: geometry, seeds: 1, needed: [true, true])
            let value = dot(g, y)
            let size = Double(y.count).squareRoot()
            XCTAssertEqual(dot(try XCTUnwrap(parts[0]), x), value, accuracy: 1e-4 * size, "\(geometry)")
            XCTAssertEqual(dot(try XCTUnwrap(parts[1]), weight), value, accuracy: 1e-4 * size, "\(geometry)")
        }
    }

    /// The output is linear in each argument, so a difference with step 1 is the derivative, up to rounding.
    func testConvolutionGradient_ofEveryInput_equalsFiniteDifferences() throws {
        let geometry = ConvolutionGeometry(
            kernelHeight: 3, kernelWidth: 2, strideHeight: 2, padding: .explicit(top: 1, left: 0, bottom: 0, right: 1),
            groups: 2)
        let x = randomTensor([2, 5, 4, 4], seed: 12)
        let weight = randomTensor([6, 3, 2, 2], seed: 13)
        let bias = randomTensor([6], seed: 14)
        func run(_ x: Tensor, _ weight: Tensor, _ bias: Tensor) -> Tensor {
            convolutionForward(x, weight: weight, bias: bias, geometry: geometry, activation: .none, prepared: nil)
        }
        let y = run(x, weight, bias)
        let g = randomTensor([1] + y.shape, seed: 15)
        let parts = convolutionBackward(
            g, x: x, weight: weight, geometry: geometry, seeds: 1, needed: [true, true, true])
        for (argument, tensor) in [x, weight, bias].enumerated() {
            let gradient = try XCTUnwrap(parts[argument]).array
            for i in stride(from: 0, to: tensor.count, by: 5) {
                let moved = tensor.copy()
                moved.pointer[i] += 1
                let arguments = [x, weight, bias].enumerated().map { $0 == argument ? moved : $1 }
                let difference = dot(g, run(arguments[0], arguments[1], arguments[2])) - dot(g, y)
                XCTAssertEqual(Double(gradient[i]), difference, accuracy: 2e-5, "argument \(argument), element \(i)")
            }
        }
    }

    func testConvolutionBackward_withThreeSeeds_equalsSeparateRuns() throws {
        for (c, o, k, groups) in [(16, 20, 3, 1), (16, 16, 3, 16), (5, 7, 3, 1), (8, 9, 1, 1)] {
            let geometry = ConvolutionGeometry(k, padding: .same, groups: groups)
            let x = randomTensor([2, 6, 7, c], seed: 16)
            let weight = randomTensor([o, k, k, c / groups], seed: 17)
            let g = randomTensor([3, 2, 6, 7, o], seed: 18)
            let all = try XCTUnwrap(
                convolutionBackward(g, x: x, weight: weight, geometry: geometry, seeds: 3, needed: [true, false])[0])
            for seed in 0..<3 {
                let one = convolutionBackward(
                    g.rows(seed..<seed + 1), x: x, weight: weight, geometry: geometry, seeds: 1, needed: [true, false])
                XCTAssertLessThan(relativeError(all.row(seed), try XCTUnwrap(one[0])), 1e-6)
            }
        }
    }

    func testConvolution_ofASumOfInputs_isLinear() {
        let geometry = ConvolutionGeometry(3, padding: .all(1))
        let a = randomTensor([1, 9, 9, 16], seed: 19)
        let b = randomTensor([1, 9, 9, 16], seed: 20)
        let weight = randomTensor([16, 3, 3, 16], seed: 21)
        func run(_ x: Tensor) -> Tensor {
            convolutionForward(x, weight: weight, bias: nil, geometry: geometry, activation: .none, prepared: nil)
        }
        let combined = run(Tensor(a.shape, zip(a.array, b.array).map { 2 * $0 - $1 }))
        let expected = Tensor(combined.shape, zip(run(a).array, run(b).array).map { 2 * $0 - $1 })
        XCTAssertLessThan(relativeError(combined, expected), 3e-5)
    }

    /// Numbers of rows, columns and depth around the sizes of a register block.
    func testPackedProduct_aroundRegisterBlockSizes_equalsSumsInDouble() {
        for m in [1, 2, 3, 4, 5, 7, 11, 12, 13, 17, 24, 30] {
            for n in [1, 7, 8, 15, 16, 17, 24, 31, 32, 33, 48, 50, 65] {
                let k = 1 + (m * 7 + n) % 19
                let a = randomTensor([m, k], seed: 22)
                let b = randomTensor([n, k], seed: 23)
                let bias = randomTensor([n], seed: 24)
                let packed = PackedMatrix(transposing: b, depth: k, columns: n)
                // One extra column, which must not change.
                let c = Tensor([m, n + 1], repeating: 77)
                packedProduct(
                    rows: m, depth: k, columns: n, a.pointer, lda: k, packed.panels.pointer, c.pointer, ldc: n + 1,
                    Epilogue(bias: bias.pointer, activation: .relu))
                for i in 0..<m {
                    for j in 0..<n {
                        let sum = (0..<k).reduce(Double(bias[j])) { $0 + Double(a[i, $1]) * Double(b[j, $1]) }
                        XCTAssertEqual(Double(c[i, j]), max(0, sum), accuracy: 1e-5, "\(m)x\(n)x\(k) at \(i), \(j)")
                    }
                    XCTAssertEqual(c[i, n], 77)
                }
                withExtendedLifetime((packed, bias)) {}
            }
        }
    }

    func testTransposedProduct_aroundRegisterBlockSizes_equalsSumsInDouble() {
        for (m, n) in [(12, 16), (13, 17), (12, 32), (25, 33), (40, 70), (5, 40), (30, 9), (24, 47)] {
            for rows in [1, 63, 300] {
                let a = randomTensor([rows, m], seed: 25)
                let b = randomTensor([rows, n], seed: 26)
                let c = Tensor([m, n], repeating: 1)
                transposedProduct(rows: rows, m: m, n: n, a.pointer, lda: m, b.pointer, ldb: n, c.pointer, ldc: n)
                for i in 0..<m {
                    for j in 0..<n {
                        let sum = (0..<rows).reduce(1.0) { $0 + Double(a[$1, i]) * Double(b[$1, j]) }
                        XCTAssertEqual(Double(c[i, j]), sum, accuracy: 5e-5, "\(m)x\(n), \(rows) rows, at \(i), \(j)")
                    }
                }
            }
        }
    }

    /// The prepared weights of the backward pass give the same result each time, for every kernel.
    func testConvolutionBackward_withPreparedWeights_givesTheSameBitsEachTime() {
        let geometries = [
            (ConvolutionGeometry(3, padding: .all(1)), [32, 3, 3, 16]), (ConvolutionGeometry(1), [24, 1, 1, 16]),
            (ConvolutionGeometry(3, stride: 2, padding: .all(1), groups: 2), [24, 3, 3, 8]),
        ]
        for (geometry, shape) in geometries {
            let weight = randomTensor(shape, seed: 5), x = randomTensor([1, 9, 11, 16], seed: 6)
            let prepared = PreparedConvolution(weight: weight, geometry: geometry)
            let size = geometry.outputSize(height: 9, width: 11)
            let g = randomTensor([2, 1, size.height, size.width, shape[0]], seed: 7)
            func back(_ prepared: PreparedConvolution?) -> [Float] {
                convolutionBackward(
                    g, x: x, weight: weight, geometry: geometry, prepared: prepared, seeds: 2,
                    needed: [true, false, false])[0]?.array ?? []
            }
            let plain = back(nil)
            XCTAssertEqual(plain.count, 2 * x.count)
            for _ in 0..<3 { XCTAssertEqual(back(prepared), plain) }
        }
    }
}
