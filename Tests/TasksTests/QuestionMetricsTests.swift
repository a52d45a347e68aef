import Tasks
import XCTest

final class QuestionMetricsTests: XCTestCase {
    func testAnswerNormalisation_ofAnswers_matchesVQA() {
        let cases = [
            ("The Dog", "dog"), ("a  man and an umbrella", "man and umbrella"), ("two", "2"), ("None", "0"),
            ("dont know", "don't know"), ("wouldntve", "wouldn't've"), ("couldn'tve", "couldn't've"), ("its", "its"),
            ("well", "well"), ("yes.", "yes"), ("2.5", "2.5"), ("t-shirt", "t shirt"), ("red, white", "red white"),
            ("red,white", "red white"), ("1,000", "1000"), ("what?!", "what"), ("black/white", "black white"),
            ("line\nbreak\tend ", "line break end"), ("", ""),
        ]
        for (text, expected) in cases { XCTAssertEqual(AnswerNormalisation.normalise(text), expected, text) }
    }

    func testVQAMetric_ofTenAnswers_equalsHandComputedValues() {
        func answers(_ agreeing: Int) -> [String] {
            Array(repeating: "The dog", count: agreeing) + (agreeing..<10).map { "other \($0)" }
        }
        // By hand: without a person who agrees n - 1 remain, without another one n; a third of each, at most 1.
        let expected = [0, 0.3, 0.6, 0.9, 1, 1]
        for (agreeing, value) in expected.enumerated() {
            XCTAssertEqual(VQAMetric.accuracy("dog", answers: answers(agreeing)), value, accuracy: 1e-12, "\(agreeing)")
        }
        XCTAssertEqual(VQAMetric.accuracy("DOG.", answers: answers(10)), 1)
        XCTAssertEqual(VQAMetric.accuracy("two", answers: ["2"]), 1)
        XCTAssertEqual(VQAMetric.accuracy("two", answers: ["3"]), 0)
        XCTAssertEqual(VQAMetric.accuracy("two", answers: []), 0)
    }

    func testAnswerAccuracy_ofSeveralKinds_isGivenByKind() throws {
        let ten = Array(repeating: "yes", count: 2) + Array(repeating: "no", count: 8)
        let questions = [
            Question(image: "a", text: "1", answer: "no", answers: ten, kind: "yes/no"),
            Question(image: "a", text: "2", answer: "no", answers: ten, kind: "yes/no"),
            Question(image: "a", text: "3", answer: "red", kind: "color"),
            Question(image: "a", text: "4", answer: "red"),
        ]
        let scores = AnswerAccuracy.score(["no", "yes", "Red", "red"], of: questions)
        XCTAssertEqual(scores.overall.questions, 4)
        XCTAssertEqual(scores.overall.accuracy, 0.5)
        XCTAssertEqual(try XCTUnwrap(scores.overall.vqa), (1 + 0.6 + 1 + 1) / 4, accuracy: 1e-12)
        XCTAssertEqual(scores.kinds.keys.sorted(), ["color", "yes/no"])
        XCTAssertEqual(scores.kinds["yes/no"]?.accuracy, 0.5)
        XCTAssertEqual(try XCTUnwrap(scores.kinds["yes/no"]?.vqa), 0.8, accuracy: 1e-12)
        XCTAssertEqual(scores.kinds["color"]?.questions, 1)
        XCTAssertEqual(scores.kinds["color"]?.accuracy, 0)
        XCTAssertNil(try XCTUnwrap(scores.kinds["color"]).vqa)
        XCTAssertEqual(
            try AnswerAccuracy.score(["blue"], of: [questions[2]]).json(),
            #"{"kinds":{"color":{"accuracy":0,"questions":1}},"overall":{"accuracy":0,"questions":1}}"#)
        XCTAssertEqual(
            AnswerAccuracy.score(["red"], of: [questions[2]]).table(),
            "kind        questions   accuracy\ncolor       1           100.00 %\nall         1           100.00 %")
        XCTAssertEqual(AnswerAccuracy.score([], of: []).overall.accuracy, 0)
    }
}
