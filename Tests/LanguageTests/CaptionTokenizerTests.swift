import Foundation
import Language
import TestSupport
import XCTest

final class CaptionTokenizerTests: XCTestCase {
    private func tokens(_ text: String) -> [String] { CaptionTokenizer().tokens(text) }

    func testCaptionTokenizer_ofCaptions_agreesWithPTBTokenizer() throws {
        struct Row: Decodable {
            var text: String
            var tokens: [String]
        }
        let rows = try JSONDecoder().decode([Row].self, from: Data(contentsOf: Fixture.url("caption_tokens.json")))
        XCTAssertGreaterThan(rows.count, 30)
        for row in rows { XCTAssertEqual(tokens(row.text), row.tokens, row.text) }
    }

    func testCaptionTokenizer_ofBracketsAndCase_differsFromPTBAsIntended() {
        XCTAssertEqual(tokens("A man (in red) [with] {a} dog."), ["a", "man", "in", "red", "with", "a", "dog"])
        XCTAssertEqual(tokens("R&B r&b H&M h&m at&t"), ["r&b", "r&b", "h&m", "h&m", "at&t"])
        XCTAssertEqual(tokens("what !? £5 5€"), ["what", "£", "5", "5", "€"])
    }

    func testCaptionTokenizer_ofBlankText_givesNoWords() {
        for text in ["", " ", "\n\t", ". , ; : ! ? ... --", "\"\" '' `` ( ) [ ] { }", "\u{200B}\u{FEFF}\u{AD}\u{0}"] {
            XCTAssertEqual(tokens(text), [], text.debugDescription)
        }
    }

    func testCaptionTokenizer_ofComposedAndDecomposedLetters_givesOneWord() {
        XCTAssertEqual(
            tokens("cafe\u{301}").map { Array($0.unicodeScalars) }, tokens("caf\u{E9}").map { Array($0.unicodeScalars) }
        )
        XCTAssertEqual(tokens("CAFÉ"), ["café"])
        XCTAssertEqual(tokens("soft\u{AD}hyphen"), ["softhyphen"])
        XCTAssertEqual(tokens("a\u{A0}dog\u{3000}runs"), ["a", "dog", "runs"])
    }

    func testCaptionTokenizer_ofOtherSigns_givesWords() {
        XCTAssertEqual(tokens("I \u{2764}\u{FE0F} dogs"), ["i", "\u{2764}", "dogs"])
        XCTAssertEqual(tokens("2 × 3 = 6 °"), ["2", "×", "3", "=", "6", "°"])
    }

    /// Tokens joined by spaces are split into the same tokens: a caption that was written is read as the same words.
    func testCaptionTokenizer_ofItsOwnTokens_givesThemAgain() throws {
        for text in [
            "a dog 's ball is n't here", "the '90s t-shirt of mr. smith jr. costs $ 5.50",
            "two men and / or a woman # 3 at 12:30",
            "rock 'n' roll ca n't wo n't gon na 'em", "u.s. u.k.-based and/or 3,000 1/2 r&b café",
        ] {
            XCTAssertEqual(tokens(text), text.split(separator: " ").map(String.init), text)
        }
    }

    func testCaptionTokenizer_ofHostileTexts_endsInTime() {
        let repeated = [
            "'", "a'", "n't", "a.", "-", "a-", "1,", "&", "a&", "'s", "@", "a@", "www.", "http://", "\u{301}", "y'",
            ".", "a..", "a--",
        ]
        for piece in repeated {
            let text = String(repeating: piece, count: 20_000)
            XCTAssertFalse(tokens(text).contains(""), piece)
        }
        // Every string of three awkward characters.
        let awkward = Array("'.-&@#$+a1nts y,:/")
        for a in awkward {
            for b in awkward {
                for c in awkward {
                    let found = tokens(String([a, b, c]))
                    XCTAssertFalse(found.contains { $0.isEmpty || $0.contains(" ") || $0.contains("\"") })
                    XCTAssertLessThanOrEqual(found.joined().count, 3)
                }
            }
        }
    }
}
