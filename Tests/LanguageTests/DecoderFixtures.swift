import Foundation
import Tensors
import TestSupport
import XCTest

@testable import Language

/// The output of `Fixtures/make_decoders.py`: a decoder's parameters, two captions of each of two images, and PyTorch's
/// logits and gradients.
struct DecoderFixture: Decodable {
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

    struct File: Decodable {
        struct Sizes: Decodable { let features: Int, vocabulary: Int, embedding: Int, hidden: Int, attention: Int }
        let sizes: Sizes
        let cases: [String: DecoderFixture]
    }

    let words: [[Int]]
    let features: Stored, y: Stored, g: Stored
    let parameters: [String: Stored], gradients: [String: Stored]

    static func load(_ variant: DecoderVariant) throws -> (configuration: DecoderConfiguration, fixture: DecoderFixture)
    {
        let file = try JSONDecoder().decode(File.self, from: Data(contentsOf: Fixture.url("decoders.json")))
        let sizes = file.sizes
        let configuration = DecoderConfiguration(
            kind: variant.kind, features: sizes.features, vocabulary: sizes.vocabulary, embedding: sizes.embedding,
            hidden: sizes.hidden, attention: sizes.attention, visual: variant.visual)
        return (configuration, try XCTUnwrap(file.cases[variant.description]))
    }
}

/// Every decoder, with its variants.
struct DecoderVariant: CustomStringConvertible {
    var kind: DecoderConfiguration.Kind
    var visual: Int?

    static let all =
        DecoderConfiguration.Kind.allCases.filter(\.isTrainable).map { DecoderVariant(kind: $0) }
        + [DecoderVariant(kind: .showAttendAndTell, visual: 3)]

    var description: String { kind.rawValue + (visual == nil ? "" : ", visual term") }
}

/// Uniform in [-1, 1).
func randomTensor(_ shape: [Int], seed: UInt64) -> Tensor {
    var generator = SeededGenerator(seed: seed)
    return Tensor(shape, (0..<shape.reduce(1, *)).map { _ in generator.uniform() * 2 - 1 })
}

func dot(_ a: Tensor, _ b: Tensor) -> Double { zip(a.array, b.array).reduce(0) { $0 + Double($1.0) * Double($1.1) } }

/// a + factor * b
func moved(_ a: Tensor, along b: Tensor, by factor: Float) -> Tensor {
    Tensor(a.shape, zip(a.array, b.array).map { $0 + factor * $1 })
}

/// The largest difference, relative to the largest expected value.
func relativeError(_ actual: [Float], _ expected: [Float]) -> Float {
    guard actual.count == expected.count, !actual.contains(where: \.isNaN) else { return .infinity }
    let largest = expected.map(abs).max() ?? 0
    return (zip(actual, expected).map { abs($0 - $1) }.max() ?? 0) / max(largest, 1e-30)
}
