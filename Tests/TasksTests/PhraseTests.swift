import Foundation
import TestSupport
import Vision
import XCTest

@testable import Tasks

/// Phrases of captions: their rows and their head nouns.
final class PhraseTests: XCTestCase {
    func testPhraseFile_ofCaptionRows_givesTheirIndices() throws {
        let folder = try Fixture.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("p.tsv")
        func read(_ row: String) throws -> [Phrase] {
            let header = "image" + String(repeating: "\t", count: 8)
            try Data("\(header)\na.jpg\t\(row)\t1\t2\t7\tanimals\tA Dog\t1,2,3,4;5,6,7,8\tThe A Dog .\n".utf8).write(
                to: file)
            return try PhraseFile.read(file, images: ["a.jpg"])
        }
        let phrase = try XCTUnwrap(read("3").first)
        XCTAssertEqual(phrase.captionRow, 3)
        XCTAssertEqual(Array(phrase.words), ["a", "dog"])
        XCTAssertEqual(phrase.head, 2)
        XCTAssertEqual(phrase.boxes.count, 2)
        XCTAssertNil(try XCTUnwrap(read("-1").first).captionRow)
        for bad in ["-2", "x", "", "99999999999999999999"] {
            XCTAssertThrowsError(try read(bad)) {
                XCTAssertTrue("\($0)".contains("p.tsv, line 2: the caption row is"), "\($0)")
            }
        }
    }

    func testPhraseHead_ofPhrases_isTheNoun() {
        func head(_ text: String, before: String = "") -> String {
            let words = text.split(separator: " ").map(String.init)
            let first = before.split(separator: " ").map(String.init)
            let phrase = Phrase(
                image: "", first: first.count, count: words.count, chain: 0, types: [], boxes: [],
                caption: first + words + ["runs", "with", "it"])
            return phrase.caption[phrase.head]
        }
        for (text, wanted) in [
            ("a dog", "dog"), ("small black dogs", "dogs"), ("a group of small dogs with collars", "dogs"),
            ("the roof of a house", "roof"), ("the man 's red shirt", "shirt"), ("a woman in a hat", "woman"),
            ("a set of stairs", "stairs"), ("the man 's", "'s"), ("it", "it"),
        ] {
            XCTAssertEqual(head(text), wanted)
            XCTAssertEqual(head(text, before: "two people and"), wanted)
        }
    }
}
