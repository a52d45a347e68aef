import Foundation
import Tensors
import TestSupport
import Vision
import Weights
import XCTest

@testable import Tasks

/// Imports of other programs' checkpoints into model folders.
final class ModelImportTests: XCTestCase {
    private var folder = FileManager.default.temporaryDirectory

    override func setUpWithError() throws { folder = try Fixture.temporaryFolder() }
    override func tearDownWithError() throws { try FileManager.default.removeItem(at: folder) }

    private func url(_ name: String) -> URL { folder.appendingPathComponent(name) }

    /// A checkpoint of the network "tiny" with separate batch normalisation, in PyTorch's layouts.
    private func checkpoint(classes: Int = 3) throws -> [String: Tensor] {
        let store = ParameterStore(seed: 5)
        let architecture = TinyCNN()
        _ = architecture.encoder(store.scope(), folded: false)
        _ = architecture.head(store.scope(), classes: classes)
        var state = store.stateDictionary()
        for (name, tensor) in state where name.hasSuffix("running_var") {
            state[name] = Tensor(tensor.shape, (0..<tensor.count).map { 0.5 + Float($0 % 5) / 4 })
        }
        for (name, tensor) in state where name.hasSuffix("running_mean") {
            state[name] = Tensor(tensor.shape, (0..<tensor.count).map { Float($0 % 3) / 8 })
        }
        return state
    }

    private func task(_ state: [String: Tensor], classes: String? = "cat\ndog\nbird, small\n") throws -> ModelImport {
        try SafeTensors.write(state, to: url("weights.safetensors"), type: .f32)
        var task = ModelImport(file: url("weights.safetensors"), encoder: "tiny", output: url("model"))
        if let classes {
            try Data(classes.utf8).write(to: url("classes.txt"))
            task.classes = url("classes.txt")
        }
        return task
    }

    private func assertRefused(
        _ state: [String: Tensor], _ parts: String..., classes: String? = "a\nb\nc\n", line: UInt = #line
    ) throws {
        XCTAssertThrowsError(try task(state, classes: classes).run { _ in "" }, line: line) { error in
            for part in parts {
                XCTAssertTrue("\(error)".contains(part), "'\(error)' does not say '\(part)'", line: line)
            }
        }
        XCTAssertFalse(FileManager.default.fileExists(atPath: url("model").path), "something was written", line: line)
    }

    func testModelImport_ofAClassifier_writesAModelOfTheSameScores() throws {
        let state = try checkpoint()
        let record = try task(state).run { "\($0.count)" }
        XCTAssertEqual(record.task, "classification")
        XCTAssertEqual(record.tensors, 10)
        XCTAssertTrue(record.folded)
        XCTAssertEqual(try String(contentsOf: url("model/classes.txt"), encoding: .utf8), "cat\ndog\nbird, small\n")
        let configuration = try JSONDecoder().decode(
            ClassifierConfiguration.self, from: Data(contentsOf: url("model/config.json")))
        XCTAssertEqual(configuration.classes, 3)
        XCTAssertEqual(configuration.encoder, EncoderConfiguration(name: "tiny", folded: true))
        XCTAssertNil(configuration.problem)

        // The imported network gives the checkpoint's scores.
        let picture = Tensor([1, 64, 64, 3], (0..<64 * 64 * 3).map { Float($0 % 17) / 8 - 1 })
        let original = ParameterStore(strict: state, origin: "checkpoint")
        let architecture = TinyCNN()
        let expected = architecture.head(original.scope(), classes: 3)(
            architecture.encoder(original.scope(), folded: false)(Variable(picture))
        ).value.array
        let logits = try ModelFiles(url("model")).loading { p in
            let encoder = try configuration.encoder.makeEncoder(p["encoder"])
            return architecture.head(p["head"], classes: 3)(encoder(Variable(picture))).value.array
        }
        XCTAssertGreaterThan(expected.map(abs).max() ?? 0, 0.01)
        for (a, b) in zip(logits, expected) { XCTAssertEqual(a, b, accuracy: 1e-4 * max(1, abs(b))) }

        // The check accepts it, but not after a byte has changed.
        let check = try ModelCheck.run(url("model")) { "\($0.count)" }
        XCTAssertEqual(check.imported, check.sha256)
        XCTAssertThrowsError(try ModelCheck.run(url("model")) { _ in "other" }) {
            XCTAssertTrue("\($0)".contains("has changed"), "\($0)")
        }
        // A model is not overwritten.
        XCTAssertThrowsError(try task(state).run { _ in "" }) {
            XCTAssertTrue("\($0)".contains("is a model already"), "\($0)")
        }
        XCTAssertEqual(try InstalledModel(url("model")).task, "classification")
    }

    func testModelImport_headless_writesTheEncoderAlone() throws {
        var state = try checkpoint()
        var task = try task(state, classes: nil)
        task.headless = true
        let record = try task.run { _ in "hash" }
        XCTAssertEqual(record.leftOut, ["fc.bias", "fc.weight"])
        XCTAssertEqual(record.task, "encoder")
        XCTAssertEqual(try ModelCheck.run(url("model")) { _ in "hash" }.task, "encoder")
        let (encoder, store) = try ModelFiles(url("model")).encoder()
        XCTAssertEqual(encoder.network.lastLayer, "conv4")
        XCTAssertEqual(store.values.count, 8)
        try FileManager.default.removeItem(at: url("model"))
        state["fc.weight"] = nil
        state["fc.bias"] = nil
        try assertRefused(state, "has no head", "--headless", classes: nil)
    }

    func testModelImport_ofAFileThatDoesNotFit_listsTheTensors() throws {
        var state = try checkpoint()
        state["conv2.weight"] = nil
        state["extra.weight"] = Tensor([2, 2])
        state["conv3.weight"] = Tensor([64, 32, 5, 5])
        try assertRefused(
            state, "does not fit tiny", "1 missing", "conv2.weight", "1 left over", "extra.weight [2, 2]",
            "1 of another shape",
            "conv3.weight (expected [64, 32, 3, 3], found [64, 32, 5, 5])")
        try assertRefused(checkpoint(), "it has 3 classes", "names 2", classes: "a\nb\n")
        try assertRefused(checkpoint(), "3 classes whose names are not known", "--classes", classes: nil)
        try assertRefused(checkpoint(), "no name in line 2", classes: "a\n\nc\n")
        // Another architecture: the list of tensors, and a hint.
        let other = ParameterStore(seed: 1)
        let lite = try Architectures.named("efficientnet-lite0")
        _ = lite.encoder(other.scope(), folded: false)
        try assertRefused(
            other.stateDictionary(), "missing", "left over", "the names of efficientnet-lite0", classes: nil)
        state = try checkpoint()
        state["fc.weight"] = Tensor([3, 64])
        try assertRefused(state, "fc.weight (expected [3, 128], found [3, 64])")
    }

    /// Caffe's and Keras's networks have torchvision's names; a hint at what a file holds does not name them.
    func testModelImport_ofNamesThatFitATwin_hintsAtTheUsualNetwork() throws {
        func hint(_ name: String) throws -> String? {
            let pairs = try Architectures.named(name).normPairs
            let tensors = Dictionary(
                uniqueKeysWithValues: pairs.map { ("\($0.convolution).weight", Tensor([1, 1, 1, 1])) })
            return ModelImport.guess(tensors, instead: TinyCNN())
        }
        let names = "its layers have the names of"
        XCTAssertEqual(try hint("resnet50"), "\(names) resnet50, wide_resnet50_2, resnext50_32x4d")
        XCTAssertEqual(try hint("caffe_resnet152"), "\(names) resnet152")
        XCTAssertEqual(try hint("keras_inception_v3"), "\(names) inception_v3")
    }

    func testModelImport_ofNumbersThatAreNotFinite_isRefused() throws {
        var state = try checkpoint()
        var values = try XCTUnwrap(state["conv2.weight"]).array
        values[7] = .nan
        values[9] = .infinity
        state["conv2.weight"] = Tensor(try XCTUnwrap(state["conv2.weight"]).shape, values)
        try assertRefused(state, "2 of the", "conv2.weight", "NaN")
        state = try checkpoint()
        state["bn2.running_var"] = Tensor([32], repeating: -1)
        try assertRefused(state, "bn2.running_var has negative variances")
    }

    func testModelImport_ofATruncatedFile_isRefused() throws {
        let whole = try task(checkpoint())
        let data = try Data(contentsOf: whole.file)
        try data.prefix(data.count / 2).write(to: whole.file)
        XCTAssertThrowsError(try whole.run { _ in "" }) { XCTAssertTrue($0 is SafeTensorsError, "\($0)") }
        XCTAssertFalse(FileManager.default.fileExists(atPath: url("model").path))
        try Data("<html>".utf8).write(to: whole.file)
        XCTAssertThrowsError(try whole.run { _ in "" }) { XCTAssertTrue("\($0)".contains("web page"), "\($0)") }
    }

    func testModelImport_ofPrefixedNames_removesThePrefix() throws {
        let state = Dictionary(uniqueKeysWithValues: try checkpoint().map { ("module." + $0.key, $0.value) })
        XCTAssertEqual(try task(state).run { _ in "" }.tensors, 10)
    }

    func testModelImport_ofAPartOfALargerModel_saysWhichPrefixFits() throws {
        var state = Dictionary(uniqueKeysWithValues: try checkpoint().map { ("model.encoder." + $0.key, $0.value) })
        state["model.decoder.weight"] = Tensor([2])
        try assertRefused(
            state, "1 left over:\n    model.decoder.weight [2]",
            "22 of the network's 22 names match once 'model.encoder.' is removed",
            "1 of the file's names have another beginning ('model.decoder.weight')", "--key model.encoder")
        var task = try task(state)
        task.key = "model.encoder"
        let record = try task.run { _ in "" }
        XCTAssertEqual(record.tensors, 10)
        XCTAssertEqual(record.removedPrefix, "model.encoder")
        XCTAssertEqual(record.leftOut, ["model.decoder.weight"])
        XCTAssertNil(record.warnings)
    }

    func testModelImport_ofTwoThatFit_warnsWhichWasTaken() throws {
        let state = try checkpoint()
        var both: [String: Tensor] = [:]
        for (name, tensor) in state {
            both["ema.\(name)"] = tensor
            both["model.\(name)"] = tensor
        }
        // In safetensors the two are prefixes, not dictionaries.
        try assertRefused(
            both, "22 left over", "22 of the network's 22 names match once 'model.' is removed", "--key model")
        var task = try task(both)
        task.key = "ema"
        XCTAssertEqual(try task.run { _ in "" }.leftOut, ["model (22 tensors)"])
    }

    func testModelImport_ofAnIndex_recordsItsShards() throws {
        let state = try checkpoint()
        let names = state.keys.sorted()
        for (shard, part) in [("1.safetensors", names[..<9]), ("2.safetensors", names[9...])] {
            try SafeTensors.write(state.filter { part.contains($0.key) }, to: url(shard), type: .f32)
        }
        let map = Dictionary(
            uniqueKeysWithValues: names.enumerated().map { ($1, $0 < 9 ? "1.safetensors" : "2.safetensors") })
        var task = try task(state)
        task.file = url("model.safetensors.index.json")
        try JSONEncoder().encode(["weight_map": map]).write(to: task.file)
        let record = try task.run { "\($0.count)" }
        XCTAssertEqual(record.tensors, 10)
        let sizes = try ["1.safetensors", "2.safetensors"].map { try Data(contentsOf: url($0)).count }
        XCTAssertEqual(record.shards, ["1.safetensors": "\(sizes[0])", "2.safetensors": "\(sizes[1])"])
    }

    /// A checkpoint does not hold torchvision's transform_input.
    func testModelImport_ofGoogLeNet_saysHowPixelsAreScaled() throws {
        let network = try Architectures.named("googlenet")
        let store = ParameterStore(seed: 1)
        _ = network.encoder(store.scope(on: Tape()), folded: false)
        func imported(_ pixels: ModelImport.PixelScale?) throws -> (warnings: [String]?, preprocessing: Preprocessing) {
            var task = try task(store.stateDictionary(), classes: nil)
            task.encoder = "googlenet"
            task.headless = true
            task.pixels = pixels
            try? FileManager.default.removeItem(at: url("model"))
            let record = try task.run { _ in "" }
            let configuration = try JSONDecoder().decode(
                EncoderModelConfiguration.self, from: Data(contentsOf: url("model/config.json")))
            return (record.warnings, configuration.preprocessing)
        }
        let usual = try imported(nil)
        XCTAssertEqual(usual.warnings?.count, 1)
        XCTAssertTrue(usual.warnings?.first?.contains("transform_input=False need --pixels imagenet") ?? false)
        XCTAssertEqual(usual.preprocessing, network.preprocessing)
        let other = try imported(.imageNet)
        XCTAssertNil(other.warnings)
        XCTAssertEqual(other.preprocessing.mean, Preprocessing.imageNet().mean)
        XCTAssertEqual(other.preprocessing.std, Preprocessing.imageNet().std)
        XCTAssertEqual(other.preprocessing.resizeShortSide, network.preprocessing.resizeShortSide)
        XCTAssertNil(try imported(.plusMinusOne).warnings)
    }

    func testNetworkSummary_ofANetwork_countsParametersAndOperations() throws {
        let summary = NetworkSummary(TinyCNN(), classes: 3)
        XCTAssertEqual(summary.explanationLayer, "conv4")
        XCTAssertEqual(summary.layers.map(\.name), ["conv1", "conv2", "conv3", "conv4", "fc"])
        XCTAssertEqual(summary.layers[0].weight, [16, 3, 4, 4])
        XCTAssertEqual(summary.layers[0].output, [1, 32, 32, 16])
        XCTAssertEqual(summary.layers[0].parameters, 16 * 3 * 16 + 16)
        XCTAssertEqual(summary.layers[0].multiplyAdds, 32 * 32 * 16 * 3 * 16)
        XCTAssertEqual(summary.layers[4].multiplyAdds, 128 * 3)
        XCTAssertEqual(summary.flops, 2 * summary.layers.map(\.multiplyAdds).reduce(0, +))
        // Convolutions without bias, scale and shift of each channel, and the linear layer.
        let convolutions = 16 * 3 * 16 + 32 * 16 * 16 + 64 * 32 * 9 + 128 * 64
        XCTAssertEqual(summary.parameters, convolutions + 2 * (16 + 32 + 64 + 128) + 128 * 3 + 3)
        XCTAssertThrowsError(try NetworkSummary(named: "no-such-network")) {
            XCTAssertTrue($0 is UnknownEncoder, "\($0)")
        }
    }
}
