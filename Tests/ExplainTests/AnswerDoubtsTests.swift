import XCTest

@testable import Explain

/// When an answer is said to be doubtful.
final class AnswerDoubtsTests: XCTestCase {
    private func warnings(_ probabilities: [Float], accuracy: Double? = nil) -> [String] {
        let ranking = probabilities.enumerated().map { RankedChoice(index: $0, logit: 0, probability: $1) }
        return AnswerDoubts.warnings(ranking, accuracy: accuracy) { ["red", "blue", "two"][$0] }
    }

    func testWarnings_ofTwoAnswersWithinReach_nameBoth() {
        XCTAssertEqual(
            warnings([0.4, 0.35, 0.1]),
            ["the two best answers are within reach of each other: 'red' (40.0 %) and 'blue' (35.0 %)"])
        XCTAssertEqual(warnings([0.3, 0.3]).count, 1)
        XCTAssertEqual(warnings([0.6, 0.5]), [])
        XCTAssertEqual(warnings([0.42, 0.3, 0.28]), [])
        XCTAssertEqual(warnings([1]), [])
    }

    func testWarnings_ofAKindThatTheModelIsBadAt_sayHowOftenItIsRight() {
        XCTAssertEqual(
            warnings([0.9, 0.1], accuracy: 0.548), ["the model is bad at such questions: it is right in 55 of 100"])
        XCTAssertEqual(warnings([0.9, 0.1], accuracy: 0.6), [])
        XCTAssertEqual(warnings([0.5, 0.5], accuracy: 0.1).count, 2)
    }

    func testQuestionWords_thatAreUnknown_carryTheQuestion() {
        func hangs(_ question: String, _ unknown: String...) -> Bool {
            QuestionWords.hang(question.split(separator: " ").map(String.init), on: Set(unknown))
        }
        // The only content word, one of two, the only noun among three.
        XCTAssertTrue(hangs("is there a zebra", "zebra"))
        XCTAssertTrue(hangs("what color is the zebra in this picture", "zebra"))
        XCTAssertTrue(hangs("is the dog chasing", "chasing"))
        XCTAssertTrue(hangs("is the small zebra running", "zebra"))
        // A third is not more than a third, and function words carry nothing.
        XCTAssertFalse(hangs("is the dog beside the man and the zebra", "zebra"))
        XCTAssertFalse(hangs("what color is the dog beneath the man", "beneath"))
        XCTAssertFalse(hangs("is there a dog"))
        XCTAssertFalse(hangs("is there the dog", "there", "the"))
    }
}
