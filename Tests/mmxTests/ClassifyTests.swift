import Explain
import Foundation
import Tasks
import Tensors
import TestSupport
import Vision
import Weights
import XCTest

/// `mmx classify` as a user runs it, with an untrained model.
final class ClassifyTests: ProgramTestCase {
    private var environment: [String: String] { ["MMX_MODELS": url("models").path] }

    override func setUpWithError() throws {
        try super.setUpWithError()
        _ = try importClassifier(classes: ["tabby, tabby cat", "dog", "tiger cat", "../red fox/"])
    }

    private func classify(_ arguments: String...) throws -> Outcome {
        try run(["classify", "--model", "tiny"] + arguments, environment: environment)
    }

    private func manifest(_ outcome: Outcome, line: UInt = #line) throws -> ClassManifest {
        XCTAssertEqual(outcome.code, 0, outcome.errors, line: line)
        return try JSONDecoder().decode(ClassManifest.self, from: Data(outcome.output.utf8))
    }

    func testClassify_withoutExplain_printsClassesAlone() throws {
        let text = try classify("wide.png", "--top", "2")
        XCTAssertEqual(text.code, 0, text.errors)
        XCTAssertEqual(text.output.split(separator: "\n").count, 2, text.output)
        XCTAssertEqual(files(), [])
        let found = try manifest(classify("wide.png", "--json"))
        XCTAssertEqual(Set(found.classes.map(\.index)), [0, 1, 2, 3])
        XCTAssertEqual(found.classes.map(\.probability).reduce(0, +), 1, accuracy: 1e-5)
        XCTAssertEqual(found.classes.map(\.logit), found.classes.map(\.logit).sorted(by: >))
        XCTAssertEqual([found.task, found.model.encoder, found.layer], ["classification", "tiny", "conv4"])
        XCTAssertEqual([found.photo.width, found.photo.height, found.model.classes], [210, 70, 4])
        XCTAssertTrue(text.output.contains(found.classes[0].name), text.output)
        XCTAssertTrue(found.scores.isEmpty)
        XCTAssertNil(found.manifest)
    }

    func testClassify_explainAndContrast_writesMapsAndManifest() throws {
        let best = try manifest(classify("wide.png", "--explain", "--json"))
        XCTAssertEqual(best.scores.map(\.index), [best.classes[0].index])
        XCTAssertEqual(best.scores[0].value, best.classes[0].logit)
        try FileManager.default.removeItem(at: url("mmx-output"))

        let found = try manifest(
            classify(
                "wide.png", "--explain", "../red fox/", "--contrast", "tabby", "2", "--json", "--smooth", "3",
                "--no-legend"))
        XCTAssertEqual(found.scores.map(\.index), [3, 0])
        XCTAssertEqual(found.scores[1].against, 2)
        XCTAssertEqual(found.rendering.smoothing, 3)
        // What a class is called stays inside the folder.
        let names = ["wide-class-3-_._red_fox_", "wide-class-0-2-tabby_rather_than_tiger_cat"]
        XCTAssertEqual(
            files(),
            (names.flatMap { ["\($0)-heatmap.png", "\($0)-map.npy", "\($0)-overlay.png"] } + ["wide-classes.json"])
                .sorted())
        let overlay = try Image.read(result(found.scores[0].files.overlay))
        XCTAssertEqual([overlay.width, overlay.height], [210, 70])
        let map = try NumPyArray.read(result(found.scores[0].files.rawMap))
        XCTAssertEqual(map.shape, found.scores[0].map.shape)
        XCTAssertEqual(map.array.max(), found.scores[0].map.maximum)
        let written = try String(contentsOf: url("mmx-output/wide-classes.json"), encoding: .utf8)
        XCTAssertEqual(
            try JSONDecoder().decode(ClassManifest.self, from: Data(written.utf8)).scores.map(\.index), [3, 0])

        let cam = try manifest(classify("wide.png", "--explain", "3", "--method", "cam", "--json"))
        XCTAssertEqual(cam.scores.map(\.method), ["cam"])
        let raw = try NumPyArray.read(result(cam.scores[0].files.rawMap)).array
        for (a, b) in zip(raw, map.array) {
            XCTAssertEqual(a, b * Float(raw.count), accuracy: 1e-4 * (raw.map(abs).max() ?? 0))
        }
        let text = try classify("wide.png", "--explain", "dog")
        XCTAssertTrue(
            text.output.contains("dog (p = ") && text.output.contains(", score ")
                && text.output.contains("wide-class-1-dog-overlay.png"), text.output)
    }

    func testClassify_requestsThatCannotBeMet_areRefused() throws {
        assertFails(
            try classify("wide.png", "--explain", "cat"), 2, "2 classes", "0 (tabby, tabby cat)", "2 (tiger cat)")
        assertFails(try classify("wide.png", "--explain", "4"), 2, "from 0 to 3")
        assertFails(try classify("wide.png", "--explain", "dgo"), 2, "1 (dog)")
        assertFails(try classify("wide.png", "--contrast", "dog", "1"), 2, "itself")
        assertFails(try classify("wide.png", "--explain", "--layer", "conv7"), 2, "conv7")
        assertFails(
            try classify("wide.png", "--explain", "--layer", "conv1", "--method", "cam"), 2, "conv1", "grad-cam")
        assertFails(try classify("absent.png"), 3, "absent.png")
        XCTAssertEqual(try classify().code, 64)
        let swallowed = try classify("--explain", "wide.png")
        XCTAssertEqual(swallowed.code, 64)
        XCTAssertTrue(swallowed.errors.contains("before --explain"), swallowed.errors)
        XCTAssertEqual(try classify("wide.png", "--contrast", "dog").code, 64)
        XCTAssertEqual(try classify("wide.png", "--top", "0").code, 64)
        XCTAssertEqual(files(), [])
        XCTAssertTrue(try classify("--list-layers").output.contains("conv4\t128 channels\t4 px\tdefault"))
    }

    func testClassify_folderThatCannotBeMade_printsClassesAllTheSame() throws {
        let alone = try classify("wide.png")
        let text = try classify("wide.png", "--explain", "--output", "toy.png/below")
        XCTAssertEqual(text.code, 6)
        XCTAssertEqual(text.output, alone.output)
        XCTAssertTrue(text.errors.contains("mmx: cannot write ") && text.errors.contains("toy.png/below"), text.errors)
        let json = try classify("wide.png", "--explain", "--output", "toy.png/below", "--json")
        XCTAssertEqual(json.code, 6)
        let found = try JSONDecoder().decode(ClassManifest.self, from: Data(json.output.utf8))
        XCTAssertEqual(found.classes.count, 4)
        XCTAssertNil(found.manifest)
        XCTAssertNil(found.scores[0].files.overlay)
    }

    func testClassify_brokenModels_areRefused() throws {
        assertFails(
            try run(["classify", "wide.png", "--model", Self.model.path], environment: environment), 4, "captioning")
        let config = url("models/tiny/config.json")
        let text = try String(contentsOf: config, encoding: .utf8)
        try Data(text.replacingOccurrences(of: "\"classes\" : 4", with: "\"classes\" : 5").utf8).write(to: config)
        assertFails(try classify("wide.png"), 4, "4 classes", "5")
        try Data(text.replacingOccurrences(of: "\"tiny\"", with: "\"resnet18\"").utf8).write(to: config)
        XCTAssertEqual(try classify("wide.png").code, 4)
        try Data(text.utf8).write(to: config)
        XCTAssertEqual(try classify("wide.png").code, 0)
        // A weight that is no number.
        var state = try SafeTensors.read(url("models/tiny/model.safetensors")).mapValues { $0.copy() }
        state["head.fc.bias"] = Tensor([4], [.nan, 0, 0, 0])
        try SafeTensors.write(state, to: url("models/tiny/model.safetensors"), type: .f32)
        assertFails(try classify("wide.png", "--explain"), 4, "no numbers")
        XCTAssertEqual(files(), [])
    }

    /// Where the default model is not installed, the message says how to get it, and what else there is.
    func testClassify_defaultModelMissing_saysHowToGetIt() throws {
        let program = url("bin/mmx")
        try FileManager.default.createDirectory(at: url("bin"), withIntermediateDirectories: true)
        try FileManager.default.copyItem(at: Self.program, to: program)
        assertFails(
            try run(["classify", "wide.png"], program: program, environment: environment), 4,
            "make models ENCODERS=efficientnet-lite0",
            "mmx model import", "for --model: tiny")
    }
}
