import XCTest

@testable import mmx

/// Text on standard output.
final class OutputTests: XCTestCase {
    func testTable_rightAndMinimum_alignColumns() {
        XCTAssertEqual(
            Table.text([["name", "size", "path"], ["a", "10", "/a"]], right: [1]), "name  size  path\na       10  /a")
        XCTAssertEqual(Table.text([["a", "b"], ["c", "d"]], minimum: [4]), "a     b\nc     d")
        XCTAssertEqual(Table.text([["a"], ["b", "c"]]), "a\nb  c")
        XCTAssertEqual(Table.text([]), "")
    }

    func testResultText_line_hasWhatIsKnown() {
        XCTAssertEqual(
            ResultText.line("dog", ["p = 0.93", "", "score 1.235"], file: "dog.png"),
            "dog (p = 0.93, score 1.235): dog.png")
    }

    func testResultText_shaded_isRedForWhatIsPositiveAndBlueForWhatIsNegative() {
        XCTAssertEqual(ResultText.shaded("dog", 1), "\u{1B}[38;5;16;48;5;203mdog\u{1B}[0m")
        XCTAssertEqual(ResultText.shaded("dog", -1), "\u{1B}[38;5;16;48;5;63mdog\u{1B}[0m")
        XCTAssertEqual(ResultText.shaded("dog", 0), "\u{1B}[38;5;16;48;5;231mdog\u{1B}[0m")
        XCTAssertEqual(ResultText.shaded("dog", .nan), "dog")
    }

    func testShellText_anyText_isOneArgument() {
        XCTAssertEqual(ShellText.quoted("photos/dog-1.jpg"), "photos/dog-1.jpg")
        XCTAssertEqual(ShellText.quoted("my dog.jpg"), "\"my dog.jpg\"")
        XCTAssertEqual(ShellText.quoted(""), "\"\"")
        XCTAssertEqual(ShellText.always("red"), "\"red\"")
        XCTAssertEqual(ShellText.always("is it \"$5\"?"), "'is it \"$5\"?'")
        XCTAssertEqual(ShellText.always("what's $5?"), "'what'\\''s $5?'")
    }

    func testTable_veryLongCell_isShortened() {
        let text = Table.text([["name", "size"], [String(repeating: "x", count: 5_000_000), "1"]])
        XCTAssertLessThan(text.utf8.count, 1_000)
        XCTAssertTrue(text.contains("... (5000000 bytes)"))
    }

    func testUsageError_text_hasUsageOfItsCommand() {
        let error = UsageError(message: "no", path: ["mmx", "train", "caption"])
        let lines = error.text.split(separator: "\n").map(String.init)
        XCTAssertEqual(lines[0], "Error: no")
        XCTAssertTrue(lines[1].hasPrefix("Usage: mmx train caption --images"), error.text)
        XCTAssertTrue(lines[2].hasPrefix("       "), error.text)
        XCTAssertEqual(lines.last, "  See 'mmx train caption --help' for more information.")
    }
}
