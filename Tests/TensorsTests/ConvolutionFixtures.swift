import Foundation
import TestSupport
import XCTest

@testable import Tensors

/// The output of `Fixtures/make_convolutions.py`.
struct ConvolutionFixtures: Decodable {
    struct Stored: Decodable {
        let shape: [Int]
        let data: Data

        var tensor: Tensor {
            let values = data.withUnsafeBytes { bytes in
                (0..<bytes.count / 4).map {
                    Float(
                        bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self)))
                }
            }
            return Tensor(shape, values)
        }
    }

    struct Convolution: Decodable {
        let name: String
        let kernel: [Int], stride: [Int], padding: [Int], groups: Int
        let x: Stored, weight: Stored, bias: Stored, y: Stored, g: Stored, dx: Stored, dw: Stored, db: Stored

        var geometry: ConvolutionGeometry {
            let zeros: Padding =
                padding.isEmpty
                ? .same : .explicit(top: padding[0], left: padding[1], bottom: padding[2], right: padding[3])
            return ConvolutionGeometry(
                kernelHeight: kernel[0], kernelWidth: kernel[1], strideHeight: stride[0], strideWidth: stride[1],
                padding: zeros, groups: groups)
        }
    }

    struct Pool: Decodable {
        let kind: String
        let kernel: Int, stride: Int, padding: Int
        let ceil: Bool, counts: Bool
        let x: Stored, y: Stored, g: Stored, dx: Stored

        var geometry: PoolGeometry {
            PoolGeometry(kernel, stride: stride, padding: .all(padding), ceilMode: ceil, countIncludesPadding: counts)
        }
    }

    struct Norm: Decodable {
        let x: Stored, gamma: Stored, beta: Stored, y: Stored, g: Stored, mean: Stored, variance: Stored
        let dx: Stored, dgamma: Stored, dbeta: Stored
    }

    let convolutions: [Convolution]
    let pools: [Pool]
    let norms: [Norm]

    static func load() throws -> ConvolutionFixtures {
        try JSONDecoder().decode(ConvolutionFixtures.self, from: Data(contentsOf: Fixture.url("convolutions.json")))
    }
}

/// Uniform in [-1, 1).
func randomTensor(_ shape: [Int], seed: UInt64) -> Tensor {
    var generator = SeededGenerator(seed: seed)
    return Tensor(shape, (0..<shape.reduce(1, *)).map { _ in generator.uniform() * 2 - 1 })
}

/// The largest difference, relative to the largest expected value.
func relativeError(_ actual: Tensor, _ expected: Tensor) -> Double {
    guard actual.count == expected.count else { return .infinity }
    var difference = 0.0
    var largest = 0.0
    for (a, e) in zip(actual.array, expected.array) {
        if a.isNaN != e.isNaN { return .infinity }
        difference = max(difference, abs(Double(a) - Double(e)))
        largest = max(largest, abs(Double(e)))
    }
    return difference / max(largest, 1e-30)
}

func dot(_ a: Tensor, _ b: Tensor) -> Double { zip(a.array, b.array).reduce(0) { $0 + Double($1.0) * Double($1.1) } }
