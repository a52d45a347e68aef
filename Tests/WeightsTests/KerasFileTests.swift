import Foundation
import Tensors
import TestSupport
import XCTest

@testable import Weights

final class KerasFileTests: XCTestCase {
    /// Fails unless the file's layers are those that Keras had.
    private func check(_ name: String, _ model: String, hasClasses: Bool = true, line: UInt = #line) throws {
        let file = try KerasFile(KerasFixtures.url(name))
        let all: [String: [KerasFixtures.Layer]] = try KerasFixtures.expected("keras.json")
        let expected = try XCTUnwrap(all[model]).filter { $0.class != "InputLayer" }
        let layers = file.layers.filter { !$0.name.hasPrefix("input_layer") }
        XCTAssertEqual(layers.map(\.name), expected.map(\.name), name, line: line)
        if hasClasses { XCTAssertEqual(layers.map(\.className), expected.map(\.class), name, line: line) }
        for (layer, expected) in zip(layers, expected) {
            let what = "\(name) \(layer.name)"
            XCTAssertEqual(Set(layer.weights.map(\.name)), Set(expected.weights.keys), what, line: line)
            for (weight, numbers) in expected.weights {
                try KerasFixtures.assertEqual(layer[weight], numbers, "\(what) \(weight)", line: line)
            }
        }
    }

    func testKerasFile_ofAWholeModel_holdsWhatKerasHad() throws {
        for model in ["merge", "cnn", "wrapped", "small"] {
            try check("\(model).h5", model)
            try check("\(model).keras", model)
        }
        try check("packed.keras", "small")
    }

    /// As the files of Keras's own networks are named, which are older than Keras 2.
    func testKerasFile_ofKeras1sWeights_hasShortNames() throws {
        let layers = try KerasFile(KerasFixtures.url("keras1.h5")).layers
        XCTAssertEqual(layers.map(\.name), ["block1_conv1"])
        XCTAssertEqual(layers.first?.weights.map(\.name), ["kernel", "bias"])
        XCTAssertEqual(layers.first?["kernel"]?.array, ramp(0..<18))
    }

    func testKerasFile_ofKeras2sWeights_holdsWhatKerasHad() throws {
        try check("merge-keras2.h5", "merge", hasClasses: false)
        let old = try KerasFile(KerasFixtures.url("merge-keras20.h5"))
        XCTAssertEqual(old.kerasVersion, "2.2.4")
        XCTAssertNil(old.configuration)
        let new = try KerasFile(KerasFixtures.url("merge.h5"))
        XCTAssertEqual(old.layers.count, new.layers.count)
        for (old, new) in zip(old.layers, new.layers) {
            XCTAssertEqual(old.name, new.name == "hidden" ? "block/hidden" : new.name)
            XCTAssertEqual(old.weights.map(\.name), new.weights.map(\.name))
            XCTAssertEqual(old.weights.map(\.tensor.array), new.weights.map(\.tensor.array))
        }
    }

    /// Without a description, in the file's order.
    func testKerasFile_ofKeras3sWeights_holdsWhatKerasHad() throws {
        let file = try KerasFile(KerasFixtures.url("merge.weights.h5"))
        let whole = try KerasFile(KerasFixtures.url("merge.h5"))
        XCTAssertNil(file.configuration)
        XCTAssertNil(file.kerasVersion)
        XCTAssertEqual(file.layers.map(\.name), ["dense", "hidden", "words", "embedding", "lstm"])
        XCTAssertEqual(file.layers.map(\.className), ["Dense", "Dense", "Dense", "Embedding", "LSTM"])
        for layer in file.layers {
            let other = try XCTUnwrap(whole.layers.first { $0.name == layer.name })
            XCTAssertEqual(layer.weights.map(\.name), other.weights.map(\.name))
            XCTAssertEqual(layer.weights.map(\.tensor.array), other.weights.map(\.tensor.array))
        }
    }

    func testKerasFile_ofAWholeModel_hasItsDescription() throws {
        for name in ["merge.h5", "merge.keras"] {
            let file = try KerasFile(KerasFixtures.url(name))
            XCTAssertEqual(file.kerasVersion, "3.15.1")
            let model = try XCTUnwrap(file.configuration)
            XCTAssertEqual(model["class_name"], .text("Functional"))
            let lstm = try XCTUnwrap(
                model["config"]?["layers"]?.list?.first { $0["class_name"] == .text("LSTM") }?["config"])
            XCTAssertEqual(lstm["units"]?.integer, 6)
            XCTAssertEqual(lstm["recurrent_activation"]?.text, "sigmoid")
            XCTAssertEqual(lstm["dropout"]?.number, 0)
            XCTAssertEqual(lstm["go_backwards"], .bool(false))
        }
    }

    func testKerasFile_ofNamesByClass_areKeras3s() {
        // As keras.src.utils.naming.to_snake_case gives them.
        let expected = [
            "Dense": "dense", "LSTM": "lstm", "Conv2D": "conv2d", "DepthwiseConv2D": "depthwise_conv2d",
            "BatchNormalization": "batch_normalization", "SeparableConv2D": "separable_conv2d",
            "GlobalAveragePooling2D": "global_average_pooling2d", "ZeroPadding2D": "zero_padding2d", "ReLU": "re_lu",
            "PReLU": "p_re_lu", "Conv2DTranspose": "conv2d_transpose", "InputLayer": "input_layer",
            "StackedRNNCells": "stacked_rnn_cells", "mine>MyLayer": "my_layer", "GRUCell": "gru_cell",
            "My_Layer": "my__layer", "UnitNormalization": "unit_normalization",
        ]
        for (name, snake) in expected { XCTAssertEqual(KerasDescription.snakeCase(name), snake) }
    }

    func testKerasFile_ofOtherFiles_saysWhatTheyAre() throws {
        assertThrows("no Keras file", "f4.npy") { _ = try KerasFile(Fixture.url("f4.npy")) }
        assertThrows("model.weights.h5", "model.save") { _ = try KerasFile(Fixture.url("arrays.npz")) }
        assertThrows("none of Keras's layouts") { _ = try KerasFile(KerasFixtures.url("layouts.h5")) }
        assertThrows("cannot be opened") { _ = try KerasFile(URL(fileURLWithPath: "/nowhere.h5")) }
        for name in ["small.h5", "small.keras"] {
            assertThrows("mmx model import FILE --vocabulary tokenizer.pkl", name) {
                _ = try WeightsFile(Fixture.url(name))
            }
        }
    }

    /// A .keras file of a description and weights that do not belong together.
    func testKerasFile_ofPartsOfDifferentModels_isRefused() throws {
        let file = try MappedFile(Fixture.url("small.keras"))
        let archive = try ZipArchive(file)
        let weights = Array(try XCTUnwrap(archive.contents("model.weights.h5")))
        let description = String(decoding: try XCTUnwrap(archive.contents("config.json")), as: UTF8.self)
        func refused(_ description: String, _ parts: String..., line: UInt = #line) throws {
            let members = [
                Zip.Member(name: "config.json", method: 0, data: Array(description.utf8)),
                Zip.Member(name: "model.weights.h5", method: 0, data: weights),
            ]
            let url = try Fixture.temporaryFolder().appendingPathComponent("x.keras")
            try Data(Zip.archive(members)).write(to: url)
            for part in parts { assertThrows(part, url.path, line: line) { _ = try KerasFile(url) } }
        }
        try refused(description.replacingOccurrences(of: "\"two\"", with: "\"three\""), "'two'", "'three'")
        try refused(description.replacingOccurrences(of: "\"Dense\"", with: "\"Denser\""), "layers/dense")
        try refused("{\"class_name\":\"Mine\",\"config\":{}}", "a model of its own class")
        try refused("{\"class_name\":\"Mine\",\"class_name\":1}", "'class_name' twice", "config.json")
        try refused("[1, 2", "broken config.json")
        try refused(String(repeating: "[", count: 100_000), "within each other")
        let nested = (0..<30).reduce("[]") { layers, _ in
            "[{\"class_name\":\"Sequential\",\"config\":{\"name\":\"x\",\"layers\":\(layers)}}]"
        }
        try refused("{\"class_name\":\"Sequential\",\"config\":\(nested)}", "within each other")
    }

    func testJSONScanner_ofValues_readsThem() throws {
        func value(_ text: String) throws -> PlainValue {
            try Array(text.utf8).withUnsafeBytes {
                try JSONScanner.plainValue($0, ReadingBudget(fileSize: 1000), of: "text")
            }
        }
        XCTAssertEqual(
            try value(#" {"a": [1, -2.5e3, true, null, "\u00e9\n"], "b": {"c": {}}, "d": []} "#),
            .dictionary([
                .init(.text("a"), .list([.integer(1), .real(-2500), .bool(true), .none, .text("\u{E9}\n")])),
                .init(.text("b"), .dictionary([.init(.text("c"), .dictionary([]))])), .init(.text("d"), .list([])),
            ]))
        XCTAssertEqual(try value("-Infinity"), .real(-.infinity))
        XCTAssertEqual(try value("100000000000000000000"), .real(1e20))
        for text in ["", "nul", "+1", "0x10", "1 2", "{\"a\" 1}", "[1,]", "inf", "{\"a\":1,\"a\":2}", "1e"] {
            XCTAssertThrowsError(try value(text), text)
        }
    }

    /// Reads every weight.
    private func readAll(_ url: URL) throws {
        for layer in try KerasFile(url).layers { for weight in layer.weights { _ = weight.tensor.array } }
    }

    func testKerasFile_truncatedOrFlipped_neverCrashes() throws {
        let zip = try Hostile(KerasFixtures.bytes("small.keras"))
        try zip.assertPrefixesThrow(KerasFileError.self, readAll)
        for (name, times) in [
            ("packed.keras", 1000), ("small.keras", 2000), ("merge.keras", 2000), ("merge.h5", 2000),
            ("small.h5", 3000), ("merge-keras2.h5", 1000),
        ] {
            let threw = try Hostile(KerasFixtures.bytes(name)).flipBits(KerasFileError.self, times: times, readAll)
            XCTAssertGreaterThan(threw, 0, name)
        }
    }
}
