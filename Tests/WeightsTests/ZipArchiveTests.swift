import Foundation
import Tensors
import TestSupport
import Weights
import XCTest

/// Deflated files in zip archives, made by hand.
final class ZipArchiveTests: XCTestCase {
    private func file(_ members: [Zip.Member]) throws -> URL {
        let url = try Fixture.temporaryFolder().appendingPathComponent("x.npz")
        try Data(Zip.archive(members)).write(to: url)
        return url
    }

    private let array = Array((try? Data(contentsOf: Fixture.url("f4.npy"))) ?? Data())

    func testZipArchive_ofADeflatedFile_isRead() throws {
        let url = try file([.deflated("a.npy", array), Zip.Member(name: "b.npy", method: 0, data: array)])
        let tensors = try WeightsFile(url).tensors
        XCTAssertEqual(tensors.mapValues(\.array), ["a": [0, 1, 2, 3, 4, 5], "b": [0, 1, 2, 3, 4, 5]])
        // The tensor's memory outlives the reader.
        XCTAssertEqual(tensors["a"]?.shape, [2, 3])
    }

    func testZipArchive_ofADeflatedFileThatLies_isRefused() throws {
        func refused(_ part: String, line: UInt = #line, _ change: (inout Zip.Member) -> Void) throws {
            var member = Zip.Member.deflated("a.npy", array)
            change(&member)
            let url = try file([member])
            assertThrows(part, "a.npy", url.path, line: line) { _ = try WeightsFile(url) }
        }
        try refused("does not hold the \(array.count - 1) bytes") { $0.size = array.count - 1 }
        try refused("does not hold the \(array.count + 1) bytes") { $0.size = array.count + 1 }
        try refused("does not hold the 0 bytes") { $0.size = 0 }
        try refused("checksum") { $0.checksum ^= 1 }
        try refused("compressed data are damaged") { $0.data.removeLast() }
        try refused("compressed data are damaged") { $0.data.append(0) }
        try refused("compressed data are damaged") { $0.data[0] = 0xFF }
        try refused("method 12") { $0.method = 12 }
    }

    /// What is declared is not allocated where the file is far too small for it.
    func testZipArchive_ofADeclaredGigabyte_isRefused() throws {
        var member = Zip.Member.deflated("a.npy", array)
        member.size = 1 << 30
        let url = try file([member])
        assertThrows("unfolds to more than 32 MB") { _ = try WeightsFile(url) }
    }

    func testZipArchive_ofATorchScriptProgram_saysHowToSaveItsWeights() throws {
        let url = try file([
            Zip.Member(name: "m/data.pkl", method: 0, data: [0x80, 2, 0x7D, 0x2E]),
            .deflated("m/code/__torch__.py", Array("def forward()".utf8)),
            Zip.Member(name: "m/constants.pkl", method: 0, data: [0x80, 2, 0x29, 0x2E]),
        ])
        assertThrows("TorchScript", "torch.jit.load(FILE).state_dict()") { _ = try WeightsFile(url) }
    }
}

/// Zip archives by hand.
enum Zip {
    struct Member {
        var name: String
        var method: UInt16
        /// As they lie in the archive.
        var data: [UInt8]
        var size: Int
        var checksum: UInt32

        init(name: String, method: UInt16, data: [UInt8]) {
            (self.name, self.method, self.data) = (name, method, data)
            size = data.count
            checksum = Zip.checksum(data)
        }

        /// One block of deflate's kind for bytes that are not compressed.
        static func deflated(_ name: String, _ contents: [UInt8]) -> Member {
            let count = UInt16(contents.count)
            var member = Member(name: name, method: 8, data: contents)
            member.data = [1] + bytes(count) + bytes(~count) + contents
            return member
        }
    }

    static func archive(_ members: [Member]) -> [UInt8] {
        var result: [UInt8] = []
        var directory: [UInt8] = []
        for member in members {
            let name = Array(member.name.utf8)
            // Method, time, date, checksum, sizes, lengths of the name and of what follows it.
            let facts =
                bytes(member.method) + [0, 0, 0, 0] + bytes(member.checksum) + bytes(UInt32(member.data.count))
                + bytes(UInt32(member.size)) + bytes(UInt16(name.count)) + [0, 0]
            directory +=
                [0x50, 0x4B, 1, 2, 20, 0, 20, 0, 0, 0] + facts + [UInt8](repeating: 0, count: 10)
                + bytes(UInt32(result.count)) + name
            result += [0x50, 0x4B, 3, 4, 20, 0, 0, 0] + facts + name + member.data
        }
        let count = bytes(UInt16(members.count))
        return result + directory + [0x50, 0x4B, 5, 6, 0, 0, 0, 0] + count + count + bytes(UInt32(directory.count))
            + bytes(UInt32(result.count)) + [0, 0]
    }

    static func bytes<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }

    /// CRC-32.
    static func checksum(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(UInt32.max) { sum, byte in
            (0..<8).reduce(sum ^ UInt32(byte)) { value, _ in value >> 1 ^ (value & 1 == 0 ? 0 : 0xEDB8_8320) }
        }
    }
}
