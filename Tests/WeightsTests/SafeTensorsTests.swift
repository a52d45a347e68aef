import Foundation
import Tensors
import TestSupport
import Weights
import XCTest

final class SafeTensorsTests: XCTestCase {
    func testSafeTensors_ofTheReferencesFiles_isRead() throws {
        let url = Fixture.url("floats.safetensors")
        let tensors = try SafeTensors.read(url)
        XCTAssertEqual(tensors.keys.sorted(), ["a", "bfloat", "double", "empty", "half", "scalar"])
        XCTAssertEqual(tensors["a"]?.shape, [2, 3])
        XCTAssertEqual(tensors["a"]?.array, ramp(0..<6))
        XCTAssertEqual(tensors["half"]?.array, ramp(0..<37))
        XCTAssertEqual(tensors["bfloat"]?.array, ramp(0..<21))
        XCTAssertEqual(tensors["double"]?.array, ramp(0..<3))
        XCTAssertEqual(tensors["scalar"]?.shape, [])
        XCTAssertEqual(tensors["scalar"]?.scalar, 2.5)
        XCTAssertEqual(tensors["empty"]?.shape, [0, 3])
        XCTAssertEqual(try SafeTensors.metadata(url), ["made by": "make.py", "quote": "\"\\\n\u{E9}\u{1F431}"])
        XCTAssertEqual(try SafeTensors.read(Fixture.url("numpy.safetensors"))["x"]?.array, [0, 1, 2, 3])
        XCTAssertEqual(try SafeTensors.read(Fixture.url("numpy.safetensors"))["h"]?.array, [0, 1, 2])
    }

    func testSafeTensors_ofIntegers_areRefusedOrSkipped() throws {
        let url = Fixture.url("integers.safetensors")
        assertThrows("steps", "I64", url.path) { _ = try SafeTensors.read(url) }
        let tensors = try SafeTensors.read(url, skippingOtherTypes: true)
        XCTAssertNil(tensors["steps"])
        XCTAssertEqual(tensors.count, 6)
    }

    func testSafeTensors_writtenAndRead_isTheSame() throws {
        let folder = try Fixture.temporaryFolder()
        let url = folder.appendingPathComponent("x.safetensors")
        let tensors = [
            "z": Tensor([2, 2], [1, -2.5, 0, 65504]), "a\"\\\n\u{E9}": Tensor([3], [6e-8, 1e-5, .infinity]),
            "s": Tensor([], [7]),
            "e": Tensor([0, 4], []),
        ]
        for type in [SafeTensors.DataType.f32, .f16] {
            try SafeTensors.write(tensors, to: url, type: type, metadata: ["k\t": "v\u{1F431}", "a": ""])
            let first = try Data(contentsOf: url)
            try SafeTensors.write(tensors, to: url, type: type, metadata: ["k\t": "v\u{1F431}", "a": ""])
            XCTAssertEqual(first, try Data(contentsOf: url), "the same tensors made another file")
            XCTAssertEqual(first[0] % 8, 0, "the header is not padded")
            let read = try SafeTensors.read(url)
            XCTAssertEqual(read.mapValues(\.shape), tensors.mapValues(\.shape))
            for (name, tensor) in tensors {
                let expected = type == .f32 ? tensor.array : tensor.array.map { Float(Float16($0)) }
                XCTAssertEqual(read[name]?.array, expected)
            }
            XCTAssertEqual(try SafeTensors.metadata(url), ["k\t": "v\u{1F431}", "a": ""])
        }
        XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder.path), ["x.safetensors"])
    }

    func testSafeTensors_ofEveryHalf_isWidenedExactly() throws {
        var bytes: [UInt8] = []
        for bits in UInt16.min...UInt16.max { bytes += [UInt8(bits & 0xFF), UInt8(bits >> 8)] }
        let url = try write(#"{"h":{"dtype":"F16","shape":[65536],"data_offsets":[0,131072]}}"#, bytes)
        let values = try XCTUnwrap(try SafeTensors.read(url)["h"]).array
        for bits in UInt16.min...UInt16.max {
            let expected = Float(Float16(bitPattern: bits))
            let found = values[Int(bits)]
            XCTAssert(
                found.bitPattern == expected.bitPattern || (found.isNaN && expected.isNaN),
                "\(bits): \(found), not \(expected)")
        }
    }

    func testSafeTensors_ofLargeHalves_isWidenedExactly() throws {
        let url = try Fixture.temporaryFolder().appendingPathComponent("x.safetensors")
        let values = (0..<300_001).map { Float($0 % 2048) / 8 }
        try SafeTensors.write(["x": Tensor([300_001], values)], to: url, type: .f16)
        XCTAssertEqual(try SafeTensors.read(url)["x"]?.array, values)
    }

    func testSafeTensors_afterTheFileIsReplaced_keepItsValues() throws {
        let url = try Fixture.temporaryFolder().appendingPathComponent("x.safetensors")
        try SafeTensors.write(["x": Tensor([2], [1, 2])], to: url, type: .f32)
        let old = try SafeTensors.read(url)
        try SafeTensors.write(["x": Tensor([2], [3, 4])], to: url, type: .f32)
        XCTAssertEqual(old["x"]?.array, [1, 2])
        XCTAssertEqual(try SafeTensors.read(url)["x"]?.array, [3, 4])
    }

    func testSafeTensors_ofValuesBeyondF16_isRefused() throws {
        let folder = try Fixture.temporaryFolder()
        let url = folder.appendingPathComponent("x.safetensors")
        assertThrows("'big'", "65504", url.path) {
            try SafeTensors.write(["big": Tensor([2], [1, 70000])], to: url, type: .f16)
        }
        XCTAssertEqual(
            try FileManager.default.contentsOfDirectory(atPath: folder.path), [], "something half-written is left")
        assertThrows("__metadata__") { try SafeTensors.write(["__metadata__": Tensor([1])], to: url, type: .f32) }
    }

    // MARK: Hostile files

    private func write(_ header: String, _ data: [UInt8] = [], length: UInt64? = nil) throws -> URL {
        let header = Array(header.utf8)
        let length = withUnsafeBytes(of: (length ?? UInt64(header.count)).littleEndian) { Array($0) }
        let url = try Fixture.temporaryFolder().appendingPathComponent("x.safetensors")
        try Data(length + header + data).write(to: url)
        return url
    }

    func testSafeTensors_withWrongHeaders_isRefused() throws {
        func check(_ header: String, _ bytes: Int, length: UInt64? = nil, _ parts: [String]) throws {
            let url = try write(header, [UInt8](repeating: 0, count: bytes), length: length)
            XCTAssertThrowsError(try SafeTensors.read(url), "\(header) was accepted") { error in
                for part in parts + [url.path] {
                    XCTAssert("\(error)".contains(part), "'\(error)' does not say '\(part)'")
                }
            }
        }
        func tensor(_ shape: String, _ offsets: String, _ type: String = "F32") -> String {
            #"{"dtype":"\#(type)","shape":\#(shape),"data_offsets":\#(offsets)}"#
        }
        let ones = Array(repeating: "1", count: 65).joined(separator: ",")
        try check("{}", 0, length: 1000, ["1000 bytes", "only 2"])
        try check("{}", 0, length: .max, ["18446744073709551615"])
        try check("{}", 0, length: 100_000_001, ["100000001"])
        try check("", 0, ["{"])
        try check("null", 0, ["{"])
        try check("{", 0, ["byte 1"])
        try check("{}x", 0, ["end"])
        try check(#"{"w":\#(tensor("[1]", "[0,4]"))"#, 4, ["}"])
        try check(#"{"w":\#(tensor("[2]", "[0,4]"))}"#, 4, ["'w'", "[2]", "8", "4"])
        try check(#"{"w":\#(tensor("[1]", "[0,8]"))}"#, 4, ["'w'", "0..8", "4 bytes"])
        try check(#"{"w":\#(tensor("[1]", "[8,4]"))}"#, 16, ["'w'", "8..4"])
        try check(#"{"w":\#(tensor("[1]", "[0,4,8]"))}"#, 4, ["data_offsets", "'w'"])
        try check(#"{"w":\#(tensor("[1]", "[0]"))}"#, 4, ["data_offsets", "'w'"])
        try check(#"{"w":\#(tensor("[-1]", "[0,4]"))}"#, 4, ["'w'", "whole number"])
        try check(#"{"w":\#(tensor("[1.5]", "[0,4]"))}"#, 4, ["]"])
        try check(#"{"w":\#(tensor("[99999999999999999999]", "[0,4]"))}"#, 4, ["'w'", "too large"])
        try check(#"{"w":\#(tensor("[4294967296,4294967296,4294967296]", "[0,4]"))}"#, 4, ["'w'", "more elements"])
        try check(#"{"w":\#(tensor("[0,4294967296,4294967296,4294967296]", "[0,0]"))}"#, 0, ["'w'", "more elements"])
        try check(#"{"w":\#(tensor("[4611686018427387904]", "[0,0]"))}"#, 0, ["'w'"])
        try check(#"{"w":\#(tensor("[\(ones)]", "[0,4]"))}"#, 4, ["64"])
        try check(#"{"w":\#(tensor("[1]", "[0,4]", "F99"))}"#, 4, ["'w'", "F99"])
        try check(#"{"w":\#(tensor("[1]", "[0,4]")),"w":\#(tensor("[1]", "[4,8]"))}"#, 8, ["'w' twice"])
        try check(#"{"v":\#(tensor("[2]", "[0,8]")),"w":\#(tensor("[2]", "[4,12]"))}"#, 12, ["'w'", "overlap", "'v'"])
        try check(#"{"v":\#(tensor("[2]", "[0,8]")),"w":\#(tensor("[1]", "[12,16]"))}"#, 16, ["'w'", "4 bytes"])
        try check(#"{"w":\#(tensor("[1]", "[0,4]"))}"#, 7, ["3 bytes"])
        try check(#"{"w":{"dtype":"F32","shape":[1]}}"#, 4, ["'w'", "data_offsets"])
        try check(#"{"w":{"dtype":"F32","shape":[1],"shape":[1],"data_offsets":[0,4]}}"#, 4, ["'w'", "twice"])
        try check(#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}}"#, 4, ["'w'", "'x'"])
        try check(#"{"w":3}"#, 4, ["{ expected"])
        try check(#"{"__metadata__":{"a":1}}"#, 0, ["\" expected"])
        try check(#"{"__metadata__":{"a":"","a":""}}"#, 0, ["'a' twice"])
        try check("{\"a\u{1}\":3}", 0, ["control"])
        try check(#"{"\ud800":3}"#, 0, ["Unicode"])
        try check(#"{"\q":3}"#, 0, ["escape"])
        try check(#"{"a\"#, 0, ["end of a string"])
        try check(String(repeating: #"{"a":"#, count: 100_000), 0, ["'a'"])
    }

    /// Without its weights of 8 bits, a network would lack tensors for no visible reason.
    func testWeightsFile_of8BitFloats_namesTheTensorAndItsType() throws {
        for type in ["F8_E4M3", "F8_E5M2"] {
            let url = try write(#"{"w":{"dtype":"\#(type)","shape":[2],"data_offsets":[0,2]}}"#, [0, 0])
            assertThrows("'w' of type \(type)", "F32, F16, BF16 and F64", "torch.float16", url.path) {
                _ = try WeightsFile(url)
            }
        }
        let unknown = try write(#"{"w":{"dtype":"F4","shape":[2],"data_offsets":[0,1]}}"#, [0])
        assertThrows("the type F4 is not known; F32") { _ = try WeightsFile(unknown) }
    }

    func testSafeTensors_ofInvalidUTF8_isRefused() throws {
        let url = try Fixture.temporaryFolder().appendingPathComponent("x.safetensors")
        try Data([8, 0, 0, 0, 0, 0, 0, 0] + Array("{\"".utf8) + [0xC3, 0x28] + Array("\":{}".utf8)).write(to: url)
        assertThrows("UTF-8") { _ = try SafeTensors.read(url) }
    }

    func testSafeTensors_ofOtherFiles_isRefused() throws {
        let folder = try Fixture.temporaryFolder()
        assertThrows("folder", folder.path) { _ = try SafeTensors.read(folder) }
        assertThrows("No such file") { _ = try SafeTensors.read(folder.appendingPathComponent("none")) }
        // The reader must not wait for a pipe without a writer.
        let pipe = folder.appendingPathComponent("pipe")
        XCTAssertEqual(mkfifo(pipe.path, 0o600), 0)
        assertThrows(pipe.path, "regular") { _ = try SafeTensors.read(pipe) }
        let empty = folder.appendingPathComponent("empty")
        try Data().write(to: empty)
        assertThrows("empty") { _ = try SafeTensors.read(empty) }
    }

    func testSafeTensors_truncatedAtEveryLength_isRefused() throws {
        try Hostile(try Data(contentsOf: Fixture.url("floats.safetensors")))
            .assertPrefixesThrow(SafeTensorsError.self) { _ = try SafeTensors.read($0) }
    }

    func testSafeTensors_withFlippedBits_neverCrashes() throws {
        let hostile = try Hostile(try Data(contentsOf: Fixture.url("floats.safetensors")))
        let threw = try hostile.flipBits(SafeTensorsError.self, times: 2000) {
            for tensor in try SafeTensors.read($0, skippingOtherTypes: true).values { _ = tensor.array }
        }
        XCTAssertGreaterThan(threw, 500)
    }
}
