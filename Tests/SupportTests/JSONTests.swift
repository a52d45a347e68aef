import Foundation
import Support
import XCTest

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
