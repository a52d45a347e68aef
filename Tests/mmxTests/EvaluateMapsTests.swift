import Evaluation
import Foundation
import Language
import Tasks
import Tensors
import TestSupport
import Vision
import Weights
import XCTest

/// `mmx evaluate maps` as a user runs it, with an untrained model.
final class EvaluateMapsTests: ProgramTestCase {
    override func setUpWithError() throws {
        try super.setUpWithError()
        let vocabulary = Vocabulary(tokens: [["what", "color", "is", "the", "dog", "shape"]], minimumCount: 1)
        let answers = ["red", "blue", "yes"]
        let encoder = EncoderConfiguration(name: "tiny", folded: true)
        let store = ParameterStore(seed: 7)
        let answerer = VQAHeadConfiguration(
            kind: .stackedAttention, features: try encoder.makeEncoder(store.scope()["encoder"]).channels,
            vocabulary: vocabulary.count, answers: answers.count, embedding: 6, hidden: 8, attention: 5)
        _ = answerer.makeHead(store.scope()["answerer"])
        try VQAModel.save(
            configuration: VQAConfiguration(
                encoder: encoder, preprocessing: try encoder.defaultPreprocessing(), answerer: answerer,
                vocabulary: "questions.txt", answers: "answers.txt"),
            vocabulary: vocabulary, answers: answers, state: store.stateDictionary(), type: .f32, to: url("model"))
        try write("questions.jsonl", lines.joined(separator: "\n"))
    }

    private let lines = [
        #"{"answer":"red","boxes":[[0,0,105,70]],"image":"wide.png","#
            + #""kind":"color","question":"what color is the dog?"}"#,
        #"{"answer":"yes","boxes":[[10,10,30.5,60]],"image":"toy.png","kind":"yes/no","question":"is the dog red?"}"#,
        #"{"answer":"blue","boxes":[],"image":"toy.png","kind":"color","question":"what color"}"#,
    ]

    private func evaluate(_ arguments: String..., questions: String = "questions.jsonl", model: String = "./model")
        throws -> Outcome
    {
        try run(["evaluate", "maps", "--images", ".", "--questions", questions, "--model", model] + arguments)
    }

    func testEvaluateMaps_questions_printsFiguresAndRecords() throws {
        let outcome = try evaluate("--json", "--records", "records.jsonl")
        XCTAssertEqual(outcome.code, 0, outcome.errors)
        XCTAssertTrue(outcome.errors.hasPrefix("1 question without boxes left out\n"), outcome.errors)
        let scores = try JSONDecoder().decode(MapScores.self, from: Data(outcome.output.utf8))
        XCTAssertEqual([scores.all.targets, scores.all.images, scores.resamples], [2, 2, 1000])
        XCTAssertEqual(scores.kinds.keys.sorted(), ["color", "yes/no"])
        XCTAssertEqual(
            scores.methods,
            ["grad-cam", "grad-cam:expected", "attention", "word-blind", "gaussian", "edges", "centre", "chance"])
        XCTAssertEqual(Set(scores.all.methods.keys), Set(scores.methods))
        let figures = try XCTUnwrap(scores.all.methods["grad-cam"]?.figures)
        XCTAssertEqual(
            figures.keys.sorted(),
            [
                "boxAccuracy", "boxIoU", "complexity", "energyInside", "insideOverOutside", "pointing", "rankAccuracy",
                "sparseness",
            ])
        XCTAssertTrue(figures.values.allSatisfy { $0.low <= $0.value && $0.value <= $0.high })
        // Half of wide.png, and 20 x 50 of toy.png's 64 x 64 pixels: columns with centres 10.5 to 29.5.
        XCTAssertEqual(
            try XCTUnwrap(scores.all.methods["chance"]?.figures["pointing"]).value, (0.5 + 1000.0 / 4096) / 2,
            accuracy: 1e-12)

        let records = try String(contentsOf: url("records.jsonl"), encoding: .utf8).split(separator: "\n")
        XCTAssertEqual(records.count, 2 * 8)
        let first = try XCTUnwrap(JSONSerialization.jsonObject(with: Data(records[0].utf8)) as? [String: Any])
        XCTAssertEqual(
            first.keys.sorted(),
            [
                "answer", "energyInside", "expected", "figures", "hit", "image", "kind", "method", "question", "run",
                "target", "x", "y",
            ])
        XCTAssertEqual(first["image"] as? String, "wide.png")
        XCTAssertEqual(first["method"] as? String, "grad-cam")
        XCTAssertTrue(records[0].hasPrefix("{\"answer\":"))
        if let x = first["x"] as? Int {
            XCTAssertEqual(first["hit"] as? Bool, x < 105)
        } else {
            XCTAssertEqual(first["hit"] as? Bool, false)
        }
        XCTAssertEqual(try evaluate("--json").output, outcome.output)
        XCTAssertEqual(
            try run(
                [
                    "evaluate", "maps", "--images", ".", "--questions", "questions.jsonl", "--model", "./model",
                    "--json",
                ], environment: ProcessInfo.processInfo.environment.merging(["MMX_THREADS": "1"]) { $1 }
            ).output, outcome.output)
    }

    func testEvaluateMaps_resumed_givesTheSameFiguresAndRecords() throws {
        let once = try evaluate("--json", "--records", "records.jsonl")
        let bytes = try Data(contentsOf: url("records.jsonl"))
        try bytes.prefix(bytes.count * 2 / 3).write(to: url("records.jsonl"))
        let again = try evaluate("--json", "--records", "records.jsonl", "--resume")
        XCTAssertEqual(again.code, 0, again.errors)
        XCTAssertEqual(again.output, once.output)
        XCTAssertEqual(try Data(contentsOf: url("records.jsonl")), bytes)
        assertFails(
            try evaluate("--records", "records.jsonl", "--resume", "--method", "hirescam"), 5, "records.jsonl, line 1",
            "other options")
    }

    func testEvaluateMaps_faithfulnessAndSanity_arePrinted() throws {
        let outcome = try evaluate("--method", "hirescam", "--method", "eigen-cam", "--faithfulness", "--sanity")
        XCTAssertEqual(outcome.code, 0, outcome.errors)
        for text in [
            "\nhirescam:expected ", "\neigen-cam ", "\nattention ", "deletion", "ROAD least",
            "\nrandomised from the head down to  method",
        ] {
            XCTAssertTrue(outcome.output.contains(text), "\(text) is not in \(outcome.output)")
        }
        assertFails(try evaluate("--method", "grad-cat"), 2, "no method 'grad-cat'", "grad-cam")
    }

    func testEvaluateMaps_kindAndLimit_chooseTargets() throws {
        let all = try evaluate()
        XCTAssertEqual(all.code, 0, all.errors)
        XCTAssertTrue(all.output.hasPrefix("color: 1 target in 1 image\nmethod"), all.output)
        XCTAssertTrue(all.output.contains("\nall: 2 targets in 2 images\n"), all.output)
        let color = try evaluate("--kind", "color").output
        XCTAssertFalse(color.contains("yes/no") || color.contains("\nall:"), color)
        XCTAssertTrue(try evaluate("--limit", "1").output.hasPrefix("color: 1 target in"))
        XCTAssertTrue(try evaluate("--layer", "conv1").output.hasPrefix("color: 1 target in"))
    }

    func testEvaluateMaps_phrases_measuresWordsAndPhrases() throws {
        let caption = "A square and something blue ."
        try write("captions.csv", "image,caption\ntoy.png,a dog\ntoy.png,\(caption)\nwide.png,a dog\n")
        try write("split.txt", "toy.png\n")
        let header = "image" + String(repeating: "\t", count: 8) + "\n"
        func row(_ first: Int, _ type: String, _ phrase: String, _ boxes: String) -> String {
            "toy.png\t1\t\(first)\t2\t1\t\(type)\t\(phrase)\t\(boxes)\t\(caption)\n"
        }
        try write(
            "phrases.tsv",
            header + row(0, "other", "A square", "0,0,20,64") + row(3, "clothing/other", "something blue", "30,0,64,64")
        )
        func evaluate(_ arguments: String..., split: String = "split.txt") throws -> Outcome {
            try run(
                [
                    "evaluate", "maps", "--images", ".", "--phrases", "phrases.tsv", "--captions", "captions.csv",
                    "--split",
                    split, "--model", Self.model.path,
                ] + arguments)
        }
        let outcome = try evaluate("--json", "--records", "records.jsonl")
        XCTAssertEqual(outcome.code, 0, outcome.errors)
        let scores = try JSONDecoder().decode(MapScores.self, from: Data(outcome.output.utf8))
        XCTAssertEqual(scores.methods.prefix(2), ["grad-cam", "grad-cam:phrase"])
        XCTAssertEqual(scores.kinds.mapValues(\.targets), ["other": 1, "clothing/other": 1])
        XCTAssertEqual(scores.all.methods["word-blind"]?.figures["discrimination"]?.value, 0.5)
        let records = try String(contentsOf: url("records.jsonl"), encoding: .utf8).split(separator: "\n")
        XCTAssertEqual(records.count, 2 * scores.methods.count)
        let first = try XCTUnwrap(JSONSerialization.jsonObject(with: Data(records[0].utf8)) as? [String: Any])
        XCTAssertEqual(first["captionRow"] as? Int, 1)
        XCTAssertEqual(first["word"] as? String, "square")
        XCTAssertEqual(first["phrase"] as? String, "a square")
        XCTAssertNil(scores.grounding)
        let grounded = try evaluate("--json", "--own-captions", "--records", "grounded.jsonl")
        XCTAssertEqual(grounded.code, 0, grounded.errors)
        let grounding = try XCTUnwrap(
            JSONDecoder().decode(MapScores.self, from: Data(grounded.output.utf8)).grounding)
        // "square" and "blue" are the object words of the one caption with phrases.
        XCTAssertEqual([grounding.images, grounding.words], [1, 2])
        XCTAssertEqual(
            grounding.methods.keys.sorted(), ["attention", "edges", "gaussian", "grad-cam", "word-blind"])
        XCTAssertEqual(
            try evaluate("--json", "--own-captions", "--records", "grounded.jsonl", "--resume").output,
            grounded.output)
        assertFails(
            try evaluate("--records", "grounded.jsonl", "--resume"), 5, "grounded.jsonl, line 1", "other options")
        XCTAssertTrue(try evaluate("--kind", "clothing").output.hasPrefix("clothing/other: 1 target in 1 image\n"))
        assertFails(
            try evaluate("--kind", "scene"), 5, "phrases.tsv", "no phrases of the kind 'scene'; it has clothing, other")
        assertFails(try evaluate(split: "none.txt"), 5, "none.txt")
        try write("phrases.tsv", header + row(0, "other", "A square", "70,0,80,64"))
        assertFails(try evaluate(), 5, "phrases.tsv", "\"a square\" in toy.png lie outside of the image", "64x64")
        try write("phrases.tsv", header + row(0, "other", "A square", ""))
        assertFails(try evaluate(), 5, "phrases.tsv", "no phrase with boxes that could be explained")
        try write("phrases.tsv", header + "toy.png\t1\n")
        assertFails(try evaluate(), 5, "phrases.tsv, line 2", "has 2 fields")
    }

    /// A map of another tool that is 1 in the phrase's box and 0 elsewhere: it points, holds all its energy there, and
    /// its box is the phrase's. It is resized to the photograph as mmx's own maps are.
    func testEvaluateMaps_otherToolsMaps_areRowsOfTheTable() throws {
        let caption = "a square and something blue"
        try write("captions.csv", "image,caption\ntoy.png,\(caption)\n")
        try write(
            "phrases.tsv",
            "image" + String(repeating: "\t", count: 8) + "\n"
                + "toy.png\t0\t0\t2\t1\tother\ta square\t0,0,32,64\t\(caption)\n"
                + "toy.png\t0\t3\t2\t1\tother\tsomething blue\t32,0,64,32\t\(caption)\n")
        func evaluate(_ arguments: String...) throws -> Outcome {
            try run(
                [
                    "evaluate", "maps", "--images", ".", "--phrases", "phrases.tsv", "--captions", "captions.csv",
                    "--model", Self.model.path, "--maps", "others",
                ] + arguments)
        }
        assertFails(try evaluate(), 5, "others/maps.tsv", "the file of maps is missing")
        try FileManager.default.createDirectory(at: url("others"), withIntermediateDirectories: true)
        let list = "image\trow\tfirst\tcount\tmethod\tmap\ntoy.png\t0\t0\t2\tperfect\tleft.npy\n"
        try write("others/maps.tsv", list)
        try NumPyArray.write(
            Tensor([64, 64], (0..<4096).map { $0 % 64 < 32 ? 1 : 0 }), to: url("others/left.npy"))
        assertFails(
            try evaluate(), 5,
            "others/maps.tsv: has no map by perfect of \"something blue\" in toy.png (caption row 0, "
                + "first word 3, 2 words)")
        try write("others/maps.tsv", list + "toy.png\t0\t3\t2\tperfect\tupper.npy\n")
        assertFails(try evaluate(), 5, "there is no file upper.npy")
        // Half as large as the photograph: its cells are 2x2 pixels.
        let upper = (0..<1024).map { Float($0 % 32 >= 16 && $0 / 32 < 16 ? 3 : -1) }
        try NumPyArray.write(Tensor([32, 32], upper.map { $0 > 0 ? .nan : $0 }), to: url("others/upper.npy"))
        assertFails(try evaluate(), 5, "upper.npy: holds 256 values that are not finite")
        try NumPyArray.write(Tensor([32, 32], upper), to: url("others/upper.npy"))
        let outcome = try evaluate("--json", "--records", "records.jsonl", "--faithfulness", "--sanity")
        XCTAssertEqual(outcome.code, 0, outcome.errors)
        let scores = try JSONDecoder().decode(MapScores.self, from: Data(outcome.output.utf8))
        XCTAssertEqual(scores.methods.prefix(4), ["grad-cam", "grad-cam:phrase", "attention", "perfect"])
        let perfect = try XCTUnwrap(scores.all.methods["perfect"])
        XCTAssertEqual(perfect.maps, 2)
        XCTAssertEqual(perfect.figures["pointing"]?.value, 1)
        XCTAssertEqual(perfect.figures["boxAccuracy"]?.value, 1)
        XCTAssertEqual(perfect.figures["discrimination"]?.value, 1)
        XCTAssertGreaterThan(try XCTUnwrap(perfect.figures["energyInside"]).value, 0.97)
        XCTAssertNotNil(perfect.figures["deletion"])
        // The model has not made it: it has no maps of changed images or of other parameters.
        XCTAssertNil(perfect.figures["maxSensitivity"])
        XCTAssertNotNil(scores.all.methods["grad-cam"]?.figures["maxSensitivity"])
        XCTAssertNotNil(scores.all.methods["word-blind"]?.figures["lipschitz"])
        XCTAssertEqual(Set(scores.randomisation?.map(\.method) ?? []), ["grad-cam", "grad-cam:phrase", "attention"])
        XCTAssertTrue(try evaluate().output.contains("\nperfect "))
        try write("others/maps.tsv", list.replacingOccurrences(of: "perfect", with: "chance"))
        assertFails(try evaluate(), 5, "has a method 'chance', the name of a row of mmx's own")
    }

    /// mmx's own raw maps as another tool's: the figures are those of its own row, as both are resized by one rule.
    func testEvaluateMaps_ownMapsAsAnotherTools_haveTheSameFigures() throws {
        let caption = "a square and something blue"
        try write("captions.csv", "image,caption\ntoy.png,\(caption)\n")
        try write(
            "phrases.tsv",
            "image" + String(repeating: "\t", count: 8) + "\n"
                + "toy.png\t0\t0\t2\t1\tother\ta square\t0,0,32,64\t\(caption)\n"
                + "toy.png\t0\t3\t2\t1\tother\tsomething blue\t32,0,64,32\t\(caption)\n")
        let own = ["--model", Self.model.path, "--method", "grad-cam", "--score", "log-probability"]
        let explained = try run(
            ["caption", "toy.png", "--caption", caption, "--explain-all", "--output", "raw", "--json"] + own)
        XCTAssertEqual(explained.code, 0, explained.errors)
        let maps = files("raw").filter { $0.hasSuffix("-map.npy") }
        XCTAssertEqual(maps.count, 5, "\(files("raw"))")
        try write(
            "raw/maps.tsv",
            "image\trow\tfirst\tcount\tmethod\tmap\ntoy.png\t0\t0\t2\tcopy\t\(maps[1])\n"
                + "toy.png\t0\t3\t2\tcopy\t\(maps[4])\n")
        let outcome = try run(
            [
                "evaluate", "maps", "--images", ".", "--phrases", "phrases.tsv", "--captions", "captions.csv",
                "--maps", "raw", "--smooth", "1", "--json",
            ] + own)
        XCTAssertEqual(outcome.code, 0, outcome.errors)
        let methods = try JSONDecoder().decode(MapScores.self, from: Data(outcome.output.utf8)).all.methods
        let copy = try XCTUnwrap(methods["copy"]), original = try XCTUnwrap(methods["grad-cam"])
        XCTAssertEqual(copy.figures.keys.sorted(), original.figures.keys.sorted())
        for (name, figure) in copy.figures {
            XCTAssertEqual(figure.value, try XCTUnwrap(original.figures[name]).value, accuracy: 1e-4, name)
        }
    }

    func testEvaluateMaps_requestsThatCannotBeMet_areRefused() throws {
        assertFails(
            try evaluate("--kind", "colour"), 5, "questions.jsonl",
            "no questions of the kind 'colour'; it has color, yes/no")
        try write("plain.jsonl", lines[2])
        assertFails(try evaluate(questions: "plain.jsonl"), 5, "plain.jsonl", "no question with boxes")
        try write("far.jsonl", lines[0].replacingOccurrences(of: "[0,0,105,70]", with: "[0,71,105,99]"))
        assertFails(try evaluate(questions: "far.jsonl"), 5, "far.jsonl", "outside of the image", "210x70")
        try write("lost.jsonl", lines[0].replacingOccurrences(of: "wide.png", with: "lost.png"))
        assertFails(try evaluate(questions: "lost.jsonl"), 5, "lost.png", "missing")
        try write("text.png", "no picture")
        try write("text.jsonl", lines[0].replacingOccurrences(of: "wide.png", with: "text.png"))
        assertFails(try evaluate("--records", "r.jsonl", questions: "text.jsonl"), 3, "text.png")
        XCTAssertFalse(FileManager.default.fileExists(atPath: url("r.jsonl").path))
        assertFails(try evaluate(questions: "none.jsonl"), 5, "none.jsonl")
        assertFails(try evaluate(model: "nowhere"), 4, "nowhere")
        assertFails(try evaluate(model: Self.model.path), 4, "config.json")
        assertFails(try evaluate("--layer", "conv99"), 2, "no layer 'conv99'")
        assertFails(try evaluate("--records", "nowhere/r.jsonl"), 6, "nowhere/r.jsonl")
        func usage(_ arguments: String..., says text: String, line: UInt = #line) throws {
            let outcome = try run(["evaluate", "maps", "--images", "."] + arguments)
            XCTAssertEqual(outcome.code, 64, outcome.errors, line: line)
            XCTAssertTrue(outcome.errors.contains(text), outcome.errors, line: line)
        }
        try usage(says: "give --questions FILE, or --phrases FILE")
        try usage(
            "--questions", "q", "--phrases", "p", "--captions", "c", says: "give --questions FILE, or --phrases FILE")
        try usage("--phrases", "p", says: "--phrases needs --captions FILE")
        try usage("--questions", "q", "--model", "m", "--split", "s", says: "--captions and --split go with --phrases")
        try usage(
            "--questions", "q", "--masks", "m",
            says: "--masks, --maps, --score, --no-image and --own-captions go with --phrases")
        try usage("--questions", "q", "--own-captions", says: "--own-captions go with --phrases")
        try usage("--questions", "q", "--resume", says: "--resume needs --records FILE")
        for usage in [["--limit", "0"], ["--resamples", "0"], ["--format", "csv"]] {
            XCTAssertEqual(try evaluate(usage[0], usage[1]).code, 64)
        }
    }
}
