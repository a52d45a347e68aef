import Foundation
import Support
import XCTest

final class PrintableTextTests: XCTestCase {
    func testEscaped_charactersThatSteerATerminal_areWrittenOut() {
        XCTAssertEqual(PrintableText.escaped("a\tb\nc d"), "a\tb\nc d")
        XCTAssertEqual(PrintableText.escaped("\u{1B}[31m\r\u{7F}"), "\\u{1B}[31m\\u{D}\\u{7F}")
        XCTAssertEqual(PrintableText.escaped("\u{9B}2J\u{85}"), "\\u{9B}2J\\u{85}")
        XCTAssertEqual(PrintableText.escaped("\u{202E}gpj.\u{2066}\u{200F}"), "\\u{202E}gpj.\\u{2066}\\u{200F}")
        for kept in ["\u{E9}t\u{E9}", "\u{5199}\u{771F}", "\u{1F468}\u{200D}\u{1F469}", "\u{631}\u{200C}\u{648}"] {
            XCTAssertEqual(PrintableText.escaped(kept), kept)
        }
    }

    func testEscaped_asJSON_readsAsTheSameText() throws {
        let text = ["a\u{9B}b", "\u{202E}x", "\u{E0041}\u{10FFE9}"]
        let json = try JSON.pretty(text)
        let escaped = PrintableText.escaped(json, .json)
        XCTAssertFalse(escaped.unicodeScalars.contains { (0x7F...0x9F).contains($0.value) || $0.value > 0xFFFF })
        XCTAssertEqual(try JSONDecoder().decode([String].self, from: Data(escaped.utf8)), text)
    }

    func testShortened_longText_saysHowLong() {
        XCTAssertEqual(PrintableText.shortened("abc", to: 3), "abc")
        XCTAssertEqual(PrintableText.shortened("abcd", to: 3), "abc... (4 bytes)")
        XCTAssertEqual(PrintableText.shortened("\u{E9}\u{E9}", to: 2), "\u{E9}\u{E9}")
    }
}

final class RawPathTests: XCTestCase {
    /// Any bytes come back as they were.
    func testBytes_anyPath_comeBack() {
        let paths: [[UInt8]] = [
            Array("photo.jpg".utf8), Array("\u{5199}\u{1F415}.png".utf8), [0x63, 0x61, 0x66, 0xE9, 0x2E],
            [0xFF, 0xFE, 0x80], [0xE5, 0x86], [0xC0, 0xAF, 0x41], [0xED, 0xA0, 0x80],
        ]
        for path in paths {
            let text = RawPath.text(of: path)
            RawPath.withBytes(text) { pointer in
                XCTAssertEqual((0..<path.count).map { UInt8(bitPattern: pointer[$0]) }, path)
                XCTAssertEqual(pointer[path.count], 0)
            }
        }
        XCTAssertEqual(RawPath.text(of: Array("caf\u{E9}".utf8)), "caf\u{E9}")
    }
}
