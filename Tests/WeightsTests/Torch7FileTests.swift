import Foundation
import TestSupport
import XCTest

@testable import Weights

final class Torch7FileTests: XCTestCase {
    /// Every float tensor that the package torchfile finds, under each of the ways to it; see Fixtures/make_torch7.py.
    func testTorch7File_ofACaptioner_hasTheTensorsThatTorchfileFinds() throws {
        struct Expected: Decodable {
            let shape: [Int]
            let values: [Float]
        }
        let file = try Torch7File(Fixture.url("captioner.t7"))
        let expected = try JSONDecoder().decode(
            [String: Expected].self, from: Data(contentsOf: Fixture.url("torch7.json")))
        XCTAssertEqual(expected.count, 28)
        for (path, array) in expected {
            // From object to object along the keys, and then by the name that the tensor has there.
            var object = 0
            let keys = path.split(separator: ".").map(String.init)
            for key in keys.dropLast() {
                object = try XCTUnwrap(file.objects[object][key]?.object, "\(path) at \(key)")
            }
            guard case .plain(.tensor(let name))? = file.objects[object][try XCTUnwrap(keys.last)] else {
                XCTFail("\(path) is no tensor")
                continue
            }
            let tensor = try XCTUnwrap(file.contents.tensors[name])
            XCTAssertEqual(tensor.shape, array.shape, path)
            XCTAssertEqual(tensor.array, array.values, path)
        }
        // The shortest way names a tensor.
        let short = expected.keys.filter { path in !["fg", "innode", "forwardnodes"].contains { path.contains($0) } }
        XCTAssertEqual(file.contents.tensors.keys.sorted(), short.sorted())
        XCTAssertEqual(file.leftOut, ["opt.mask"])
        XCTAssertEqual(file.contents.notRun, ["the Lua function 'opt.callback'", "the Lua function 'opt.again'"])
    }

    func testTorch7File_ofHalfFloats_isRead() throws {
        let tensors = try Torch7File(Fixture.url("halves.t7")).contents.tensors
        XCTAssertEqual(tensors.mapValues(\.shape), ["half": [2, 3], "cuda": [4], "double": [3]])
        for tensor in tensors.values { XCTAssertEqual(tensor.array, ramp(0..<tensor.count)) }
    }

    func testTorch7File_ofACaptioner_hasItsPlainValues() throws {
        let values = try Torch7File(Fixture.url("captioner.t7")).contents.values
        XCTAssertEqual(values["iter"], .integer(1000))
        let shared = PlainValue.dictionary([.init(.text("a"), .integer(1))])
        XCTAssertEqual(
            values["opt"],
            .dictionary([
                .init(.text("rnn_size"), .integer(2)), .init(.text("learning_rate"), .real(4e-4)),
                .init(.text("id"), .text("toy")), .init(.text("callback"), .other), .init(.text("again"), .other),
                .init(.text("1"), shared), .init(.integer(2), shared), .init(.real(2.5), .text("half")),
                .init(.text("bytes"), .other), .init(.text("mask"), .other),
                .init(.text("ids"), .list([.integer(3), .dictionary([.init(.integer(5), .integer(1))])])),
                .init(.text("self"), .other),
            ]))
        XCTAssertEqual(values["vocab"]?["3"], .text("caf\u{E9}"))
        let modules = try XCTUnwrap(values["protos"]?["cnn"]?["modules"]?.list)
        XCTAssertEqual(
            modules.map(\.type),
            ["cudnn.SpatialConvolution", "cudnn.ReLU", "nn.SpatialConvolutionMM", "nn.View", "nn.Linear"])
        XCTAssertEqual(modules[0]["weight"], .tensor("protos.cnn.modules.1.weight"))
        XCTAssertEqual(modules[0]["train"], .bool(false))
        XCTAssertEqual(modules[2]["groups"], PlainValue.none)
        XCTAssertEqual(modules[3]["size"], .list([.integer(-1), .integer(4)]))
    }

    /// An importer finds the gates of neuraltalk2's LSTM by the names of nngraph's nodes.
    func testTorch7File_ofAGraph_leadsFromNodesToModules() throws {
        let file = try Torch7File(Fixture.url("captioner.t7"))
        var found: [String: String] = [:]
        for node in file.objects(of: "nngraph.Node") {
            let name = try XCTUnwrap(file.value(node, "data", "annotations", "name")?.plain?.text)
            let module = try XCTUnwrap(file.value(node, "data", "module")?.object)
            XCTAssertEqual(file.objects[module].type, "nn.Linear")
            found[name] = file.objects[module].name
            XCTAssertEqual(file.value(node, "data", "self"), .object(node))
        }
        XCTAssertEqual(
            found,
            [
                "i2h_1": "protos.lm.core.modules.1", "h2h_1": "protos.lm.core.modules.2",
                "decoder": "protos.lm.core.modules.3",
            ])
        XCTAssertNil(file.value(0, "protos", "none", "name"))
        // What only the function refers to is there without a name.
        XCTAssertEqual(file.objects.filter { $0.name == nil && $0["hidden"] != nil }.count, 1)
    }

    // MARK: Hostile files

    private func bytes(_ numbers: Int32...) -> [UInt8] {
        numbers.flatMap { number in withUnsafeBytes(of: number.littleEndian) { Array($0) } }
    }

    private func text(_ text: String) -> [UInt8] { bytes(Int32(text.utf8.count)) + Array(text.utf8) }

    private func long(_ value: Int64) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }

    /// A file of a table with one value.
    private func assertRefused(_ value: [UInt8], _ part: String, line: UInt = #line) throws {
        let hostile = try Hostile(Data())
        let url = try hostile.file(bytes(3, 1, 1, 2) + text("x") + value)
        assertThrows(part, url.path, line: line) { _ = try Torch7File(url) }
    }

    func testTorch7File_withWrongCounts_isRefused() throws {
        func tensor(type: String = "Float", _ shape: [Int64], _ strides: [Int64], offset: Int64, storage: [UInt8])
            -> [UInt8]
        {
            bytes(4, 2) + text("V 1") + text("torch.\(type)Tensor") + bytes(Int32(shape.count))
                + (shape + strides + [offset]).flatMap { long($0) } + storage
        }
        let storage = bytes(4, 3) + text("V 1") + text("torch.FloatStorage") + long(2) + bytes(0, 0)
        let most = Int64.max
        try assertRefused(bytes(3, 2, .max), "2147483647 pairs")
        try assertRefused(bytes(3, 2, -1), "-1 pairs")
        try assertRefused(bytes(2, .max), "2147483647 bytes expected")
        try assertRefused(bytes(2, -1), "-1 bytes expected")
        try assertRefused(bytes(9), "kind 9")
        try assertRefused(bytes(8, 2, .max), "2147483647 bytes expected")
        try assertRefused(bytes(1), "ends too early")
        try assertRefused(bytes(5, 1, 7), "4 bytes after its object's end")
        try assertRefused(bytes(4, 2) + text("V 1") + text("torch.FloatTensor") + bytes(.max), "2147483647 axes")
        try assertRefused(bytes(4, 2) + text("V 1") + text("torch.FloatStorage") + long(most), "cut short")
        try assertRefused(bytes(4, 2) + text("V 1") + text("torch.FloatStorage") + long(-1), "-1 elements")
        try assertRefused(bytes(4, 2) + text("V 1") + text("torch.Generator"), "torch.Generator")
        try assertRefused(bytes(4, 2) + text("V 1") + text("tds.Hash"), "tds.Hash")
        try assertRefused(tensor([2], [1], offset: 2, storage: storage), "outside its storage")
        try assertRefused(tensor([2], [1], offset: 0, storage: storage), "outside its storage")
        try assertRefused(tensor([2], [-1], offset: 2, storage: storage), "outside its storage")
        try assertRefused(tensor([2], [most], offset: 2, storage: storage), "outside its storage")
        try assertRefused(tensor([2], [1], offset: .min, storage: storage), "does not fit")
        try assertRefused(tensor([most, most], [1, 1], offset: 1, storage: storage), "impossible shape")
        try assertRefused(tensor([-2], [1], offset: 1, storage: storage), "impossible shape")
        try assertRefused(tensor(type: "Double", [1], [1], offset: 1, storage: storage), "does not fit")
        try assertRefused(tensor([2], [1], offset: 1, storage: bytes(0)), "without a storage")
        try assertRefused(tensor([2], [1], offset: 1, storage: bytes(4, 1)), "no storage")
        try assertRefused(tensor([2], [1], offset: 1, storage: bytes(4, 2)), "no storage")
        try assertRefused(tensor([2], [1], offset: 1, storage: bytes(3, 2)), "kind 3")
        // A view of a storage that is far larger than the file.
        let wide: Int64 = 1 << 40
        try assertRefused(tensor([wide], [0], offset: 1, storage: storage), "unfolds")
    }

    /// A file of one tensor, and functions of the oldest kind, which have no index.
    func testTorch7File_ofOtherObjects_isRead() throws {
        let hostile = try Hostile(Data())
        let shape = bytes(1) + long(2) + long(1) + long(1)
        let storage = bytes(4, 2) + text("torch.FloatStorage") + long(2) + bytes(0, 0x3F80_0000)
        let tensor = try Torch7File(
            hostile.file(bytes(4, 1) + text("V 1") + text("torch.FloatTensor") + shape + storage))
        XCTAssertEqual(tensor.contents.values, .tensor("tensor"))
        XCTAssertEqual(tensor.root, .plain(.tensor("tensor")))
        XCTAssertEqual(tensor.contents.tensors.mapValues(\.array), ["tensor": [0, 1]])
        let functions = bytes(3, 1, 2, 2) + text("f") + bytes(6) + text("code") + bytes(3, 2, 0)
        let file = try Torch7File(
            hostile.file(functions + bytes(2) + text("g") + bytes(7, 3) + text("code") + bytes(0)))
        XCTAssertEqual(file.contents.values, .dictionary([.init(.text("f"), .other), .init(.text("g"), .other)]))
        XCTAssertEqual(file.contents.notRun, ["the Lua function 'f'", "the Lua function 'g'"])
    }

    func testTorch7File_ofText_isRefused() throws {
        let hostile = try Hostile(Data())
        for (start, part) in [("4\n1\n3\nV 1\n13\nnn.Sequential\n", "'ascii'"), ("hello", "does not begin")] {
            let url = try hostile.file(Array(start.utf8))
            assertThrows(part, url.path) { _ = try Torch7File(url) }
        }
    }

    /// Tables a hundred thousand levels deep, and tables that double at each level.
    func testTorch7File_ofDeepAndSharedTables_isNoBurden() throws {
        let hostile = try Hostile(Data())
        var deep: [UInt8] = []
        for level in 1...100_000 { deep += bytes(3, Int32(level), 1, 5, 1) }
        let url = try hostile.file(deep + bytes(0))
        // Keys that are no text lead nowhere.
        XCTAssertEqual(try Torch7File(url).objects.count, 100_000)
        deep = []
        for level in 1...100_000 { deep += bytes(3, Int32(level), 1, 2) + text("a") }
        let named = try hostile.file(deep + bytes(0))
        assertThrows("64 deep") { _ = try Torch7File(named) }
        // A long table that ends with a table, and a hundred thousand references to it.
        var long = bytes(3, 2, 100_000)
        for _ in 1..<100_000 { long += bytes(0, 0) }
        long += bytes(0, 3, 3, 0)
        var references = bytes(3, 1, 100_001, 2) + text("long") + long
        for _ in 0..<100_000 { references += bytes(0, 3, 2) }
        XCTAssertEqual(try Torch7File(hostile.file(references)).objects.count, 3)
        // Each table holds the next twice: 2^40 ways.
        var doubling: [UInt8] = [], end: [UInt8] = []
        for level in 1...40 {
            doubling += bytes(3, Int32(level), 2, 2) + text("a")
            end = bytes(2) + text("b") + bytes(3, Int32(level + 1)) + end
        }
        let doubled = try hostile.file(doubling + bytes(3, 41, 0) + end)
        let file = try Torch7File(doubled)
        XCTAssertEqual(file.objects.count, 41)
        XCTAssertEqual(file.contents.values["a"]?["b"], .other)
        XCTAssertEqual(file.objects[39].name, [String](repeating: "a", count: 39).joined(separator: "."))
    }

    func testTorch7File_cutShort_isRefused() throws {
        for name in ["captioner.t7", "halves.t7"] {
            try Hostile(Data(contentsOf: Fixture.url(name))).assertPrefixesThrow(WeightsFileError.self) {
                _ = try Torch7File($0)
            }
        }
    }

    func testTorch7File_withFlippedBits_isReadOrRefused() throws {
        for name in ["captioner.t7", "halves.t7"] {
            let threw = try Hostile(Data(contentsOf: Fixture.url(name))).flipBits(WeightsFileError.self, times: 5000) {
                for tensor in try Torch7File($0).contents.tensors.values where tensor.count < 1 << 20 {
                    _ = tensor.array.reduce(0, +)
                }
            }
            XCTAssertGreaterThan(threw, 500, name)
        }
    }
}
