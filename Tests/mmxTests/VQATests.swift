import Explain
import Foundation
import Language
import Tasks
import Tensors
import TestSupport
import Vision
import Weights
import XCTest

@testable import mmx

/// `mmx vqa` and `mmx evaluate vqa` as a user runs them, with an untrained model.
final class VQATests: ProgramTestCase {
    private let answers = ["red", "blue", "black and white", "yes"]
    private var modelFolder: URL { url("model") }

    override func setUpWithError() throws {
        try super.setUpWithError()
        let vocabulary = Vocabulary(tokens: [["what", "color", "is", "the", "dog", "shape"]], minimumCount: 1)
        let encoder = EncoderConfiguration(name: "tiny", folded: true)
        let store = ParameterStore(seed: 7)
        let answerer = VQAHeadConfiguration(
            kind: .stackedAttention, features: try encoder.makeEncoder(store.scope()["encoder"]).channels,
            vocabulary: vocabulary.count, answers: answers.count, embedding: 6, hidden: 8, attention: 5)
        _ = answerer.makeHead(store.scope()["answerer"])
        try VQAModel.save(
            configuration: VQAConfiguration(
                encoder: encoder, preprocessing: try encoder.defaultPreprocessing(), answerer: answerer,
                vocabulary: "questions.txt",
                answers: "answers.txt"),
            vocabulary: vocabulary, answers: answers, state: store.stateDictionary(), type: .f32, to: modelFolder)
    }

    private func vqa(_ arguments: String...) throws -> Outcome { try run(["vqa", "--model", "./model"] + arguments) }

    private func manifest(_ outcome: Outcome, line: UInt = #line) throws -> VQAManifest {
        XCTAssertEqual(outcome.code, 0, outcome.errors, line: line)
        return try JSONDecoder().decode(VQAManifest.self, from: Data(outcome.output.utf8))
    }

    private func map(_ score: ManifestTarget<AnswerSubject>, in output: String = "mmx-output") throws -> [Float] {
        try NumPyArray.read(result(score.files.rawMap, in: output)).array
    }

    private func safe(_ answer: String) -> String { answer.replacingOccurrences(of: " ", with: "_") }

    func testVQA_bestAnswer_printsAnswersAndWritesFiles() throws {
        let found = try manifest(vqa("wide.png", "what color is the dog?", "--json", "--top", "9"))
        let question = try XCTUnwrap(found.questions.first)
        XCTAssertEqual(question.question, "what color is the dog?")
        XCTAssertEqual(question.words, ["what", "color", "is", "the", "dog"])
        XCTAssertEqual(Set(question.answers.map(\.answer)), Set(answers))
        XCTAssertEqual(question.answers.map(\.probability).reduce(0, +), 1, accuracy: 1e-5)
        XCTAssertEqual(question.answers.map(\.logit), question.answers.map(\.logit).sorted(by: >))
        XCTAssertEqual(found.questions.count, 1)
        XCTAssertEqual(
            [found.task, found.questions[0].scores[0].method, found.model.answerer],
            ["question-answering", "grad-cam", "stacked-attention"])
        XCTAssertEqual([found.photo.width, found.photo.height], [210, 70])
        XCTAssertEqual(found.model.sha256.count, 64)
        let score = try XCTUnwrap(question.scores.first)
        let best = question.answers[0]
        XCTAssertEqual(question.scores.count, 1)
        XCTAssertEqual([score.answer, score.name], [best.answer, best.answer])
        XCTAssertEqual(score.value, best.logit)
        XCTAssertEqual(score.rank, 1)
        XCTAssertNil(score.words)
        XCTAssertEqual(try map(score).count, score.map.shape.reduce(1, *))
        XCTAssertEqual(try map(score).max(), score.map.maximum)
        let overlay = try Image.read(result(score.files.overlay))
        // The photograph is enlarged to 480 pixels, so that what is written under it can be read.
        XCTAssertEqual(overlay.width, 480)
        XCTAssertGreaterThan(overlay.height, 160 + 60)
        let name = "wide-01-\(safe(best.answer))"
        XCTAssertEqual(
            files(), ["wide-answers.json", "\(name)-heatmap.png", "\(name)-map.npy", "\(name)-overlay.png"].sorted())
        let printed = try vqa("wide.png", "what color is the dog?", "--json", "--top", "9").output
        try assertPrinted(printed, isFile: "wide-answers.json")

        let text = try vqa("wide.png", "what color is the dog?", "--explain-question")
        let lines = text.output.split(separator: "\n")
        XCTAssertEqual(lines.count, 5, text.output)
        XCTAssertTrue(lines[0].hasSuffix(best.answer) && lines[0].contains(" %"), text.output)
        // Not a terminal: no colours.
        XCTAssertFalse(text.output.contains("\u{1B}"))
        XCTAssertTrue(lines[3].contains("what ") && lines[3].contains(", dog "), text.output)
        XCTAssertTrue(lines[4].hasSuffix("-overlay.png"), text.output)
    }

    func testVQA_unknownWords_areMarkedAndDoubted() throws {
        let outcome = try vqa("toy.png", "is the zebra the dog", "--explain-question", "--json")
        let question = try manifest(outcome).questions[0]
        XCTAssertEqual(question.scores[0].words?.map(\.word), ["is", "the", "zebra", "the", "dog"])
        XCTAssertEqual(question.scores[0].words?.map(\.known), [nil, nil, false, nil, nil])
        XCTAssertTrue(outcome.errors.contains("'zebra'; it reads it as an unknown word. The question hangs on it"))
        XCTAssertEqual(question.warnings.filter { $0.contains("the answer is a guess") }.count, 1)
    }

    func testVQA_answersAndContrast_areExplained() throws {
        let found = try manifest(
            vqa(
                "toy.png", "what color is the dog?", "--answer", "red", "--answer", "Black and white", "--contrast",
                "red",
                "black and white", "--explain-question", "--json", "--top", "4", "--color-map", "coolwarm"))
        let question = found.questions[0]
        let scores = question.scores
        let logit = Dictionary(uniqueKeysWithValues: question.answers.map { ($0.answer, $0.logit) })
        XCTAssertEqual(scores.map(\.name), ["red", "black and white", "red rather than black and white"])
        XCTAssertEqual(scores[2].against, "black and white")
        XCTAssertEqual(scores[0].value, try XCTUnwrap(logit["red"]))
        XCTAssertEqual(scores[2].value, scores[0].value - scores[1].value, accuracy: 1e-6)
        XCTAssertEqual(scores[1].rank, 1 + (question.answers.firstIndex { $0.answer == "black and white" } ?? -1))
        let maps = try scores.map { try map($0) }
        let largest = maps[2].map(abs).max() ?? 0
        XCTAssertGreaterThan(largest, 0)
        for i in maps[0].indices { XCTAssertEqual(maps[2][i], maps[0][i] - maps[1][i], accuracy: 1e-3 * largest) }
        XCTAssertEqual(found.questionMethod, "gradient-times-input")
        let words = try scores.map { try XCTUnwrap($0.words) }
        XCTAssertEqual(words[2].map(\.word), question.words)
        for i in 0..<5 {
            XCTAssertEqual(
                words[2][i].contribution, words[0][i].contribution - words[1][i].contribution, accuracy: 1e-5)
        }
        XCTAssertTrue(files().contains("toy-01-red_rather_than_black_and_white-overlay.png"), "\(files())")
        XCTAssertEqual(files().count, 10)
    }

    func testVQA_questionFile_answersEachQuestion() throws {
        try write("many.txt", "\u{FEFF}what color is the dog?\r\n\n  what shape is the colr\nis the dog")
        let outcome = try vqa("toy.png", "--question-file", "many.txt", "--json", "--output", "many", "--answer", "yes")
        let found = try manifest(outcome)
        XCTAssertEqual(
            found.questions.map(\.question), ["what color is the dog?", "what shape is the colr", "is the dog"])
        XCTAssertEqual(found.questions.map(\.number), [1, 2, 3])
        XCTAssertEqual(found.questions.map(\.unknownWords), [[], ["colr"], []])
        XCTAssertTrue(
            outcome.errors.contains("warning: the model does not know the word 'colr'; the nearest it knows: color"),
            outcome.errors)
        XCTAssertEqual(files("many").count, 10)
        XCTAssertTrue(files("many").contains("toy-03-yes-map.npy"))
        let one = try manifest(vqa("toy.png", "is the dog", "--answer", "yes", "--json", "--output", "one"))
        XCTAssertEqual(one.questions[0].scores[0].value, found.questions[2].scores[0].value, accuracy: 1e-5)
        let (a, b) = (
            try map(one.questions[0].scores[0], in: "one"), try map(found.questions[2].scores[0], in: "many")
        )
        for (x, y) in zip(a, b) { XCTAssertEqual(x, y, accuracy: 1e-4 * (a.map(abs).max() ?? 0)) }
        let text = try vqa("toy.png", "--question-file", "many.txt", "--top", "1")
        XCTAssertTrue(text.output.hasPrefix("1. what color is the dog?\n"), text.output)
        XCTAssertEqual(text.output.split(separator: "\n").count, 9, text.output)
        // The same answer twice gets files of its own.
        _ = try manifest(vqa("toy.png", "the dog", "--answer", "yes", "--answer", "YES", "--json", "--output", "twice"))
        XCTAssertTrue(files("twice").contains("toy-01-yes-2-map.npy"), "\(files("twice"))")
    }

    func testVQA_requestsThatCannotBeMet_areRefused() throws {
        assertFails(
            try vqa("toy.png", "what color", "--answer", "bleu"), 2, "no answer 'bleu'", "nearest it can give: blue")
        assertFails(try vqa("toy.png", "what color", "--contrast", "red", "bleu"), 2, "'bleu'", "blue")
        assertFails(try vqa("toy.png", "what color", "--contrast", "red", "Red"), 2, "cannot be held against itself")
        assertFails(try vqa("toy.png", "what color", "--answer", ""), 2, "no answer ''")
        assertFails(
            try vqa("toy.png", String(repeating: "dog ", count: 600)), 2, "has 600 words; at most 500 words can be read"
        )
        assertFails(try vqa("toy.png", ""), 2, "has no words")
        assertFails(try vqa("toy.png", "?!"), 2, "has no words")
        assertFails(try vqa("toy.png", "quo vadis"), 2, "knows no word of the question 'quo vadis'")
        assertFails(try vqa("toy.png", "what color", "--layer", "conv99"), 2, "no layer 'conv99'")
        try write("bad.txt", "what color\nquo vadis\n")
        assertFails(try vqa("toy.png", "--question-file", "bad.txt"), 2, "bad.txt, line 2", "knows no word")
        assertFails(try vqa("missing.png", "what color"), 3, "missing.png")
        assertFails(try run(["vqa", "--model", Self.model.path, "toy.png", "what color"]), 4, "config.json")
        assertFails(try vqa("toy.png", "--question-file", "missing.txt"), 5, "missing.txt")
        assertFails(try vqa("toy.png", "--question-file", "."), 5, "not a readable file")
        try write("blank.txt", "\n \n")
        assertFails(try vqa("toy.png", "--question-file", "blank.txt"), 5, "has no questions")
        try Data("what color\nis \u{E9}".utf8.dropLast()).write(to: url("latin.txt"))
        assertFails(try vqa("toy.png", "--question-file", "latin.txt"), 5, "latin.txt, line 2", "UTF-8")
        try write("long.txt", String(repeating: "what color is the dog?\n", count: 50_000))
        assertFails(try vqa("toy.png", "--question-file", "long.txt"), 5, "long.txt", "larger than 1 MiB")
        XCTAssertEqual(files(), [])
    }

    /// Weights that are no numbers: an error that names the model, and no files.
    func testVQA_damagedModel_isRefusedByName() throws {
        func damaged(_ source: URL, _ name: String, _ tensor: String) throws -> URL {
            try FileManager.default.copyItem(at: source, to: url(name))
            let file = url("\(name)/model.safetensors")
            var state = try SafeTensors.read(file)
            state[tensor] = Tensor(try XCTUnwrap(state[tensor]).shape, repeating: .nan)
            try SafeTensors.write(state, to: file, type: .f32, metadata: [:])
            return url(name)
        }
        let answerer = try damaged(modelFolder, "damaged", "answerer.answers.bias")
        for more in [[], ["--json"], ["--explain-question"]] {
            assertFails(
                try run(["vqa", "toy.png", "what color", "--model", answerer.path] + more), 4, "/damaged", "no numbers")
        }
        let captioner = try damaged(Self.model, "damaged-captioner", "decoder.output.words.bias")
        assertFails(try caption("toy.png", "--explain-all", model: captioner), 4, "/damaged-captioner", "no numbers")
        assertFails(try caption("toy.png", model: captioner), 4, "/damaged-captioner", "no numbers")
        try write("one.jsonl", "{\"image\":\"toy.png\",\"question\":\"what color?\",\"answer\":\"red\"}\n")
        assertFails(
            try run(["evaluate", "vqa", "--model", answerer.path, "--images", ".", "--questions", "one.jsonl"]), 4,
            "/damaged", "no numbers for toy.png")
        try write("one.csv", "image,caption\ntoy.png,a red square\n")
        assertFails(
            try run(["evaluate", "caption", "--model", captioner.path, "--images", ".", "--captions", "one.csv"]), 4,
            "/damaged-captioner", "no numbers for toy.png")
        XCTAssertEqual(files(), [])
    }

    /// What a terminal shows of the words: red for, blue against, the strongest the fullest; in nats.
    func testAnswerText_evidenceOfWords_isColouredByStrength() throws {
        var found = try manifest(vqa("toy.png", "what color is the dog", "--explain-question", "--json"))
        for (i, value) in [0.5, -0.25, 0, 0.001, -0.5].enumerated() {
            found.body.questions[0].scores[0].words?[i].evidence = Float(value)
        }
        let name = found.questions[0].scores[0].name
        func line(_ isColored: Bool) -> String {
            AnswerText(isColored: isColored, namesQuestions: false).lines(found) { $0 }[3]
        }
        XCTAssertEqual(line(false), "\(name): what +0.50, color -0.25, is +0.00, the +0.00, dog -0.50")
        func ground(_ color: Int, _ word: String) -> String { "\u{1B}[38;5;16;48;5;\(color)m \(word) \u{1B}[0m" }
        XCTAssertEqual(
            line(true),
            "\(name): \(ground(203, "what")) +0.50  \(ground(147, "color")) -0.25  \(ground(231, "is")) +0.00  "
                + "\(ground(231, "the")) +0.00  \(ground(63, "dog")) -0.50")
        found.body.questions[0].scores[0].words?[1].evidence = .nan
        XCTAssertTrue(line(true).contains(" color  +nan") || line(true).contains(" color  nan"), line(true))
    }

    func testVQA_wrongUsageAndListLayers_exitWith64AndPrintLayers() throws {
        func usage(_ outcome: Outcome, _ said: String, line: UInt = #line) {
            XCTAssertEqual(outcome.code, 64, outcome.errors, line: line)
            XCTAssertTrue(outcome.errors.contains(said), outcome.errors, line: line)
        }
        usage(try vqa("toy.png"), "<question>")
        usage(try vqa(), "<photo>")
        usage(try vqa("toy.png", "what", "--question-file", "x.txt"), "not both")
        usage(try vqa("toy.png", "what", "--contrast", "red"), "takes two answers, found 1")
        usage(try vqa("toy.png", "what", "--contrast", "red", "black", "and"), "takes two answers, found 3")
        usage(try vqa("toy.png", "what", "--top", "0"), "--top")
        usage(try vqa("toy.png", "what", "--opacity", "2"), "--opacity")
        XCTAssertTrue(try vqa("--list-layers").output.contains("conv1\t16 channels\t2 px"))
        let help = try mmx("vqa", "--help").output
        for option in ["--answer", "--contrast", "--explain-question", "--question-file", "--top", "--layer", "--json"]
        {
            XCTAssertTrue(help.contains(option), option)
        }
    }

    func testEvaluateVQA_formats_printsAccuracy() throws {
        let asked = [
            ("wide.png", "what color is the dog?"), ("toy.png", "is the dog"), ("wide.png", "what shape"),
            ("toy.png", "quo vadis"),
        ]
        var given: [String] = []
        for (photo, question) in asked.dropLast() {
            given.append(try manifest(vqa(photo, question, "--json")).questions[0].answers[0].answer)
        }
        // The first is right, the second too, the third is not; nobody can say what the fourth is.
        let lines = zip(asked, [given[0], given[1], "no such answer", "nor this one"]).enumerated().map {
            "{\"image\":\"\($1.0.0)\",\"question\":\"\($1.0.1)\",\"answer\":\"\($1.1)\","
                + "\"kind\":\"\($0 % 2 == 0 ? "color" : "yes/no")\"}\n"
        }
        try write("questions.jsonl", lines.joined())
        func evaluate(_ arguments: String...) throws -> Outcome {
            try run(["evaluate", "vqa", "--model", "./model", "--images", ".", "--questions"] + arguments)
        }
        let outcome = try evaluate("questions.jsonl", "--json", "--predictions", "out.jsonl")
        XCTAssertEqual(outcome.code, 0, outcome.errors)
        let scores = try JSONDecoder().decode(AnswerScores.self, from: Data(outcome.output.utf8))
        XCTAssertEqual(scores.overall.questions, 4)
        XCTAssertEqual(scores.overall.accuracy, 0.5)
        XCTAssertEqual(scores.kinds.mapValues(\.accuracy), ["color": 0.5, "yes/no": 0.5])
        let predictions = try String(contentsOf: url("out.jsonl"), encoding: .utf8).split(separator: "\n")
        XCTAssertEqual(predictions.count, 4)
        for (line, (question, answer)) in zip(predictions, zip(asked, given)) {
            XCTAssertEqual(
                line, "{\"answer\":\"\(answer)\",\"image\":\"\(question.0)\",\"question\":\"\(question.1)\"}")
        }
        let first = try evaluate("questions.jsonl", "--limit", "2")
        XCTAssertTrue(first.output.contains("100.00 %") && first.output.contains("all"), first.output)
        XCTAssertTrue(first.errors.contains("2/2 questions") || first.errors.contains("questions"), first.errors)

        try write(
            "daquar.tsv",
            "image\tquestion\tanswer\nwide.png\twhat color is the dog?\t\(given[0])\n"
                + "toy.png\tis the dog\tsink, faucet\n"
        )
        let daquar = try evaluate("daquar.tsv", "--format", "daquar", "--json")
        XCTAssertEqual(
            try JSONDecoder().decode(AnswerScores.self, from: Data(daquar.output.utf8)).overall.accuracy, 0.5)

        try write("lost.jsonl", lines[0].replacingOccurrences(of: "wide.png", with: "lost.png"))
        assertFails(try evaluate("lost.jsonl"), 5, "lost.png", "missing")
        try Data("no picture".utf8).write(to: url("text.png"))
        try write("text.jsonl", lines[0].replacingOccurrences(of: "wide.png", with: "text.png"))
        assertFails(try evaluate("text.jsonl"), 3, "text.png")
        assertFails(try evaluate("none.jsonl"), 5, "none.jsonl")
        assertFails(
            try run(["evaluate", "vqa", "--model", "nowhere", "--images", ".", "--questions", "questions.jsonl"]), 4,
            "nowhere")
        XCTAssertEqual(try evaluate("questions.jsonl", "--format", "csv").code, 64)
        XCTAssertEqual(try evaluate("questions.jsonl", "--limit", "0").code, 64)
    }
}
