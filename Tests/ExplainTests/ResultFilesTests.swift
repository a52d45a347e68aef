import Foundation
import TestSupport
import XCTest

@testable import Explain

/// The names of one run's files, beside those of others.
final class ResultFilesTests: XCTestCase {
    private var folder = FileManager.default.temporaryDirectory

    override func setUpWithError() throws { folder = try Fixture.temporaryFolder() }
    override func tearDownWithError() throws { try FileManager.default.removeItem(at: folder) }

    private func touch(_ name: String) throws { try Data().write(to: folder.appendingPathComponent(name)) }

    func testName_takenByAnotherRequest_hasTheKey() throws {
        try touch("photo-02-dog-map.npy")
        let results = try ResultFiles(folder, request: "0123456789abcdef", manifest: "photo-explanation")
        XCTAssertEqual(try results.name("photo-03-cat", endings: ["-map.npy"]), "photo-03-cat")
        XCTAssertEqual(try results.name("photo-03-cat", endings: ["-map.npy"]), "photo-03-cat-2")
        XCTAssertEqual(
            try results.name("photo-02-dog", endings: ["-map.npy", "-overlay.png"]), "photo-02-dog-01234567")
        XCTAssertEqual(try results.manifest().lastPathComponent, "photo-explanation.json")
        try touch("photo-05-fox-map.npy")
        try touch("photo-05-fox-01234567-map.npy")
        XCTAssertThrowsError(try results.name("photo-05-fox", endings: ["-map.npy"])) {
            XCTAssertTrue("\($0)".contains("photo-05-fox-01234567-map.npy: a file of another request"), "\($0)")
        }
    }

    /// Manifests of mmx 0.1.0 had whole paths; those of today have names.
    func testName_inAManifestOfTheSameRequest_isReplaced() throws {
        for files in [
            #"{"overlay": "/elsewhere/out/photo-02-dog-overlay.png", "drawnMap": "/elsewhere/out/photo-02-dog-drawn.npy"}"#,
            #"{"overlay": "photo-02-dog-overlay.png", "drawnMap": "photo-02-dog-drawn.npy"}"#,
        ] {
            for name in ["photo-02-dog-overlay.png", "photo-02-dog-drawn.npy"] { try touch(name) }
            let text = #"{"request": "0123456789abcdef", "scores": [{"files": \#(files)}]}"#
            try Data(text.utf8).write(to: folder.appendingPathComponent("photo-explanation.json"))
            let results = try ResultFiles(folder, request: "0123456789abcdef", manifest: "photo-explanation")
            XCTAssertEqual(
                try results.name("photo-02-dog", endings: ["-overlay.png", "-drawn.npy"]), "photo-02-dog", files)
        }
    }

    /// Case is not told apart on all file systems.
    func testName_thatDiffersInCase_isNumbered() throws {
        let results = try ResultFiles(folder, request: "0123456789abcdef", manifest: "photo-answers")
        XCTAssertEqual(try results.name("photo-01-yes", endings: [".png"]), "photo-01-yes")
        XCTAssertEqual(try results.name("photo-01-Yes", endings: [".png"]), "photo-01-Yes-2")
    }

    /// Between the look at a name and the file, no other run may take it: runs write one after the other.
    func testResultFiles_whileAnotherRunWrites_waits() throws {
        let place = folder
        var first: ResultFiles? = try ResultFiles(place, request: "0123456789abcdef", manifest: "photo-answers")
        XCTAssertEqual(try first?.name("photo", endings: [".png"]), "photo")
        let second = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            _ = try? ResultFiles(place, request: "fedcba9876543210", manifest: "photo-answers")
            second.signal()
        }
        XCTAssertEqual(second.wait(timeout: .now() + 0.2), .timedOut)
        first = nil
        XCTAssertEqual(second.wait(timeout: .now() + 10), .success)
    }

    func testFileNames_anyText_areSafe() {
        XCTAssertEqual(FileNames.stem("my photo (1)"), "my_photo__1_")
        XCTAssertEqual(FileNames.stem(".hidden"), "_hidden")
        XCTAssertEqual(FileNames.stem("-dash"), "-dash")
        XCTAssertEqual(FileNames.stem("v2.1+final,a=b@c%"), "v2.1+final,a=b@c%")
        XCTAssertEqual(FileNames.stem("\u{5199}\u{771F}\u{301}\u{1F415}"), "\u{5199}\u{771F}\u{301}\u{1F415}")
        XCTAssertEqual(FileNames.stem("a/b\u{0}c\u{202E}d\u{10FFE9}"), "a_b_c_d_")
        XCTAssertEqual(FileNames.stem(""), "_")
        let long = [1, 2].map { FileNames.stem(String(repeating: "\u{5199}", count: 100) + "\($0)") }
        XCTAssertNotEqual(long[0], long[1])
        for name in long { XCTAssertTrue((100...110).contains(name.utf8.count), name) }
    }
}
