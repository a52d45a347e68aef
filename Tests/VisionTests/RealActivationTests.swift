import Foundation
import TestSupport
import Weights
import XCTest

@testable import Tensors
@testable import Vision

/// Every kernel on the activations of networks: each convolution's input, weight and output gradient, against sums in
/// double precision. Activations are not distributed like random numbers: most are zero and a few are large, which
/// affects the error of Winograd's transforms.
final class RealActivationTests: XCTestCase {
    private let limit = 1e-4

    /// A drawn scene with texture, preprocessed for the network: `[1, side, side, 3]`.
    private func image(_ side: Int, _ preprocessing: Preprocessing) throws -> Tensor {
        let own = Preprocessing(
            width: side, height: side, fit: .squash, filter: preprocessing.filter, mean: preprocessing.mean,
            std: preprocessing.std)
        return own.prepare(ToyScene(seed: 2_024, index: 1).image).tensor
    }

    /// The largest error of each algorithm over the network's convolutions, for the gradient of a sum of the feature
    /// map's elements with random signs.
    private func check(_ encoder: Encoder, _ image: Tensor, _ name: String) -> [ConvolutionAlgorithm: Double] {
        let tape = Tape()
        let features = encoder(tape.leaf(image))
        var random = SeededGenerator(seed: 4)
        let seed = Tensor([1] + features.shape, (0..<features.value.count).map { _ in random.uniform() < 0.5 ? -1 : 1 })
        let nodes = tape.nodes.indices.filter {
            if case .convolution = tape.nodes[$0].operation { true } else { false }
        }
        let outputs = nodes.map { Variable(Tensor(tape.nodes[$0].shape), tape: tape, node: $0) }
        let gradients = tape.gradients(of: features, seed: seed, withRespectTo: outputs)
        var worst: [ConvolutionAlgorithm: Double] = [:]
        for (i, one) in tape.convolutions.enumerated() {
            let error = KernelError(
                x: one.input, weight: one.weight, geometry: one.geometry, gradient: gradients[i], samples: 4)
            XCTAssertLessThan(error.worst, limit, "\(name), convolution \(i) of \(one.weight.shape): \(error)")
            let algorithm = ConvolutionAlgorithm(weight: one.weight, geometry: one.geometry, output: one.output)
            worst[algorithm] = max(worst[algorithm] ?? 0, error.worst)
        }
        print(name, worst.map { "\($0.key) \($0.value)" }.sorted().joined(separator: ", "))
        return worst
    }

    /// The shipped encoder with its trained weights. Measured: depthwise 5.0e-6, 1x1 products 6.5e-7, direct 2.7e-7.
    func testEveryKernel_inTheShippedEncoder_isNearSumsInDouble() throws {
        struct Configuration: Decodable { let encoder: EncoderConfiguration, preprocessing: Preprocessing }
        let folder = Fixture.url("").deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("models/caption-flickr8k")
        let configuration = try JSONDecoder().decode(
            Configuration.self, from: Data(contentsOf: folder.appendingPathComponent("config.json")))
        let state = try SafeTensors.read(folder.appendingPathComponent("model.safetensors")) {
            $0.hasPrefix("encoder.")
        }
        let store = ParameterStore(strict: state, origin: folder.path)
        let encoder = try configuration.encoder.makeEncoder(store.scope()["encoder"])
        try store.checkComplete()
        let worst = check(encoder, try image(260, configuration.preprocessing), "caption-flickr8k")
        XCTAssertEqual(Set(worst.keys), [.product, .depthwise, .direct])
    }

    /// Winograd in the twelve layers of VGG, and in a residual network, with random weights that keep the spread of
    /// activations from layer to layer. Measured: Winograd 1.5e-5, 1x1 products 1.3e-6, direct 1.2e-6.
    func testEveryKernel_inDeepNetworks_isNearSumsInDouble() throws {
        for (name, side) in [("vgg16", 96), ("resnet18", 128), ("resnext50_32x4d", 64)] {
            let architecture = try Architectures.named(name)
            let encoder = architecture.encoder(ParameterStore(seed: 6).scope(), folded: true)
            let worst = check(encoder, try image(side, architecture.preprocessing), name)
            XCTAssertEqual(worst[.winograd] != nil, name != "resnext50_32x4d")
        }
    }

    /// Every element of every layer of VGG-16, Winograd against im2col. Measured: 7.1e-6.
    func testWinograd_onEveryElementOfVGG_isNearIm2col() throws {
        let architecture = try Architectures.named("vgg16")
        let encoder = architecture.encoder(ParameterStore(seed: 6).scope(), folded: true)
        let tape = Tape()
        _ = encoder(tape.leaf(try image(64, architecture.preprocessing)))
        var error = 0.0
        for one in tape.convolutions {
            let o = one.weight.shape[0], length = one.weight.count / o
            let matrix = PackedMatrix(transposing: one.weight, depth: length, columns: o)
            let direct = Tensor(uninitialized: one.output)
            im2colForward(one.input, matrices: [matrix], geometry: one.geometry, .none, direct)
            let y = convolution(Variable(one.input), Variable(one.weight), nil, one.geometry).value
            error = max(error, relative(y, direct))
        }
        XCTAssertGreaterThan(error, 0)
        XCTAssertLessThan(error, limit)
        print("vgg16, every element of every layer: \(error)")
    }

    private func relative(_ a: Tensor, _ b: Tensor) -> Double {
        var difference: Float = 0, largest: Float = 1e-30
        for (x, y) in zip(a.array, b.array) {
            (difference, largest) = (max(difference, abs(x - y)), max(largest, abs(y)))
        }
        return Double(difference / largest)
    }
}
