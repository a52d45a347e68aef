import Foundation
import TestSupport
import XCTest

@testable import Weights

final class NumPyObjectsTests: XCTestCase {
    func testNumPyObjects_ofADictionary_hasItsArrays() throws {
        for ending in ["", "-2", "-3", "-5"] {
            let name = "objects-dictionary\(ending).npy"
            let file = try NumPyObjects(Fixture.url(name))
            let tensors = file.contents.tensors
            XCTAssertEqual(
                tensors.mapValues(\.shape),
                [
                    "conv1_1/kernel:0": [3, 3, 1, 2], "conv1_1/bias:0": [2], "lstm/lstm_cell/kernel:0": [4, 8],
                    "fortran:0": [2, 3], "half": [3], "double": [3], "scalar": [], "empty": [0, 3],
                ], name)
            for (key, tensor) in tensors { XCTAssertEqual(tensor.array, ramp(0..<tensor.count), "\(name) \(key)") }
            XCTAssertEqual(file.leftOut, ["global_step:0", "words", "mixed"], name)
            XCTAssertEqual(file.contents.values["half"], .tensor("half"), name)
            XCTAssertEqual(file.contents.values["words"], .other, name)
            XCTAssertEqual(file.contents.values.entries?.count, 11, name)
        }
    }

    func testNumPyObjects_ofPython2_hasItsArrays() throws {
        let contents = try NumPyObjects(Fixture.url("objects-python2.npy")).contents
        XCTAssertEqual(contents.values, .dictionary([.init(.text("conv/kernel:0"), .tensor("conv/kernel:0"))]))
        XCTAssertEqual(contents.tensors.mapValues(\.array), ["conv/kernel:0": ramp(0..<2)])
    }

    func testNumPyObjects_ofNestedDictionaries_joinsKeysWithDots() throws {
        let contents = try NumPyObjects(Fixture.url("objects-nested.npy")).contents
        XCTAssertEqual(
            contents.tensors.mapValues(\.shape),
            [
                "conv1_1.weights": [1, 1, 2, 3], "conv1_1.biases": [3], "7.list.0": [2], "7.list.1.0": [3], "flat": [2],
            ])
        let options = try XCTUnwrap(contents.values["options"])
        XCTAssertEqual(options.type, "__main__.Options")
        XCTAssertEqual(contents.notRun, ["__main__.Options"])
        XCTAssertEqual(
            contents.values["sizes"], .list([.integer(1), .real(2.5), .none, .bool(true), .text("text")]))
        XCTAssertEqual(
            contents.values.entries?[2],
            .init(
                .integer(7),
                .dictionary([
                    .init(.text("list"), .list([.tensor("7.list.0"), .list([.tensor("7.list.1.0"), .text("x")])]))
                ])))
    }

    func testNumPyObjects_ofOtherArrays_isRefused() throws {
        assertThrows("shape [2]", "objects-list.npy") { _ = try NumPyObjects(Fixture.url("objects-list.npy")) }
        assertThrows("F32", "f4.npy") { _ = try NumPyObjects(Fixture.url("f4.npy")) }
        assertThrows("does not begin") { _ = try NumPyObjects(Fixture.url("zip.pth")) }
        assertThrows("|O") { _ = try NumPyArray.read(Fixture.url("objects-nested.npy")) }
        for (name, isObjects) in [("objects-nested.npy", true), ("f4.npy", false), ("zip.pth", false)] {
            try Data(contentsOf: Fixture.url(name)).withUnsafeBytes {
                XCTAssertEqual(NumPyObjects.looksLike($0), isObjects, name)
            }
        }
        // The same header with other pickles: a number, a list in place of the array, a call of os.system.
        let header = try Data(contentsOf: Fixture.url("objects-nested.npy")).prefix(128)
        let hostile = try Hostile(Data())
        for (pickle, part) in [
            ("\u{80}\u{2}K\u{1}.", "a pickle of an integer"), ("\u{80}\u{2}].", "a pickle of a list"),
            ("\u{80}\u{2}]}a.", "a pickle of a list"), ("cos\nsystem\n(U\u{2}lstR.", "os.system"),
            ("\u{80}\u{2}].x", "1 bytes after"),
        ] {
            let url = try hostile.file([UInt8](header) + pickle.unicodeScalars.map { UInt8($0.value) })
            assertThrows(part, url.path) { _ = try NumPyObjects(url) }
        }
    }

    func testNumPyObjects_cutShort_isRefused() throws {
        for name in ["objects-nested.npy", "objects-python2.npy", "objects-dictionary-2.npy"] {
            try Hostile(Data(contentsOf: Fixture.url(name))).assertPrefixesThrow(NumPyArrayError.self) {
                _ = try NumPyObjects($0)
            }
        }
    }

    func testNumPyObjects_withFlippedBits_isReadOrRefused() throws {
        for name in ["objects-nested.npy", "objects-python2.npy", "objects-dictionary-2.npy"] {
            let threw = try Hostile(Data(contentsOf: Fixture.url(name))).flipBits(NumPyArrayError.self, times: 3000) {
                for tensor in try NumPyObjects($0).contents.tensors.values { _ = tensor.array.reduce(0, +) }
            }
            XCTAssertGreaterThan(threw, 300, name)
        }
    }
}
