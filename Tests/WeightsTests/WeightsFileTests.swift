import Foundation
import Tensors
import TestSupport
import Weights
import XCTest

/// Files of weights other than torch.save's and safetensors: pickles of arrays, .npz, .caffemodel, and other files.
final class WeightsFileTests: XCTestCase {
    func testWeightsFile_ofPickledArrays_isRead() throws {
        for number in 0...5 {
            let name = "arrays-\(number).pkl"
            let file = try WeightsFile(Fixture.url(name))
            XCTAssertEqual(file.format, .pytorch, name)
            XCTAssertEqual(file.tensors.mapValues(\.shape), ["Conv_0.kernel": [1, 2, 3, 4], "Conv_0.bias": [4]], name)
            XCTAssertEqual(file.tensors["Conv_0.kernel"]?.array, ramp(0..<24), name)
            XCTAssertEqual(file.tensors["Conv_0.bias"]?.array, ramp(0..<4), name)
            XCTAssertEqual(file.leftOut, ["fortran"], name)
            XCTAssertEqual(file.choice.prefix, "net.", name)
            // All of it, when the names of all are known.
            let all = try WeightsFile(Fixture.url(name), for: ["net.Conv_0.kernel", "net.Conv_0.bias", "fortran"])
            XCTAssertEqual(all.tensors["fortran"]?.array, ramp(0..<6), name)
            XCTAssertEqual(all.tensors["net.Conv_0.kernel"]?.array, ramp(0..<24), name)
            XCTAssertEqual(all.leftOut, ["steps"], name)
        }
        assertThrows("'>f4'", "little-endian") { _ = try WeightsFile(Fixture.url("big-endian.pkl")) }
        assertThrows("posix.system", "nothing was run") { _ = try WeightsFile(Fixture.url("evil.pkl")) }
        XCTAssertFalse(FileManager.default.fileExists(atPath: "/tmp/mmx-weights-test-was-executed"))
    }

    func testWeightsFile_ofObjectsBesideTheWeights_passesThemOver() throws {
        for number in 0...5 {
            let name = "objects-\(number).pkl"
            let file = try WeightsFile(Fixture.url(name))
            XCTAssertEqual(file.tensors.mapValues(\.array), ["w": ramp(0..<4)], name)
            XCTAssertEqual(
                file.notRun, ["argparse.Namespace", "pathlib.PurePosixPath", "__main__.Settings"], name)
            // Arrays of texts and objects.
            XCTAssertEqual(
                Set(try PyTorchCheckpoint(Fixture.url(name)).leftOut.map(\.name)), ["texts", "objects", "records"], name
            )
        }
    }

    /// Python 2: strings are bytes, `U` and `T` in protocol 2, quoted lines in protocol 0.
    func testWeightsFile_ofPython2sPickles_isRead() throws {
        let hostile = try Hostile(Data())
        let bytes = [Float(-2), 0.5].flatMap { Pickled.bytes($0.bitPattern) }
        func string(_ text: [UInt8]) -> [UInt8] { [0x55, UInt8(text.count)] + text }
        func string(_ text: String) -> [UInt8] { string(Array(text.utf8)) }
        let type =
            Pickled.global("numpy", "dtype") + string("f4") + [0x4B, 0, 0x4B, 1, 0x87, 0x52]
            + [0x28, 0x4B, 3] + string("<") + [
                0x4E, 0x4E, 0x4E, 0x4A, 255, 255, 255, 255, 0x4A, 255, 255, 255, 255, 0x4B, 0, 0x74, 0x62,
            ]
        let array =
            Pickled.global("numpy.core.multiarray", "_reconstruct") + Pickled.global("numpy", "ndarray")
            + [0x4B, 0, 0x85] + string("b") + [0x87, 0x52]
        let second =
            [0x80, 2, 0x7D] + string("w") + array + [0x28, 0x4B, 1, 0x4B, 2, 0x85] + type + [0x89]
            + [0x54] + Pickled.bytes(UInt32(bytes.count)) + bytes + [0x74, 0x62, 0x73, 0x2E]
        XCTAssertEqual(try WeightsFile(try hostile.file(second)).tensors.mapValues(\.array), ["w": [-2, 0.5]])
        let zeroth = """
            (dp1
            S'w'
            p2
            cnumpy.core.multiarray
            _reconstruct
            p3
            (cnumpy
            ndarray
            p4
            (I0
            tp5
            S'b'
            p6
            tp7
            Rp8
            (I1
            (L2L
            tp9
            cnumpy
            dtype
            p10
            (S'f4'
            p11
            I0
            I1
            tp12
            Rp13
            (I3
            S'<'
            p14
            NNNI-1
            I-1
            I0
            tp15
            bI00
            S'\\x00\\x00\\x00\\xc0\\x00\\x00\\x00?'
            p16
            tp17
            bsS'lr'
            F0.5
            s.
            """
        XCTAssertEqual(
            try WeightsFile(try hostile.file(Array(zeroth.utf8))).tensors.mapValues(\.array), ["w": [-2, 0.5]])
    }

    func testWeightsFile_ofPickledTensors_isRead() throws {
        let file = try WeightsFile(Fixture.url("tensors.pkl"))
        XCTAssertEqual(file.tensors["w"]?.array, ramp(0..<4))
        XCTAssertEqual(file.tensors["w"]?.shape, [2, 2])
        XCTAssertEqual(file.tensors["t"]?.shape, [3, 2])
        XCTAssertEqual(file.tensors["t"]?.array, [0, 3, 1, 4, 2, 5].map { ramp($0) })
        XCTAssertEqual(file.leftOut, ["n"])
    }

    func testWeightsFile_ofArraysInAnArchive_isRead() throws {
        let file = try WeightsFile(Fixture.url("arrays.npz"))
        XCTAssertEqual(file.format, .npz)
        XCTAssertEqual(file.tensors["layer.weight"]?.shape, [2, 3])
        XCTAssertEqual(file.tensors["layer.weight"]?.array, ramp(0..<6))
        XCTAssertEqual(file.tensors["layer.bias"]?.array, ramp(0..<2))
        XCTAssertEqual(
            try WeightsFile(Fixture.url("compressed.npz")).tensors.mapValues(\.array),
            ["w": [Float](repeating: 0, count: 100)])
    }

    func testWeightsFile_ofBothKindsOfCaffeModels_isRead() throws {
        for name in ["new.caffemodel", "old.caffemodel"] {
            let file = try WeightsFile(Fixture.url(name))
            XCTAssertEqual(file.format, .caffe, name)
            XCTAssertEqual(
                file.tensors.mapValues(\.shape),
                ["conv1.weight": [2, 3, 2, 2], "conv1.bias": [2], "fc.weight": [2, 3]], name)
            XCTAssertEqual(file.tensors["conv1.weight"]?.array, ramp(0..<24), name)
            XCTAssertEqual(file.tensors["conv1.bias"]?.array, ramp(0..<2), name)
            XCTAssertEqual(file.tensors["fc.weight"]?.array, ramp(0..<6), name)
        }
    }

    func testWeightsFileFormat_ofAnyName_followsTheContents() throws {
        XCTAssertEqual(try WeightsFile(Fixture.url("zip.pth")).format, .pytorch)
        XCTAssertEqual(try WeightsFile(Fixture.url("legacy.pth")).format, .pytorch)
        let safe = try WeightsFile(Fixture.url("integers.safetensors"))
        XCTAssertEqual(safe.format, .safetensors)
        XCTAssertEqual(safe.leftOut, ["steps"])
        let hostile = try Hostile(Data())
        func read(_ text: String) throws { _ = try WeightsFile(try hostile.file(Array(text.utf8))) }
        assertThrows("empty", hostile.folder.path) { try read("") }
        assertThrows("web page") { try read("<!DOCTYPE html><html>404</html>") }
        assertThrows("git lfs pull") { try read("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n") }
        assertThrows("none of the formats") { try read("weights") }
        assertThrows("cannot be opened") { _ = try WeightsFile(hostile.folder.appendingPathComponent("absent")) }
        assertThrows("folder") { _ = try WeightsFile(hostile.folder) }
    }

    /// The eight bytes of a header's length may be the beginning of a pickle, of either kind.
    func testWeightsFileFormat_ofASafetensorsFileThatBeginsLikeAPickle_isSafetensors() throws {
        let hostile = try Hostile(Data())
        for length in [0x80, 0x717D, 0x287D] {
            let header = #"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#
            let text = Array(header.utf8) + [UInt8](repeating: 0x20, count: length - header.utf8.count)
            let file = try WeightsFile(try hostile.file(Pickled.bytes(UInt64(length)) + text + [0, 0, 0x80, 0x3F]))
            XCTAssertEqual(file.format, .safetensors)
            XCTAssertEqual(file.tensors.mapValues(\.array), ["w": [1]])
        }
    }

    // MARK: Hostile files

    func testWeightsFile_truncatedAtEveryLength_isRefused() throws {
        for name in [
            "arrays-0.pkl", "arrays-2.pkl", "arrays-5.pkl", "objects-1.pkl", "tensors.pkl", "arrays.npz",
            "compressed.npz",
        ] {
            let hostile = try Hostile(try Data(contentsOf: Fixture.url(name)))
            for length in 0..<hostile.data.count {
                let url = try hostile.file(Array(hostile.data.prefix(length)))
                XCTAssertThrowsError(try WeightsFile(url), "the first \(length) bytes of \(name) were accepted")
                unlink(url.path)
            }
        }
        // A protocol buffer may end after any field; the fields that are there must be right.
        for name in ["new.caffemodel", "old.caffemodel"] {
            let whole = try WeightsFile(Fixture.url(name)).tensors
            let hostile = try Hostile(try Data(contentsOf: Fixture.url(name)))
            for length in 0..<hostile.data.count {
                let url = try hostile.file(Array(hostile.data.prefix(length)))
                for (key, tensor) in (try? WeightsFile(url).tensors) ?? [:] {
                    XCTAssertEqual(tensor.array, whole[key]?.array)
                }
                unlink(url.path)
            }
        }
    }

    func testWeightsFile_withFlippedBits_neverCrashes() throws {
        for name in [
            "arrays-0.pkl", "arrays-4.pkl", "arrays-5.pkl", "objects-1.pkl", "tensors.pkl", "arrays.npz",
            "compressed.npz", "new.caffemodel", "old.caffemodel",
        ] {
            let hostile = try Hostile(try Data(contentsOf: Fixture.url(name)))
            _ = try hostile.flipBits(Error.self, times: 600) {
                for tensor in try WeightsFile($0).tensors.values { _ = tensor.array }
            }
        }
    }

    func testWeightsFile_withClaimsBeyondItsSize_isRefused() throws {
        let hostile = try Hostile(Data())
        func read(_ bytes: [UInt8]) throws { _ = try WeightsFile(try hostile.file(bytes)) }
        let twoGigabytes: [UInt8] = [0x80, 0x80, 0x80, 0x80, 0x08]
        // A layer of 1 GB, one of 2 GB, and a blob whose shape has more elements
        // than there are.
        let oneGigabyte = twoGigabytes.dropLast() + [0x04]
        assertThrows("ends too early") { try read([0xA2, 0x06] + oneGigabyte + [UInt8](repeating: 0, count: 1000)) }
        assertThrows("ends too early") { try read([0xA2, 0x06] + twoGigabytes + [UInt8](repeating: 0, count: 1000)) }
        let blob: [UInt8] = [0x3A, 0x07, 0x0A, 0x05] + twoGigabytes + [0x2A, 0x04, 0, 0, 0, 0]
        let layer: [UInt8] = [0x0A, 0x01, 0x63, 0x3A, UInt8(blob.count)] + blob
        assertThrows("'c.weight'", "2147483648 elements, but holds 1") {
            try read([0xA2, 0x06, UInt8(layer.count)] + layer)
        }
        assertThrows("is damaged, or no Caffe model") { try read([0x0A] + [UInt8](repeating: 0xFF, count: 20)) }
        assertThrows("no layers") { try read([0x0A, 0x01, 0x61]) }
        // A pickle: bytes of 2 GB, and an array of 2 GB made of four bytes.
        assertThrows("ends too early") { try read([0x80, 4, 0x7D, 0x42, 0, 0, 0, 0x80, 1, 2, 3]) }
        assertThrows("takes 2147483648 bytes, but has 4") {
            try read(Pickled.array(shape: [1 << 29], bytes: [0, 0, 0, 0]))
        }
        assertThrows("impossible shape") {
            try read(Pickled.array(shape: Array(repeating: Int(Int32.max), count: 3), bytes: [0, 0, 0, 0]))
        }
        try read(Pickled.array(shape: [1], bytes: [0, 0, 0, 0]))
    }

    func testWeightsFile_ofPicklesThatGrow_isRefused() throws {
        let hostile = try Hostile(Data())
        func refused(_ body: [UInt8], _ word: String, line: UInt = #line) throws {
            let start = Date()
            let url = try hostile.file([0x80, 4] + body + [0x2E])
            assertThrows(word, line: line) { _ = try WeightsFile(url) }
            XCTAssertLessThan(Date().timeIntervalSince(start), 20, line: line)
            unlink(url.path)
        }
        // Each of these bytes would store a value: in the memo, among the marks, on the stack.
        try refused([0x7D] + [UInt8](repeating: 0x94, count: 3_000_000), "steps to read")
        try refused([UInt8](repeating: 0x28, count: 3_000_000), "steps to read")
        try refused([UInt8](repeating: 0x7D, count: 3_000_000), "steps to read")
        // Tuples in tuples, a million deep.
        try refused([0x7D, 0x4E] + [UInt8](repeating: 0x85, count: 1_000_000) + [0x4B, 0, 0x73], "no tensor")
        // One list of a thousand pairs, made into a dictionary ten thousand times.
        var bomb: [UInt8] = [0x5D, 0x71, 0, 0x28]
        for _ in 0..<1000 { bomb += [0x4E, 0x4E, 0x86] }
        bomb += [0x65] + Pickled.global("collections", "OrderedDict") + [0x71, 1]
        for _ in 0..<10_000 { bomb += [0x68, 1, 0x68, 0, 0x85, 0x52] }
        try refused(bomb, "steps to read")
        // A megabyte of bytes, as a hundred arrays.
        let megabyte = [UInt8](repeating: 0, count: 1 << 20)
        var arrays = Pickled.arrayParts(shape: [1 << 18], bytes: megabyte)
        arrays = [0x7D, 0x28] + Pickled.text("0") + arrays
        for i in 1..<100 { arrays += Pickled.text("\(i)") + Pickled.again(shape: [1 << 18]) }
        try refused(arrays + [0x75], "unfolds to more")
        // A name of two million bytes at every level.
        try refused(
            [0x7D, 0x58, 0x80, 0x84, 0x1E, 0] + [UInt8](repeating: 0x61, count: 2_000_000) + [0x7D, 0x73], "1,024 bytes"
        )
    }

    func testWeightsFile_ofArchivesWithOverlaps_isRefused() throws {
        var bytes = Array(try Data(contentsOf: Fixture.url("arrays.npz")))
        // The directory's second entry is made to point to the first file's place, under another name.
        let entries = bytes.indices.filter { $0 + 4 <= bytes.count && Array(bytes[$0..<$0 + 4]) == [0x50, 0x4B, 1, 2] }
        XCTAssertEqual(entries.count, 2)
        for i in 20..<28 { bytes[entries[1] + i] = bytes[entries[0] + i] }
        for i in 42..<46 { bytes[entries[1] + i] = bytes[entries[0] + i] }
        let hostile = try Hostile(Data())
        // Two small files fit into the archive twice; the limit is on their sum.
        _ = try? WeightsFile(try hostile.file(bytes))
        var many = Array(bytes[..<entries[0]])
        let start = many.count
        let entry = Array(bytes[entries[0]..<entries[1]])
        for i in 0..<50 {
            var copy = entry
            copy[46] = UInt8(48 + i)
            many += copy
        }
        let size = many.count - start
        many += [0x50, 0x4B, 5, 6, 0, 0, 0, 0, 50, 0, 50, 0]
        many +=
            withUnsafeBytes(of: UInt32(size).littleEndian, Array.init)
            + withUnsafeBytes(of: UInt32(start).littleEndian, Array.init) + [0, 0]
        assertThrows("overlap") { _ = try WeightsFile(try hostile.file(many)) }
    }
}

/// Pickles of NumPy arrays by hand.
enum Pickled {
    static func bytes<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian, Array.init)
    }
    static func text(_ text: String) -> [UInt8] { [0x8C, UInt8(text.utf8.count)] + text.utf8 }
    static func global(_ module: String, _ name: String) -> [UInt8] { [0x63] + Array("\(module)\n\(name)\n".utf8) }
    static func integer(_ value: Int) -> [UInt8] { [0x4A] + withUnsafeBytes(of: Int32(value).littleEndian, Array.init) }

    /// `{"w": array}`
    static func array(shape: [Int], bytes: [UInt8]) -> [UInt8] {
        [0x80, 4, 0x7D] + text("w") + arrayParts(shape: shape, bytes: bytes) + [0x73, 0x2E]
    }

    /// An array; its bytes are kept as 7, its type as 8.
    static func arrayParts(shape: [Int], bytes: [UInt8]) -> [UInt8] {
        let count = withUnsafeBytes(of: UInt32(bytes.count).littleEndian, Array.init)
        return build(
            shape: shape, type: global("numpy", "dtype") + text("f4") + [0x85, 0x52, 0x71, 8],
            bytes: [0x42] + count + bytes + [0x71, 7])
    }

    /// Another array of the same bytes.
    static func again(shape: [Int]) -> [UInt8] { build(shape: shape, type: [0x68, 8], bytes: [0x68, 7]) }

    private static func build(shape: [Int], type: [UInt8], bytes: [UInt8]) -> [UInt8] {
        let empty =
            global("numpy.core.multiarray", "_reconstruct") + global("numpy", "ndarray") + integer(0) + [0x85]
            + [0x43, 1, 0x62, 0x87, 0x52]
        let sizes = [0x28] + shape.flatMap(integer) + [0x74]
        return empty + [0x28] + integer(1) + sizes + type + [0x89] + bytes + [0x74, 0x62]
    }
}
