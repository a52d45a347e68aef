import Foundation
import Tensors
import TestSupport
import Vision
import Weights
import XCTest

/// One thread, two, or eight (more than this machine may have) give the same bytes. Every sum has one order: threads
/// share out rows and columns of products, never the terms of a sum; and no part is so small that OpenBLAS would run
/// another kernel than for the whole.
final class ThreadCountTests: ProgramTestCase {
    private let counts = [1, 2, 8]

    /// Runs the program in a folder of its own with each number of threads.
    /// - Returns: for each, what it printed and the files in `output`, but for manifests, which hold paths.
    private func outcomes(_ arguments: [String], output: String, models: URL? = nil) throws -> [[String: Data]] {
        try counts.map { threads in
            let place = url("threads-\(threads)-\(output)")
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
            var environment = ["MMX_THREADS": "\(threads)"]
            if let models { environment["MMX_MODELS"] = models.path }
            let outcome = try run(arguments + ["--output", output], in: place, environment: environment)
            XCTAssertEqual(outcome.code, 0, outcome.errors)
            let folder = place.appendingPathComponent(output)
            var found = [
                "first line": Data((outcome.output.split(separator: "\n").first ?? "").utf8)
            ]
            for name in try FileManager.default.contentsOfDirectory(atPath: folder.path)
            where [".npy", ".png", ".safetensors"].contains(where: name.hasSuffix) {
                found[name] = try Data(contentsOf: folder.appendingPathComponent(name))
            }
            return found
        }
    }

    private func assertAlike(_ found: [[String: Data]], files: Int, line: UInt = #line) {
        XCTAssertEqual(found[0].count, files + 1, "\(found[0].keys.sorted())", line: line)
        for (threads, other) in zip(counts, found).dropFirst() {
            XCTAssertEqual(other.keys.sorted(), found[0].keys.sorted(), line: line)
            for (name, data) in found[0] {
                XCTAssertEqual(data, other[name], "\(name), \(threads) threads", line: line)
            }
        }
    }

    /// A caption and the map of every word, by a drawn world's model and by the one that ships.
    func testCaptionAndMaps_anyThreadCount_giveTheSameBytes() throws {
        let picture = url("toy.png").path
        let words = try XCTUnwrap(caption("toy.png").output.split(separator: "\n").first).split(separator: " ").count
        let toy = try outcomes(["caption", picture, "--model", Self.model.path, "--explain-all"], output: "toy")
        assertAlike(toy, files: words + 1)
        let shipped = Self.repository.appendingPathComponent("models/caption-flickr8k").path
        let found = try outcomes(["caption", picture, "--model", shipped, "--explain-all"], output: "shipped")
        assertAlike(found, files: found[0].count - 1)
        XCTAssertGreaterThan(found[0].count, 4)
    }

    /// Encoders forward, and back to the pixels: Winograd and direct convolutions, then depthwise and 1x1.
    func testEncoders_anyThreadCount_giveTheSameBytes() throws {
        for name in ["resnet18", "efficientnet-lite0"] {
            let architecture = try Architectures.named(name)
            let store = ParameterStore(seed: 5)
            _ = architecture.encoder(store.scope(), folded: false)
            _ = architecture.head(store.scope(), classes: 3)
            try SafeTensors.write(store.stateDictionary(), to: url("\(name).safetensors"), type: .f32)
            try write("names.txt", "a\nb\nc\n")
            let imported = try run(
                ["model", "import", "\(name).safetensors", "--encoder", name, "--classes", "names.txt"],
                environment: ["MMX_MODELS": url("models").path])
            XCTAssertEqual(imported.code, 0, imported.errors)
            let found = try outcomes(
                [
                    "classify", url("wide.png").path, "--model", name, "--explain", "--method", "grad-cam", "--method",
                    "gradient",
                ], output: name, models: url("models"))
            // A raw map, a heat map and an overlay of each method.
            assertAlike(found, files: 6)
        }
    }

    /// Training: gradients of weights, batch statistics, the optimiser.
    func testTraining_anyThreadCount_givesTheSameBytes() throws {
        try writeToyWorld(to: url("world"), seed: 2_024, train: 12, dev: 4)
        let found = try outcomes(
            [
                "train", "caption", "--images", url("world/images").path, "--captions", url("world/captions.csv").path,
                "--train", url("world/train.txt").path, "--dev", url("world/dev.txt").path, "--encoder", "tiny",
                "--epochs", "1", "--tune-epochs", "1", "--tune-from", "all", "--embedding", "40", "--hidden", "48",
                "--attention", "40", "--minimum-count", "1", "--batch", "4",
            ], output: "trained")
        assertAlike(found, files: 2)
    }
}
