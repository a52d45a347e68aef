import Foundation
import XCTest

@testable import Tensors

/// The vector functions against Foundation's functions in double.
final class VectorMathTests: XCTestCase {
    /// Floats spread evenly over [low, high], and floats spread evenly over the logarithm of the magnitude.
    private func samples(_ low: Float, _ high: Float) -> [Float] {
        let even = (0..<160_000).map { low + (high - low) * Float($0) / 159_999 }
        let small = (0..<16_000).map { Float(pow(10, -30 + 30 * Double($0) / 15_999)) }
        return even + small.filter { $0 <= high } + small.map { -$0 }.filter { $0 >= low }
    }

    private func largestError(
        _ x: [Float], _ function: (Int, UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void,
        _ exact: (Double) -> Double
    ) -> (relative: Double, at: Float, absolute: Double) {
        var y = x
        var worst = 0.0
        var at: Float = 0
        var absolute = 0.0
        x.withUnsafeBufferPointer { input in
            y.withUnsafeMutableBufferPointer { output in
                if let a = input.baseAddress, let b = output.baseAddress { function(x.count, a, b) }
            }
        }
        for (x, y) in zip(x, y) {
            let expected = exact(Double(x))
            let difference = abs(Double(y) - expected)
            absolute = max(absolute, difference)
            if expected != 0 && abs(expected) > 1e-37 && difference / abs(expected) > worst {
                worst = difference / abs(expected)
                at = x
            }
        }
        return (worst, at, absolute)
    }

    private func exponential(_ count: Int, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>) {
        kernels.exponentials(count, x, 1, 0, y)
    }

    func testExponential_overItsRange_isNearDouble() {
        let error = largestError(samples(-84, 88), exponential, { exp($0) })
        XCTAssertLessThan(error.relative, 2.4e-7, "at \(error.at)")
    }

    func testSigmoid_overItsRange_isNearDouble() {
        let error = largestError(samples(-80, 80), Activation.sigmoid.apply, { 1 / (1 + exp(-$0)) })
        XCTAssertLessThan(error.relative, 3.6e-7, "at \(error.at)")
    }

    func testHyperbolicTangent_overItsRange_isNearDouble() {
        let error = largestError(samples(-20, 20), Activation.tanh.apply, { tanh($0) })
        XCTAssertLessThan(error.relative, 1.5e-6, "at \(error.at)")
        XCTAssertLessThan(error.absolute, 2e-7)
    }

    func testVectorFunctions_atExtremeInputs_saturate() {
        typealias Function = (Int, UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
        func one(_ x: Float, _ function: Function) -> Float {
            var y: Float = 7
            withUnsafePointer(to: x) { function(1, $0, &y) }
            return y
        }
        for x: Float in [100, 1e10, .greatestFiniteMagnitude, .infinity] {
            XCTAssertEqual(one(x, Activation.tanh.apply), 1)
            XCTAssertEqual(one(-x, Activation.tanh.apply), -1)
            XCTAssertEqual(one(x, Activation.sigmoid.apply), 1)
            XCTAssertEqual(one(-x, Activation.sigmoid.apply), 0, accuracy: 1e-37)
            XCTAssertGreaterThan(one(x, exponential), 1e38)
            XCTAssertEqual(one(-x, exponential), 0, accuracy: 2e-38)
        }
        XCTAssertEqual(one(0, exponential), 1)
        XCTAssertEqual(one(0, Activation.tanh.apply), 0)
        XCTAssertEqual(one(0, Activation.sigmoid.apply), 0.5)
        for function in [exponential, Activation.sigmoid.apply, Activation.tanh.apply] as [Function] {
            XCTAssertTrue(one(.nan, function).isNaN)
        }
    }

    /// The rest after whole vectors is treated alike, and memory beyond it is not changed.
    func testMapVectors_withAPartialVector_touchesNothingBeyond() {
        for count in [0, 1, 15, 16, 17, 31, 33] {
            let x = (0..<count + 1).map { Float($0) }
            var y = [Float](repeating: -1, count: count + 1)
            var z = y
            x.withUnsafeBufferPointer { a in
                y.withUnsafeMutableBufferPointer { b in
                    if let a = a.baseAddress, let b = b.baseAddress { mapVectors(count, a, b) { $0 * 2 } }
                }
                z.withUnsafeMutableBufferPointer { b in
                    if let a = a.baseAddress, let b = b.baseAddress { mapVectors2(count, a, a, b) { $0 + $1 } }
                }
            }
            XCTAssertEqual(y, (0..<count).map { Float($0) * 2 } + [-1])
            XCTAssertEqual(z, y)
        }
    }

    func testRowSums_ofManyLengths_equalSumsInDouble() {
        for count in [1, 15, 16, 17, 63, 64, 65, 200] {
            let x = randomTensor([count], seed: 3)
            let y = randomTensor([count], seed: 4)
            XCTAssertEqual(Double(dotProduct(x.pointer, y.pointer, count)), dot(x, y), accuracy: 1e-5)
            XCTAssertEqual(Double(sumOf(x.pointer, count)), x.array.reduce(0) { $0 + Double($1) }, accuracy: 1e-5)
            XCTAssertEqual(maximumOf(x.pointer, count), x.array.max() ?? 0)
            let exact = log(x.array.reduce(0) { $0 + exp(Double($1)) })
            XCTAssertEqual(Double(logSumExp(x.pointer, count)), exact, accuracy: 1e-6 * max(1, exact))
            withExtendedLifetime((x, y)) {}
        }
    }
}
