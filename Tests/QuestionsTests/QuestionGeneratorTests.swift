import Foundation
import Tensors
import TestSupport
import Vision
import XCTest

@testable import Questions
@testable import Tasks

/// Questions about six invented images, whose captions mark their phrases: `[chain type|a red hat]`.
final class QuestionGeneratorTests: XCTestCase {
    private typealias Drawn = (image: String, boxes: [Int: [Rectangle]], captions: [String])

    private static func box(_ x: Double, _ size: Double = 20) -> Rectangle {
        Rectangle(x0: x, y0: 10, x1: x + size, y1: 10 + size)
    }

    private static let images: [Drawn] = [
        (
            "dog.jpg", [1: [box(0)], 2: [box(5, 4)], 3: [box(40)]],
            [
                "[1 animals|a black dog] with [2 other|a red ball] in [4 bodyparts|its mouth] runs through [3 scene|the snow]",
                "[1 animals|a dog] runs in [3 scene|snow]", "[1 animals|the black dog] is in [3 scene|the snow]",
            ]
        ),
        (
            "boys.jpg", [1: [box(0), box(60)], 2: [box(30)]],
            [
                "[1 people|two boys] are riding [2 vehicles|a blue bike]",
                "[1 people|two young boys] ride [2 vehicles|a bicycle]",
                "[1 people|two children] on [2 vehicles|a bike] .",
            ]
        ),
        (
            "man.jpg", [1: [box(0)], 2: [box(1, 9)], 3: [box(3, 5)]],
            [
                "[1 people|a white man] in [2 clothing|a red shirt] and [3 clothing|a green hat] is sitting on [4 other|a bench]",
                "[1 people|a man] wearing [2 clothing|an orange shirt] sits on [4 other|the bench]",
                "[1 people|the man] wears [3 clothing|a green hat]",
            ]
        ),
        (
            "girl.jpg", [1: [box(0)], 2: [box(50)]],
            [
                "[1 people|a blond girl] in [3 clothing|pink] is playing on [2 scene|the beach]",
                "[1 people|a little girl] on [2 scene|a beach]", "[1 people|the girl] is holding [4 other|a ball]",
            ]
        ),
        (
            "fight.jpg", [1: [box(0)], 2: [box(50)]],
            [
                "[1 animals|a white dog] chases [2 animals|a brown dog] on [3 scene|grass]",
                "[1 animals|a dog] chases [2 animals|another dog] on [3 scene|the grass]",
                "[5 animals|two dogs] play on [3 scene|grass]",
            ]
        ),
        (
            "torn.jpg", [1: [box(0)]],
            [
                "[1 people|a man] walks down [2 scene|the street]", "[1 people|a woman] runs along [2 scene|a road]",
                "[1 people|a woman] crosses [2 scene|a street]",
            ]
        ),
    ]

    private static func phrases(_ drawn: Drawn) -> (captions: [[String]], phrases: [Phrase]) {
        var captions: [[String]] = []
        var phrases: [Phrase] = []
        for text in drawn.captions {
            var words: [String] = []
            var marks: [(first: Int, count: Int, chain: Int, type: String)] = []
            for (i, piece) in text.split(separator: "[", omittingEmptySubsequences: false).enumerated() {
                var rest = piece[...]
                if i > 0, let bar = piece.firstIndex(of: "|"), let end = piece.firstIndex(of: "]") {
                    let head = piece[..<bar].split(separator: " ")
                    let inside = piece[piece.index(after: bar)..<end].split(separator: " ").map(String.init)
                    marks.append((words.count, inside.count, Int(head[0]) ?? 0, String(head[1])))
                    words += inside
                    rest = piece[piece.index(after: end)...]
                }
                words += rest.split(separator: " ").map(String.init)
            }
            captions.append(words)
            phrases += marks.map { mark in
                Phrase(
                    image: drawn.image, first: mark.first, count: mark.count, chain: mark.chain, types: [mark.type],
                    boxes: drawn.boxes[mark.chain] ?? [], caption: words)
            }
        }
        return (captions, phrases)
    }

    private static let annotated = images.map { drawn in
        let made = phrases(drawn)
        return AnnotatedImage(name: drawn.image, captions: made.captions, phrases: made.phrases, lexicon: .shared)
    }

    private func facts(_ index: Int) -> [QuestionFact] {
        let image = Self.annotated[index]
        let relations = Relations(image)
        var dropped = 0
        return ColorQuestions.facts(image, relations, dropped: &dropped)
            + NumberQuestions.facts(image, dropped: &dropped)
            + ObjectQuestions.facts(image, relations, dropped: &dropped)
            + WornHeldQuestions.facts(image, relations, dropped: &dropped)
            + PlaceQuestions.facts(image, relations, dropped: &dropped)
    }

    private func answer(_ index: Int, _ wording: String) -> String? {
        facts(index).first { $0.wordings.contains(wording) || $0.short == wording }?.answer
    }

    func testFacts_ofADogWithABall_areAsExpected() {
        XCTAssertEqual(answer(0, "what color is the dog?"), "black")
        XCTAssertEqual(answer(0, "what color is the ball?"), "red")
        XCTAssertNil(answer(0, "what color?"), "two things have a colour")
        XCTAssertEqual(answer(0, "how many dogs are there?"), "one")
        XCTAssertEqual(answer(0, "how many?"), "one")
        XCTAssertEqual(answer(0, "what is the dog holding?"), "ball")
        XCTAssertEqual(answer(0, "what is in the dog's mouth?"), "ball")
        XCTAssertEqual(answer(0, "where is the dog?"), "snow")
        XCTAssertEqual(answer(0, "where is the dog running?"), "snow")
        XCTAssertEqual(answer(0, "where?"), "snow")
        XCTAssertEqual(answer(0, "what animal is this?"), "dog")
        let color = facts(0).first { $0.wordings.contains("what color is the ball?") }
        XCTAssertEqual(color?.boxes, [Self.box(5, 4)])
        XCTAssertEqual(color?.kind, "color")
    }

    func testFacts_ofTwoBoysOnABike_areAsExpected() {
        XCTAssertEqual(answer(1, "how many boys are there?"), "two")
        XCTAssertEqual(answer(1, "how many children?"), "two")
        XCTAssertEqual(answer(1, "how many people can you see?"), "two")
        XCTAssertEqual(answer(1, "what are the boys riding?"), "bike")
        XCTAssertEqual(answer(1, "what color is the bike?"), "blue")
        XCTAssertEqual(answer(1, "what color?"), "blue")
        XCTAssertEqual(facts(1).first { $0.wordings.contains("how many boys are there?") }?.boxes.count, 2)
    }

    func testFacts_ofContradictingCaptions_areDropped() {
        XCTAssertNil(answer(2, "what color is the shirt?"), "red to one, orange to another")
        XCTAssertEqual(answer(2, "what color is the man's hat?"), "green")
        XCTAssertEqual(answer(2, "what is the man wearing on his head?"), "hat")
        XCTAssertNil(answer(2, "what is the man wearing?"), "a shirt and a hat")
        XCTAssertEqual(answer(2, "what is the man sitting on?"), "bench")
        XCTAssertEqual(answer(2, "who is wearing the hat?"), "man")
        XCTAssertFalse(facts(2).contains { $0.wordings.contains { $0.contains("color is the man?") } })
        var dropped = 0
        _ = ColorQuestions.facts(Self.annotated[2], Relations(Self.annotated[2]), dropped: &dropped)
        XCTAssertEqual(dropped, 1)
    }

    func testFacts_ofHairAndColorAlone_areAsExpected() {
        XCTAssertEqual(answer(3, "what color is the girl's hair?"), "blond")
        XCTAssertEqual(answer(3, "what color is the girl wearing?"), "pink")
        XCTAssertEqual(answer(3, "where is the girl playing?"), "beach")
        XCTAssertEqual(answer(3, "who is holding the ball?"), "girl")
    }

    func testFacts_thatAreUnclear_areNotAsked() {
        XCTAssertNil(answer(4, "what color is the dog?"), "there are two")
        XCTAssertNil(answer(4, "where is the dog?"))
        XCTAssertEqual(answer(4, "where was the picture taken?"), "grass")
        XCTAssertNil(answer(5, "how many women are there?"), "one caption says a man")
        XCTAssertNil(answer(5, "where is the man?"))
        XCTAssertEqual(answer(5, "how many people are there?"), nil)
        XCTAssertNil(Self.annotated[5].entities[0].noun)
    }

    // MARK: More kinds

    private func doing(_ index: Int, _ wording: String) -> String? {
        var dropped = 0
        return ActionQuestions.facts(Self.annotated[index], dropped: &dropped).first {
            $0.wordings.contains(wording)
        }?.answer
    }

    func testActionFacts_ofCaptions_areAsExpected() {
        XCTAssertEqual(doing(0, "what is the dog doing?"), "running")
        XCTAssertEqual(doing(1, "what are the boys doing?"), "riding")
        XCTAssertEqual(doing(1, "what are they doing?"), "riding")
        XCTAssertEqual(doing(2, "what is he doing?"), "sitting")
        XCTAssertEqual(doing(3, "what is she doing?"), "playing")
        XCTAssertNil(doing(4, "what is the dog doing?"), "there are two")
        XCTAssertNil(doing(5, "what is the man doing?"), "the captions do not agree who it is")
    }

    func testActions_thatGoTogether_areNotExcluded() {
        XCTAssertTrue(Actions.excluded["sitting"]?.contains("running") == true)
        XCTAssertFalse(Actions.excluded["running"]?.contains("jumping") == true)
        for (verb, others) in Actions.excluded {
            for other in others { XCTAssertTrue(Actions.excluded[other]?.contains(verb) == true, "\(verb) \(other)") }
        }
        XCTAssertTrue(Actions.mentions("running", in: ["runs"]))
        XCTAssertTrue(Actions.mentions("sitting", in: ["sat", "sits"]))
        XCTAssertFalse(Actions.mentions("running", in: ["a", "dog", "walks"]))
    }

    /// The six kinds keep their questions; the others are added.
    func testWideQuestions_ofImages_addToTheOthers() {
        let few = QuestionGenerator(options: .init(seed: 3)).questions(Self.annotated).questions
        let (many, report) = QuestionGenerator(options: .init(seed: 3, isWide: true)).questions(Self.annotated)
        var left = many
        for question in few {
            guard let at = left.firstIndex(of: question) else { return XCTFail("\(question.text) is missing") }
            left.remove(at: at)
        }
        XCTAssertFalse(left.isEmpty)
        XCTAssertTrue(left.contains { $0.kind == "doing" })
        XCTAssertTrue(left.contains { $0.kind == "either/or" })
        XCTAssertEqual(report.questions, many.count)
        for question in left where question.kind == "either/or" {
            XCTAssertTrue(question.text.contains(" or "), question.text)
            XCTAssertTrue(question.text.contains(question.answer), "\(question.text) \(question.answer)")
        }
    }

    /// Two women alike but for what they wear, where they are and what colour it has: each fact that is true of one is
    /// false of the other, and no question has its answer from the other image.
    func testWiderYesNo_ofTwoImages_hasTheRightAnswerForEach() {
        let drawn: [Drawn] = [
            (
                "room.jpg", [1: [Self.box(0)], 2: [Self.box(40)]],
                [
                    "[1 people|a woman] wearing [2 clothing|a red hat] sits in [3 scene|a restaurant]",
                    "[1 people|the woman] in [2 clothing|a red hat] is in [3 scene|the restaurant]",
                ]
            ),
            (
                "sea.jpg", [1: [Self.box(0)], 2: [Self.box(50)], 4: [Self.box(80)]],
                [
                    "[1 people|a woman] wearing [2 clothing|a blue dress] runs on [3 scene|the beach]",
                    "[1 people|the woman] in [2 clothing|a blue dress] runs along [3 scene|the beach]",
                ]
            ),
        ]
        let images = drawn.map { drawn in
            let made = Self.phrases(drawn)
            return AnnotatedImage(name: drawn.image, captions: made.captions, phrases: made.phrases, lexicon: .shared)
        }
        var random = SeededGenerator(seed: 4), dropped = 0
        let open = images.flatMap { PlaceQuestions.facts($0, Relations($0), dropped: &dropped) }
        func answers(_ facts: [QuestionFact], _ wording: String) -> [String: String] {
            Dictionary(facts.filter { $0.wordings.contains(wording) }.map { ($0.image, $0.answer) }) { first, _ in first
            }
        }
        let worn = WiderYesNoQuestions.worn(images.map { ($0, Relations($0)) }, generator: &random)
        XCTAssertEqual(answers(worn, "is she wearing a hat?"), ["room.jpg": "yes", "sea.jpg": "no"])
        XCTAssertEqual(answers(worn, "is the woman wearing a dress?"), ["room.jpg": "no", "sea.jpg": "yes"])
        XCTAssertEqual(worn.first { $0.image == "room.jpg" && $0.answer == "yes" }?.boxes, [Self.box(40)])
        let scenes = WiderYesNoQuestions.scenes(images, open: open, generator: &random)
        XCTAssertEqual(answers(scenes, "is this a beach?"), ["room.jpg": "no", "sea.jpg": "yes"])
        let indoors = WiderYesNoQuestions.indoors(images, generator: &random)
        XCTAssertEqual(answers(indoors, "is this indoors?"), ["room.jpg": "yes", "sea.jpg": "no"])
        XCTAssertEqual(answers(indoors, "is it outside?"), ["room.jpg": "no", "sea.jpg": "yes"])
        let actions = ActionQuestions.checks(images, generator: &random)
        XCTAssertEqual(answers(actions, "is the woman running?"), ["room.jpg": "no", "sea.jpg": "yes"])
        XCTAssertEqual(answers(actions, "is she sitting?"), ["room.jpg": "yes", "sea.jpg": "no"])
        let choices = ChoiceQuestions.facts(images, open: open, generator: &random)
        for fact in choices where fact.wordings.contains(where: { $0.hasPrefix("is this ") && $0.contains("doors") }) {
            XCTAssertEqual(fact.answer, fact.image == "room.jpg" ? "indoors" : "outdoors")
        }
        XCTAssertEqual(
            Set(choices.filter { $0.answer == "woman" }.map(\.image)), ["room.jpg", "sea.jpg"], "a man or a woman")
    }

    func testSportFacts_ofCaptions_needTwoThatAgree() {
        func sport(_ captions: [String]) -> String? {
            let made = Self.phrases(("a.jpg", [1: [Self.box(0)]], captions))
            let image = AnnotatedImage(
                name: "a.jpg", captions: made.captions, phrases: made.phrases, lexicon: .shared)
            return SportQuestions.facts(image).first { $0.wordings.contains("what sport is this?") }?.answer
        }
        XCTAssertEqual(sport(["[1 people|boys] play soccer", "[1 people|two boys] with a soccer ball"]), "soccer")
        XCTAssertNil(sport(["[1 people|boys] play soccer", "[1 people|two boys] run"]), "one caption is not enough")
        XCTAssertNil(sport(["[1 people|boys] play soccer", "[1 people|boys] play rugby and soccer"]), "two sports")
    }

    /// A man left of a dog; mirror images of such questions are made in training.
    func testSides_ofThingsThatLieApart_areAsked() throws {
        var generator = SeededGenerator(seed: 1)
        let image = AnnotatedImage(
            name: "a.jpg", captions: [["a", "man", "and", "a", "dog"]],
            phrases: [
                Phrase(
                    image: "a.jpg", first: 0, count: 2, chain: 1, types: ["people"],
                    boxes: [Rectangle(x0: 0, y0: 0, x1: 20, y1: 50)], caption: ["a", "man", "and", "a", "dog"]),
                Phrase(
                    image: "a.jpg", first: 3, count: 2, chain: 2, types: ["animals"],
                    boxes: [Rectangle(x0: 60, y0: 20, x1: 90, y1: 50)], caption: ["a", "man", "and", "a", "dog"]),
            ], lexicon: .shared)
        let facts = SideQuestions.leftAndRight(image, generator: &generator)
        func answer(_ text: String) -> String? {
            facts.first { $0.wordings.contains(text) }?.answer
        }
        XCTAssertEqual(answer("what is on the left?"), "man")
        XCTAssertEqual(answer("what is on the right?"), "dog")
        let sides = facts.filter { $0.kind == "either/or" }
        XCTAssertEqual(sides.map(\.answer), ["left", "right"])
        for fact in facts where fact.kind == "yes/no" {
            let isLeft = fact.wordings[0].contains("left"), isMan = fact.wordings[0].hasPrefix("is the man")
            XCTAssertEqual(fact.answer, isLeft == isMan ? "yes" : "no", fact.wordings[0])
        }
    }

    func testNounPhrase_ofPhrases_isParsed() {
        func parse(_ text: String) -> NounPhrase {
            NounPhrase(text.split(separator: " ").map(String.init), lexicon: .shared)
        }
        XCTAssertEqual(parse("two small black and white dogs").number, 2)
        XCTAssertEqual(parse("two small white and black dogs").color, "black and white")
        XCTAssertTrue(parse("dogs").isPlural)
        XCTAssertFalse(parse("a dog").isPlural)
        XCTAssertEqual(parse("a man 's blue shirt").color, "blue")
        XCTAssertEqual(parse("a red man 's shirt").color, nil)
        XCTAssertEqual(parse("a group of three people").number, 3)
        XCTAssertEqual(parse("a tennis ball").noun?.name, "ball")
        XCTAssertEqual(parse("a black dog with white spots").color, "black")
        XCTAssertTrue(parse("a red shirt with blue and green stripes").noun?.name == "shirt")
        XCTAssertTrue(parse("a multi-colored red shirt").hasOddColor)
        XCTAssertEqual(parse("a blond-haired woman").hair, "blond")
        XCTAssertEqual(parse("black").isColorAlone, true)
        XCTAssertEqual(parse("an orange").isColorAlone, true)
        XCTAssertNil(parse("the juice of an orange").color)
        XCTAssertNil(parse("of").noun)
        XCTAssertNil(parse("the").noun)
        XCTAssertEqual(parse("grey jeans").color, "gray")
        XCTAssertEqual(parse("grey jeans").noun?.name, "pants")
    }

    func testLexicon_ofAllNouns_hasEachNameOnce() {
        let names = Lexicon.shared.nouns.map(\.name)
        XCTAssertEqual(Set(names).count, names.count)
        for noun in Lexicon.shared.nouns {
            XCTAssertEqual(Lexicon.shared.lookUp(noun.name)?.noun.name, noun.name)
            XCTAssertEqual(Lexicon.shared.lookUp(noun.plural)?.noun.name, noun.name, noun.plural)
            if let general = noun.general { XCTAssertNotNil(Lexicon.shared.noun(named: general), general) }
        }
        XCTAssertEqual(Lexicon.shared.noun(named: "umbrella")?.indefinite, "an umbrella")
        XCTAssertEqual(Lexicon.shared.noun(named: "snow")?.indefinite, "snow")
    }

    func testAnswerBalance_ofOneGroup_limitsEveryAnswer() {
        XCTAssertEqual(AnswerBalance.limit([100], share: 0.3), 4)
        XCTAssertEqual(AnswerBalance.limit([100, 10], share: 0.3), 15)  // 15 of 25 is 0.6
        XCTAssertEqual(AnswerBalance.limit([100, 50, 2], share: 0.3), 52)  // 52 of 104 is a half
        XCTAssertEqual(AnswerBalance.limit([10, 10, 10, 10, 10], share: 0.3), 10)
        let items = (0..<100).map { (kind: "k", group: "g", answer: $0 < 80 ? "a" : "\($0 % 4)") }
        var generator = SeededGenerator(seed: 1)
        let keep = AnswerBalance.chosen(items, shares: ["k": 0.25], small: 4, generator: &generator)
        let kept = zip(items, keep).filter(\.1).map(\.0.answer)
        let most = kept.count { $0 == "a" }
        XCTAssertLessThanOrEqual(Double(most), 0.25 * Double(kept.count))
        XCTAssertGreaterThanOrEqual(most, 5)
        XCTAssertEqual(kept.count - most, 20)
    }

    func testAnswerBalance_ofYesAndNo_keepsAsManyOfEach() {
        let (questions, report) = QuestionGenerator(options: .init(seed: 3)).questions(Self.annotated)
        let closed = questions.filter { $0.kind == "yes/no" }
        XCTAssertFalse(closed.isEmpty)
        for (text, members) in Dictionary(grouping: closed, by: \.text) {
            XCTAssertEqual(members.count { $0.answer == "yes" }, members.count { $0.answer == "no" }, text)
        }
        // No "no" for a thing that a caption names or hints at.
        let denied = closed.filter { $0.answer == "no" && ($0.text.contains("a dog") || $0.text.contains("any dogs")) }
        XCTAssertFalse(denied.isEmpty)
        for question in denied { XCTAssertFalse(["dog.jpg", "fight.jpg"].contains(question.image), question.text) }
        XCTAssertEqual(report.questions, questions.count)
        XCTAssertEqual(report.kinds["color"]?.contradicted, 1)
        XCTAssertEqual(report.kinds["yes/no"]?.prior, 0.5)
    }

    // MARK: Files

    private func write(_ folder: URL) throws -> (captions: URL, phrases: URL, split: URL) {
        var csv = "image,caption\n"
        var tsv = "image\trow\tfirst\tcount\tchain\ttypes\tphrase\tboxes\tcaption\n"
        for drawn in Self.images {
            let made = Self.phrases(drawn)
            for words in made.captions { csv += "\(drawn.image),\(words.joined(separator: " "))\n" }
            for phrase in made.phrases {
                let boxes = phrase.boxes.map { "\($0.x0),\($0.y0),\($0.x1),\($0.y1)" }.joined(separator: ";")
                tsv += "\(drawn.image)\t0\t\(phrase.first)\t\(phrase.count)\t\(phrase.chain)\t\(phrase.types[0])\t"
                tsv += "\(phrase.words.joined(separator: " "))\t\(boxes)\t\(phrase.caption.joined(separator: " "))\n"
            }
        }
        let files = (
            captions: folder.appendingPathComponent("c.csv"), phrases: folder.appendingPathComponent("p.tsv"),
            split: folder.appendingPathComponent("s.txt")
        )
        try Data(csv.utf8).write(to: files.captions)
        try Data(tsv.utf8).write(to: files.phrases)
        try Data("boys.jpg\nfight.jpg\ndog.jpg\n".utf8).write(to: files.split)
        return files
    }

    func testQuestionGenerator_ofFiles_givesRepeatableQuestions() throws {
        let folder = try Fixture.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let files = try write(folder)
        func run(_ seed: UInt64) throws -> [Question] {
            try QuestionGenerator(options: .init(seed: seed))
                .questions(captions: files.captions, phrases: files.phrases, split: files.split).questions
        }
        let first = try run(7)
        XCTAssertEqual(first, try run(7))
        XCTAssertNotEqual(first, try run(8))
        XCTAssertTrue(Set(first.map(\.image)).isSubset(of: ["boys.jpg", "fight.jpg", "dog.jpg"]))
        let output = folder.appendingPathComponent("q.jsonl")
        try QuestionLines.write(first, to: output)
        XCTAssertEqual(try QuestionFormat.jsonl.read(output), first)
    }

    func testPhraseFile_withErrors_isRefusedWithItsLine() throws {
        let folder = try Fixture.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let files = try write(folder)
        func message(_ row: String, header: String = "image\t\t\t\t\t\t\t\t") throws -> String {
            try Data("\(header)\n\(row)\n".utf8).write(to: files.phrases)
            do {
                _ = try QuestionGenerator().questions(
                    captions: files.captions, phrases: files.phrases, split: files.split)
                return "accepted"
            } catch {
                return "\(error)".replacingOccurrences(of: folder.path + "/", with: "")
            }
        }
        XCTAssertTrue(try message("a\tb").hasPrefix("p.tsv, line 2: has 2 fields, expected 9"))
        XCTAssertEqual(
            try message("dog.jpg\t0\t9\t1\t1\tx\ta dog\t\ta dog"),
            "p.tsv, line 2: the first word is \"9\", expected a whole number in 0...1")
        XCTAssertEqual(
            try message("dog.jpg\t0\t1\t2\t1\tx\ta dog\t\ta dog"),
            "p.tsv, line 2: the number of words is \"2\", expected a whole number in 1...1")
        XCTAssertEqual(
            try message("dog.jpg\t0\t0\t2\t1\tx\ta dog\t1,2,nan,4\ta dog"),
            "p.tsv, line 2: \"1,2,nan,4\" is no box; one is x0,y0,x1,y1 in pixels")
        XCTAssertEqual(try message("dog.jpg\t0\t0\t2\t1\tx\ta dog\t\t "), "p.tsv, line 2: the caption is empty")
        XCTAssertEqual(
            try message("", header: "photo\t\t\t\t\t\t\t\t"),
            "p.tsv, line 1: the header must begin with 'image', found \"photo\"")
        XCTAssertEqual(
            try message("other.jpg\t0\t0\t2\t1\tx\ta dog\t\ta dog"),
            "p.tsv: has no phrases of the images in \(files.split.path)"
                .replacingOccurrences(of: folder.path + "/", with: ""))
        try Data("nobody.jpg\n".utf8).write(to: files.split)
        XCTAssertEqual(try message(""), "s.txt: nobody.jpg has no captions in c.csv")
        try Data("dog.jpg\ndog.jpg\n".utf8).write(to: files.split)
        XCTAssertEqual(try message(""), "s.txt, line 2: dog.jpg is there already, on line 1")
    }
}
