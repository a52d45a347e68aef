import Foundation
import Support
import TestSupport
import XCTest

final class AtomicFileTests: XCTestCase {
    func testAtomicFile_written_replacesTheOldFile() throws {
        let folder = try Fixture.temporaryFolder()
        let url = folder.appendingPathComponent("\u{E9} x.txt")
        try AtomicFile.write(Data("one".utf8), to: url)
        XCTAssertEqual(try String(contentsOf: url, encoding: .utf8), "one")
        let large = Data((0..<200_000).map { UInt8($0 % 251) })
        try AtomicFile.write(to: url) { writer in
            try writer.write("head")
            try writer.write(large)
            try writer.write("tail")
        }
        XCTAssertEqual(try Data(contentsOf: url), Data("head".utf8) + large + Data("tail".utf8))
        XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder.path), ["\u{E9} x.txt"])
    }

    func testAtomicFile_afterAFailure_leavesTheOldFile() throws {
        struct Failure: Error {}
        let folder = try Fixture.temporaryFolder()
        let url = folder.appendingPathComponent("x")
        try AtomicFile.write(Data("old".utf8), to: url)
        XCTAssertThrowsError(
            try AtomicFile.write(to: url) { writer in
                try writer.write(Data(count: 100_000))
                throw Failure()
            }
        ) { XCTAssert($0 is Failure) }
        XCTAssertEqual(try String(contentsOf: url, encoding: .utf8), "old")
        XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder.path), ["x"])
    }

    func testAtomicFile_durable_replacesTheOldFile() throws {
        let folder = try Fixture.temporaryFolder()
        let url = folder.appendingPathComponent("x")
        for text in ["old", "new"] { try AtomicFile.write(Data(text.utf8), to: url, durable: true) }
        XCTAssertEqual(try String(contentsOf: url, encoding: .utf8), "new")
        XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder.path), ["x"])
    }

    /// A killed process leaves a file or a folder without a lock. One that is being written has a lock.
    func testRemoveLeftovers_ofKilledAndLivingWriters_removesTheFormer() throws {
        let folder = try Fixture.temporaryFolder()
        func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() }
        func leave() throws {
            try Data("half".utf8).write(to: folder.appendingPathComponent(".mmx-1-half.part"))
            let inside = folder.appendingPathComponent(".mmx-1-folder.part")
            try FileManager.default.createDirectory(at: inside, withIntermediateDirectories: true)
            try Data("half".utf8).write(to: inside.appendingPathComponent("x"))
        }
        for name in [".mmx-1-half", "x.part", "y"] { try Data().write(to: folder.appendingPathComponent(name)) }
        try AtomicFile.write(to: folder.appendingPathComponent("z")) { writer in
            try leave()
            let before = try names()
            XCTAssertEqual(before.count, 6, "\(before)")
            AtomicFile.removeLeftovers(in: folder)
            let after = try names()
            XCTAssertEqual(after.count, 4, "\(after)")
            try writer.write("whole")
        }
        XCTAssertTrue(
            try AtomicFile.writeFolder(to: folder.appendingPathComponent("w")) { new in
                try leave()
                try AtomicFile.makeFolder(folder)
                try Data("in".utf8).write(to: new.appendingPathComponent("in"))
            })
        XCTAssertEqual(try names(), [".mmx-1-half", "w", "x.part", "y", "z"])
        XCTAssertEqual(try String(contentsOf: folder.appendingPathComponent("z"), encoding: .utf8), "whole")
        XCTAssertEqual(try String(contentsOf: folder.appendingPathComponent("w/in"), encoding: .utf8), "in")
    }

    func testWriteFolder_overAFullFolderOrAfterAFailure_changesNothing() throws {
        struct Failure: Error {}
        let folder = try Fixture.temporaryFolder()
        let url = folder.appendingPathComponent("x")
        XCTAssertThrowsError(
            try AtomicFile.writeFolder(to: url) {
                try Data().write(to: $0.appendingPathComponent("a"))
                throw Failure()
            }
        ) { XCTAssert($0 is Failure) }
        XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder.path), [])
        for isNew in [true, false] {
            XCTAssertEqual(
                try AtomicFile.writeFolder(to: url) { try Data().write(to: $0.appendingPathComponent("\(isNew)")) },
                isNew)
        }
        XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: url.path), ["true"])
        XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder.path), ["x"])
        assertThrows("none/x", "none does not exist") {
            _ = try AtomicFile.writeFolder(to: folder.appendingPathComponent("none/x")) { _ in }
        }
    }

    func testAtomicFile_throughALink_replacesItsTarget() throws {
        let folder = try Fixture.temporaryFolder()
        let file = folder.appendingPathComponent("file")
        let link = folder.appendingPathComponent("link")
        try AtomicFile.write(Data("old".utf8), to: file)
        try FileManager.default.createSymbolicLink(at: link, withDestinationURL: file)
        try AtomicFile.write(Data("new".utf8), to: link)
        XCTAssertEqual(try String(contentsOf: file, encoding: .utf8), "new")
        XCTAssertEqual(try FileManager.default.destinationOfSymbolicLink(atPath: link.path), file.path)
    }

    func testAtomicFile_toAPipe_isWrittenDirectly() throws {
        let pipe = try Fixture.temporaryFolder().appendingPathComponent("pipe")
        XCTAssertEqual(mkfifo(pipe.path, 0o600), 0)
        let reader = open(pipe.path, O_RDONLY | O_NONBLOCK)
        defer { close(reader) }
        try AtomicFile.write(Data([1, 2, 3]), to: pipe)
        var bytes = [UInt8](repeating: 0, count: 8)
        XCTAssertEqual(read(reader, &bytes, 8), 3)
        XCTAssertEqual(bytes, [1, 2, 3, 0, 0, 0, 0, 0])
    }

    func testMakeFolder_ofNestedFolders_makesThemOrNamesTheObstacle() throws {
        let folder = try Fixture.temporaryFolder()
        let deep = folder.appendingPathComponent("a/b c/d")
        for _ in 0..<2 { try AtomicFile.makeFolder(deep) }
        try AtomicFile.write(Data("x".utf8), to: deep.appendingPathComponent("../../file"))
        XCTAssertEqual(
            try FileManager.default.contentsOfDirectory(atPath: folder.appendingPathComponent("a").path).sorted(),
            ["b c", "file"])
        let file = folder.appendingPathComponent("a/file")
        for name in ["a/file", "a/file/below", "a/file/far/below"] {
            assertThrows("cannot write", "\(folder.path)/\(name)", "\(file.path) is not a folder") {
                try AtomicFile.makeFolder(folder.appendingPathComponent(name))
            }
        }
        let link = folder.appendingPathComponent("link")
        try FileManager.default.createSymbolicLink(at: link, withDestinationURL: deep)
        try AtomicFile.makeFolder(link.appendingPathComponent("e"))
        XCTAssertTrue(FileManager.default.fileExists(atPath: deep.appendingPathComponent("e").path))
        assertThrows("/proc/none") { try AtomicFile.makeFolder(URL(fileURLWithPath: "/proc/none/x")) }
    }

    func testAtomicFile_thatCannotBeWritten_namesPathAndReason() throws {
        let folder = try Fixture.temporaryFolder()
        let missing = folder.appendingPathComponent("none/x")
        assertThrows(missing.path, "none does not exist") { try AtomicFile.write(Data(), to: missing) }
        assertThrows(folder.path, "is a folder") { try AtomicFile.write(Data(), to: folder) }
        let file = folder.appendingPathComponent("file")
        try AtomicFile.write(Data(), to: file)
        assertThrows("file is not a folder") { try AtomicFile.write(Data(), to: file.appendingPathComponent("x")) }
        assertThrows("/dev/full", "No space") { try AtomicFile.write(Data([1]), to: URL(fileURLWithPath: "/dev/full")) }
        if getuid() != 0 {
            try FileManager.default.setAttributes([.posixPermissions: 0o555], ofItemAtPath: folder.path)
            defer { try? FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.path) }
            assertThrows("not writable") { try AtomicFile.write(Data(), to: folder.appendingPathComponent("x")) }
        }
    }
}

/// `body` must throw an error whose description holds every one of `parts`.
func assertThrows(
    _ parts: String..., file: StaticString = #filePath, line: UInt = #line, _ body: () throws -> Void
) {
    XCTAssertThrowsError(try body(), file: file, line: line) { error in
        for part in parts {
            XCTAssert("\(error)".contains(part), "'\(error)' does not say '\(part)'", file: file, line: line)
        }
    }
}
