import Foundation
import Tasks
import Tensors
import TestSupport
import Vision
import Weights
import XCTest

/// `mmx model` as a user runs it.
final class ModelCommandTests: ProgramTestCase {
    private var environment: [String: String] { ["MMX_MODELS": url("models").path] }

    private func model(_ arguments: String...) throws -> Outcome {
        try run(["model"] + arguments, environment: environment)
    }

    override func setUpWithError() throws {
        try super.setUpWithError()
        let store = ParameterStore(seed: 5)
        _ = TinyCNN().encoder(store.scope(), folded: false)
        _ = TinyCNN().head(store.scope(), classes: 2)
        try SafeTensors.write(store.stateDictionary(), to: url("weights.safetensors"), type: .f32)
        try write("names.txt", "cat\ndog\n")
    }

    func testModel_importListInfoVerify_agree() throws {
        let imported = try model("import", "weights.safetensors", "--encoder", "tiny", "--classes", "names.txt")
        XCTAssertEqual(imported.code, 0, imported.errors)
        XCTAssertEqual(imported.output, url("models/tiny").path + "\n")
        XCTAssertTrue(imported.errors.contains("folded"), imported.errors)
        XCTAssertEqual(files("models/tiny"), ["classes.txt", "config.json", "import.json", "model.safetensors"])

        let list = try model("list", "--json")
        let models = try JSONDecoder().decode([InstalledModel].self, from: Data(list.output.utf8))
        XCTAssertEqual(models.first { $0.name == "tiny" }?.task, "classification")
        XCTAssertTrue(try model("list").output.contains("classification"))

        let info = try model("info", "tiny")
        XCTAssertEqual(info.code, 0, info.errors)
        XCTAssertTrue(
            info.output.contains("explanation layer  conv4") && info.output.contains("2 classes"), info.output)
        XCTAssertTrue(try model("info", "efficientnet-lite0").output.contains("parameters         4652008"))
        assertFails(try model("info", "vgg99"), 4, "vgg99")

        let verify = try model("verify", "tiny")
        XCTAssertEqual(verify.code, 0, verify.errors)
        XCTAssertTrue(
            verify.output.contains("complete and finite") && verify.output.contains("as imported"), verify.output)
        var bytes = try Data(contentsOf: url("models/tiny/model.safetensors"))
        bytes[bytes.count - 1] ^= 1
        try bytes.write(to: url("models/tiny/model.safetensors"))
        assertFails(try model("verify", "tiny"), 4, "has changed")
        try bytes.dropLast().write(to: url("models/tiny/model.safetensors"))
        XCTAssertEqual(try model("verify", "tiny").code, 4)
    }

    func testModelImport_refused_writesNothing() throws {
        let other = try model("import", "weights.safetensors", "--encoder", "efficientnet-lite0")
        XCTAssertEqual(other.code, 4)
        XCTAssertTrue(other.errors.contains("missing"), other.errors)
        assertFails(
            try model("import", "weights.safetensors", "--encoder", "nothing"), 4, "no encoder called 'nothing'")
        assertFails(try model("import", "absent.pth", "--encoder", "tiny"), 4, "absent.pth")
        XCTAssertEqual(
            try model("import", "weights.safetensors", "--encoder", "tiny", "--headless", "--classes", "names.txt")
                .code, 64)
        XCTAssertFalse(FileManager.default.fileExists(atPath: url("models").path))
    }
}
