import Foundation
import Language
import Support
import TestSupport
import XCTest

@testable import Tasks
@testable import Tensors
@testable import Vision
@testable import Weights

/// neuraltalk2, im2txt and DeepRNN: what models of the same equations compute, mmx computes after an import. What that
/// proves, and what not, is in Fixtures/older/README.md.
final class OlderFamiliesTests: XCTestCase {
    private var folder: URL!

    override func setUpWithError() throws { folder = try Fixture.temporaryFolder() }
    override func tearDown() { try? FileManager.default.removeItem(at: folder) }

    private func url(_ name: String) -> URL { Fixture.url("older/\(name)") }

    private func expected(_ name: String) throws -> [String: Any] {
        let data = try Data(contentsOf: url("\(name).json"))
        return try XCTUnwrap(JSONSerialization.jsonObject(with: data) as? [String: Any])
    }

    /// The weights of an entry `[name, shape, scale, add]`.
    private func weights(_ entry: [Any]) throws -> [Float] {
        let name = try XCTUnwrap(entry[0] as? String), shape = try XCTUnwrap(entry[1] as? [Int])
        let scale = try XCTUnwrap(entry[2] as? Double)
        var values = ReproducibleWeights.noise(name, shape, scale: Float(scale)).array
        if let add = entry[3] as? [Double] { values[Int(add[0])] += Float(add[1]) }
        return values
    }

    /// A file of `NAME.pieces.json.gz`, with the weights between its pieces.
    private func file(_ name: String, as newName: String) throws -> URL {
        let json = try JSONSerialization.jsonObject(with: CheckpointFixture.unzipped(url("\(name).pieces.json.gz")))
        var data = Data()
        for piece in try XCTUnwrap(json as? [[Any]]) {
            data.append(try XCTUnwrap(Data(base64Encoded: XCTUnwrap(piece[0] as? String))))
            if piece.count == 1 { continue }
            let values = try weights(Array(piece[1...4]))
            if piece[5] as? String == "f8" {
                values.map(Double.init).withUnsafeBytes { data.append(contentsOf: $0) }
            } else {
                values.withUnsafeBytes { data.append(contentsOf: $0) }
            }
        }
        let target = folder.appendingPathComponent(newName)
        try data.write(to: target)
        return target
    }

    private func imported(_ file: URL, vocabulary: String? = nil) throws -> (Captioner, ModelImport.Record) {
        let output = folder.appendingPathComponent("model")
        try? FileManager.default.removeItem(at: output)
        var task = FamilyImport(files: [file], output: output)
        task.vocabulary = vocabulary.map { url($0) }
        let record = try task.run()
        return (try Captioner.load(output), record)
    }

    /// The map of a picture: every 97th number, and the length.
    private func check(map: Tensor, _ expected: Any?, _ name: String) throws {
        XCTAssertEqual(map.shape, try XCTUnwrap((expected as? [String: Any])?["shape"] as? [Int]), name)
        try assertGradient(map, expected, name)
    }

    private func words(_ json: [String: Any], _ special: [String: String]) throws -> [String] {
        try XCTUnwrap(json["words"] as? [String]).map { special[$0] ?? $0 }
    }

    func testNeuralTalk_isTheEquations() throws {
        let json = try expected("neuraltalk2")
        let (captioner, record) = try imported(file("neuraltalk2", as: "model_id1.t7"))
        XCTAssertEqual(record.family, "neuraltalk2")
        XCTAssertEqual(record.encoder, "vgg16")
        XCTAssertEqual(captioner.configuration.decoder.layers, 2)
        XCTAssertEqual(captioner.configuration.preprocessing.squashedSide, 256)
        XCTAssertEqual(captioner.configuration.search.beam, 2)
        XCTAssertEqual(captioner.configuration.search.maximumLength, 16)
        try check(captioner, json, features: CheckpointFixture.features(json), words: words(json, [:]), "neuraltalk2")
        try check(map: captioner.features(CheckpointFixture.picture), json["map"], "neuraltalk2")
    }

    func testDeepRNN_isTheEquations() throws {
        let json = try expected("deeprnn")
        let file = try file("deeprnn", as: "289999.npy")
        for (vocabulary, problem) in [(nil, "--vocabulary"), ("word_counts.txt", "no column 'word'")] {
            XCTAssertThrowsError(try imported(file, vocabulary: vocabulary)) {
                XCTAssertTrue("\($0)".contains(problem), "\($0)")
            }
        }
        let (captioner, record) = try imported(file, vocabulary: "vocabulary.csv")
        XCTAssertEqual(record.family, "deeprnn")
        XCTAssertEqual(record.encoder, "vgg16")
        XCTAssertNil(record.warnings)
        let words = try words(json, [".": "<end>"])
        XCTAssertTrue(words.contains("\"") && words.contains(","))
        try check(captioner, json, features: CheckpointFixture.features(json), words: words, "deeprnn")
        try check(map: captioner.features(CheckpointFixture.picture), json["map"], "deeprnn")
        // The attention is the same before every word.
        let map = try CheckpointFixture.features(json)
        let first = captioner.decoder.step(captioner.decoder.begin(features: map, rows: 1), words: [1])
        let second = captioner.decoder.step(first.state, words: [7])
        let pair = try XCTUnwrap(first.state.attention?.array), other = try XCTUnwrap(second.state.attention?.array)
        for (a, b) in zip(pair, other) { XCTAssertEqual(a, b, accuracy: 1e-6) }
        XCTAssertGreaterThan((pair.max() ?? 0) - (pair.min() ?? 0), 1e-3)
    }

    /// The index is TensorFlow's; the data file is written here.
    private func checkpoint(_ json: [String: Any]) throws -> URL {
        let index = url("im2txt.ckpt.index"), target = folder.appendingPathComponent("model.ckpt-2000000")
        try FileManager.default.copyItem(at: index, to: target.appendingPathExtension("index"))
        let head = try XCTUnwrap(json["weights"] as? [String: [Any]])
        let original = try TensorFlowIndex(MappedFile(index))
        var data = Data(count: original.entries.map { $0.offset + $0.size }.max() ?? 0)
        for entry in original.entries where entry.name != "global_step" {
            let shape = try XCTUnwrap(entry.shape)
            let values: [Float]
            if let own = head[entry.name] {
                values = try weights(own)
            } else if shape.count > 1 {
                let fan = Double(shape.dropLast().reduce(1, *))
                values =
                    ReproducibleWeights.noise(entry.name, shape, scale: Float(2 * (6 / fan).squareRoot())).array
            } else {
                let usual: Float = entry.name.hasSuffix("variance") ? 1 : 0
                values = ReproducibleWeights.noise(entry.name, shape, scale: 0.4).array.map { $0 + usual }
            }
            data.replaceSubrange(entry.offset..<entry.offset + entry.size, with: values.withUnsafeBytes { Data($0) })
        }
        try data.write(to: target.appendingPathExtension("data-00000-of-00001"))
        return target
    }

    func testIm2txt_isTheEquations() throws {
        let json = try expected("im2txt")
        let file = try checkpoint(json)
        let (captioner, record) = try imported(file, vocabulary: "word_counts.txt")
        XCTAssertEqual(record.family, "im2txt")
        XCTAssertEqual(record.encoder, "keras_inception_v3")
        XCTAssertEqual(record.file, "model.ckpt-2000000.index")
        XCTAssertEqual(record.shards?.keys.sorted(), ["model.ckpt-2000000.data-00000-of-00001"])
        XCTAssertNil(record.warnings)
        // "pad" and "end" are words; the rows behind <UNK> have none.
        XCTAssertNotNil(captioner.vocabulary.index(of: "pad"))
        XCTAssertNotNil(captioner.vocabulary.index(of: "<29>"))
        XCTAssertEqual(captioner.vocabulary.count, 31)
        let words = try words(json, ["<S>": "<start>", "</S>": "<end>", "<UNK>": "<unknown>"])
        try check(captioner, json, features: CheckpointFixture.features(json), words: words, "im2txt")
        let noise = ReproducibleWeights.noise("checkpoints.picture", [1, 107, 107, 3])
        let picture = Tensor(noise.shape, noise.array.map { (($0 + 0.5) * 256).rounded(.down) / 127.5 - 1 })
        try check(map: captioner.features(picture), json["map"], "im2txt")
    }

    /// Names of the LSTM's variables in older versions of TensorFlow.
    func testIm2txt_readsOlderNames() {
        let tensor = Tensor([1])
        for (kernel, bias) in [
            ("lstm/basic_lstm_cell/weights", "lstm/basic_lstm_cell/biases"),
            ("lstm/BasicLSTMCell/Linear/Matrix", "lstm/BasicLSTMCell/Linear/Bias"),
        ] {
            XCTAssertEqual(
                Im2txtNames.renamed([kernel: tensor, bias: tensor]).keys.sorted(), ["lstm/bias", "lstm/kernel"])
        }
    }

    /// Vectors without names.
    func testFlatVectors_areRefused() {
        for (names, reason) in [
            (["embedding_w_q", "encoder_w_q", "multimodal_w"], "VQA_LSTM_CNN"),
            (["wparams", "pparams", "qparams", "aparams"], "HieCoAttenVQA"), (["lmparam"], "AdaptiveAttention"),
        ] {
            let contents = CheckpointContents(
                tensors: Dictionary(uniqueKeysWithValues: names.map { ($0, Tensor([4])) }), values: .none,
                format: .torch7)
            XCTAssertTrue(KnownRefusals.reason(contents)?.contains(reason) ?? false, reason)
        }
    }
}
