import Foundation
import Support
import TestSupport
import XCTest

final class FolderLockTests: XCTestCase {
    func testFolderLock_heldAndReleased_keepsTheFolderToOne() throws {
        let folder = try Fixture.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let lock = try FolderLock(folder)
        assertThrows(folder.path, "process \(getpid()) is at work in this folder") { _ = try FolderLock(folder) }
        lock.release()
        let second = try FolderLock(folder)
        // A file that tells no process is no reason to fail.
        try Data("?".utf8).write(to: folder.appendingPathComponent("lock"))
        _ = second
    }

    func testFolderLock_withoutAProcessInItsFile_namesAnotherProcess() throws {
        let folder = try Fixture.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let lock = try FolderLock(folder)
        XCTAssertEqual(truncate(folder.appendingPathComponent("lock").path, 0), 0)
        assertThrows("another process is at work in this folder") { _ = try FolderLock(folder) }
        lock.release()
        XCTAssertNoThrow(try FolderLock(folder))
        assertThrows("none/lock", "No such file") { _ = try FolderLock(folder.appendingPathComponent("none")) }
    }

    func testFolderLock_ofAKilledProcess_isFree() throws {
        let folder = try Fixture.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let child = try TestChild("SupportTests.FolderLockTests/testChild_holdsALock", folder: folder)
        let file = folder.appendingPathComponent("lock")
        child.wait { (try? String(contentsOf: file, encoding: .utf8)) == "\(child.number)\n" }
        assertThrows("process \(child.number) is at work in this folder") { _ = try FolderLock(folder) }
        XCTAssertTrue(child.kill())
        XCTAssertNoThrow(try FolderLock(folder))
    }

    /// Runs as a child only.
    func testChild_holdsALock() throws {
        guard let folder = TestChild.folder else { return }
        let lock = try FolderLock(folder)
        sleep(60)
        lock.release()
    }
}

final class SmallFileTests: XCTestCase {
    func testSmallFile_regularOrLinked_isRead() throws {
        let folder = try Fixture.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("file")
        let link = folder.appendingPathComponent("link")
        XCTAssertNil(try SmallFile.read(file, atMost: 10))
        try Data("12345".utf8).write(to: file)
        try FileManager.default.createSymbolicLink(at: link, withDestinationURL: file)
        XCTAssertEqual(try SmallFile.read(file, atMost: 5), Data("12345".utf8))
        XCTAssertEqual(try SmallFile.read(link, atMost: 9), Data("12345".utf8))
        assertThrows("has 5 bytes; it may have 4") { _ = try SmallFile.read(file, atMost: 4) }
    }

    /// A pipe would wait for a writer, and /dev/zero has no end.
    func testSmallFile_ofAFolderPipeOrDevice_isRefused() throws {
        let folder = try Fixture.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let pipe = folder.appendingPathComponent("pipe")
        XCTAssertEqual(mkfifo(pipe.path, 0o600), 0)
        assertThrows("is a folder, not a file") { _ = try SmallFile.read(folder, atMost: 10) }
        for url in [pipe, URL(fileURLWithPath: "/dev/zero")] {
            assertThrows("is not a regular file") { _ = try SmallFile.read(url, atMost: 10) }
        }
    }
}
