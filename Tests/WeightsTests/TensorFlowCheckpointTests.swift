import Foundation
import TestSupport
import XCTest

@testable import Weights

final class TensorFlowCheckpointTests: XCTestCase {
    private struct Expected: Decodable {
        let shape: [Int]
        let sum: Double
    }

    private func expected(_ name: String) throws -> [String: Expected] {
        let all = try JSONDecoder().decode(
            [String: [String: Expected]].self, from: Data(contentsOf: Fixture.url("tensorflow.json")))
        return try XCTUnwrap(all[name])
    }

    /// Every variable of real numbers that TensorFlow's own reader finds, with its shape and elements.
    private func assertEqual(_ checkpoint: TensorFlowCheckpoint, _ name: String, without missing: Set<String> = [])
        throws
    {
        let expected = try expected(name)
        let tensors = checkpoint.contents.tensors
        XCTAssertEqual(Set(tensors.keys), Set(expected.keys).subtracting(missing), name)
        for (key, tensor) in tensors {
            let facts = try XCTUnwrap(expected[key])
            XCTAssertEqual(tensor.shape, facts.shape, key)
            let sum = tensor.array.enumerated().reduce(0) { $0 + Double($1.element) * Double($1.offset + 1) }
            XCTAssertEqual(sum, facts.sum, key)
        }
    }

    func testTensorFlowCheckpoint_ofTensorFlowsSaver_isRead() throws {
        let leftOut = ["counts", "mask", "names", "partitioned"]
        for name in ["model.ckpt-2000000", "blocks.ckpt"] {
            let checkpoint = try TensorFlowCheckpoint(Fixture.url(name))
            try assertEqual(checkpoint, "model.ckpt-2000000", without: ["partitioned"])
            XCTAssertEqual(checkpoint.leftOut, leftOut, name)
            XCTAssertEqual(checkpoint.contents.values["global_step"], .integer(2_000_000), name)
            XCTAssertEqual(checkpoint.contents.values["logits/biases"], .tensor("logits/biases"), name)
            XCTAssertEqual(checkpoint.contents.values.entries?.count, checkpoint.contents.tensors.count + 1, name)
        }
    }

    func testTensorFlowCheckpoint_ofSeveralDataFiles_isRead() throws {
        let checkpoint = try TensorFlowCheckpoint(Fixture.url("shards.ckpt"))
        try assertEqual(checkpoint, "shards.ckpt")
        XCTAssertEqual(
            checkpoint.files.map(\.lastPathComponent),
            ["shards.ckpt.index", "shards.ckpt.data-00000-of-00002", "shards.ckpt.data-00001-of-00002"])
    }

    func testTensorFlowCheckpoint_ofObjects_isRead() throws {
        let checkpoint = try TensorFlowCheckpoint(Fixture.url("objects.ckpt"))
        try assertEqual(checkpoint, "objects.ckpt")
        XCTAssertEqual(checkpoint.contents.values["step/.ATTRIBUTES/VARIABLE_VALUE"], .integer(5))
        XCTAssertEqual(checkpoint.leftOut, ["_CHECKPOINTABLE_OBJECT_GRAPH"])
    }

    func testFiles_ofEachOfItsFiles_areTheSame() throws {
        let names = ["small.ckpt.index", "small.ckpt.data-00000-of-00001"]
        for name in ["small.ckpt", "small.ckpt.meta"] + names {
            XCTAssertEqual(try TensorFlowCheckpoint.files(of: Fixture.url(name)).map(\.lastPathComponent), names, name)
            try assertEqual(TensorFlowCheckpoint(Fixture.url(name)), "small.ckpt")
            XCTAssert(TensorFlowCheckpoint.looksLike(Fixture.url(name)))
        }
        XCTAssertFalse(TensorFlowCheckpoint.looksLike(Fixture.url("f4.npy")))
    }

    // MARK: Files at fault

    /// A folder with the files of `small.ckpt`.
    private func copy() throws -> URL {
        let folder = try Fixture.temporaryFolder()
        for name in ["small.ckpt.index", "small.ckpt.data-00000-of-00001"] {
            try FileManager.default.copyItem(at: Fixture.url(name), to: folder.appendingPathComponent(name))
        }
        return folder
    }

    func testTensorFlowCheckpoint_withoutItsFiles_saysWhichIsMissing() throws {
        let folder = try copy()
        defer { try? FileManager.default.removeItem(at: folder) }
        let url = folder.appendingPathComponent("small.ckpt")
        let data = folder.appendingPathComponent("small.ckpt.data-00000-of-00001")
        try Data(contentsOf: data).dropLast().write(to: data)
        assertThrows("small.ckpt.data-00000-of-00001", "ends too early", "lstm/kernel") {
            _ = try TensorFlowCheckpoint(url)
        }
        try FileManager.default.removeItem(at: data)
        assertThrows("small.ckpt.data-00000-of-00001", "is missing", "small.ckpt.index") {
            _ = try TensorFlowCheckpoint(url)
        }
        try FileManager.default.removeItem(at: folder.appendingPathComponent("small.ckpt.index"))
        assertThrows("small.ckpt.index", "is missing") { _ = try TensorFlowCheckpoint(url) }
        assertThrows("small.ckpt.index", "is missing") { _ = try TensorFlowCheckpoint.files(of: data) }
    }

    /// Reads bytes as an index beside the data of `small.ckpt`.
    private func read(_ index: URL) throws {
        let data = index.path + ".data-00000-of-00001"
        symlink(Fixture.url("small.ckpt.data-00000-of-00001").path, data)
        defer { unlink(data) }
        for tensor in try TensorFlowCheckpoint(index).contents.tensors.values { _ = tensor.array.reduce(0, +) }
    }

    func testTensorFlowCheckpoint_withAWrongIndex_isRefused() throws {
        let bytes = [UInt8](try Data(contentsOf: Fixture.url("small.ckpt.index")))
        let hostile = try Hostile(Data())
        func check(_ part: String, line: UInt = #line, _ change: (inout [UInt8]) throws -> Void) throws {
            var changed = bytes
            try change(&changed)
            let url = try hostile.file(changed)
            assertThrows(part, url.path, line: line) { try read(url) }
        }
        XCTAssertNoThrow(try read(hostile.file(bytes)))
        // The first block begins with the header's entry: 0, 0, its length; the number of data files is its first
        // field.
        XCTAssertEqual(Array(bytes[..<5]), [0, 0, 6, 8, 1])
        try check("names 0 data files") { $0[4] = 0 }
        try check("first format") { $0.replaceSubrange(3..<5, with: [10, 0]) }
        try check("1 to 1000 can be read") { $0.replaceSubrange(3..<9, with: [8, 0xFF, 0xFF, 0x7F, 16, 0]) }
        try check("big-endian") { $0.replaceSubrange(5..<9, with: [16, 1, 16, 1]) }
        // The entry of `bias` begins at byte 9, with its value at 16: type, shape [4], size 16, checksum.
        try check("'bias' of shape [5] and type F32, which takes 20 bytes, but gives it 16") { $0[23] = 5 }
        try check("'bias' of shape [4] and type F64, which takes 32 bytes") { $0[17] = 2 }
        try check("'bias' of a shape that is unknown") { $0.replaceSubrange(20..<24, with: [24, 1, 24, 1]) }
        try check("of data file 7") { $0.replaceSubrange(26..<31, with: [24, 7, 0x62, 1, 0]) }
        try check("takes bytes 268435455 to 268435471, but the file has 62") {
            $0.replaceSubrange(26..<31, with: [32, 0xFF, 0xFF, 0xFF, 0x7F])
        }
        try check("'bias', whose description is damaged, or no TensorFlow checkpoint") { $0[16] = 0 }
        // The block ends at byte 125, after the number of its full keys, and the kind of its compression follows.
        try check("compressed (kind 1)") { $0[125] = 1 }
        try check("4294967295 places of keys") { $0.replaceSubrange(121..<125, with: [0xFF, 0xFF, 0xFF, 0xFF]) }
        try check("a key of 9 bytes of the one before") { $0[9] = 9 }
        // The footer: the places of two blocks, the first of them empty.
        try check("does not lie within the file") { $0[165] = 0xFF }
        try check("has no header") { $0.replaceSubrange(165..<168, with: [0x82, 1, 8]) }
        try check("impossible length") { $0.replaceSubrange(165..<181, with: repeatElement(0xFF, count: 16)) }
        try check("does not end as") { $0[209] ^= 1 }
    }

    func testTensorFlowCheckpoint_cutShort_isRefused() throws {
        try Hostile(Data(contentsOf: Fixture.url("small.ckpt.index"))).assertPrefixesThrow(WeightsFileError.self, read)
    }

    func testTensorFlowCheckpoint_withFlippedBits_isReadOrRefused() throws {
        let threw = try Hostile(Data(contentsOf: Fixture.url("small.ckpt.index"))).flipBits(
            WeightsFileError.self, times: 5000, read)
        XCTAssertGreaterThan(threw, 500)
    }
}
