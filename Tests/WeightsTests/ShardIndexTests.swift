import Foundation
import Tensors
import TestSupport
import Weights
import XCTest

/// `model.safetensors.index.json` and its shards.
final class ShardIndexTests: XCTestCase {
    private var folder = FileManager.default.temporaryDirectory

    override func setUpWithError() throws {
        folder = try Fixture.temporaryFolder()
        try SafeTensors.write(["a": Tensor([2], [1, 2])], to: url("1.safetensors"), type: .f32)
        try SafeTensors.write(["b": Tensor([1], [3]), "c": Tensor([1], [4])], to: url("2.safetensors"), type: .f32)
    }
    override func tearDownWithError() throws { try FileManager.default.removeItem(at: folder) }

    private func url(_ name: String) -> URL { folder.appendingPathComponent(name) }

    private func read(_ text: String) throws -> WeightsFile {
        let index = url("model.safetensors.index.json")
        try Data(text.utf8).write(to: index)
        return try WeightsFile(index)
    }

    private func map(_ places: String) -> String { #"{"weight_map": {\#(places)}}"# }
    private let right = #""a": "1.safetensors", "b": "2.safetensors", "c": "2.safetensors""#

    func testShardIndex_ofTwoShards_readsTheirTensors() throws {
        let file = try read(
            """
            {
              "metadata": {"total_size": 16, "x": [1.5e-3, {"y": null}, true, "]"]},
              "weight_map": {\(right)}
            }
            """)
        XCTAssertEqual(file.format, .safetensors)
        XCTAssertEqual(file.tensors.mapValues(\.array), ["a": [1, 2], "b": [3], "c": [4]])
        XCTAssertEqual(file.shards.map(\.lastPathComponent), ["1.safetensors", "2.safetensors"])
    }

    func testShardIndex_thatDoesNotFitItsShards_isRefused() throws {
        func refused(_ text: String, _ parts: String..., line: UInt = #line) {
            for part in parts + [folder.path] { assertThrows(part, line: line) { _ = try read(text) } }
        }
        refused(map(right + #", "d": "3.safetensors""#), "3 shards", "1 are missing", "'3.safetensors'")
        refused(map(right + #", "d": "1.safetensors""#), "lists 1 tensors", "'d'", "'1.safetensors'")
        refused(map(#""a": "1.safetensors", "b": "2.safetensors""#), "does not list it", "'c'")
        refused(
            map(#""a": "2.safetensors", "b": "2.safetensors", "c": "1.safetensors""#), "places it in '2.safetensors'",
            "'1.safetensors' holds the tensor 'a'")
        refused(map(right + #", "a": "1.safetensors""#), "places 'a' twice")
        for path in ["../1.safetensors", "/etc/passwd", "..", ".", "", "x/1.safetensors", #"1\u0000"#] {
            refused(map(#""a": "\#(path)""#), "no name of a file beside it")
        }
        refused(#"{"weights": {}}"#, "without a weight_map")
        refused(#"{"weight_map": {}, "weight_map": {}}"#, "two weight_map")
        refused(#"{"weight_map": 3}"#, "{ expected")
        refused(#"{"x": [1, 2"#, "a value expected")
        refused(#"{"x": ]}"#, "a value expected")
        refused(map(right) + "x", "the end expected")
        refused(map(#""a": "model.safetensors.index.json""#), "header")
    }

    func testShardIndex_ofDeepJSON_isReadWithoutRecursion() throws {
        let deep = String(repeating: "[", count: 200_000)
        assertThrows("a value expected") { _ = try read(#"{"x": \#(deep)"#) }
    }
}
