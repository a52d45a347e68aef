import Foundation
import TestSupport
import XCTest

/// Feeds broken variants of a file to a reader. The files are in memory where the system has a folder there, because
/// thousands of files on a disk take a minute.
final class Hostile {
    let folder: URL
    let data: [UInt8]

    init(_ data: Data) throws {
        let memory = "/dev/shm"
        if access(memory, W_OK) == 0 {
            folder = URL(fileURLWithPath: "\(memory)/mmx-test-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        } else {
            folder = try Fixture.temporaryFolder()
        }
        self.data = Array(data)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// The URL of a new file that holds `bytes`.
    func file(_ bytes: [UInt8]) throws -> URL {
        let url = folder.appendingPathComponent(UUID().uuidString)
        try Data(bytes).write(to: url)
        return url
    }

    /// Calls `read` on a file that holds `bytes`, and removes it.
    private func with(_ bytes: [UInt8], _ read: (URL) throws -> Void) throws {
        let url = try file(bytes)
        defer { unlink(url.path) }
        try read(url)
    }

    /// Every prefix must throw an error of type `E`.
    func assertPrefixesThrow<E: Error>(_ type: E.Type, _ read: (URL) throws -> Void) throws {
        for length in 0..<data.count {
            XCTAssertThrowsError(try with(Array(data.prefix(length)), read), "the first \(length) bytes were accepted")
            {
                XCTAssert($0 is E, "\($0)")
            }
        }
    }

    /// Flips one to four bits; the reader must return or throw an error of type `E`.
    /// - Returns: the number of errors.
    @discardableResult
    func flipBits<E: Error>(_ type: E.Type, times: Int, _ read: (URL) throws -> Void) throws -> Int {
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        func random(_ bound: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(state >> 11) % bound
        }
        var threw = 0
        for _ in 0..<times {
            var bytes = data
            for _ in 0...random(4) { bytes[random(data.count)] ^= 1 << UInt8(random(8)) }
            do { try with(bytes, read) } catch {
                XCTAssert(error is E, "\(error)")
                threw += 1
            }
        }
        return threw
    }
}

/// What the fixtures hold at `position` of a storage.
func ramp(_ position: Int) -> Float { Float(position) / 4 - 3 }
func ramp(_ positions: Range<Int>) -> [Float] { positions.map { ramp($0) } }

/// Fails unless `body` throws something whose description contains each of `parts`.
func assertThrows(
    _ parts: String..., file: StaticString = #filePath, line: UInt = #line, _ body: () throws -> Void
) {
    XCTAssertThrowsError(try body(), file: file, line: line) { error in
        for part in parts {
            XCTAssert("\(error)".contains(part), "'\(error)' does not say '\(part)'", file: file, line: line)
        }
    }
}
