import Support
import XCTest

final class FingerprintTests: XCTestCase {
    func testFingerprint_knownTexts_givesTheSameDigitsAsEver() {
        XCTAssertEqual(Fingerprint().hexadecimal, "cbf29ce484222325")
        var fingerprint = Fingerprint(start: 1)
        fingerprint.add(2)
        XCTAssertEqual(fingerprint.value, 0x300_0000_0619)
    }

    func testFingerprint_boundaryBetweenTextsMoved_differs() {
        XCTAssertNotEqual(Fingerprint(of: ["ab", "c"]), Fingerprint(of: ["a", "bc"]))
        XCTAssertEqual(Fingerprint(of: ["ab", "c"]), Fingerprint(of: ["ab", "c"]))
    }
}
