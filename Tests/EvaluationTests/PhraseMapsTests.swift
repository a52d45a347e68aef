import Explain
import Foundation
import Language
import Tasks
import Tensors
import TestSupport
import Vision
import XCTest

@testable import Evaluation

/// Maps of the words of reference captions of the toy world, by a captioner that was trained on it.
final class PhraseMapsTests: XCTestCase {
    private var folder = FileManager.default.temporaryDirectory
    private let count = 30

    override func setUpWithError() throws {
        folder = try Fixture.temporaryFolder()
        var captions = "image,caption\n"
        var rows = "image" + String(repeating: "\t", count: 8) + "\n"
        for index in 0..<count {
            let scene = ToyScene(seed: 2_024, index: index)
            let name = "\(index).png"
            try scene.image.write(to: folder.appendingPathComponent(name))
            let (form, color) = (scene.shapes[0], scene.shapes[1])
            // The phrases are of the second caption.
            let caption = ToyScene.caption(form.form, color.color)
            captions += "\(name),a dog\n\(name),\(caption.capitalized) .\n"
            func row(_ first: Int, _ words: String, _ shape: ToyScene.Shape, type: String, captionRow: Int = 1)
                -> String
            {
                let r = shape.radius
                let box = [shape.x - r, shape.y - r, shape.x + r, shape.y + r]
                let text = box.map { "\($0)" }.joined(separator: ",")
                return "\(name)\t\(captionRow)\t\(first)\t2\t\(first)\t\(type)\t\(words)\t\(text)\t\(caption) .\n"
            }
            rows += row(3, "something \(color.color.rawValue)", color, type: "other")
            rows += row(0, "a \(form.form.rawValue)", form, type: "shape")
            if index == 0 {
                rows += row(0, "a \(form.form.rawValue)", form, type: "other/scene")
                rows += row(0, "a \(form.form.rawValue)", form, type: "shape", captionRow: -1)
                rows += row(0, "a \(form.form.rawValue)", form, type: "shape", captionRow: 0)
                rows += "\(name)\t1\t0\t1\t0\tshape\ta\t\t\(caption) .\n"
            }
        }
        try Data(captions.utf8).write(to: url("c.csv"))
        try Data(rows.utf8).write(to: url("p.tsv"))
    }

    override func tearDownWithError() throws { try FileManager.default.removeItem(at: folder) }

    private func url(_ name: String) -> URL { folder.appendingPathComponent(name) }

    private func captioner() throws -> Captioner { try Captioner.load(toyModel("toy-show-attend-and-tell")) }

    private func source(
        kinds: [String] = [], limit: Int? = nil, methods: [String] = [], phrases: String = "p.tsv", masks: URL? = nil
    ) throws -> PhraseMaps {
        try PhraseMaps(
            captioner(), model: toyModel("toy-show-attend-and-tell"),
            options: ExplanationOptions(methods: methods.map { try Methods.named($0) }),
            data: CaptionDataset(images: folder, captions: url("c.csv"), split: nil), phrases: url(phrases),
            masks: masks, kinds: kinds, limit: limit)
    }

    func testPhraseMaps_selection_namesWhatIsLeftOut() throws {
        let source = try source()
        XCTAssertEqual(source.images, (0..<count).map { "\($0).png" })
        XCTAssertEqual(
            source.notes,
            [
                "1 phrase without boxes left out", "1 phrase that are scenes left out",
                "2 phrases of captions that are not among the captions word for word left out",
            ])
        XCTAssertEqual(try self.source(limit: 5).images, ["0.png", "1.png", "2.png"])
        XCTAssertEqual(try self.source(kinds: ["scene"]).images, ["0.png"])
        XCTAssertThrowsError(try self.source(kinds: ["people"])) {
            XCTAssertTrue(
                "\($0)".hasSuffix("p.tsv: has no phrases of the kind 'people'; it has other, scene, shape"), "\($0)")
        }
    }

    /// A phrase's map is the one that explaining the phrase gives, and its confidence is the phrase's probability.
    func testPhraseMaps_maps_areThoseOfTheExplainer() throws {
        let source = try source(limit: 2)
        let explainer = try Explainer(captioner())
        let photo = try Image.read(source.url(ofImage: 0))
        let maps = try source.maps(ofImage: 0, photo: photo)
        let scene = ToyScene(seed: 2_024, index: 0)
        let form = scene.shapes[0].form.rawValue
        let caption = ToyScene.caption(scene.shapes[0].form, scene.shapes[1].color)
        let image = explainer.encode(explainer.model.configuration.preprocessing.prepare(photo).tensor)
        let wanted = try explainer.explain(
            image, input: explainer.model.words(of: caption).words,
            targets: [.word(form, occurrence: 1), .phrase("a \(form)", occurrence: 1)])
        XCTAssertEqual(maps.targets.count, 2)
        XCTAssertEqual(maps.targets[0].maps.map(\.method), ["grad-cam", "grad-cam:phrase", "attention"])
        XCTAssertEqual(wanted.targets.count, 2)
        for (map, target) in zip(maps.targets[0].maps, wanted.targets) {
            let expected = try XCTUnwrap(target.attribution(by: "grad-cam")).map.array
            let largest = expected.map(abs).max() ?? 0
            for (a, b) in zip(map.raw.array, expected) { XCTAssertEqual(a, b, accuracy: 1e-4 * largest) }
            let confidence = maps.targets[0].confidences[map.score](maps.features(maps.input))[0]
            XCTAssertEqual(confidence, exp(Double(target.subject.logProbability)), accuracy: 1e-4)
        }
        XCTAssertEqual(
            maps.targets[0].fields,
            ["captionRow": .number(1), "word": .text(form), "phrase": .text("a \(form)"), "position": .number(1)])
    }

    func testPhraseMaps_severalMethods_haveTheirMaps() throws {
        let source = try source(limit: 2, methods: ["hirescam", "activation", "attention"])
        XCTAssertEqual(
            source.methods,
            ["hirescam", "hirescam:phrase", "activation", "activation:phrase", "attention", "attention:phrase"])
        let maps = try source.maps(ofImage: 0, photo: Image.read(source.url(ofImage: 0)))
        XCTAssertEqual(maps.targets[0].maps.map(\.method), source.methods)
        XCTAssertEqual(maps.targets[0].maps[2].raw.array, maps.wordBlind.array)
        XCTAssertThrowsError(
            try PhraseMaps(
                captioner(), model: folder, options: ExplanationOptions(methods: [CAM()]),
                data: CaptionDataset(images: folder, captions: url("c.csv"), split: nil), phrases: url("p.tsv")
            ).maps(ofImage: 0, photo: Image.read(url("0.png"))))
    }

    /// The shapes' masks in place of boxes around them.
    func testPhraseMaps_masks_areTheRegions() throws {
        let scene = ToyScene(seed: 2_024, index: 0)
        let caption = ToyScene.caption(scene.shapes[0].form, scene.shapes[1].color)
        try Data(
            ("image" + String(repeating: "\t", count: 8) + "\n"
                + scene.phrases(of: caption, row: 1, image: "0.png")).utf8
        ).write(to: url("m.tsv"))
        let masks = url("masks")
        XCTAssertThrowsError(try source(phrases: "m.tsv", masks: masks)) {
            XCTAssertTrue("\($0)".contains("no phrase with boxes"), "\($0)")
        }
        try FileManager.default.createDirectory(at: masks, withIntermediateDirectories: true)
        for (chain, shape) in scene.shapes.enumerated() {
            try ToyScene.maskImage(shape).write(to: masks.appendingPathComponent("0-\(chain).png"))
        }
        let source = try source(phrases: "m.tsv", masks: masks)
        let photo = try Image.read(url("0.png"))
        XCTAssertEqual(
            try source.maps(ofImage: 0, photo: photo).targets.map(\.region.mask),
            scene.shapes.map(ToyScene.mask))
        func message() -> String {
            var error: (any Error)?
            XCTAssertThrowsError(try source.maps(ofImage: 0, photo: photo)) { error = $0 }
            return (error as? DatasetError)?.description ?? ""
        }
        try Image(width: 64, height: 64).write(to: masks.appendingPathComponent("0-1.png"))
        XCTAssertTrue(message().contains("0-1.png: has no white pixel"), message())
        try Image(width: 63, height: 64).write(to: masks.appendingPathComponent("0-1.png"))
        XCTAssertTrue(message().contains("has 63x64 pixels, the image 0.png has 64x64"), message())
    }

    func testMapEvaluation_interruptedRun_continuesWithItsRecords() throws {
        let source = try source(limit: 20)
        let options = EvaluationOptions()
        let run = MapEvaluation.name(of: source, options)
        let (whole, cut) = (url("whole.jsonl"), url("cut.jsonl"))
        let once = try MapEvaluation.run(source, log: MapEvaluation.log(whole, resumes: false, of: source, options))
        XCTAssertEqual(once.scores, try MapEvaluation.run(source).scores)
        let bytes = try Data(contentsOf: whole)
        XCTAssertEqual(try MapRecord.lines(once.records), String(decoding: bytes, as: UTF8.self))
        // The file ends in the middle of a line, is empty, or lacks its last byte.
        for length in [bytes.count / 2, 0, bytes.count - 1] {
            try bytes.prefix(length).write(to: cut)
            let log = try MapEvaluation.log(cut, resumes: true, of: source, options)
            XCTAssertEqual(log.kept.isEmpty, length == 0)
            var counts: [Int] = []
            let again = try MapEvaluation.run(source, log: log) {
                if case .images(let done, let count) = $0 {
                    XCTAssertEqual(count, source.images.count)
                    counts.append(done)
                }
            }
            XCTAssertEqual(counts.last, source.images.count)
            XCTAssertEqual(again.scores, once.scores)
            XCTAssertEqual(again.records, once.records)
            XCTAssertEqual(try Data(contentsOf: cut), bytes)
        }
        // The last image may lack records, so it is measured again. The others are not.
        let kept = try RecordLog(resuming: whole, run: run).kept
        XCTAssertEqual(Set(kept.map(\.image)), Set(source.images.dropLast()))
        XCTAssertTrue(try RecordLog(resuming: url("new.jsonl"), run: run).kept.isEmpty)
        let other = try self.source(limit: 19)
        XCTAssertThrowsError(
            try RecordLog(resuming: whole, run: MapEvaluation.name(of: other, options))
        ) { XCTAssertTrue("\($0)".contains("whole.jsonl, line 1: is a record of another model"), "\($0)") }
        try Data("{}\n".utf8).write(to: cut)
        XCTAssertThrowsError(try RecordLog(resuming: cut, run: run)) {
            XCTAssertTrue("\($0)".contains("cut.jsonl, line 1: is no record of maps"), "\($0)")
        }
    }

    /// Randomised parameters change the maps of Grad-CAM. The activations do not depend on the head's.
    func testCascadingRandomisation_toyCaptioner_changesTheMaps() throws {
        let source = try source(limit: 12, methods: ["grad-cam", "activation"])
        var layers: [Int] = []
        let steps = try CascadingRandomisation.run(source, EvaluationOptions(bootstrap: Bootstrap(resamples: 20))) {
            layers += [$0, $1]
        }
        let names = steps.filter { $0.method == "grad-cam" }.map(\.downTo)
        XCTAssertTrue(names[0].hasPrefix("decoder."), "\(names)")
        XCTAssertTrue(names[names.count - 1].hasPrefix("encoder."), "\(names)")
        XCTAssertEqual(layers.suffix(2), [names.count, names.count])
        func step(_ layer: String, _ method: String) throws -> RandomisedMaps {
            try XCTUnwrap(steps.first { $0.downTo == layer && $0.method == method })
        }
        // Activations do not depend on the head.
        let blind = try step(names[0], "activation")
        XCTAssertEqual(try XCTUnwrap(blind.spearman).value, 1, accuracy: 1e-6)
        XCTAssertEqual(try XCTUnwrap(blind.ssim).value, 1, accuracy: 1e-6)
        let last = try step(names[names.count - 1], "grad-cam")
        XCTAssertLessThan(try XCTUnwrap(last.spearman).value, 0.5)
        XCTAssertLessThan(try XCTUnwrap(last.ssim).value, 0.5)
    }

    func testMapEvaluation_sanity_alsoRandomisesTheModel() throws {
        let source = try source(limit: 2), bootstrap = Bootstrap(resamples: 20)
        var layers: [[Int]] = []
        let scores = try MapEvaluation.run(source, EvaluationOptions(sanity: true, bootstrap: bootstrap)) {
            if case .layers(let done, let count) = $0 { layers.append([done, count]) }
        }.scores
        let steps = try CascadingRandomisation.run(source, EvaluationOptions(bootstrap: bootstrap))
        XCTAssertEqual(scores.randomisation, steps)
        let count = Set(steps.map(\.downTo)).count
        XCTAssertEqual(layers, (1...count).map { [$0, count] })
        XCTAssertNotNil(scores.all.methods["grad-cam"]?.figures["wordCorrelation"])
        let plain = try MapEvaluation.run(source).scores
        XCTAssertNil(plain.randomisation)
        XCTAssertNil(plain.all.methods["grad-cam"]?.figures["wordCorrelation"])
    }

    func testMapEvaluation_toyCaptioner_pointsAtItsWords() throws {
        let evaluation = try MapEvaluation.run(source())
        let scores = evaluation.scores
        XCTAssertEqual([scores.all.targets, scores.all.images], [2 * count, count])
        XCTAssertEqual(scores.kinds.mapValues(\.targets), ["other": count, "shape": count])
        func value(_ method: String, _ figure: String) throws -> Double {
            try XCTUnwrap(scores.all.methods[method]?.figures[figure]?.value, "\(method) \(figure)")
        }
        XCTAssertGreaterThan(try value("grad-cam", "pointing"), 0.8)
        XCTAssertGreaterThan(try value("grad-cam", "discrimination"), 0.8)
        XCTAssertEqual(try value("word-blind", "discrimination"), 0.5)
        XCTAssertEqual(try value("chance", "discrimination"), 0.5)
        XCTAssertNil(scores.all.methods["centre"]?.figures["discrimination"])
        XCTAssertLessThan(try value("centre", "pointing"), 0.5)
        XCTAssertEqual(evaluation.records.count, 2 * count * 8)
        XCTAssertEqual(scores.methods.prefix(3), ["grad-cam", "grad-cam:phrase", "attention"])
    }
}
