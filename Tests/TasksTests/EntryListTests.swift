import Foundation
import Language
import TestSupport
import XCTest

@testable import Tasks

/// Vocabulary and answers: one rule for their lines.
final class EntryListTests: XCTestCase {
    private static let head = Vocabulary.special.map { $0 + "\n" }.joined()

    private func vocabulary(_ text: Data) -> String? {
        do { _ = try Vocabulary(data: Data(Self.head.utf8) + text, name: "v.txt") } catch { return "\(error)" }
        return nil
    }

    private func answers(_ text: Data) -> String? {
        do { _ = try AnswerFile.read(text, path: "a.txt") } catch { return "\(error)" }
        return nil
    }

    /// What one of them refuses, the other refuses too, with the line.
    func testVocabularyAndAnswers_ofOneBadLine_areBothRefused() {
        let bad: [(String, String)] = [
            ("dog\n\ncat\n", "is empty"), ("dog\ncat\ndog\n", "'dog' is there already"),
            ("dog\ncat\r\n", "carriage return"),
            ("dog\n\(String(repeating: "x", count: 1001))\n", "is 1001 bytes long"),
            ("dog\ncat", "does not end with a line feed"), ("dog\nc\u{0}t\n", "control character"),
            ("dog\nc\tt\n", "control character"), ("dog\n\u{1B}[31mcat\n", "control character"),
            ("dog\ncat\u{7F}\n", "control character"), ("dog\n\u{9B}31mcat\n", "control character"),
            ("dog\n\u{202E}tac\n", "control character"), ("dog\n\u{2066}cat\n", "control character"),
            ("dog\nc\u{2028}t\n", "control character"), ("\u{FEFF}dog\n", "control character"),
            ("dog\n cat\n", "space"), ("dog\ncat\u{A0}\n", "space"),
        ]
        for (text, problem) in bad {
            for message in [vocabulary(Data(text.utf8)), answers(Data(text.utf8))] {
                XCTAssertTrue(
                    message?.contains(problem) ?? false, "\(text.debugDescription.prefix(60)): \(message ?? "")")
            }
        }
        XCTAssertTrue(answers(Data("dog\nc\u{9B}t\n".utf8))?.hasPrefix("a.txt, line 2: ") ?? false)
        let notText = Data([0x61, 0x0A, 0xC0, 0xAF, 0x0A])
        XCTAssertEqual(answers(notText), "a.txt, line 2: is not valid UTF-8")
        XCTAssertEqual(vocabulary(notText), "vocabulary v.txt, line 6: is not valid UTF-8")
        XCTAssertEqual(answers(Data()), "a.txt: the file is empty")
        let many = Data(repeating: 0x0A, count: EntryList.largestCount + 1)
        for message in [vocabulary(many), answers(many)] {
            XCTAssertTrue(message?.contains("it may have 1000000") ?? false, message ?? "")
        }
    }

    func testVocabularyAndAnswers_ofManyScripts_areRead() throws {
        for text in ["café\n日本\n", "می\u{200C}خواهم\n", "👩\u{200D}🚀\n", "\(String(repeating: "x", count: 1000))\n"] {
            XCTAssertNil(vocabulary(Data(text.utf8)))
            XCTAssertNil(answers(Data(text.utf8)))
        }
        // An answer may have several words.
        XCTAssertEqual(try AnswerFile.read(Data("ice cream\nno\n".utf8), path: "a.txt"), ["ice cream", "no"])
    }

    /// What is written can be read: an answer that cannot be a line is left out.
    func testAnswerList_ofAnswersThatAreNoLines_leavesThemOut() throws {
        let questions = [" no ", "no", "a\nb", "a\nb", "a\nb", "\u{1B}[2J", "yes\r\n"].map {
            Question(image: "a", text: "q", answer: $0)
        }
        let list = answerList(questions, maximum: 10)
        XCTAssertEqual(list, ["no", "yes"])
        XCTAssertEqual(try AnswerFile.read(Data(AnswerFile.text(list).utf8), path: "a.txt"), list)
    }
}
