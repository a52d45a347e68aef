import Foundation
import Tasks
import TestSupport
import Vision
import XCTest

final class QuestionReaderTests: XCTestCase {
    private var folder = URL(fileURLWithPath: "/")

    override func setUpWithError() throws { folder = try Fixture.temporaryFolder() }
    override func tearDownWithError() throws { try FileManager.default.removeItem(at: folder) }

    private func file(_ name: String, _ text: String) throws -> URL {
        let url = folder.appendingPathComponent(name)
        try Data(text.utf8).write(to: url)
        return url
    }

    private func message(_ format: QuestionFormat, _ text: String, name: String = "q", single: Bool = false) throws
        -> String
    {
        let url = try file(name, text)
        do {
            _ = try format.read(url, singleWordOnly: single)
            return "accepted"
        } catch {
            return "\(error)".replacingOccurrences(of: folder.path + "/", with: "")
        }
    }

    // MARK: JSON lines

    func testQuestionLines_writtenAndRead_areTheSame() throws {
        let questions = [
            Question(
                image: "a/b.jpg", text: "what color is the \"dog\"?", answer: "red", kind: "color",
                boxes: [Rectangle(x0: 0, y0: 1.5, x1: 10, y1: 20)]),
            Question(image: "c.jpg", text: "où?", answer: "là", answers: ["là", "là", "ici"]),
        ]
        let url = folder.appendingPathComponent("q.jsonl")
        try QuestionLines.write(questions, to: url)
        XCTAssertEqual(try QuestionFormat.jsonl.read(url), questions)
        XCTAssertEqual(
            try String(contentsOf: url, encoding: .utf8),
            #"{"answer":"red","boxes":[[0,1.5,10,20]],"image":"a/b.jpg","kind":"color","question":"what color is the \"dog\"?"}"#
                + "\n"
                + #"{"answer":"là","answers":["là","là","ici"],"boxes":[],"image":"c.jpg","kind":"","question":"où?"}"#
                + "\n")
        let short = try file(
            "s", "\u{FEFF}{\"image\":\"x.png\",\"question\":\"q?\",\"answer\":\"no\",\"more\":1}\r\n\n")
        XCTAssertEqual(try QuestionFormat.jsonl.read(short), [Question(image: "x.png", text: "q?", answer: "no")])
    }

    func testQuestionLines_withErrors_areRefusedWithTheirLine() throws {
        func line(_ rest: String) -> String { #"{"image":"a.jpg","question":"q?","answer":"no"}"# + "\n{" + rest + "}" }
        XCTAssertEqual(try message(.jsonl, ""), "q: has no questions")
        XCTAssertEqual(
            try message(.jsonl, line(#""image":"a","question":"q""#)), "q, line 2: the key 'answer' is missing")
        XCTAssertEqual(
            try message(.jsonl, line(#""image":"a","question":"q","answer":1"#)),
            "q, line 2: answer is of another type: expected a string")
        XCTAssertEqual(
            try message(.jsonl, line(#""image":"../a","question":"q","answer":"x""#)),
            "q, line 2: image: \"../a\" is no name of an image inside the image folder")
        XCTAssertEqual(
            try message(.jsonl, line(#""image":"a","question":" ","answer":"x""#)), "q, line 2: 'question' is empty")
        XCTAssertEqual(
            try message(.jsonl, line(#""image":"a","question":"q","answer":"x","boxes":[[1,2,3]]"#)),
            "q, line 2: boxes[0] has 3 numbers; a box is [x0, y0, x1, y1]")
        XCTAssertEqual(
            try message(.jsonl, line(#""image":"a","question":"q","answer":"x","boxes":[[5,2,3,4]]"#)),
            "q, line 2: boxes[0] ends before it begins: [5.0, 2.0, 3.0, 4.0]; a box is [x0, y0, x1, y1]")
        XCTAssertEqual(
            try message(.jsonl, line(#""image":"a","question":"q","answer":"x","boxes":[[1,2,3,"4"]]"#)),
            "q, line 2: boxes[0][3] is of another type: expected a number")
        XCTAssertEqual(try message(.jsonl, line("]")), "q, line 2: is not valid JSON")
        XCTAssertEqual(
            try message(.jsonl, String(repeating: "[", count: 100_000)), "q, line 1: is not valid JSON")
        try Data([0x7B, 0xFF]).write(to: folder.appendingPathComponent("u"))
        XCTAssertThrowsError(try QuestionFormat.jsonl.read(folder.appendingPathComponent("u"))) {
            XCTAssertTrue("\($0)".hasSuffix("u, line 1: is not valid UTF-8"))
        }
        XCTAssertThrowsError(try QuestionFormat.jsonl.read(folder.appendingPathComponent("none"))) {
            XCTAssertTrue("\($0)".hasSuffix("none: the file of questions is missing"))
        }
        XCTAssertThrowsError(try QuestionFormat.jsonl.read(folder)) {
            XCTAssertTrue("\($0)".hasSuffix("is a folder; a file of questions is needed"))
        }
    }

    // MARK: DAQUAR

    func testDAQUARQuestions_ofAFile_areRead() throws {
        let text =
            "image\tquestion\tanswer\nimage3.jpg\twhat is on the desk\tbook, tape_dispenser\r\n"
            + "image3.jpg\thow many chairs are there\t2\nimage1.jpg\twhat is the colour of the mat\tgray\n"
        let url = try file("d.tsv", text)
        XCTAssertEqual(
            try QuestionFormat.daquar.read(url),
            [
                Question(
                    image: "image3.jpg", text: "what is on the desk", answer: "book, tape_dispenser", kind: "object"),
                Question(image: "image3.jpg", text: "how many chairs are there", answer: "2", kind: "number"),
                Question(image: "image1.jpg", text: "what is the colour of the mat", answer: "gray", kind: "color"),
            ])
        XCTAssertEqual(try QuestionFormat.daquar.read(url, singleWordOnly: true).map(\.answer), ["2", "gray"])
        XCTAssertEqual(
            try message(.daquar, "image\tquestion\tanswer\na\tb\tc, d\n", single: true),
            "q: has no question with an answer of a single word")
        XCTAssertEqual(
            try message(.daquar, "a\tb\tc\n"),
            "q, line 1: the header must be 'image', 'question', 'answer' with tabs between, found \"a\\tb\\tc\"")
        XCTAssertEqual(
            try message(.daquar, "image\tquestion\tanswer\na\tb\n"),
            "q, line 2: has 2 fields, expected 3: image, question and answer with tabs between")
        XCTAssertEqual(
            try message(.daquar, "image\tquestion\tanswer\na\tb\t \n"), "q, line 2: the answer is empty")
        XCTAssertEqual(
            try message(.daquar, "image\tquestion\tanswer\n/a\tb\tc\n"),
            "q, line 2: \"/a\" is no name of an image inside the image folder")
    }

    // MARK: easy-VQA

    func testEasyVQAQuestions_ofAFile_areRead() throws {
        let url = try file(
            "questions.json",
            #"[["what is the red shape?", "triangle", 0], ["is there a circle?", "no", 12], ["what color?", "teal", 3]]"#
        )
        XCTAssertEqual(
            try QuestionFormat.easyVQA.read(url),
            [
                Question(image: "0.png", text: "what is the red shape?", answer: "triangle", kind: "shape"),
                Question(image: "12.png", text: "is there a circle?", answer: "no", kind: "yes/no"),
                Question(image: "3.png", text: "what color?", answer: "teal", kind: "color"),
            ])
        XCTAssertEqual(try message(.easyVQA, "[]"), "q: has no questions")
        XCTAssertEqual(try message(.easyVQA, "{}"), "q: the JSON is of another type: expected an array")
        XCTAssertEqual(
            try message(.easyVQA, #"[["a","b",0],["a","b",-1]]"#), "q: [1]: the image's number is negative: -1")
        XCTAssertEqual(
            try message(.easyVQA, #"[["a","b","c"]]"#), "q: [0][2] is of another type: expected a whole number")
        XCTAssertTrue(try message(.easyVQA, #"[["a","b",0,1]]"#).hasPrefix("q: [0]: has more than 3 values"))
    }

    // MARK: VQA

    private func vqa(_ subset: String = "val2014") -> String {
        #"{"info":{},"data_type":"mscoco","data_subtype":"\#(subset)","questions":["#
            + #"{"image_id":42,"question":"Is it?","question_id":420}]}"#
    }

    private func annotations(image: Int = 42, id: Int = 420) -> String {
        let answers = (["no", "no"] + Array(repeating: "yes", count: 8)).enumerated().map {
            #"{"answer":"\#($1)","answer_confidence":"yes","answer_id":\#($0)}"#
        }
        return #"{"annotations":[{"image_id":\#(image),"question_id":\#(id),"answer_type":"yes/no","#
            + #""multiple_choice_answer":"yes","answers":[\#(answers.joined(separator: ","))]}]}"#
    }

    func testVQAQuestions_ofTwoFiles_areRead() throws {
        let name = "v2_OpenEnded_mscoco_val2014_questions.json"
        let url = try file(name, vqa())
        XCTAssertTrue(
            try message(.vqa, vqa(), name: name).hasPrefix("\(name): its annotations are missing: "))
        _ = try file("v2_mscoco_val2014_annotations.json", annotations())
        XCTAssertEqual(
            try QuestionFormat.vqa.read(url),
            [
                Question(
                    image: "COCO_val2014_000000000042.jpg", text: "Is it?", answer: "yes",
                    answers: ["no", "no"] + Array(repeating: "yes", count: 8), kind: "yes/no")
            ])
        _ = try file("v2_mscoco_val2014_annotations.json", annotations(id: 1))
        XCTAssertEqual(
            try message(.vqa, vqa(), name: name),
            "v2_mscoco_val2014_annotations.json: question_id 420 of \(name) has no annotation; do the two files belong together?"
        )
        _ = try file("v2_mscoco_val2014_annotations.json", annotations(image: 41))
        XCTAssertEqual(
            try message(.vqa, vqa(), name: name),
            "v2_mscoco_val2014_annotations.json: question_id 420 is about image 41 here and about image 42 in \(name)")
        _ = try file("v2_mscoco_val2014_annotations.json", annotations())
        XCTAssertEqual(
            try message(.vqa, vqa("../x"), name: name),
            "\(name): data_subtype is \"../x\", expected such as \"val2014\"")
        XCTAssertEqual(
            try message(.vqa, "{\"questions\":[]}", name: name), "\(name): the key 'data_subtype' is missing")
        XCTAssertTrue(try message(.vqa, vqa(), name: "q.json").contains("does not say which annotations"))
    }

    // MARK: Answers

    func testAnswerList_ofQuestions_isOrderedByCount() throws {
        let questions = ["red", "no", "blue", "no", "red", "green", "no"].map {
            Question(image: "a", text: "q", answer: $0)
        }
        XCTAssertEqual(answerList(questions, maximum: 10), ["no", "red", "blue", "green"])
        XCTAssertEqual(answerList(questions, maximum: 3), ["no", "red", "blue"])
        XCTAssertEqual(AnswerFile.text(["no", "ice cream"]), "no\nice cream\n")
        XCTAssertEqual(try AnswerFile.read(Data("no\nice cream\n".utf8), path: "a"), ["no", "ice cream"])
        XCTAssertThrowsError(try AnswerFile.read(Data("no\nyes\nno\n".utf8), path: "a")) {
            XCTAssertTrue("\($0)".hasSuffix("a, line 3: 'no' is there already, on line 1"), "\($0)")
        }
    }
}
