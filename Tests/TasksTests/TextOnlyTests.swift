import Foundation
import Language
import Tensors
import TestSupport
import Vision
import Weights
import XCTest

@testable import Tasks

/// Captions without images: their words' classes, what is put into a feature map, and a model that learns from them.
final class TextOnlyTests: XCTestCase {
    private var made: DrawnWorld?

    override func setUpWithError() throws { made = try DrawnWorld() }
    override func tearDownWithError() throws { if let made { try FileManager.default.removeItem(at: made.folder) } }

    private func world() throws -> DrawnWorld { try XCTUnwrap(made) }

    // MARK: Words and classes

    private func classes(_ text: String) throws -> ClassWords {
        let world = try world()
        try world.write("words.tsv", text)
        return try ClassWords(world.output("words.tsv"), classes: 5)
    }

    func testClassWords_ofAFile_areItsRows() throws {
        let found = try classes("words\tclasses\n\nCat cats\t2 tabby; 3 tiger cat\r\ndog\t0\n")
        XCTAssertEqual(
            found.rows,
            [.init(words: ["cat", "cats"], classes: [2, 3]), .init(words: ["dog"], classes: [0])])
    }

    func testClassWords_ofABadFile_areRefusedByLine() throws {
        let faults: [(String, [String])] = [
            ("", ["has no words"]), ("words\tclasses\n", ["has no words"]),
            ("word\tclass\n", ["line 1", "header"]), ("words\tclasses\ncat\n", ["line 2", "1 field"]),
            ("words\tclasses\ncat\t1\tx\n", ["line 2", "3 fields"]),
            ("words\tclasses\n \t1\n", ["line 2", "no word"]), ("words\tclasses\ncat\t\n", ["line 2", "no class"]),
            ("words\tclasses\ncat\t1;;2\n", ["line 2", "0...4"]), ("words\tclasses\ncat\t5\n", ["line 2", "0...4"]),
            ("words\tclasses\ncat\t-1\n", ["line 2", "0...4"]), ("words\tclasses\ncat\ttabby\n", ["line 2", "0...4"]),
            ("words\tclasses\ncat\t1\ndog Cat\t2\n", ["line 3", "already"]),
            ("words\tclasses\ncat\t99999999999999999999\n", ["line 2", "0...4"]),
        ]
        for (text, parts) in faults {
            XCTAssertThrowsError(try classes(text), text) { error in
                for part in parts + ["words.tsv"] {
                    XCTAssertTrue("\(error)".contains(part), "'\(error)' does not say '\(part)'")
                }
            }
        }
    }

    /// The list that comes with mmx: no error, and numbers that agree with the names behind them.
    func testClassWords_ofImageNet_agreeWithItsNames() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("vocab")
        let names = try String(contentsOf: root.appendingPathComponent("imagenet-1k.txt"), encoding: .utf8)
            .split(separator: "\n").map { String($0.prefix { $0 != "," }) }
        XCTAssertEqual(names.count, 1000)
        let file = root.appendingPathComponent("imagenet-words.tsv")
        XCTAssertGreaterThan(try ClassWords(file, classes: 1000).rows.count, 200)
        for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n").dropFirst() {
            for entry in line.split(separator: "\t")[1].split(separator: ";") {
                let parts = entry.trimmingCharacters(in: .whitespaces).split(separator: " ", maxSplits: 1)
                XCTAssertEqual(names[try XCTUnwrap(Int(parts[0]))], String(parts[1]))
            }
        }
    }

    /// Three classes over two channels. The mean row is (2, 1); less it, row 0 is (4, -1), and what is not negative of
    /// it (4, 0), whose product with (4, -1) is 16.
    func testPrototypes_ofThreeClasses_equalHandComputedValues() {
        let prototypes = ClassPrototypes(weights: Tensor([3, 2], [6, 0, 0, 3, 0, 0]))
        let expected: [Float] = [4.0 / 16, 0, 0, 2.0 / 4, 0, 0]
        for (value, wanted) in zip(prototypes.directions.array, expected) {
            XCTAssertEqual(value, wanted, accuracy: 1e-6)
        }
    }

    func testPrototypes_ofOtherFiles_areRefused() throws {
        let world = try world()
        func refused(_ name: String, _ tensors: [String: Tensor], _ parts: String..., encoder: String = "tiny") throws {
            let url = world.output("\(name).safetensors")
            try SafeTensors.write(tensors, to: url, type: .f32)
            XCTAssertThrowsError(
                try ClassPrototypes(url, of: EncoderConfiguration(name: encoder, folded: true), channels: 3)
            ) { error in
                for part in parts { XCTAssertTrue("\(error)".contains(part), "'\(error)' does not say '\(part)'") }
            }
        }
        try refused("none", ["conv1.weight": Tensor([1, 3, 3, 3])], "none.safetensors", "no classifier", "fc.weight")
        try refused("wide", ["fc.weight": Tensor([4, 2])], "wide.safetensors", "[4, 2]", "[classes, 3]")
        try refused("flat", ["fc.weight": Tensor([12])], "flat.safetensors", "[12]", "[classes, 3]")
        try refused("vgg", ["fc.weight": Tensor([4, 3])], "vgg16 has no classifier", encoder: "vgg16")
    }

    // MARK: Made-up feature maps

    private static let vocabulary = Vocabulary(
        tokens: [["a", "dog", "cat", "cats", "runs", "sits", "pizza", "the", "on", "grass"]], minimumCount: 1)

    /// Two training images: a dog on the grass, and a cat that sits.
    private func texts(_ texts: [[String]]) throws -> TextOnlyImages {
        func words(_ captions: [String]) -> [[String]] { captions.map { $0.split(separator: " ").map(String.init) } }
        let training = [["a dog runs on the grass"], ["a cat sits"]].map { words($0).map(Self.vocabulary.encode) }
        return TextOnlyImages(
            texts.map(words), vocabulary: Self.vocabulary,
            classes: try classes("words\tclasses\ncat cats kitten\t0; 1\npizza\t2\nairliner\t3\n"),
            prototypes: ClassPrototypes(weights: Tensor([3, 2], [6, 0, 0, 3, 0, 0])), training: training)
    }

    func testTextOnlyImages_ofCaptions_haveTheThingsThatTheyName() throws {
        let found = try texts([
            ["cats sits", "cats runs", "a cat", "a zebra sits on the cat"], ["a dog runs"], ["the pizza", "a"],
        ])
        func word(_ text: String) -> Int { Self.vocabulary.encode([text])[0] }
        // The caption with an unknown word is left out, and so is the text of a dog, which no class shows.
        XCTAssertEqual(found.captions.map(\.count), [3, 2])
        XCTAssertEqual(
            found.things,
            [
                [.init(words: [word("cats"), word("cat")], classes: [0, 1], captions: 3)],
                [.init(words: [word("pizza")], classes: [2], captions: 1)],
            ])
    }

    /// The nearest training image of "a cat runs" is worked out by hand. Both images have "a", which counts nothing;
    /// the other words count log 2 each, so the cosine to "a cat sits" is 1 / (sqrt 2 * sqrt 2), and that to the dog's
    /// caption 1 / (sqrt 2 * sqrt 5).
    func testPlans_ofAText_startFromTheNearestImages() throws {
        let found = try texts([["a cat runs"]])
        var keeps: [Int: Set<Float>] = [:]
        for seed in 0..<40 {
            let plan = found.plan(0, copies: 4, seed: seed)
            XCTAssertEqual(plan, found.plan(0, copies: 4, seed: seed))
            XCTAssertTrue((0..<4).contains(plan.copy))
            keeps[plan.base, default: []].insert(plan.keep)
            XCTAssertEqual(plan.things.count, 1)
            XCTAssertTrue([0, 1].contains(plan.things[0].category))
            let box = plan.things[0].box
            XCTAssertTrue(box.x0 >= 0 && box.y0 >= 0 && box.x1 <= 1 && box.y1 <= 1 && !box.isEmpty)
        }
        XCTAssertEqual(keeps[1], [1])
        XCTAssertEqual(
            Double(try XCTUnwrap(keeps[0]?.first)), 0.5 + 0.5 * (1 / 10.0.squareRoot()) / 0.4, accuracy: 1e-5)
    }

    func testPlans_ofTrainingImages_drawIntoTheirOwnMaps() throws {
        let found = try texts([["the pizza"]])
        for seed in 0..<10 {
            let plan = found.plan(ofTraining: 1, copy: 3, seed: seed)
            XCTAssertEqual([plan.base, plan.copy], [1, 3])
            XCTAssertTrue((0.5...1).contains(plan.keep))
            XCTAssertEqual(plan.things.map(\.thing.words), [Self.vocabulary.encode(["cat"])])
            XCTAssertEqual(found.plan(ofTraining: 0, copy: 0, seed: seed).things, [], "no class shows a dog")
        }
    }

    /// Outside the box the base is only scaled; inside, the class's channel rises and the other does not; no feature is
    /// larger than the base's largest.
    func testDrawing_ofAThing_raisesItsChannelsInItsBox() throws {
        let found = try texts([["the pizza"]])
        let placed = TextOnlyImages.Plan.Placed(
            thing: found.things[0][0], category: 0, box: Rectangle(x0: 0.25, y0: 0, x1: 1, y1: 0.5), score: 2)
        let plan = TextOnlyImages.Plan(base: 0, copy: 0, keep: 0.5, things: [placed])
        XCTAssertEqual(
            TextOnlyImages.cells(of: placed.box, rows: 2, columns: 2), [0.5, 1, 0, 0])
        let base = Tensor([2, 2, 2], [2, 2, 2, 2, 2, 2, 2, 100])
        let none = [Float](repeating: 0, count: 4)
        var raised = 0
        for seed in 0..<20 {
            let map = base.copy()
            found.draw(plan, into: map.pointer, rows: 2, columns: 2, unnamed: none, seed: seed)
            let values = map.array
            XCTAssertEqual(Array(values[4...]), [1, 1, 1, 50])
            XCTAssertEqual([values[1], values[3]], [1, 1])
            // The score 2 is 0.5 of the channel, times 0.6 to 1.4 and 1 / 0.6, or the channel is missing.
            if values[2] > 1 {
                raised += 1
                XCTAssertTrue((1.499...2.167).contains(values[2]), "\(values[2])")
                XCTAssertTrue((1.249...1.584).contains(values[0]), "\(values[0])")
            } else {
                XCTAssertEqual([values[0], values[2]], [1, 1])
            }
            var strong = plan
            strong.things[0].score = 1e6
            let full = base.copy()
            found.draw(strong, into: full.pointer, rows: 2, columns: 2, unnamed: none, seed: seed)
            XCTAssertEqual(full.array[2], values[2] > 1 ? 100 : 1)
        }
        XCTAssertTrue((5...18).contains(raised), "\(raised) of 20")
    }

    /// Of three cells, the middle one shows what the text does not name: it becomes one of the others. Where all cells
    /// show it, they become faint.
    func testDrawing_ofWhatTheTextDoesNotName_takesItOut() throws {
        let found = try texts([["the pizza"]])
        let plan = TextOnlyImages.Plan(base: 0, copy: 0, keep: 1, things: [])
        var seen: Set<[Float]> = []
        for seed in 0..<10 {
            let map = Tensor([1, 3, 2], [1, 2, 30, 40, 5, 6])
            found.draw(plan, into: map.pointer, rows: 1, columns: 3, unnamed: [0.2, 0.3, 0], seed: seed)
            XCTAssertEqual([map.array[0], map.array[1], map.array[4], map.array[5]], [1, 2, 5, 6])
            seen.insert([map.array[2], map.array[3]])
        }
        XCTAssertEqual(seen, [[1, 2], [5, 6]])
        let full = Tensor([1, 1, 2], [10, 20])
        found.draw(plan, into: full.pointer, rows: 1, columns: 1, unnamed: [1], seed: 1)
        XCTAssertEqual(full.array, [3, 6])
    }

    func testUnnamed_ofABase_areItsOtherThings() throws {
        let found = try texts([["the pizza on the grass"], ["a dog on the pizza"]])
        func target(_ word: String, isPerson: Bool = false) -> GroundedPhrases.Target {
            .init(words: Self.vocabulary.encode([word]), boxes: [], isPerson: isPerson)
        }
        // In these captions dogs and cats are people.
        let base = [target("grass"), target("cats", isPerson: true), target("pizza"), target("runs")]
        let people = Set(Self.vocabulary.encode(["dog", "cats"]))
        XCTAssertEqual(found.unnamed(base, in: 0, people: people), [base[1], base[3]])
        XCTAssertEqual(found.unnamed(base, in: 1, people: people), [base[0], base[3]])
    }

    func testPlanCaptions_haveTheirThingsBoxes() throws {
        let found = try texts([["a dog on the pizza", "a dog"]])
        let box = Rectangle(x0: 0, y0: 0, x1: 0.5, y1: 0.5)
        let plan = TextOnlyImages.Plan(
            base: 0, copy: 0, keep: 1, things: [.init(thing: found.things[0][0], category: 2, box: box, score: 20)])
        XCTAssertEqual(
            plan.captions(found.captions[0]), [BoxedCaption(words: found.captions[0][0], places: [4: [box]])])
        XCTAssertEqual(plan.targets, [.init(words: Self.vocabulary.encode(["pizza"]), boxes: [box])])
    }

    // MARK: Training

    /// Without `text` where there is no decoder to start from.
    private func trainer(
        _ name: String, from: String?, kind: TrainingPhase.Kind = .words, epochs: Int,
        report: @escaping (TrainingEvent) -> Void = { _ in }
    ) throws -> CaptionTrainer {
        let world = try world()
        var options = CaptionTrainingOptions()
        (options.encoder, options.decoder, options.grounding) = ("tiny", .showAttendAndTell, 1)
        (options.embedding, options.hidden, options.attention, options.visual) = (12, 16, 8, 6)
        (options.minimumCount, options.textMinimumCount, options.attentionGrounding) = (1, 12, 0.1)
        (options.batch, options.captionsPerPicture, options.maximumLength) = (4, 2, 6)
        (options.dropout, options.averageDecay, options.crops) = (0.1, 0.8, 1)
        options.phases = [.init(kind: kind, epochs: epochs, learningRate: 3e-2)]
        return try CaptionTrainer(
            options: options, train: world.data("train.txt"), dev: world.data("dev.txt"),
            encoderWeights: from.map { world.output("\($0)/model.safetensors") },
            phrases: world.output("phrases.tsv"),
            text: from.map { _ in
                CaptionText(
                    captions: world.output("text.csv"), words: world.output("words.tsv"),
                    classifier: world.output("classes.safetensors"))
            }, decoder: from.map { world.output($0) }, output: world.output(name), report: report)
    }

    /// Trains "first" on the images alone, and writes the texts about circles and a classifier that knows them.
    /// - Returns: the channels of the feature map.
    private func trainFirst() throws -> Int {
        let world = try world()
        try world.write("words.tsv", "words\tclasses\ncircle\t0\n")
        try world.write(
            "text.csv",
            "image,caption\n" + (0..<12).map { "x\($0),a circle\nx\($0),a round circle is here\n" }.joined())
        let first = try trainer("first", from: nil, epochs: 6)
        try first.run(resume: false)
        let channels = first.model.channels
        // The class is a direction of half of the channels.
        let weights = (0..<2 * channels).map { Float($0 < channels && $0 % 2 == 0 ? 1 : 0) }
        try SafeTensors.write(
            ["fc.weight": Tensor([2, channels], weights)], to: world.output("classes.safetensors"), type: .f32)
        return channels
    }

    /// On the reward, the words that are never written lose their probability. The cross-entropy of texts beside it must
    /// not pull at them, or they would be the likeliest words as soon as they are words again.
    func testCaptionTrainer_onTheRewardWithText_leavesSilencedWordsAlone() throws {
        _ = try trainFirst()
        let trainer = try trainer("reward", from: "first", kind: .reward, epochs: 2)
        func rows() throws -> [[Float]] {
            let words = try XCTUnwrap(trainer.model.store.values["decoder.words.weight"])
            // <pad> is never read with a weight; "circle" is.
            return [words.row(0).array, words.row(try XCTUnwrap(trainer.vocabulary.encode(["circle"]).first)).array]
        }
        let before = try rows()
        try trainer.run(resume: false)
        let after = try rows()
        for (a, b) in zip(before[0], after[0]) { XCTAssertEqual(a, b, accuracy: 1e-5) }
        XCTAssertGreaterThan(zip(before[1], after[1]).map { abs($0 - $1) }.max() ?? 0, 1e-3)
    }

    /// No training image shows a circle. A captioner that starts from one that has never read the word learns it from
    /// text: in feature maps of new images, into which a circle is drawn, it writes "circle" more often than not, and
    /// never in those as they are. An interrupted run gives the same bytes.
    func testCaptionTrainer_withText_writesWordsThatNoImageShows() throws {
        let world = try world()
        let channels = try trainFirst()
        var failure: Error?
        try trainer("whole", from: "first", epochs: 16) { event in
            guard case .epoch(let epoch) = event, epoch.epoch == 7 else { return }
            do { try FileManager.default.copyItem(at: world.output("whole"), to: world.output("part")) } catch {
                failure = error
            }
        }.run(resume: false)
        if let failure { throw failure }
        try trainer("part", from: "first", epochs: 16).run(resume: true)
        let (whole, part) = ("whole/model.safetensors", "part/model.safetensors")
        XCTAssertEqual(try Data(contentsOf: world.output(whole)), try Data(contentsOf: world.output(part)))

        let captioner = try Captioner.load(world.output("whole"))
        let vocabulary = captioner.vocabulary
        XCTAssertNotEqual(vocabulary.encode(["circle"]), [vocabulary.unknown])
        // "round" and "here" occur 12 times, as often as a word of the texts must.
        XCTAssertNotEqual(vocabulary.encode(["round"]), [vocabulary.unknown])
        let texts = TextOnlyImages(
            [[["a", "circle"]]], vocabulary: vocabulary,
            classes: try ClassWords(world.output("words.tsv"), classes: 2),
            prototypes: try ClassPrototypes(
                world.output("classes.safetensors"), of: captioner.configuration.encoder, channels: channels),
            training: [[vocabulary.encode(["a", "square"])]])
        var (drawn, plain) = (0, 0)
        for (index, entry) in try world.data("dev.txt").entries.enumerated() {
            let features = captioner.features(
                captioner.configuration.preprocessing.prepare(
                    try Image.read(world.folder.appendingPathComponent("images/\(entry.image)"))
                ).tensor)
            func caption(_ features: Tensor) -> [String] {
                vocabulary.decode(
                    beamSearch(
                        captioner.decoder, features: features, start: vocabulary.start, end: vocabulary.end,
                        forbidden: [vocabulary.pad, vocabulary.start, vocabulary.unknown],
                        options: SearchOptions(beam: 1))[0][0].words)
            }
            if caption(features).contains("circle") { plain += 1 }
            let map = features.copy()
            texts.draw(
                texts.plan(0, copies: 1, seed: index), into: map.pointer, rows: map.shape[1], columns: map.shape[2],
                unnamed: [Float](repeating: 0, count: map.shape[1] * map.shape[2]), seed: index)
            if caption(withExtendedLifetime(map) { map }).contains("circle") { drawn += 1 }
        }
        XCTAssertGreaterThanOrEqual(drawn, 4, "of 6")
        XCTAssertEqual(plain, 0, "of 6")
    }

    /// The same words in another order: each word keeps its rows, and what belongs to no word stays as it was.
    func testStartingDecoder_ofTheSameWordsInAnotherOrder_movesTheirRows() throws {
        _ = try trainFirst()
        let folder = try world().output("first")
        let other = try Captioner.load(folder)
        let special = Vocabulary.special.count
        let words = Array(other.vocabulary.words[..<special]) + other.vocabulary.words[special...].reversed()
        let store = ParameterStore(seed: 5)
        _ = other.configuration.decoder.makeDecoder(store.scope()["decoder"])
        let taken = try StartingDecoder(folder: folder).put(
            into: store, at: "decoder", of: other.configuration.decoder, vocabulary: Vocabulary(special: words))
        XCTAssertNil(taken)
        let state = try SafeTensors.read(folder.appendingPathComponent("model.safetensors"))
        for (name, value) in store.values {
            let old = try XCTUnwrap(state[name])
            guard name.contains("words.") else {
                XCTAssertEqual(value.array, old.array, name)
                continue
            }
            let width = value.count / words.count
            for (index, word) in words.enumerated() {
                let from = try XCTUnwrap(other.vocabulary.encode([word]).first)
                XCTAssertEqual(
                    Array(value.array[index * width..<(index + 1) * width]),
                    Array(old.array[from * width..<(from + 1) * width]), "\(name) of \(word)")
            }
        }
    }

    /// A decoder of another kind: what both have is taken, the words by their spelling, and a narrower part fills the
    /// first rows and columns of a wider one. The rest stays new.
    func testStartingDecoder_ofAnotherKind_takesWhatBothHave() throws {
        _ = try trainFirst()
        let folder = try world().output("first")
        let other = try Captioner.load(folder)
        let old = other.configuration.decoder
        XCTAssertEqual(old.kind, .showAttendAndTell)
        let width = try XCTUnwrap(old.visual)
        let vocabulary = Vocabulary(special: other.vocabulary.words + ["zebra"])
        let decoder = DecoderConfiguration(
            kind: .bilinearAttention, features: old.features, vocabulary: vocabulary.count, embedding: old.embedding,
            hidden: old.hidden, attention: old.attention, visual: width + 3)
        let store = ParameterStore(seed: 5)
        _ = decoder.makeDecoder(store.scope()["decoder"])
        let before = store.values
        let taken = try StartingDecoder(folder: folder).put(
            into: store, at: "decoder", of: decoder, vocabulary: vocabulary)
        let state = try SafeTensors.read(folder.appendingPathComponent("model.safetensors"))
        func value(_ name: String) throws -> Tensor { try XCTUnwrap(store.values["decoder.\(name)"]) }
        func theirs(_ name: String) throws -> Tensor { try XCTUnwrap(state["decoder.\(name)"]) }
        for (own, name) in [
            ("lstm.weight_ih_l0", "lstm.input.weight"), ("lstm.weight_hh_l0", "lstm.hidden.weight"),
            ("lstm.bias_l0", "lstm.input.bias"), ("output.h.weight", "output.h.weight"),
            ("output.h.bias", "output.h.bias"),
        ] { XCTAssertEqual(try value(own).array, try theirs(name).array, own) }
        let words = try value("words.weight"), last = vocabulary.count - 1
        XCTAssertEqual(words.rows(0..<last).array, try theirs("words.weight").array)
        XCTAssertEqual(words.row(last).array, try XCTUnwrap(before["decoder.words.weight"]).row(last).array)
        let (regions, table) = (try value("visual.regions.weight"), try value("visual.words.weight"))
        XCTAssertEqual(regions.rows(0..<width).array, try theirs("visual.regions.weight").array)
        XCTAssertEqual(
            regions.rows(width..<width + 3).array,
            try XCTUnwrap(before["decoder.visual.regions.weight"]).rows(width..<width + 3).array)
        for row in 0..<last {
            XCTAssertEqual(Array(table.row(row).array.prefix(width)), try theirs("visual.words.weight").row(row).array)
            XCTAssertEqual(Array(table.row(row).array.suffix(3)), [0, 0, 0])
        }
        for name in ["attention.image.weight", "visual.question.weight"] {
            XCTAssertEqual(try value(name).array, try XCTUnwrap(before["decoder.\(name)"]).array, name)
        }
        XCTAssertEqual(
            taken,
            [
                "lstm.bias_l0", "lstm.weight_hh_l0", "lstm.weight_ih_l0", "output.h.bias", "output.h.weight",
                "output.words.bias", "visual.regions.bias", "visual.regions.weight", "visual.words.weight",
                "words.weight",
            ].map { "decoder.\($0)" })
    }

    /// Parts of an LSTM of another size are none: its gates lie one below the other.
    func testStartingDecoder_ofAnotherKindAndSize_takesNoPartsOfParts() throws {
        _ = try trainFirst()
        let folder = try world().output("first")
        let other = try Captioner.load(folder)
        let old = other.configuration.decoder
        func start(embedding: Int) throws -> [String]? {
            let decoder = DecoderConfiguration(
                kind: .bilinearAttention, features: old.features, vocabulary: old.vocabulary, embedding: embedding,
                hidden: old.hidden + 4, attention: old.attention, visual: 1)
            let store = ParameterStore(seed: 5)
            _ = decoder.makeDecoder(store.scope()["decoder"])
            return try StartingDecoder(folder: folder).put(
                into: store, at: "decoder", of: decoder, vocabulary: other.vocabulary)
        }
        XCTAssertEqual(
            try start(embedding: old.embedding),
            ["output.h.bias", "output.words.bias", "words.weight"].map {
                "decoder.\($0)"
            })
        XCTAssertEqual(try start(embedding: old.embedding + 1), ["decoder.output.words.bias"])
    }

    /// Text trains on a frozen encoder, and a decoder of which a word would be lost is not started from.
    func testCaptionTrainer_withTextThatDoesNotFit_isRefused() throws {
        let world = try world()
        try world.write("words.tsv", "words\tclasses\ncircle\t0\n")
        try world.write("text.csv", "image,caption\nx,a circle\n")
        try world.write("empty.csv", "image,caption\n")
        var options = CaptionTrainingOptions()
        (options.encoder, options.grounding, options.minimumCount) = ("tiny", 1, 1)
        (options.embedding, options.hidden, options.attention, options.visual) = (12, 16, 8, 6)
        func refused(_ text: String, from: String?, _ parts: String...) throws {
            options.phases = [.init(kind: .words, epochs: 1, learningRate: 1e-2, from: from)]
            let channels = try ModelInTraining(
                encoder: .new(name: "tiny"), seed: 1, averageDecay: 0.9, output: world.output("none"), report: { _ in }
            ).channels
            try SafeTensors.write(
                ["fc.weight": Tensor([2, channels])], to: world.output("classes.safetensors"), type: .f32)
            XCTAssertThrowsError(
                try CaptionTrainer(
                    options: options, train: world.data("train.txt"), dev: world.data("dev.txt"), encoderWeights: nil,
                    phrases: world.output("phrases.tsv"),
                    text: CaptionText(
                        captions: world.output(text), words: world.output("words.tsv"),
                        classifier: world.output("classes.safetensors")), output: world.output("out"), report: { _ in })
            ) { error in
                for part in parts { XCTAssertTrue("\(error)".contains(part), "'\(error)' does not say '\(part)'") }
            }
        }
        try refused("text.csv", from: "conv4", "text.csv", "frozen encoder", "conv4")
        try refused("empty.csv", from: nil, "empty.csv", "no captions")
        // Its only word with a class is too rare to be a word.
        try refused("text.csv", from: nil, "text.csv", "names nothing")
    }
}
