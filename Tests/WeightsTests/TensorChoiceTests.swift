import Foundation
import Tensors
import TestSupport
import Weights
import XCTest

/// Which tensors of a file are a network's: keys of dictionaries and prefixes of names.
final class TensorChoiceTests: XCTestCase {
    private let network: Set<String> = ["conv.weight", "conv.bias", "bn.weight", "fc.weight"]
    private var folder = FileManager.default.temporaryDirectory

    override func setUpWithError() throws { folder = try Fixture.temporaryFolder() }
    override func tearDownWithError() throws { try FileManager.default.removeItem(at: folder) }

    /// A pickle of nested dictionaries; a leaf is an array of one number.
    private indirect enum Value {
        case array(Float)
        case dictionary([(String, Value)])

        var pickle: [UInt8] {
            switch self {
            case .array(let value):
                return Pickled.arrayParts(shape: [1], bytes: Pickled.bytes(value.bitPattern))
            case .dictionary(let entries):
                return [0x7D, 0x28] + entries.flatMap { Pickled.text($0.0) + $0.1.pickle } + [0x75]
            }
        }
    }

    /// The network's tensors, all of which are `value`, with a prefix.
    private func weights(_ value: Float, _ prefix: String = "") -> Value {
        .dictionary(network.sorted().map { (prefix + $0, .array(value)) })
    }

    private func read(_ entries: [(String, Value)], key: String? = nil) throws -> WeightsFile {
        let url = folder.appendingPathComponent("\(UUID()).pkl")
        try Data([0x80, 4] + Value.dictionary(entries).pickle + [0x2E]).write(to: url)
        return try WeightsFile(url, for: network, key: key)
    }

    private func assertTaken(
        _ file: WeightsFile, _ value: Float = 1, prefix: String, leftOut: [String] = [], line: UInt = #line
    ) {
        XCTAssertEqual(Set(file.tensors.keys), network, line: line)
        XCTAssertEqual(Set(file.tensors.values.map(\.array)), [[value]], line: line)
        XCTAssertEqual(file.choice.prefix, prefix, line: line)
        XCTAssertEqual(file.leftOut, leftOut, line: line)
    }

    func testTensorChoice_ofAnyKeyAndPrefix_findsTheNetwork() throws {
        for key in ["state_dict", "net", "params", "weights", "model_ema", "student", "a.b"] {
            for prefix in ["", "module.", "model.", "backbone.", "_orig_mod.module.encoder."] {
                let file = try read([("best", .array(0)), (key, weights(1, prefix))])
                assertTaken(file, prefix: "\(key).\(prefix)", leftOut: ["best"])
                XCTAssertEqual(file.choice.alternatives, [], key)
            }
        }
        guard case .dictionary(let entries) = weights(1, "module.") else { return }
        assertTaken(try read(entries), prefix: "module.")
        // An optimiser's state has more tensors than the network.
        let state = Value.dictionary((0..<9).map { ("\($0)", .array(0)) })
        let optimizer = Value.dictionary([("state", state)])
        assertTaken(
            try read([("run", .dictionary([("optimizer", optimizer), ("model", weights(1))]))]), prefix: "run.model.",
            leftOut: ["run.optimizer (9 tensors)"])
    }

    func testTensorChoice_ofSeveralThatFit_takesTheWeightsAndNamesTheOthers() throws {
        let entries = [("model_ema", weights(2, "module.")), ("model", weights(1))]
        let file = try read(entries)
        assertTaken(file, prefix: "model.", leftOut: ["model_ema (4 tensors)"])
        XCTAssertEqual(file.choice.alternatives, ["model_ema.module"])
        assertTaken(try read(entries, key: "model_ema"), 2, prefix: "model_ema.module.", leftOut: ["model (4 tensors)"])
        assertThrows("no tensors under the key 'ema'", "'model (4 tensors)'") { _ = try read(entries, key: "ema") }
        // A larger network may have these names among its own.
        let larger = Value.dictionary((network.sorted() + ["conv2.weight"]).map { ($0, .array(3)) })
        assertTaken(
            try read([("teacher", larger), ("student", weights(1))]), prefix: "student.",
            leftOut: ["teacher (5 tensors)"])
    }

    func testTensorChoice_ofAPrefixThatOthersLack_namesTheOthers() throws {
        guard case .dictionary(var entries) = weights(1, "encoder.") else { return }
        entries.append(("decoder.weight", .array(0)))
        let file = try read(entries)
        XCTAssertEqual(Set(file.tensors.keys), network.union(["decoder.weight"]))
        XCTAssertEqual(file.choice.prefix, "encoder.")
        XCTAssertEqual(file.choice.matches, 4)
        XCTAssertEqual(file.choice.others.names, ["decoder.weight"])
        XCTAssertEqual(file.choice.others.count, 1)
        assertTaken(try read(entries, key: "encoder"), prefix: "encoder.", leftOut: ["decoder.weight"])
        entries.append(("conv.weight", .array(0)))
        assertThrows("two tensors of the name 'conv.weight'") { _ = try read(entries) }
        let url = folder.appendingPathComponent("x.safetensors")
        try SafeTensors.write(
            Dictionary(uniqueKeysWithValues: entries.map { ($0.0, Tensor([1])) }), to: url, type: .f32)
        assertThrows("two tensors of the name 'conv.weight', with and without 'encoder.'") {
            _ = try WeightsFile(url, for: network)
        }
    }

    /// Another network may have a block with a few of the names.
    func testTensorChoice_ofAFewNamesThatFitByChance_keepsTheNames() throws {
        let names = ["layer1.conv.weight", "layer1.x", "layer2.y"]
        let file = try read(names.map { ($0, .array(0)) })
        XCTAssertEqual(Set(file.tensors.keys), Set(names))
        XCTAssertEqual(file.choice.prefix, "")
    }

    func testTensorChoice_ofNamesThatAllBeginAlike_keepsThem() throws {
        let url = folder.appendingPathComponent("x.safetensors")
        let state = ["features.0.weight": Tensor([1]), "features.0.bias": Tensor([1])]
        try SafeTensors.write(state, to: url, type: .f32)
        let file = try WeightsFile(url, for: ["features.0.weight", "features.0.bias", "classifier.weight"])
        XCTAssertEqual(Set(file.tensors.keys), Set(state.keys))
        try SafeTensors.write(
            Dictionary(uniqueKeysWithValues: state.map { ("module." + $0.key, $0.value) }), to: url, type: .f32)
        XCTAssertEqual(Set(try WeightsFile(url, for: Set(state.keys)).tensors.keys), Set(state.keys))
    }
}
