import Foundation
import Language
import Tensors
import TestSupport
import Vision
import XCTest

@testable import Tasks

/// Training with phrases that have boxes: the cells of boxes, the two losses by hand, and a trained model.
final class GroundingTests: XCTestCase {
    private var made: DrawnWorld?

    override func setUpWithError() throws { made = try DrawnWorld() }
    override func tearDownWithError() throws { if let made { try FileManager.default.removeItem(at: made.folder) } }

    private func world() throws -> DrawnWorld { try XCTUnwrap(made) }

    private func phrases(_ text: String, crops: Int = 0) throws -> GroundedPhrases {
        let world = try world()
        try world.write("own.tsv", "image" + String(repeating: "\t", count: 8) + "\n" + text)
        return try GroundedPhrases(
            world.output("own.tsv"), of: world.data("train.txt"), vocabulary: vocabulary,
            preprocessing: Preprocessing(
                width: 32, height: 32, fit: .squash, filter: .bilinear, mean: [0, 0, 0], std: [1, 1, 1]),
            augmentation: Augmentation(crops: crops, flips: true, seed: 3))
    }

    private let vocabulary = Vocabulary(
        tokens: [["big", "red", "square"], ["small", "dog"]], minimumCount: 1)

    /// Cells of 16 pixels: a box of 8...24 by 0...16 has half of each of the first two; mirrored, of the last two.
    func testCoverage_ofABox_isThePartOfEachCell() throws {
        let found = try phrases("t0.png\t0\t0\t2\t1\tother\ta square\t8,0,24,16;0,16,16,24\ta square\n")
        let boxes = try XCTUnwrap(found.targets[0].first).boxes
        XCTAssertEqual(
            found.coverage.cells(of: boxes, image: 0, copy: 0, rows: 4, columns: 4),
            [0.5, 0.5, 0, 0, 0.5, 0, 0, 0] + [Float](repeating: 0, count: 8))
        XCTAssertEqual(
            found.coverage.cells(of: boxes, image: 0, copy: 1, rows: 4, columns: 4),
            [0, 0, 0.5, 0.5, 0, 0, 0, 0.5] + [Float](repeating: 0, count: 8))
        // Of overlapping boxes, the larger part of the cell counts.
        XCTAssertEqual(
            found.coverage.cells(of: [boxes[0], boxes[0]], image: 0, copy: 0, rows: 1, columns: 1), [256 / 4096])
    }

    /// The copies equal those of the feature cache: a white image with a black box is black where the coverage is 1, in
    /// crops and their mirror images too.
    func testCoverage_inEveryCopy_matchesTheCachedImage() throws {
        let found = try phrases("t0.png\t0\t0\t2\t1\tother\ta square\t20,8,44,40\ta square\n", crops: 3)
        var image = Image(width: 64, height: 64, color: (255, 255, 255))
        for y in 8..<40 { for x in 20..<44 { for c in 0..<3 { image.pixels[(y * 64 + x) * 3 + c] = 0 } } }
        let preprocessing = Preprocessing(
            width: 32, height: 32, fit: .squash, filter: .bilinear, mean: [0, 0, 0], std: [255, 255, 255])
        let inputs = Augmentation(crops: 3, flips: true, seed: 3).inputs(image, index: 0, preprocessing)
        XCTAssertEqual(inputs.shape, [8, 32, 32, 3])
        for copy in 0..<8 {
            let covered = found.coverage.cells(
                of: found.targets[0][0].boxes, image: 0, copy: copy, rows: 32, columns: 32)
            let seen = inputs.row(copy).array
            for cell in covered.indices {
                // An antialiased resize blends a pixel or two at the edges.
                if covered[cell] == 1 { XCTAssertLessThan(seen[cell * 3], 0.55, "copy \(copy), cell \(cell)") }
                if covered[cell] == 0 { XCTAssertGreaterThan(seen[cell * 3], 0.45, "copy \(copy), cell \(cell)") }
            }
            XCTAssertGreaterThan(covered.filter { $0 == 1 }.count, 100)
        }
    }

    func testGroundedPhrases_ofAPhrase_areItsHeadAndAdjectives() throws {
        let found = try phrases(
            """
            t0.png\t0\t0\t4\t1\tother\ta big red square\t8,0,24,16\ta big red square
            t0.png\t0\t0\t2\t1\tother\ta cat\t8,0,24,16\ta cat
            t0.png\t0\t0\t2\t1\tother\ta dog\t\ta dog

            """)
        // The vocabulary does not have "cat", and the dog has no box.
        XCTAssertEqual(found.targets[0].map { vocabulary.decode($0.words) }, [["square", "big", "red"]])
        XCTAssertTrue(found.targets.dropFirst().allSatisfy(\.isEmpty))
    }

    /// Two regions with the scores 2 and -1 for one word, whose box is the first region. The loss over regions is log(1
    /// + e^-3). The loss over words is log(1 + e^-2) for the first region, which shows the word, and log(1 + e^-1) with
    /// weight 0.3 for the second, which shows none.
    func testGroundingLoss_ofTwoRegions_equalsTheHandComputedValue() throws {
        let found = try phrases("t0.png\t0\t0\t2\t1\tother\ta dog\t0,0,32,64\ta dog\n")
        var random = SeededGenerator(seed: 1)
        let batch = GroundingBatch(targets: [found.targets[0]], regions: 2, perImage: 3, using: &random) {
            found.coverage.cells(of: $1, image: $0, copy: 0, rows: 1, columns: 2)
        }
        let dog = vocabulary.encode(["dog"])[0]
        XCTAssertEqual(batch.words, [dog, 0, 0])
        XCTAssertEqual(batch.places.array, [1, 0, 0, 0, 0, 0])
        XCTAssertEqual(batch.vocabulary, [dog])
        XCTAssertEqual(batch.things, [0, 1])
        var table = [Float](repeating: 0, count: vocabulary.count)
        table[dog] = 0.5
        let tape = Tape()
        let regions = tape.leaf(Tensor([1, 2, 1], [4, -2]))
        let loss = batch.loss(regions: regions, table: Variable(Tensor([vocabulary.count, 1], table)))
        let expected = log(1 + exp(-3.0)) + (log(1 + exp(-2.0)) + 0.3 * log(1 + exp(-1.0))) / 1.3
        XCTAssertEqual(Double(loss.value.scalar), expected, accuracy: 1e-6)
        // Its derivative in the second region: e^-3 / (1 + e^-3), and 0.3 / 1.3 of e^-1 / (1 + e^-1), times the word's
        // 0.5.
        let slope = tape.gradients(of: loss, withRespectTo: [regions])[0].array[1]
        let wanted = 0.5 * (exp(-3.0) / (1 + exp(-3.0)) + 0.3 / 1.3 * exp(-1.0) / (1 + exp(-1.0)))
        XCTAssertEqual(Double(slope), wanted, accuracy: 1e-6)
    }

    // MARK: Training

    private static var options: CaptionTrainingOptions {
        var options = CaptionTrainingOptions()
        (options.encoder, options.decoder, options.grounding) = ("tiny", .showAttendAndTell, 1)
        (options.embedding, options.hidden, options.attention, options.visual) = (12, 16, 8, 6)
        (options.minimumCount, options.batch, options.captionsPerPicture, options.maximumLength) = (1, 4, 2, 6)
        (options.dropout, options.averageDecay, options.crops) = (0.1, 0.8, 1)
        options.phases = [.init(kind: .words, epochs: 12, learningRate: 2e-2, from: "all", encoderScale: 1)]
        return options
    }

    private func train(
        _ name: String, _ options: CaptionTrainingOptions = options, phrases: String? = "phrases.tsv",
        resume: Bool = false, after: @escaping (Int) throws -> Void = { _ in }
    ) throws {
        let world = try world()
        var failure: Error?
        let trainer = try CaptionTrainer(
            options: options, train: world.data("train.txt"), dev: world.data("dev.txt"), encoderWeights: nil,
            phrases: phrases.map { world.output($0) }, output: world.output(name)
        ) { event in
            guard case .epoch(let epoch) = event else { return }
            do { try after(epoch.epoch) } catch { failure = error }
        }
        try trainer.run(resume: resume)
        if let failure { throw failure }
    }

    /// After twelve epochs on 24 images, the visual term's score of "square" in new images is largest inside the
    /// square. An interrupted run gives the same bytes.
    func testCaptionTrainer_withPhrases_learnsWhereThingsAre() throws {
        let world = try world()
        try train("whole") {
            if $0 == 5 { try FileManager.default.copyItem(at: world.output("whole"), to: world.output("part")) }
        }
        try train("part", resume: true)
        let (whole, part) = ("whole/model.safetensors", "part/model.safetensors")
        XCTAssertEqual(try Data(contentsOf: world.output(whole)), try Data(contentsOf: world.output(part)))

        let captioner = try Captioner.load(world.output("whole"))
        XCTAssertEqual(captioner.configuration.decoder.visual, 6)
        let square = captioner.vocabulary.encode(["square"])[0]
        var hits = 0
        for entry in try world.data("dev.txt").entries {
            let picture = captioner.configuration.preprocessing.prepare(
                try Image.read(world.folder.appendingPathComponent("images/\(entry.image)")))
            let features = captioner.features(picture.tensor)
            let visual = try XCTUnwrap(captioner.decoder.visual)
            let scores = linear(visual.regions(of: Variable(features)), visual.words.weight).value
            let columns = features.shape[2]
            let best = try XCTUnwrap((0..<scores.shape[1]).max { scores[0, $0, square] < scores[0, $1, square] })
            let cell = picture.placement.cell(
                column: best % columns, row: best / columns, columns: columns, rows: features.shape[1])
            let box = try XCTUnwrap(world.boxes[entry.image])
            let x = (cell.x0 + cell.x1) / 2
            let y = (cell.y0 + cell.y1) / 2
            if x >= box.x0 && x <= box.x1 && y >= box.y0 && y <= box.y1 { hits += 1 }
        }
        XCTAssertGreaterThanOrEqual(hits, 5, "of 6")
    }

    /// Training that starts from another captioner's decoder starts with its captions: after an epoch with a tiny
    /// learning rate, the score of the dev images is the same.
    func testCaptionTrainer_fromAnotherDecoder_startsWithItsScores() throws {
        let world = try world()
        var plain = Self.options
        (plain.grounding, plain.crops) = (0, 0)
        var scores: [Double] = []
        try CaptionTrainer(
            options: plain, train: world.data("train.txt"), dev: world.data("dev.txt"), encoderWeights: nil,
            output: world.output("plain")
        ) { if case .epoch(let epoch) = $0 { scores.append(epoch.devScore) } }.run(resume: false)
        let best = try XCTUnwrap(scores.max())
        XCTAssertGreaterThan(best, 0.5)
        func start(_ options: CaptionTrainingOptions, from name: String, to output: String) throws -> [Double] {
            var scores: [Double] = []
            try CaptionTrainer(
                options: options, train: world.data("train.txt"), dev: world.data("dev.txt"),
                encoderWeights: world.output("plain/model.safetensors"), phrases: world.output("phrases.tsv"),
                decoder: world.output(name), output: world.output(output)
            ) { if case .epoch(let epoch) = $0 { scores.append(epoch.devScore) } }.run(resume: false)
            return scores
        }
        var next = Self.options
        next.phases = [.init(kind: .words, epochs: 1, learningRate: 1e-9)]
        // Weights are written as F16, which can change a word.
        XCTAssertEqual(try start(next, from: "plain", to: "next")[0], best, accuracy: 0.15 * best)
        // And from the result, which has a visual term.
        XCTAssertEqual(try start(next, from: "next", to: "third")[0], best, accuracy: 0.15 * best)
        var wider = next
        wider.hidden = 20
        XCTAssertThrowsError(try start(wider, from: "plain", to: "wider")) {
            XCTAssertTrue("\($0)".contains("plain does not fit the model"), "\($0)")
        }
    }

    // MARK: The attention's lesson

    func testBoxedCaptions_ofPhrases_haveTheHeadsPositions() throws {
        let box = "0,0,32,16"
        let found = try phrases(
            "t0.png\t0\t0\t3\t1\tother\ta big square\t\(box)\ta big square , a small dog .\n"
                + "t0.png\t0\t4\t3\t2\tother\ta small dog\t32,16,64,64\ta big square , a small dog .\n"
                + "t0.png\t0\t0\t2\t3\tother\ta dog\t\ta dog\n")
        XCTAssertEqual(found.captions[0].count, 1, "a phrase without boxes teaches nothing")
        let caption = try XCTUnwrap(found.captions[0].first)
        XCTAssertEqual(caption.words, vocabulary.encode(["a", "big", "square", "a", "small", "dog"]))
        XCTAssertEqual(caption.places.keys.sorted(), [2, 5])
        XCTAssertEqual(caption.places[5], [Rectangle(x0: 32, y0: 16, x1: 64, y1: 64)])
    }

    /// Two words have boxes: "square" the upper half of the left column and "dog" the lower three quarters of the right
    /// one, of 2x2 cells. Attention that is even everywhere has the mean of (1/2)/4 and (1/2 + 1)/4 = 0.25 on them.
    func testAttentionLesson_ofTwoPhrases_equalsTheHandComputedLoss() throws {
        let found = try phrases(
            "t0.png\t0\t0\t2\t1\tother\ta square\t0,0,32,16\ta square and a dog\n"
                + "t0.png\t0\t3\t2\t2\tother\ta dog\t32,16,64,64\ta square and a dog\n")
        var random = SeededGenerator(seed: 1)
        let lesson = AttentionLesson(
            Array(found.captions[0...1]), regions: 4, perImage: 1, longest: 22, vocabulary: vocabulary, using: &random
        ) { found.coverage.cells(of: $1, image: $0, copy: 0, rows: 2, columns: 2) }
        XCTAssertEqual(lesson.covered.shape, [6, 2, 4])
        XCTAssertEqual(lesson.inputs[0].first, vocabulary.start)
        // Step 1 writes "square", step 4 "dog"; the second image has no phrases.
        func row(_ table: Tensor, _ step: Int) -> [Float] { table.row(step).row(0).array }
        XCTAssertEqual(row(lesson.covered, 1), [0.25, 0, 0, 0])
        XCTAssertEqual(row(lesson.covered, 4), [0, 0.25, 0, 0.5])
        XCTAssertEqual(lesson.covered.array.reduce(0, +), 1)
        XCTAssertEqual(row(lesson.places, 1), [0.5, 0, 0, 0])
        for (found, expected) in zip(row(lesson.places, 4), [0, 1 / 6, 0, 1 / 3] as [Float]) {
            XCTAssertEqual(found, expected, accuracy: 1e-6)
        }
        XCTAssertEqual(lesson.places.array.reduce(0, +), 1, accuracy: 1e-6)
        let even = Variable(Tensor([6, 2, 4], repeating: 0.25))
        XCTAssertEqual(lesson.loss(attention: even).value.scalar, -0.25, accuracy: 1e-6)
        // Cross-entropy of even attention with both words' cells: log 4.
        XCTAssertEqual(lesson.loss(scores: Variable(Tensor([6, 2, 4]))).value.scalar, log(4), accuracy: 1e-6)
        // What is where: the square's box covers half of cell 0, the dog's cell 3 and half of cell 1. Scores of 1 in all
        // cells cost log(1 + exp(-1)) where the thing is and log(1 + exp 1) elsewhere: 3 and 5 of 8 cells. The second
        // image's row counts for nothing.
        var asked: (places: [Int], words: [Int]) = ([], [])
        let loss = lesson.loss(regionScores: { places, words in
            asked = (places, words)
            return Variable(Tensor([places.count, 4], repeating: 1))
        })
        XCTAssertEqual(asked.places.prefix(2).sorted(), [1 * 2 + 0, 4 * 2 + 0])
        XCTAssertEqual(Set(asked.words.prefix(2)), Set(vocabulary.encode(["square", "dog"])))
        XCTAssertEqual(asked.places.count, 4)
        let (inside, outside): (Float, Float) = (0.313_261_7, 1.313_261_7)
        XCTAssertEqual(loss.value.scalar, (3 * inside + 5 * outside) / 8, accuracy: 1e-5)
    }

    /// With the lesson, the attention before "square" lies on the square more than without.
    func testCaptionTrainer_withTheAttentionsLesson_looksAtWhatItNames() throws {
        let world = try world()
        func inside(_ name: String, _ weight: Float, _ kind: DecoderConfiguration.Kind) throws -> Float {
            var options = Self.options
            (options.attentionGrounding, options.decoder) = (weight, kind)
            try train(name, options)
            let captioner = try Captioner.load(world.output(name))
            let caption = captioner.vocabulary.encode(["a", "big", "red", "square"])
            var sum: Float = 0
            for entry in try world.data("dev.txt").entries {
                let url = world.folder.appendingPathComponent("images/\(entry.image)")
                let features = captioner.features(
                    captioner.configuration.preprocessing.prepare(try Image.read(url)).tensor)
                let coverage = try BoxCoverage(
                    [(entry.image, url)], preprocessing: captioner.configuration.preprocessing, augmentation: .none,
                    isNeeded: { _ in true })
                let cells = coverage.cells(
                    of: [try XCTUnwrap(world.boxes[entry.image])], image: 0, copy: 0, rows: features.shape[1],
                    columns: features.shape[2])
                let attention = try XCTUnwrap(
                    captioner.decoder.attention(
                        features: Variable(features), words: [[captioner.vocabulary.start] + caption.dropLast()],
                        dropout: nil)
                ).value.row(3).row(0).array
                sum += zip(cells, attention).reduce(0) { $0 + $1.0 * $1.1 }
            }
            return sum / 6
        }
        XCTAssertGreaterThan(
            try inside("looks", 5, .showAttendAndTell), 1.3 * (try inside("plain", 0, .showAttendAndTell)))
        XCTAssertGreaterThan(
            try inside("sum", 1, .bilinearAttention), 1.3 * (try inside("even", 0, .bilinearAttention)))
    }

    func testCaptionTrainer_withBadPhrases_isRefused() throws {
        func refuses(_ parts: String..., line: UInt = #line, _ body: () throws -> Void) {
            XCTAssertThrowsError(try body(), line: line) { error in
                for part in parts {
                    XCTAssertTrue("\(error)".contains(part), "'\(error)' does not say '\(part)'", line: line)
                }
            }
        }
        var tell = Self.options
        tell.decoder = .showAndTell
        refuses("show-and-tell", "show-attend-and-tell") { try train("a", tell) }
        refuses("a file of phrases and a weight of grounding") { try train("b", phrases: nil) }
        let world = try world()
        try world.write("none.tsv", "image" + String(repeating: "\t", count: 8) + "\n")
        refuses("none.tsv", "no phrase with boxes") { try train("c", phrases: "none.tsv") }
        refuses("missing.tsv") { try train("d", phrases: "missing.tsv") }
        // A run can only be resumed with the same phrases.
        var short = Self.options
        short.phases[0].epochs = 1
        try train("e", short)
        let text = try String(contentsOf: world.output("phrases.tsv"), encoding: .utf8)
        try world.write("phrases.tsv", text.replacingOccurrences(of: "square\t0,", with: "square\t1,"))
        refuses("other") { try train("e", short, resume: true) }
    }
}
