import XCTest

@testable import Tasks

final class ClassListTests: XCTestCase {
    private let list = ClassList([
        "tench, Tinca tinca", "tabby, tabby cat", "tiger cat", "Persian cat", "crane", "crane", "7",
        "great white shark, white shark",
    ])

    private func assertRefuses(_ text: String, _ parts: String..., line: UInt = #line) {
        XCTAssertThrowsError(try list.index(of: text), line: line) { error in
            XCTAssertTrue(error is ClassNameError, line: line)
            for part in parts {
                XCTAssertTrue("\(error)".contains(part), "'\(error)' does not say '\(part)'", line: line)
            }
        }
    }

    func testClassIndex_ofNumbersAndNames_isFound() throws {
        for (text, index) in [
            ("tabby", 1), ("Tabby Cat", 1), (" tabby_cat ", 1), ("tabby, tabby cat", 1), ("tinca", 0), ("tiger", 2),
            ("persian  cat", 3),
            ("white shark", 7), ("GREAT", 7), ("0", 0), ("5", 5), ("04", 4),
        ] { XCTAssertEqual(try list.index(of: text), index, text) }
        // A class with the name 7 comes before the class number 7.
        XCTAssertEqual(try list.index(of: "7"), 6)
        XCTAssertEqual(list.shortName(1), "tabby")
        XCTAssertEqual(ClassList([", odd"]).shortName(0), ", odd")
    }

    func testClassIndex_ofUnknownOrAmbiguousNames_isRefused() {
        assertRefuses("cat", "any of 3 classes", "1 (tabby, tabby cat)", "2 (tiger cat)", "3 (Persian cat)")
        assertRefuses("crane", "any of 2 classes", "4 (crane)", "5 (crane)")
        assertRefuses("tabbi", "no class 'tabbi'", "near are: 1 (tabby, tabby cat)")
        assertRefuses("8", "no class 8", "from 0 to 7")
        assertRefuses("-1", "no class -1")
        assertRefuses("zeppelin", "8 classes, none with a name near")
        assertRefuses("", "empty")
        assertRefuses(" _ ", "empty")
        // Parts of words do not match.
        assertRefuses("tig", "no class")
        assertRefuses(String(repeating: "x", count: 100_000), "no class")
        let many = ClassList((0..<100).map { "cat \($0)x" })
        XCTAssertThrowsError(try many.index(of: "cat")) { error in
            XCTAssertTrue("\(error)".contains("any of 100 classes") && "\(error)".contains("and 92 more"), "\(error)")
        }
    }
}
