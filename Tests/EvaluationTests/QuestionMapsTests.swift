import Drawing
import Explain
import Foundation
import Tasks
import Tensors
import TestSupport
import Vision
import XCTest

@testable import Evaluation

/// Maps of the answers of an untrained VQA model, by the evaluation and step by step.
final class QuestionMapsTests: XCTestCase {
    private var folder = FileManager.default.temporaryDirectory

    override func setUpWithError() throws {
        folder = try Fixture.temporaryFolder()
        for index in 0..<3 {
            try ToyScene(seed: 2_024, index: index).image.write(to: folder.appendingPathComponent("\(index).png"))
        }
    }

    override func tearDownWithError() throws { try FileManager.default.removeItem(at: folder) }

    private func box(_ x0: Double, _ y0: Double, _ x1: Double, _ y1: Double) -> Rectangle {
        Rectangle(x0: x0, y0: y0, x1: x1, y1: y1)
    }

    private var questions: [Question] {
        [
            Question(
                image: "1.png", text: "what color is the dog?", answer: "blue", kind: "color",
                boxes: [box(0, 0, 64, 16)]),
            Question(
                image: "0.png", text: "is the dog red", answer: "yes", kind: "yes/no", boxes: [box(16, 16, 48, 48)]),
            Question(
                image: "1.png", text: "what shape", answer: "round", kind: "",
                boxes: [box(32, 0, 64, 64), box(0, 0, 8, 8)]),
            Question(image: "2.png", text: "what color", answer: "red", kind: "color"),
            Question(image: "2.png", text: "quo vadis", answer: "red", kind: "color", boxes: [box(0, 0, 9, 9)]),
        ]
    }

    private func source(
        _ questions: [Question], kinds: [String] = [], limit: Int? = nil, layer: String? = nil
    ) throws -> QuestionMaps {
        try QuestionMaps(
            untrainedVQAModel(), model: folder, options: ExplanationOptions(layers: layer.map { [$0] } ?? []),
            images: folder, questions: questions, path: "questions.jsonl", kinds: kinds, limit: limit)
    }

    func testQuestionMaps_selection_namesWhatIsLeftOut() throws {
        let source = try source(questions)
        XCTAssertEqual(source.images, ["1.png", "0.png"])
        XCTAssertEqual(source.notes.count, 3)
        XCTAssertEqual(source.notes[0], "1 question without boxes left out")
        XCTAssertTrue(source.notes[1].hasPrefix("1 question that the model cannot read left out"), source.notes[1])
        XCTAssertTrue(
            source.notes[2].hasPrefix("1 question expects an answer that the model does not have"), source.notes[2])
        XCTAssertEqual(try self.source(questions, kinds: ["yes/no"]).images, ["0.png"])
        XCTAssertEqual(try self.source(questions, limit: 1).images, ["1.png"])
    }

    func testQuestionMaps_unusableQuestions_throwErrors() throws {
        func message(_ questions: [Question], kinds: [String] = []) throws -> String {
            var error: (any Error)?
            XCTAssertThrowsError(try MapEvaluation.run(source(questions, kinds: kinds))) { error = $0 }
            return (try XCTUnwrap(error as? DatasetError)).description
        }
        XCTAssertEqual(
            try message(questions, kinds: ["colour"]),
            "questions.jsonl: has no questions of the kind 'colour'; it has color, yes/no")
        XCTAssertTrue(try message([questions[3]]).contains("no question with boxes"))
        XCTAssertTrue(try message([questions[4]]).contains("no question that the model can read"))
        var outside = questions
        outside[1].boxes = [box(64, 0, 90, 20)]
        XCTAssertTrue(
            try message(outside).contains("\"is the dog red\" about 0.png lie outside of the image, which has 64x64"))
        outside[1].image = "9.png"
        XCTAssertTrue(try message(outside).contains("9.png"))
    }

    /// Computes the figures again from the explainer's maps.
    func testMapEvaluation_figures_areThoseOfTheExplainersMaps() throws {
        let model = try untrainedVQAModel()
        for layer in [nil, model.encoder.stages[0].name] {
            let explainer = try Explainer(model, options: ExplanationOptions(layers: layer.map { [$0] } ?? []))
            let evaluation = try MapEvaluation.run(source(questions, layer: layer))
            var next = evaluation.records.makeIterator()
            var hits: [Double] = []
            for index in [0, 2, 1] {
                let asked = questions[index]
                let photo = try Image.read(folder.appendingPathComponent(asked.image))
                let prepared = model.configuration.preprocessing.prepare(photo)
                let image = explainer.encode(prepared.tensor)
                let read = try model.question(asked.text).question
                let region = try XCTUnwrap(Region(boxes: asked.boxes, width: 64, height: 64))
                let targets: [ChoiceTarget] = index == 2 ? [.best] : [.best, .named(asked.answer)]
                for (target, method) in zip(targets, ["grad-cam", "grad-cam:expected"]) {
                    let explained = try explainer.explain(image, input: read, targets: [target]).targets[0]
                    let map = explained.attributions[0].map, unit = Normalisation.unit(map.array).values
                    let plane = prepared.placement.toOriginal(unit, width: map.shape[1], height: map.shape[0])
                    let record = try XCTUnwrap(next.next())
                    XCTAssertEqual([record.image, record.kind, record.method], [asked.image, asked.kind, method])
                    XCTAssertEqual(
                        record.fields,
                        [
                            "question": .text(asked.text), "expected": .text(asked.answer),
                            "answer": .text(explained.name),
                        ])
                    XCTAssertEqual(record.peak, PointingGame.peak(of: plane))
                    XCTAssertEqual(record.hit, record.peak.map(region.contains) ?? false)
                    XCTAssertEqual(
                        try XCTUnwrap(record.energyInside), EnergyInside.share(of: plane, in: region), accuracy: 1e-3)
                    if method == "grad-cam" { hits.append(record.hit == true ? 1 : 0) }
                }
                let others = ["word-blind", "gaussian", "edges", "centre", "chance"]
                // Attention has a map over the last layer only.
                for method in (layer == nil ? ["attention"] : []) + others {
                    let record = try XCTUnwrap(next.next())
                    XCTAssertEqual(record.method, method)
                    XCTAssertEqual(record.fields["answer"] == nil, method != "attention")
                    if method == "centre" { XCTAssertEqual(record.peak, Pixel(x: 32, y: 32)) }
                    XCTAssertEqual(record.energyInside == nil, ["centre", "chance"].contains(method))
                    XCTAssertEqual(record.hit == nil, method == "chance")
                }
            }
            XCTAssertNil(next.next())
            let scores = evaluation.scores
            XCTAssertEqual(
                scores.methods.prefix(3),
                ["grad-cam", "grad-cam:expected", layer == nil ? "attention" : "word-blind"])
            XCTAssertEqual([scores.all.targets, scores.all.images], [3, 2])
            XCTAssertEqual(scores.kinds.mapValues(\.targets), ["color": 1, "yes/no": 1])
            let own = try XCTUnwrap(scores.all.methods["grad-cam"])
            let right = try XCTUnwrap(scores.all.methods["grad-cam:expected"])
            XCTAssertEqual([own.maps, right.maps], [3, 2])
            let pointing = try XCTUnwrap(own.figures["pointing"]).value
            XCTAssertEqual(pointing, hits.reduce(0, +) / 3, accuracy: 1e-12)
            // The centre is outside of the first question's box, and inside of the others'.
            XCTAssertEqual(
                try XCTUnwrap(scores.all.methods["centre"]?.figures["pointing"]).value, 2.0 / 3, accuracy: 1e-12)
            XCTAssertEqual(try XCTUnwrap(own.pointingOver["centre"]).value, pointing - 2.0 / 3, accuracy: 1e-12)
            // Areas: 1/4, 1/4, and 1/2 plus 8 x 8 pixels.
            XCTAssertEqual(
                try XCTUnwrap(scores.all.methods["chance"]?.figures["energyInside"]).value, (1 + 1.0 / 64) / 3,
                accuracy: 1e-12)
        }
    }

    /// The figures of a kind do not depend on the other kinds.
    func testMapEvaluation_discrimination_comparesWithinAKind() throws {
        let asked = [
            Question(image: "0.png", text: "what color", answer: "red", kind: "color", boxes: [box(0, 0, 30, 64)]),
            Question(
                image: "0.png", text: "what color is the dog", answer: "blue", kind: "color",
                boxes: [box(31, 0, 64, 64)]),
            Question(image: "0.png", text: "is the dog", answer: "yes", kind: "yes/no", boxes: [box(31, 0, 64, 64)]),
        ]
        let all = try MapEvaluation.run(source(asked)).scores
        let alone = try MapEvaluation.run(source(asked, kinds: ["color"])).scores
        XCTAssertEqual(all.kinds["color"], alone.kinds["color"])
        XCTAssertEqual(all.kinds["color"]?.methods["word-blind"]?.figures["discrimination"]?.value, 0.5)
        XCTAssertNotNil(all.kinds["color"]?.methods["grad-cam"]?.figures["discrimination"])
        // This kind has no other question.
        XCTAssertNil(all.kinds["yes/no"]?.methods["grad-cam"]?.figures["discrimination"])
    }

    func testMapEvaluation_sameOptions_giveTheSameNumbers() throws {
        let once = try MapEvaluation.run(source(questions))
        let again = try MapEvaluation.run(source(questions))
        XCTAssertEqual(once.scores, again.scores)
        XCTAssertEqual(once.records, again.records)
        let other = try MapEvaluation.run(
            source(questions), EvaluationOptions(bootstrap: Bootstrap(resamples: 50, seed: 9))
        ).scores
        XCTAssertEqual([other.resamples, Int(other.seed)], [50, 9])
        let values = { (scores: MapScores) in scores.all.methods.mapValues { $0.figures.mapValues(\.value) } }
        XCTAssertEqual(values(other), values(once.scores))
    }

    func testMapEvaluation_faithfulness_measuresMapsAndReferences() throws {
        let source = try source(questions)
        let photo = try Image.read(source.url(ofImage: 0))
        let maps = try source.maps(ofImage: 0, photo: photo)
        let explainer = try Explainer(untrainedVQAModel())
        let found = try explainer.explain(
            explainer.encode(maps.input), input: explainer.model.question(questions[0].text).question,
            targets: [.best, .named("blue")])
        XCTAssertEqual(maps.targets[0].confidences.count, 2)
        for (confidence, target) in zip(maps.targets[0].confidences, found.targets) {
            XCTAssertEqual(
                confidence(maps.features(maps.input))[0], Double(target.subject.probability), accuracy: 1e-5)
        }
        let scores = try MapEvaluation.run(source, EvaluationOptions(faithfulness: true)).scores
        for method in ["grad-cam", "grad-cam:expected", "attention", "word-blind", "gaussian", "edges", "chance"] {
            let figures = try XCTUnwrap(scores.all.methods[method]?.figures)
            for name in ["deletion", "blurring", "insertion", "averageDrop", "increase", "roadMost", "roadLeast"] {
                XCTAssertTrue((0...1).contains(try XCTUnwrap(figures[name]?.value, "\(method) \(name)")))
            }
            XCTAssertTrue((-1...1).contains(try XCTUnwrap(figures["occlusionCorrelation"]?.value, method)))
        }
        XCTAssertNil(scores.all.methods["centre"]?.figures["deletion"])
        XCTAssertNil(try MapEvaluation.run(source).scores.all.methods["grad-cam"]?.figures["deletion"])
    }

    /// Targets without enough evidence are left out, then as many as asked for are taken, spread over the rest.
    func testEvaluationOptions_ofEvidenceAndNumber_chooseTheTargets() throws {
        let region = try XCTUnwrap(Region(boxes: [Rectangle(x0: 0, y0: 0, x1: 2, y1: 2)], width: 4, height: 4))
        let targets = [0.5, 1, nil, 3, 4, 5, 6].map { (evidence: Double?) in
            MapTarget(
                kind: "", context: "", fields: evidence.map { ["evidence": .fraction($0)] } ?? [:], region: region,
                confidences: [], maps: [])
        }
        func chosen(_ evidence: Double?, _ count: Int?) -> [Int] {
            EvaluationOptions(minimumEvidence: evidence, perImage: count).chosen(targets)
        }
        XCTAssertEqual(chosen(nil, nil), Array(0...6))
        XCTAssertEqual(chosen(1, nil), [1, 3, 4, 5, 6])
        XCTAssertEqual(chosen(1, 2), [1, 4])
        XCTAssertEqual(chosen(4, 5), [4, 5, 6])
        XCTAssertEqual(chosen(7, 5), [])
        // A changed image's maps are those of the same targets.
        var maps = ImageMaps(
            input: Tensor([1, 4, 4, 3]),
            placement: Placement(
                originalWidth: 4, originalHeight: 4, modelWidth: 4, modelHeight: 4,
                rectangle: Rectangle(x0: 0, y0: 0, x1: 4, y1: 4)), wordBlind: Tensor([2, 2]), targets: targets)
        let whole = maps
        maps.remade = { _ in whole }
        let taken = maps.taking([3, 5])
        func evidence(_ maps: ImageMaps) -> [RecordValue?] { maps.targets.map { $0.fields["evidence"] } }
        XCTAssertEqual(evidence(taken), [.fraction(3), .fraction(5)])
        XCTAssertEqual(evidence(try XCTUnwrap(taken.remade)(maps.input)), [.fraction(3), .fraction(5)])
    }

    /// The model has no calibration, so no evidence is known.
    func testMapEvaluation_withNoEvidence_isRefused() throws {
        XCTAssertThrowsError(try MapEvaluation.run(source(questions), EvaluationOptions(minimumEvidence: 1))) {
            XCTAssertEqual($0 as? NoEvidence, NoEvidence(minimum: 1))
        }
        let one = try MapEvaluation.run(source(questions), EvaluationOptions(perImage: 1)).scores.all
        XCTAssertEqual(one.targets, one.images)
        XCTAssertLessThan(one.targets, try MapEvaluation.run(source(questions)).scores.all.targets)
    }
}
