import Foundation
import Support
import TestSupport
import XCTest

final class SHA256Tests: XCTestCase {
    /// FIPS 180-2, appendix B; the empty text is from NIST's test vectors.
    func testSHA256_ofKnownTexts_equalsThePublishedDigests() {
        let digests = [
            "": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "abc": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq":
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
            String(repeating: "a", count: 1_000_000):
                "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
        ]
        for (text, digest) in digests { XCTAssertEqual(sha256(Data(text.utf8)), digest) }
    }

    func testFileHash_ofAFile_equalsTheHashOfItsContents() throws {
        let folder = try Fixture.temporaryFolder(), file = folder.appendingPathComponent("file")
        defer { try? FileManager.default.removeItem(at: folder) }
        let data = Data((0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        try data.write(to: file)
        XCTAssertEqual(try FileHash(file).value, sha256(data))
    }

    /// Of a file that is read in several parts.
    func testSHA256_ofAFile_equalsTheHashOfItsContents() throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: url) }
        for count in [0, 1, 1 << 20, 2_500_000] {
            let data = Data((0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) })
            try data.write(to: url)
            XCTAssertEqual(try sha256(file: url), sha256(data), "\(count)")
        }
    }

    func testFileHash_ofAMissingFile_throws() {
        XCTAssertThrowsError(try FileHash(URL(fileURLWithPath: "/nowhere/at/all")).value)
    }
}
