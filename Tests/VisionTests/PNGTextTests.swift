import Foundation
import TestSupport
import XCTest

@testable import Vision

final class PNGTextTests: XCTestCase {
    private let image = ImageBytes.small

    /// The chunks of a PNG, each with its checksum tested.
    private func chunks(_ png: Data) -> [(kind: String, body: [UInt8])] {
        let bytes = [UInt8](png)
        var at = 8
        var chunks: [(String, [UInt8])] = []
        while at + 12 <= bytes.count {
            let length = bytes[at..<at + 4].reduce(0) { $0 << 8 | Int($1) }
            let kind = Array(bytes[at + 4..<at + 8]), body = Array(bytes[at + 8..<at + 8 + length])
            XCTAssertEqual(Array(bytes[at..<at + 12 + length]), ImageBytes.chunk(kind: kind, body))
            chunks.append((String(decoding: kind, as: UTF8.self), body))
            at += 12 + length
        }
        XCTAssertEqual(at, bytes.count)
        return chunks
    }

    func testPNGText_latinAndOther_areChunksBeforeThePixels() throws {
        let png = try image.pngData(text: [
            ("Title", "a caf\u{E9}"), ("Caption of 2 words", "\u{732B} und Hund"), ("Empty", ""),
            ("Title", "two\nlines"),
        ])
        let chunks = chunks(png)
        XCTAssertEqual(chunks.map(\.kind), ["IHDR", "tEXt", "iTXt", "tEXt", "tEXt", "IDAT", "IEND"])
        XCTAssertEqual(chunks[1].body, Array("Title".utf8) + [0] + Array("a caf".utf8) + [0xE9])
        // Keyword, not compressed, method 0, no language, no translated keyword.
        XCTAssertEqual(
            chunks[2].body, Array("Caption of 2 words".utf8) + [0, 0, 0, 0, 0] + Array("\u{732B} und Hund".utf8))
        XCTAssertEqual(chunks[3].body, Array("Empty".utf8) + [0])
        XCTAssertEqual(chunks[4].body, Array("Title".utf8) + [0] + Array("two\nlines".utf8))
        XCTAssertEqual(try Image.decode(png, name: "x"), image)
        XCTAssertEqual(try image.pngData(text: []), try image.pngData())
    }

    func testPNGText_longest_isWhole() throws {
        let keyword = String(repeating: "k", count: 79), text = String(repeating: "\u{4E00}", count: 100_000)
        let chunk = try XCTUnwrap(chunks(image.pngData(text: [(keyword, text)])).first { $0.kind == "iTXt" })
        XCTAssertEqual(chunk.body, Array(keyword.utf8) + [0, 0, 0, 0, 0] + Array(text.utf8))
    }

    func testPNGText_keywordsAndTextsThatPNGLacks_areErrors() {
        let long = String(repeating: "k", count: 80)
        for keyword in ["", long, " a", "a ", "a  b", "a\nb", "\u{732B}", "a\u{0}b"] {
            XCTAssertThrowsError(try image.pngData(text: [(keyword, "x")]), keyword) {
                XCTAssertEqual(($0 as? ImageError)?.kind, .unwritable)
            }
        }
        XCTAssertThrowsError(try image.pngData(text: [("a", "x\u{0}y")]))
        XCTAssertThrowsError(try image.write(to: URL(fileURLWithPath: "/tmp/none/x.jpg"), text: [("a", "b")])) {
            XCTAssertTrue("\($0)".contains("JPEG"), "\($0)")
        }
    }
}
