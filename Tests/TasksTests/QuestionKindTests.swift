import Tasks
import XCTest

/// The kind of a question, told by its words.
final class QuestionKindTests: XCTestCase {
    private func assert(_ kind: QuestionKind, _ questions: [String], line: UInt = #line) {
        for question in questions { XCTAssertEqual(QuestionKind(question), kind, question, line: line) }
    }

    func testQuestionKind_ofTheQuestionsThatAreGenerated_isTheirs() {
        assert(
            .color,
            [
                "what color is the dog?", "what is the color of the shirt?", "in what color is the man dressed?",
                "what color?", "which colour are the shoes?", "what color hat is the man wearing?",
                "what color hair does the girl have?",
            ])
        assert(
            .number, ["how many dogs are there?", "how many?", "what is the number of men?", "how many can you see?"])
        assert(.place, ["where is the dog?", "where?", "what place is this?", "what kind of place is it?"])
        assert(
            .yesNo,
            [
                "is there a dog?", "are there dogs in the picture?", "does the picture show a cat?",
                "is the dog wearing red?",
            ]
        )
        assert(
            .wearingHolding,
            [
                "what is the man wearing?", "what does the woman wear?", "what is the boy holding?",
                "what is in the dog's mouth?", "what does the dog have in its mouth?", "what is in the man's hands?",
                "what does the man have on his head?",
                "what does the boy have over his eyes?",
            ])
        assert(.doing, ["what is the man doing?", "what are they doing?", "what is she doing in the picture?"])
        assert(
            .eitherOr,
            ["is it a man or a woman?", "is the dog black or white?", "was the picture taken inside or outside?"])
        assert(
            .object,
            [
                "what is the dog chasing?", "who is riding the bike?", "who is wearing a hat?", "what animal is this?",
                "which animal can you see?", "what kind of vehicle is shown?",
            ])
    }

    func testQuestionKind_ofOtherQuestions_isTheNearest() {
        assert(.yesNo, ["Is the color of the dog brown?", "can you see where it is", "Could this be snow?"])
        assert(.place, ["In which room is the table?", "tell me where it is"])
        assert(.object, ["what's this?", "whose dog is it", "on what does she sit"])
        assert(.other, ["why is he running?", "how old is she?", "dog", ""])
    }
}
