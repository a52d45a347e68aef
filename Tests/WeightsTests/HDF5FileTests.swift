import Foundation
import Tensors
import TestSupport
import XCTest

@testable import Weights

final class HDF5FileTests: XCTestCase {
    private func open(_ url: URL) throws -> HDF5File {
        try KerasFileError.naming(url) {
            let file = try MappedFile(url)
            return try HDF5File(file.bytes, file: file)
        }
    }

    private func open(_ name: String) throws -> HDF5File { try open(KerasFixtures.url(name)) }

    /// Every value of every data set and attribute.
    private func readAll(_ url: URL) throws {
        try KerasFileError.naming(url) {
            let file = try MappedFile(url)
            let hdf5 = try HDF5File(file.bytes, file: file)
            for dataset in hdf5.datasets where dataset.isReal { _ = try hdf5.tensor(dataset).array.reduce(0, +) }
        }
    }

    func testHDF5File_ofH5py_holdsWhatH5pyReads() throws {
        let expected: [String: [String: KerasFixtures.Numbers]] = try KerasFixtures.expected("hdf5.json")
        XCTAssertEqual(expected.count, 3)
        for (name, datasets) in expected {
            let file = try open(name)
            XCTAssertGreaterThanOrEqual(file.datasets.count, datasets.count)
            for (path, numbers) in datasets where path != "integers" {
                let dataset = try XCTUnwrap(file.dataset(path), "\(name) \(path)")
                try KerasFixtures.assertEqual(try file.tensor(dataset), numbers, "\(name) \(path)")
            }
        }
    }

    /// The fixtures' elements are position / 4 - 3.
    func testHDF5File_ofChunks_putsEachElementInItsPlace() throws {
        let file = try open("layouts.h5")
        for (name, count) in [("chunked", 63), ("gzip", 126), ("gzip64", 40), ("many", 140), ("compact", 6)] {
            let tensor = try file.tensor(XCTUnwrap(file.dataset(name)))
            XCTAssertEqual(tensor.array, ramp(0..<count), name)
        }
        let empty = try file.tensor(XCTUnwrap(file.dataset("empty")))
        XCTAssertEqual(empty.shape, [0, 3])
        XCTAssertEqual(try file.tensor(XCTUnwrap(file.dataset("half"))).storage.halves == nil, false)
    }

    func testHDF5File_ofWhatIsNotRead_saysWhatAndWhatToDo() throws {
        let file = try open("layouts.h5")
        func refused(_ name: String, _ parts: String...) throws {
            let dataset = try XCTUnwrap(file.dataset(name))
            XCTAssertThrowsError(try file.tensor(dataset), name) { error in
                let text = (error as? FileProblem)?.text ?? ""
                for part in parts + [name] { XCTAssert(text.contains(part), "'\(text)' lacks '\(part)'") }
            }
        }
        try refused("lzf", "lzf", "compression=\"gzip\"")
        try refused("big-endian", "big-endian")
        try refused("integers", "integers")
        try refused("unwritten", "never written")
        assertThrows("dense form", "libver") { _ = try open("dense.h5") }
    }

    func testHDF5File_ofGroups_knowsTheirMembersAndAttributes() throws {
        let file = try open("groups.h5")
        XCTAssertEqual(file.groups.first?.path, "")
        XCTAssertEqual(file.datasets.filter { $0.path.hasPrefix("wide/") }.count, 40)
        // A soft link is no member.
        XCTAssertNil(file.group("soft"))
        let attributes = try XCTUnwrap(file.group("attributes")).attributes
        let expected: [String: PlainValue] = [
            "text": .text("h\u{E9}llo"), "fixed": .text("fixed"), "list": .list([.text("one"), .text("three")]),
            "texts": .list([.text("a"), .text(""), .text("ccc")]), "long": .text(String(repeating: "x", count: 5000)),
            "integer": .integer(-7), "byte": .integer(200), "real": .real(0.5), "flag": .bool(true), "nothing": .none,
            "reals": .list([.real(0.5), .real(-1)]), "none": .list([]), "complex": .other,
        ]
        XCTAssertEqual(attributes.entries?.count, expected.count)
        for (name, value) in expected { XCTAssertEqual(attributes[name], value, name) }
        let latest = try open("latest.h5")
        // In the order of their making.
        XCTAssertEqual(latest.group("model")?.attributes["layer_names"], .list([.text("z"), .text("a")]))
        XCTAssertEqual(latest.datasets.map(\.path).sorted(), ["model/a/kernel", "model/z/kernel"])
    }

    func testHDF5File_truncated_isRefused() throws {
        try Hostile(KerasFixtures.bytes("small.h5")).assertPrefixesThrow(KerasFileError.self, readAll)
    }

    func testHDF5File_withFlippedBits_neverCrashes() throws {
        for (name, times) in [("small.h5", 3000), ("layouts.h5", 3000), ("latest.h5", 3000), ("groups.h5", 500)] {
            let threw = try Hostile(KerasFixtures.bytes(name)).flipBits(KerasFileError.self, times: times, readAll)
            XCTAssertGreaterThan(threw, 0, name)
        }
    }

    // MARK: Files that lie

    /// Positions of `pattern` in `bytes`.
    private func places(_ pattern: [UInt8], in bytes: [UInt8]) -> [Int] {
        guard bytes.count >= pattern.count else { return [] }
        return (0...bytes.count - pattern.count).filter { bytes[$0..<$0 + pattern.count].elementsEqual(pattern) }
    }

    private func number(_ value: UInt64) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }

    private func refused(
        _ name: String, _ parts: String..., line: UInt = #line, change: (inout [UInt8]) throws -> Void
    ) throws {
        var bytes = Array(try KerasFixtures.bytes(name))
        try change(&bytes)
        let hostile = try Hostile(Data(bytes))
        let url = try hostile.file(bytes)
        for part in parts { assertThrows(part, url.path, line: line) { try readAll(url) } }
    }

    func testHDF5File_ofAGroupWithinItself_isRefused() throws {
        try refused("small.h5", "within itself") { bytes in
            // The root's header, as the superblock has it, in place of the header of each table's first member.
            let root = bytes[64..<72]
            for table in places(Array("SNOD".utf8), in: bytes) where bytes[table + 6] > 0 {
                bytes.replaceSubrange(table + 16..<table + 24, with: root)
            }
        }
    }

    func testHDF5File_ofATreeWithinItself_isRefused() throws {
        try refused("small.h5", "another tree or level") { bytes in
            for tree in places(Array("TREE".utf8), in: bytes) {
                // One level more, and itself as the first child.
                bytes[tree + 5] = 1
                bytes.replaceSubrange(tree + 32..<tree + 40, with: number(UInt64(tree)))
            }
        }
        // A tree of chunks, of which small.h5 has none.
        try refused("layouts.h5", "another tree or level") { bytes in
            for tree in places(Array("TREE".utf8) + [1, 0], in: bytes) {
                bytes[tree + 5] = 1
                // Behind a key of two axes.
                bytes.replaceSubrange(tree + 56..<tree + 64, with: number(UInt64(tree)))
            }
        }
        try refused("layouts.h5", "another tree or level") { bytes in
            for tree in places(Array("TREE".utf8) + [1, 0], in: bytes) { bytes[tree + 5] = 255 }
        }
    }

    func testHDF5File_ofAnObjectHeaderThatContinuesInItself_isRefused() throws {
        try refused("groups.h5", "continues in itself") { bytes in
            // A continuation message: type 16, 16 bytes. It leads to a block that begins with the message itself.
            for message in places([0x10, 0, 16, 0, 0, 0, 0, 0], in: bytes) {
                bytes.replaceSubrange(message + 8..<message + 24, with: number(UInt64(message)) + number(24))
            }
        }
    }

    /// The axes of the kernel of small.h5's first layer.
    private func axes(_ bytes: [UInt8]) throws -> Int {
        try XCTUnwrap(places([2, 1, 0, 0, 0, 0, 0] + number(3) + number(2), in: bytes).first) + 7
    }

    func testHDF5File_ofShapesLargerThanTheFile_isRefused() throws {
        for size: UInt64 in [1 << 60, 1 << 63, .max] {
            try refused("small.h5", size > 1 << 62 ? "impossible length" : "larger than any file") { bytes in
                let place = try axes(bytes)
                bytes.replaceSubrange(place..<place + 8, with: number(size))
            }
        }
        try refused("small.h5", "takes \(8 << 40) bytes, but holds 24", "model_weights/one/sequential/one/kernel") {
            bytes in
            let place = try axes(bytes)
            bytes.replaceSubrange(place..<place + 8, with: number(1 << 40))
        }
        // The layout agrees.
        try refused("small.h5", "ends too early") { bytes in
            let place = try axes(bytes)
            bytes.replaceSubrange(place..<place + 8, with: number(1 << 40))
            // Layouts of version 3, in one piece.
            for layout in places(number(24), in: bytes) where bytes[layout - 10..<layout - 8].elementsEqual([3, 1]) {
                bytes.replaceSubrange(layout..<layout + 8, with: number(8 << 40))
            }
        }
    }

    func testHDF5File_ofChunksLargerThanTheFile_isRefused() throws {
        // The chunks of "gzip": 4 x 3 x 2 elements of 4 bytes.
        let chunk: [UInt8] = [4, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 4, 0, 0, 0]
        func chunks(_ to: [UInt8]) -> (inout [UInt8]) throws -> Void {
            { bytes in
                let place = try XCTUnwrap(self.places(chunk, in: bytes).first)
                bytes.replaceSubrange(place..<place + to.count, with: to)
            }
        }
        try refused("layouts.h5", "too large", change: chunks([0, 0, 0, 0x80, 3, 0, 0, 0]))
        try refused("layouts.h5", "unfolds to more than", change: chunks([0, 0, 0, 4]))
        try refused("layouts.h5", "impossible shape", change: chunks([0, 0, 0, 0]))
        try refused("layouts.h5", "where none can be", change: chunks([3, 0, 0, 0, 4]))
        try refused("layouts.h5", "elements of another size", change: chunks(Array(chunk[..<12]) + [8]))
    }

    func testHDF5File_ofAttributesThatLie_isRefused() throws {
        // The attribute's name, its type of 24 bytes, and its space: one axis of 3.
        func place(_ bytes: [UInt8]) throws -> Int {
            try XCTUnwrap(places(Array("layer_names".utf8), in: bytes).first) + 16 + 24
        }
        for count: UInt64 in [4, 1 << 20, 1 << 50] {
            try refused("small.h5", "'layer_names'", "values are not there") { bytes in
                let place = try place(bytes) + 8
                XCTAssertEqual(Array(bytes[place..<place + 8]), number(3))
                bytes.replaceSubrange(place..<place + 8, with: number(count))
            }
        }
        try refused("small.h5", "33 axes") { bytes in bytes[try place(bytes) + 1] = 33 }
    }

    /// A header's blocks have lengths, so its number of messages need not be right.
    func testHDF5File_ofAWrongNumberOfMessages_isReadAllTheSame() throws {
        var bytes = Array(try KerasFixtures.bytes("small.h5"))
        let root = Int(bytes[64]) + Int(bytes[65]) << 8
        bytes.replaceSubrange(root + 2..<root + 4, with: [0xFF, 0xFF])
        let hostile = try Hostile(Data(bytes))
        try readAll(hostile.file(bytes))
    }
}
