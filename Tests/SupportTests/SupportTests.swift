import Foundation
import Support
import XCTest

final class NearestNamesTests: XCTestCase {
    func testNearestNames_mistypedName_comesFirst() {
        let commands = ["caption", "vqa", "classify", "train"]
        XCTAssertEqual(nearestNames(to: "capton", in: commands), ["caption"])
        XCTAssertEqual(nearestNames(to: "Clasify", in: commands), ["classify"])
        XCTAssertEqual(nearestNames(to: "xylophone", in: commands), [])
    }

    func testNearestNames_nameOfTwoWords_isFound() {
        XCTAssertEqual(
            nearestNames(to: "golden retreiver", in: ["tabby cat", "golden retriever"]), ["golden retriever"])
    }

    func testNearestNames_equalDistances_keepTheListsOrder() {
        XCTAssertEqual(nearestNames(to: "cax", in: ["cap", "car", "cat"]), ["cap", "car", "cat"])
        XCTAssertEqual(nearestNames(to: "cax", in: ["cat", "cap", "car"], count: 2), ["cat", "cap"])
    }
}

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

final class JSONTests: XCTestCase {
    private struct Value: Encodable {
        var b = "x/y"
        var a = 1
    }

    func testJSON_oneLine_sortsKeysAndKeepsSlashes() throws {
        XCTAssertEqual(try JSON.line(Value()), #"{"a":1,"b":"x/y"}"#)
        XCTAssertEqual(try JSON.lines([Value(), Value()]), #"{"a":1,"b":"x/y"}"# + "\n" + #"{"a":1,"b":"x/y"}"# + "\n")
    }

    func testJSON_file_isIndentedAndEndsWithALineFeed() throws {
        XCTAssertEqual(String(decoding: try JSON.file(Value()), as: UTF8.self), try JSON.pretty(Value()) + "\n")
        XCTAssertTrue(try JSON.pretty(Value()).hasPrefix("{\n  \"a\""))
    }
}

final class FileErrorTests: XCTestCase {
    private enum Sample: FileErrorSubject {
        static let messageStart = "sample "
        static let failureCode = FailureCode.dataset
    }

    func testFileError_description_namesPathAndLine() {
        XCTAssertEqual(FileError<Sample>(path: "a.txt", problem: "is empty").description, "sample a.txt: is empty")
        XCTAssertEqual(
            FileError<Sample>(path: "a.txt", line: 3, problem: "is empty").description, "sample a.txt, line 3: is empty"
        )
        XCTAssertEqual(
            AtomicFileError(path: "a", problem: "it is a folder").description, "cannot write a: it is a folder")
    }

    func testFileError_failureCode_isItsSubjects() {
        let error: Error = FileError<Sample>(path: "a.txt", problem: "is empty")
        XCTAssertEqual((error as? any UserFacingError).map { type(of: $0).failureCode.rawValue }, 5)
        XCTAssertEqual(AtomicFileError.failureCode, .output)
    }
}
