import Foundation
import Language
import XCTest

final class VocabularyTests: XCTestCase {
    private let head = "<pad>\n<start>\n<end>\n<unknown>\n"

    private func read(_ text: String, expected: Int? = nil) throws -> Vocabulary {
        try Vocabulary(data: Data(text.utf8), name: "v.txt", expectedCount: expected)
    }

    private func message(_ data: Data, expected: Int? = nil) -> String {
        do {
            _ = try Vocabulary(data: data, name: "v.txt", expectedCount: expected)
            return "accepted"
        } catch {
            return "\(error)"
        }
    }

    func testVocabulary_ofCounts_isOrderedByCountThenCharacters() {
        let tokens = [["b", "a", "dog", "dog"], ["c", "b", "a", "dog"], ["rare", "<end>", "<end>"]]
        let vocabulary = Vocabulary(tokens: tokens, minimumCount: 2)
        XCTAssertEqual(vocabulary.words, ["<pad>", "<start>", "<end>", "<unknown>", "dog", "a", "b"])
        XCTAssertEqual(Vocabulary(tokens: [], minimumCount: 1).words, Vocabulary.special)
    }

    func testVocabulary_whenMade_hasTheSpecialEntries() throws {
        let vocabulary = try read(head + "a\n")
        let special = [vocabulary.pad, vocabulary.start, vocabulary.end, vocabulary.unknown]
        XCTAssertEqual(special.map { vocabulary.word(at: $0) }, Vocabulary.special)
    }

    func testVocabulary_encodedAndDecoded_givesTheWords() throws {
        let vocabulary = try read(head + "a\ndog\n'\n", expected: 7)
        XCTAssertEqual(vocabulary.encode(["a", "zebra", "dog"]), [4, 3, 5])
        XCTAssertEqual(vocabulary.decode([1, 4, 3, 5, 0, 2, 5]), ["a", "<unknown>", "dog"])
        XCTAssertEqual(vocabulary.index(of: "dog"), 5)
        XCTAssertNil(vocabulary.index(of: "cat"))
        XCTAssertEqual(vocabulary.count, 7)
    }

    func testVocabulary_writtenAndRead_isTheSame() throws {
        let made = Vocabulary(tokens: [["café", "'s", "t-shirt", "日本", "\u{2764}"]], minimumCount: 1)
        XCTAssertEqual(try read(made.text()), made)
    }

    func testVocabularyFile_withErrors_isRefusedWithItsLine() {
        let cases: [(String, String)] = [
            ("", "vocabulary v.txt: the file is empty"),
            ("<pad>\n<start>\n", "vocabulary v.txt: the special entry <end> is missing"),
            ("a\ndog\n", "vocabulary v.txt, line 1: found 'a', expected the special entry <pad>"),
            (head + "dog\ncat\ndog\n", "vocabulary v.txt, line 7: 'dog' is there already, on line 5"),
            (head + "dog\n<end>\n", "line 6: '<end>' is there already, on line 3"),
            (head + "dog\n\ncat\n", "vocabulary v.txt, line 6: is empty"),
            (head + "dog\n\n", "line 6: is empty"),
            ("\n", "line 1: is empty"),
            (head + "do", "does not end with a line feed; it may have been cut off"),
            (head + "two words\n", "line 5: has a space or a control character"),
            (head + "nul\u{0}\n", "line 5: has a space or a control character"),
            ("\u{FEFF}" + head, "line 1: has a space or a control character"),
            (head + "dog\r\n", "line 5: ends with a carriage return"),
            (head + String(repeating: "x", count: 2000) + "\n", "line 5: is 2000 bytes long"),
        ]
        for (text, expected) in cases {
            let message = message(Data(text.utf8))
            XCTAssertTrue(message.contains(expected), "\(text.prefix(60).debugDescription): \(message)")
        }
    }

    func testVocabularyFile_ofInvalidUTF8_isRefusedWithItsLine() {
        XCTAssertEqual(
            message(Data(head.utf8) + Data([0x61, 0xFF, 0x0A])), "vocabulary v.txt, line 5: is not valid UTF-8")
    }

    func testVocabularyFile_ofAnotherLength_isRefused() {
        XCTAssertEqual(
            message(Data((head + "a\n").utf8), expected: 9),
            "vocabulary v.txt: is a vocabulary of another length: found 5 entries, the model has 9")
    }
}

final class NearestWordsTests: XCTestCase {
    private let vocabulary = Vocabulary(
        counts: [
            "dog": 90, "dogs": 40, "doll": 30, "frisbee": 20, "puppy": 12, "girl": 11, "motorcycle": 9, "bench": 8,
            "t-shirt": 7, "a": 100, "i": 5, "grass": 4,
        ], minimumCount: 1)

    func testNearestWords_ofPlurals_areTheSingulars() {
        XCTAssertEqual(vocabulary.nearest(to: "puppies").first, "puppy")
        XCTAssertEqual(vocabulary.nearest(to: "benches").first, "bench")
        XCTAssertEqual(vocabulary.nearest(to: "Frisbees").first, "frisbee")
        XCTAssertEqual(vocabulary.nearest(to: "dogss").first, "dogs")
    }

    func testNearestWords_ofMistypedWords_areTheWords() {
        XCTAssertEqual(vocabulary.nearest(to: "gril").first, "girl")  // an exchange costs one edit, not two
        XCTAssertEqual(vocabulary.nearest(to: "motorcylce").first, "motorcycle")
        XCTAssertEqual(vocabulary.nearest(to: "tshirt"), ["t-shirt"])
    }

    func testNearestWords_atEqualDistances_areOrderedByFrequency() {
        let vocabulary = Vocabulary(counts: ["cat": 1, "cap": 3, "car": 2], minimumCount: 1)
        XCTAssertEqual(vocabulary.nearest(to: "cax"), ["cap", "car", "cat"])
        XCTAssertEqual(vocabulary.nearest(to: "cax", count: 1), ["cap"])
    }

    func testNearestWords_ofUnlikeWords_areNone() {
        XCTAssertEqual(vocabulary.nearest(to: "xylophone"), [])
        XCTAssertEqual(vocabulary.nearest(to: "q"), [])
        XCTAssertEqual(vocabulary.nearest(to: ""), [])
        XCTAssertEqual(vocabulary.nearest(to: "pad"), [])  // special entries are never proposed
        XCTAssertEqual(vocabulary.nearest(to: String(repeating: "dog", count: 100_000)), [])
        XCTAssertEqual(vocabulary.nearest(to: "dog", count: 0), [])
    }
}
