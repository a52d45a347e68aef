import Foundation
import Support
import XCTest

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
