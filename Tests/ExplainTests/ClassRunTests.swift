import Explain
import Foundation
import Tasks
import Tensors
import TestSupport
import Vision
import Weights
import XCTest

/// From a photograph and a classifier's folder to files.
final class ClassRunTests: XCTestCase {
    private var folder = FileManager.default.temporaryDirectory
    private var photo: URL { folder.appendingPathComponent("toy.png") }
    private var output: URL { folder.appendingPathComponent("out") }
    private var model: URL { folder.appendingPathComponent("model") }

    override func setUpWithError() throws {
        folder = try Fixture.temporaryFolder()
        try ToyScene(seed: 2_024, index: 0).image.write(to: photo)
    }

    override func tearDownWithError() throws { try FileManager.default.removeItem(at: folder) }

    /// Writes the folder of an untrained classifier whose configuration says `maps`.
    private func writeModel(maps: MapConfiguration?) throws {
        let architecture = try Architectures.named("tiny"), store = ParameterStore(seed: 11)
        let names = ["cat", "dog", "fox"]
        let configuration = ClassifierConfiguration(
            encoder: EncoderConfiguration(name: "tiny", folded: true), preprocessing: architecture.preprocessing,
            classes: names.count, labels: "classes.txt", maps: maps)
        _ = try Classifier(configuration: configuration, classes: names, parameters: store.scope())
        try FileManager.default.createDirectory(at: model, withIntermediateDirectories: true)
        func file(_ name: String) -> URL { model.appendingPathComponent(name) }
        try SafeTensors.write(store.stateDictionary(), to: file("model.safetensors"), type: .f32)
        try JSONEncoder().encode(configuration).write(to: file("config.json"))
        try Data((names.joined(separator: "\n") + "\n").utf8).write(to: file("classes.txt"))
    }

    private func classify(_ methods: [any ExplanationMethod] = [], smoothing: Int? = nil) throws -> ClassManifest {
        try ClassRun.run(
            ClassRequest(
                photo: photo, model: model.path, targets: [.named("dog"), .named("fox")],
                options: ExplanationOptions(methods: methods),
                rendering: RenderingOptions(folder: output, smoothing: smoothing)))
    }

    func testRun_ofAClassifierWithMaps_takesItsMethodAndSmoothing() throws {
        try writeModel(maps: MapConfiguration(smoothing: 3, method: "hirescam"))
        let found = try classify()
        XCTAssertEqual(found.scores.map(\.method), ["hirescam", "hirescam"])
        XCTAssertEqual(found.rendering.smoothing, 3)
        let asked = try classify([GradCAM()], smoothing: 5)
        XCTAssertEqual(asked.scores.map(\.method), ["grad-cam", "grad-cam"])
        XCTAssertEqual(asked.rendering.smoothing, 5)
    }

    func testRun_ofAClassifierWithoutMaps_takesGradCAMAndNoSmoothing() throws {
        try writeModel(maps: nil)
        let found = try classify()
        XCTAssertEqual(found.scores.map(\.method), ["grad-cam", "grad-cam"])
        XCTAssertEqual(found.rendering.smoothing, 1)
    }

    func testRun_withAMethodNamedTwice_writesItsFilesOnce() throws {
        try writeModel(maps: nil)
        let found = try classify([GradCAM(), HiResCAM(), GradCAM()])
        XCTAssertEqual(found.scores.map(\.method), ["grad-cam", "hirescam", "grad-cam", "hirescam"])
        let files = found.scores.compactMap(\.files.rawMap)
        XCTAssertEqual(files.count, 4)
        XCTAssertEqual(Set(files).count, 4)
        XCTAssertTrue(
            files.allSatisfy { FileManager.default.fileExists(atPath: output.appendingPathComponent($0).path) })
    }

    /// The manifest that is written is the one that is returned, and reading it gives it back.
    func testRun_ofTwoTargets_writesTheManifestThatItReturns() throws {
        try writeModel(maps: nil)
        let found = try classify(), url = output.appendingPathComponent(try XCTUnwrap(found.manifest))
        let read = try JSONDecoder().decode(ClassManifest.self, from: Data(contentsOf: url))
        XCTAssertEqual(try read.json(), try found.json())
        XCTAssertEqual(read.scores.map(\.subject), found.scores.map(\.subject))
        XCTAssertEqual(read.scores.map(\.name), ["dog", "fox"])
        XCTAssertEqual(read.task, "classification")
    }
}
