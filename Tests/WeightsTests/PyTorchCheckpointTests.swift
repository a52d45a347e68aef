import Foundation
import Tensors
import TestSupport
import Weights
import XCTest

final class PyTorchCheckpointTests: XCTestCase {
    func testPyTorchCheckpoint_ofAllFormats_isRead() throws {
        for name in ["zip.pth", "zip-protocol4.pth", "legacy.pth", "legacy-protocol4.pth"] {
            let checkpoint = try PyTorchCheckpoint(Fixture.url(name))
            func check(_ key: String, _ shape: [Int], _ values: [Float]) {
                XCTAssertEqual(checkpoint.tensors[key]?.shape, shape, "\(name): \(key)")
                XCTAssertEqual(checkpoint.tensors[key]?.array, values, "\(name): \(key)")
            }
            check("plain", [2, 3], ramp(0..<6))
            check("transposed", [4, 3], [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11].map { ramp($0) })
            check("strided", [2, 2, 2], [4, 6, 8, 10, 16, 18, 20, 22].map { ramp($0) })
            check("half", [7], ramp(0..<7))
            check("bfloat", [5], ramp(0..<5))
            check("double", [3], ramp(0..<3))
            check("shared.a", [4], ramp(0..<4))
            check("shared.b", [2, 3], ramp(4..<10))
            check("scalar", [], [2.5])
            check("empty", [0, 3], [])
            check("parameter", [2], ramp(0..<2))
            XCTAssertEqual(checkpoint.tensors.count, 11, name)
            XCTAssertEqual(checkpoint.leftOut.map(\.name), ["bn.num_batches_tracked", "mask"], name)
            XCTAssertEqual(checkpoint.leftOut.map(\.type), ["I64", "BOOL"], name)
            XCTAssertEqual(checkpoint.leftOut.map(\.shape), [[], [2]], name)
        }
    }

    func testPyTorchCheckpoint_withSharedStorages_readsThemOnce() throws {
        let tensors = try PyTorchCheckpoint.read(Fixture.url("legacy.pth"))
        XCTAssert(try XCTUnwrap(tensors["shared.a"]).storage === XCTUnwrap(tensors["shared.b"]).storage)
    }

    func testPyTorchCheckpoint_ofAWrappedStateDictionary_isUnwrapped() throws {
        let checkpoint = try PyTorchCheckpoint(Fixture.url("wrapped.pth"))
        XCTAssertEqual(
            checkpoint.tensors.keys.sorted(),
            ["0.bias", "0.weight", "1.bias", "1.running_mean", "1.running_var", "1.weight"])
        XCTAssertEqual(checkpoint.tensors["0.weight"]?.shape, [2, 1, 1, 1])
        XCTAssertEqual(checkpoint.tensors["0.weight"]?.array, ramp(0..<2))
        XCTAssertEqual(checkpoint.leftOut.map(\.name), ["1.num_batches_tracked"])
    }

    func testPyTorchCheckpoint_ofNestedContainers_joinsNamesWithDots() throws {
        let tensors = try PyTorchCheckpoint.read(Fixture.url("nested.pth"))
        XCTAssertEqual(tensors.mapValues(\.shape), ["encoder.w": [2], "heads.0.w": [3], "heads.1.0": [1]])
    }

    func testPyTorchCheckpoint_thatWouldRunAProgram_isRefusedByName() throws {
        for name in ["evil.pth", "evil-legacy.pth"] {
            let url = Fixture.url(name)
            assertThrows("posix.system", "nothing was run", url.path) { _ = try PyTorchCheckpoint.read(url) }
        }
        XCTAssertFalse(FileManager.default.fileExists(atPath: "/tmp/mmx-weights-test-was-executed"))
    }

    func testPyTorchCheckpoint_withoutAStateDictionary_isRefused() throws {
        assertThrows("a tensor", "state_dict") { _ = try PyTorchCheckpoint.read(Fixture.url("not-a-dictionary.pth")) }
        assertThrows("no tensor") { _ = try PyTorchCheckpoint.read(Fixture.url("no-tensors.pth")) }
        assertThrows("torch.save") { _ = try PyTorchCheckpoint.read(Fixture.url("floats.safetensors")) }
        let hostile = try Hostile(Data())
        assertThrows("empty") { _ = try PyTorchCheckpoint.read(try hostile.file([])) }
        // A whole model without a tensor, as torch.save(model) writes it.
        let model = Python.global("torchvision.models.resnet", "ResNet") + [0x29, 0x81, 0x7D, 0x62]
        assertThrows("no tensor", "'torchvision.models.resnet.ResNet'") {
            _ = try PyTorchCheckpoint.read(try hostile.file(legacy(model, keys: [0x5D], data: [])))
        }
        let names = Python.dictionary([("a", model)])
        assertThrows("no tensor", "'torchvision.models.resnet.ResNet'") {
            _ = try PyTorchCheckpoint.read(try hostile.file(legacy(names, keys: [0x5D], data: [])))
        }
        assertThrows("other characters") {
            let odd = Python.global("a", "\u{1B}[31m")
            _ = try PyTorchCheckpoint.read(try hostile.file(legacy(odd, keys: [0x5D], data: [])))
        }
    }

    func testPyTorchCheckpoint_ofDeflatedMembers_isRead() throws {
        let tensors = try PyTorchCheckpoint.read(Fixture.url("compressed.pth"))
        XCTAssertEqual(
            tensors.mapValues(\.array), try PyTorchCheckpoint.read(Fixture.url("small.pth")).mapValues(\.array))
    }

    func testPyTorchCheckpoint_ofATensorBesideTheDictionary_isUnwrapped() throws {
        let hostile = try Hostile(Data())
        let tensor = Python.tensor(count: 4, offset: 0, shape: [4], strides: [1])
        for key in ["state_dict", "model", "net", "params", "weights", "model_state_dict"] {
            let file = Python.dictionary([("best_acc1", tensor), (key, Python.dictionary([("w", tensor)]))])
            let checkpoint = try PyTorchCheckpoint(try hostile.file(legacy(file)))
            XCTAssertEqual(Array(checkpoint.tensors.keys), ["w"], key)
            XCTAssertEqual(checkpoint.choice.outside, ["best_acc1"], key)
        }
    }

    func testPyTorchCheckpoint_ofExpandedTensors_repeatsTheirElements() throws {
        let hostile = try Hostile(Data())
        let tensor = Python.tensor(count: 4, offset: 0, shape: [2, 3, 2], strides: [2, 0, 1])
        let tensors = try PyTorchCheckpoint.read(try hostile.file(legacy(Python.dictionary([("w", tensor)]))))
        XCTAssertEqual(tensors["w"]?.shape, [2, 3, 2])
        XCTAssertEqual(tensors["w"]?.array, [0, 1, 0, 1, 0, 1, 2, 3, 2, 3, 2, 3])
    }

    // MARK: Hostile files

    /// A file of the older format around a pickle written by hand.
    private func legacy(
        _ object: [UInt8], keys: [UInt8] = Python.list([Python.text("0")]), data: [UInt8] = Python.storage(4)
    ) -> [UInt8] {
        let magic: [UInt8] = [0x80, 2, 0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E]
        let version: [UInt8] = [0x80, 2, 0x4D, 0xE9, 0x03, 0x2E]
        let machine: [UInt8] = [0x80, 2, 0x7D, 0x2E]
        return magic + version + machine + [0x80, 2] + object + [0x2E, 0x80, 2] + keys + [0x2E] + data
    }

    func testPyTorchCheckpoint_withWrongTensors_isRefused() throws {
        let hostile = try Hostile(Data())
        func read(_ object: [UInt8], keys: [UInt8] = Python.list([Python.text("0")]), data: [UInt8] = Python.storage(4))
            throws
        {
            _ = try PyTorchCheckpoint.read(try hostile.file(legacy(object, keys: keys, data: data)))
        }
        func one(_ tensor: [UInt8]) -> [UInt8] { Python.dictionary([("w", tensor)]) }
        // A correct file of this kind is read.
        let right = Python.tensor(count: 4, offset: 0, shape: [2, 2], strides: [2, 1])
        try read(one(right))

        let outside: [(Int, [Int], [Int])] = [
            (1, [2, 2], [2, 1]), (0, [2, 2], [4, 1]), (0, [5], [1]), (-1, [2], [1]), (0, [2], [-1]), (4, [1], [1]),
            (0, [2], [Int(Int32.max)]), (0, [2, 2, 2], [1 << 31 - 1, 1 << 31 - 1, 1]), (5, [0], [1]),
        ]
        for (offset, shape, strides) in outside {
            assertThrows("outside its storage '0'", hostile.folder.path) {
                try read(one(Python.tensor(count: 4, offset: offset, shape: shape, strides: strides)))
            }
        }
        assertThrows("impossible shape") {
            try read(one(Python.tensor(count: 4, offset: 0, shape: [-2], strides: [1])))
        }
        let large = Array(repeating: Int(Int32.max), count: 3)
        assertThrows("impossible shape") {
            try read(one(Python.tensor(count: 4, offset: 0, shape: large, strides: [0, 0, 0])))
        }
        assertThrows("unfolds to more than 32 MB", "'w'") {
            try read(one(Python.tensor(count: 4, offset: 0, shape: [1 << 30], strides: [0])))
        }
        assertThrows("elements of F32", "cut short") { try read(one(right), data: Python.storage(4, says: 5)) }
        assertThrows("cut short") { try read(one(right), data: Python.storage(4, says: 1 << 62)) }
        assertThrows("impossible length") { try read(one(right), data: Python.storage(4, says: -1)) }
        assertThrows("takes 16 bytes, but has 12") { try read(one(right), data: Python.storage(3)) }
        assertThrows("missing from the file") { try read(one(right), keys: [0x5D], data: []) }
        assertThrows("none of its tensors uses") { try read(one(right), keys: Python.list([Python.text("9")])) }
        assertThrows("'0' twice") {
            try read(
                one(right), keys: Python.list([Python.text("0"), Python.text("0")]),
                data: Python.storage(4) + Python.storage(4))
        }
        assertThrows("two tensors of the name 'w'") { try read(Python.dictionary([("w", right), ("w", right)])) }
        assertThrows("two descriptions") {
            try read(
                Python.dictionary([("w", right), ("v", Python.tensor(count: 2, offset: 0, shape: [2], strides: [1]))]))
        }
        assertThrows("unfolds to more than 32 MB") {
            let transposed = Python.tensor(count: 4096, offset: 0, shape: [64, 64], strides: [1, 64])
            // One tensor with 1,000 names.
            var names: [UInt8] = [0x7D, 0x28] + Python.text("a") + transposed + [0x71, 0]
            for i in 0..<3000 { names += Python.text("\(i)") + [0x68, 0] }
            names += [0x75]
            try read(names, data: Python.storage(4096))
        }
    }

    func testPyTorchCheckpoint_ofBrokenPickles_isRefused() throws {
        let hostile = try Hostile(Data())
        func read(_ object: [UInt8]) throws {
            _ = try PyTorchCheckpoint.read(try hostile.file(legacy(object, keys: [0x5D], data: [])))
        }
        assertThrows("mark") { try read([0x74]) }
        assertThrows("empty stack") { try read([0x85]) }
        assertThrows("empty stack") { try read([0x28, 0x71, 0]) }
        assertThrows("empty stack") { try read([]) }
        assertThrows("1 values over") { try read([0x4E, 0x4E]) }
        assertThrows("did not keep") { try read([0x68, 3]) }
        assertThrows("appends to None") { try read([0x4E, 0x4E, 0x61]) }
        assertThrows("sets items of None") { try read([0x4E, 0x4E, 0x4E, 0x73]) }
        assertThrows("key without a value") { try read([0x7D, 0x28, 0x4E, 0x75]) }
        assertThrows("attributes of None") { try read([0x4E, 0x4E, 0x62]) }
        assertThrows("calls None with None") { try read([0x4E, 0x4E, 0x52]) }
        assertThrows("calls a torch element type") { try read(Python.global("torch", "float32") + [0x29, 0x52]) }
        assertThrows("NEXT_BUFFER") { try read([0x97]) }
        assertThrows("torch.load") { try read(Python.global("torch", "load")) }
        assertThrows("without an end") { try read([0x63] + [UInt8](repeating: 0x61, count: 400)) }
        assertThrows("the integer '1x'") { try read([0x49, 0x31, 0x78, 10]) }
        assertThrows("the float 'x'") { try read([0x46, 0x78, 10]) }
        assertThrows("without quotes") { try read([0x53, 0x61, 10]) }
        assertThrows("does not write") { try read([0x53] + Array("'\\q'\n".utf8)) }
        assertThrows("broken escape") { try read([0x56] + Array("\\u00g0\n".utf8)) }
        assertThrows("ends too early") { try read([0x56] + Array("\\u00\n".utf8)) }
        assertThrows("the position '-1'") { try read([0x4E, 0x70] + Array("-1\n".utf8)) }
        assertThrows("of no class") { try read([0x28, 0x6F]) }
        assertThrows("ends too early") { try read([0x58, 0xFF, 0xFF, 0xFF, 0xFF]) }
        assertThrows("impossible length") { try read([0x8D] + [UInt8](repeating: 0xFF, count: 8)) }
        assertThrows("UTF-8") { try read([0x58, 2, 0, 0, 0, 0xC3, 0x28]) }
        assertThrows("no storage") { try read([0x4E, 0x51]) }
        assertThrows("protocol 6") { try read([0x80, 6]) }
        // Deep, circular and exploding containers.
        assertThrows("a tuple") { try read([0x4E] + [UInt8](repeating: 0x85, count: 1_000_000)) }
        assertThrows("16 deep") { try read([0x7D, 0x71, 0] + Python.text("a") + [0x68, 0, 0x73]) }
        // Each level holds the one before it 60 times; all are items of one tuple.
        var dictionaries: [UInt8] = [0x7D, 0x71, 0]
        for level in 1..<15 {
            dictionaries += [0x7D, 0x71, UInt8(level), 0x28]
            for i in 0..<60 { dictionaries += Python.text("\(i)") + [0x68, UInt8(level - 1)] }
            dictionaries += [0x75]
        }
        let nested = [0x28] + dictionaries + [0x74, 0x71, 99]
        assertThrows("steps to read") { try read([0x7D] + Python.text("a") + nested + [0x73]) }
    }

    func testPyTorchCheckpoint_truncatedAtEveryLength_isRefused() throws {
        for name in ["small.pth", "small-legacy.pth"] {
            try Hostile(try Data(contentsOf: Fixture.url(name)))
                .assertPrefixesThrow(CheckpointError.self) { _ = try PyTorchCheckpoint.read($0) }
        }
    }

    func testPyTorchCheckpoint_withFlippedBits_neverCrashes() throws {
        for name in ["small.pth", "small-legacy.pth", "legacy.pth", "zip-protocol4.pth"] {
            let hostile = try Hostile(try Data(contentsOf: Fixture.url(name)))
            let threw = try hostile.flipBits(CheckpointError.self, times: 1500) {
                for tensor in try PyTorchCheckpoint.read($0).values { _ = tensor.array }
            }
            XCTAssertGreaterThan(threw, 100, name)
        }
    }
}

/// Pickles by hand.
private enum Python {
    static func bytes<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }
    static func text(_ text: String) -> [UInt8] { [0x58] + bytes(UInt32(text.utf8.count)) + Array(text.utf8) }
    static func integer(_ value: Int) -> [UInt8] { [0x8A, 8] + bytes(Int64(value)) }
    static func tuple(_ items: [[UInt8]]) -> [UInt8] { [0x28] + items.flatMap { $0 } + [0x74] }
    static func list(_ items: [[UInt8]]) -> [UInt8] { [0x5D, 0x28] + items.flatMap { $0 } + [0x65] }
    static func global(_ module: String, _ name: String) -> [UInt8] { [0x63] + Array("\(module)\n\(name)\n".utf8) }
    static func dictionary(_ entries: [(String, [UInt8])]) -> [UInt8] {
        [0x7D, 0x28] + entries.flatMap { text($0.0) + $0.1 } + [0x75]
    }
    static func tensor(count: Int, offset: Int, shape: [Int], strides: [Int]) -> [UInt8] {
        let id = tuple([
            text("storage"), global("torch", "FloatStorage"), text("0"), text("cpu"), integer(count), [0x4E],
        ])
        let arguments = [
            id + [0x51], integer(offset), tuple(shape.map(integer)), tuple(strides.map(integer)), [0x89], [0x7D],
        ]
        return global("torch._utils", "_rebuild_tensor_v2") + tuple(arguments) + [0x52]
    }
    static func storage(_ count: Int, says: Int? = nil) -> [UInt8] {
        bytes(Int64(says ?? count)) + (0..<count).flatMap { bytes(Float($0).bitPattern) }
    }
}
