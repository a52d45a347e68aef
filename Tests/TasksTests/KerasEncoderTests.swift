import Foundation
import Language
import TestSupport
import XCTest

@testable import Tasks
@testable import Tensors
@testable import Vision
@testable import Weights

/// The CNNs of Keras that captioners are trained on: their layers under torchvision's names.
final class KerasEncoderTests: FamilyTestCase {
    /// Every weight is a hash of Keras's name for it, so a layer in another's place would change the map.
    func testInception_isKeras() throws {
        let json = try CheckpointFixture.expected("keras/inception")
        var tensors: [String: Tensor] = [:]
        // [height, width, in, out]; hashed as [out, in, height, width].
        for (layer, shape) in try XCTUnwrap(json["convolutions"] as? [String: [Int]]) {
            let name = "\(layer).kernel"
            tensors[name] = ReproducibleWeights.parameter(
                name, [shape[3], shape[2], shape[0], shape[1]], gain: 1
            ).permuted([2, 3, 1, 0])
        }
        for (layer, width) in try XCTUnwrap(json["norms"] as? [String: Int]) {
            for (name, mean) in [("beta", Float(0)), ("moving_mean", 0), ("moving_variance", 1)] {
                let noise = ReproducibleWeights.noise("\(layer).\(name)", [width]).array
                tensors["\(layer).\(name)"] = Tensor([width], noise.map { $0 * 0.4 + mean })
            }
        }
        let named = try EncoderNames(keras: tensors)
        let found = try XCTUnwrap(EncoderTensors(in: named.tensors, preferred: named.preferred, only: nil))
        XCTAssertEqual(found.architecture.name, "keras_inception_v3")
        let imported = try ImportedEncoder(found, origin: "test")
        let store = ParameterStore(strict: imported.state, origin: "test")
        let encoder = found.architecture.encoder(store.scope(), folded: true)
        let side = try XCTUnwrap(json["side"] as? Int)
        let picture = ReproducibleWeights.noise("inception.picture", [1, side, side, 3])
        let map = encoder(Variable(Tensor(picture.shape, picture.array.map { $0 * 2 }))).value.array.map(Double.init)
        let expected = try XCTUnwrap(json["map"] as? [String: Any])
        let every = try XCTUnwrap(expected["every"] as? Int), values = try XCTUnwrap(expected["values"] as? [Double])
        let largest = map.max() ?? 0
        XCTAssertEqual(values.count, (map.count + every - 1) / every)
        for (index, value) in values.enumerated() {
            XCTAssertEqual(map[index * every], value, accuracy: 1e-4 * largest, "\(index * every)")
        }
        let sum = try XCTUnwrap(expected["sum"] as? Double)
        XCTAssertEqual(map.reduce(0, +), sum, accuracy: 1e-4 * sum)
    }

    func testTheKernelBehindAFlattenedMap_readsChannelsFirst() throws {
        // 2x2 cells of 3 channels, 2 outputs: the row of cell (y, x) and channel c is (2 y + x) 3 + c.
        let kernel = Tensor([12, 2], (0..<24).map { Float($0) })
        let weight = try XCTUnwrap(EncoderNames.reading(map: kernel, side: 2))
        XCTAssertEqual(weight.shape, [2, 12])
        for output in 0..<2 {
            for c in 0..<3 {
                for y in 0..<2 {
                    for x in 0..<2 {
                        XCTAssertEqual(
                            weight.array[output * 12 + (c * 2 + y) * 2 + x], Float(((2 * y + x) * 3 + c) * 2 + output))
                    }
                }
            }
        }
        XCTAssertNil(EncoderNames.reading(map: kernel, side: 5))
    }

    func testVGG_hasKerasPixelsAndLayers() throws {
        var tensors: [String: Tensor] = [:]
        var inputs = 3
        for (block, (count, outputs)) in [(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)].enumerated() {
            for number in 1...count {
                let name = "block\(block + 1)_conv\(number)"
                tensors["\(name).kernel"] = ReproducibleWeights.noise(name, [3, 3, inputs, outputs])
                tensors["\(name).bias"] = ReproducibleWeights.noise("\(name).bias", [outputs])
                inputs = outputs
            }
        }
        let named = try EncoderNames(keras: tensors)
        let found = try XCTUnwrap(EncoderTensors(in: named.tensors, preferred: named.preferred, only: nil))
        XCTAssertEqual(found.architecture.name, "vgg16")
        XCTAssertEqual(named.preprocessing?.mean, [123.68, 116.779, 103.939])
        XCTAssertEqual(named.preprocessing?.std, [1, 1, 1])
        // Keras's first kernel reads blue, green and red: [row, column, channel, output].
        let kernel = try XCTUnwrap(tensors["block1_conv1.kernel"]),
            weight = try XCTUnwrap(found.tensors["features.0.weight"])
        for (output, red, row, column) in [(0, 0, 0, 0), (5, 0, 1, 2), (63, 2, 2, 1)] {
            XCTAssertEqual(
                weight.array[((output * 3 + red) * 3 + row) * 3 + column],
                kernel.array[((row * 3 + column) * 3 + 2 - red) * 64 + output])
        }
        let last = try XCTUnwrap(tensors["block5_conv3.kernel"])
        XCTAssertEqual(found.tensors["features.28.weight"]?.array, last.permuted([3, 2, 0, 1]).array)
        // A captioner of 4096 numbers needs fc1 and fc2, too, which this file lacks.
        XCTAssertNil(named.tensors["classifier.0.weight"])
    }

    func testXception_isRefusedByName() throws {
        XCTAssertThrowsError(try EncoderNames(keras: ["block14_sepconv2.depthwise_kernel": Tensor([3, 3, 4, 1])])) {
            XCTAssertTrue(($0 as? FamilyProblem)?.text.contains("Xception") ?? false)
        }
    }
}
