import Foundation
import Language
import TestSupport
import XCTest

@testable import Tasks
@testable import Tensors
@testable import Vision
@testable import Weights

/// Merge captioners of Keras: what Keras computes of its files, mmx computes after an import.
final class KerasFamilyTests: FamilyTestCase {
    private func expected() throws -> (json: [String: Any], models: [String: [String: Any]], words: [String]) {
        let json = try CheckpointFixture.expected("keras/merge")
        let marks = ["startseq": "<start>", "endseq": "<end>", "": "<pad>"]
        let words = try XCTUnwrap(json["words"] as? [String]).map { marks[$0] ?? $0 }
        return (json, try XCTUnwrap(json["models"] as? [String: [String: Any]]), words)
    }

    private func file(_ name: String) throws -> URL { try fixture.file("keras/\(name)") }

    /// Imports a file and compares it with Keras's values of the model `expectation`.
    @discardableResult
    private func check(
        _ name: String, as expectation: String, vocabulary: String = "tokenizer.pkl", at url: URL? = nil
    ) throws -> (captioner: Captioner, record: ModelImport.Record) {
        let (json, models, words) = try expected()
        let (folder, record) = try imported(
            [url ?? file(name)], vocabulary: file(vocabulary), encoderWeights: tinyEncoder(),
            name: "\(name)-\(vocabulary)")
        XCTAssertEqual(record.family, "merge")
        let captioner = try Captioner.load(folder)
        XCTAssertEqual(captioner.vocabulary.count, words.count + 1, "<unknown>")
        try check(
            captioner, XCTUnwrap(models[expectation]), features: CheckpointFixture.features(json), words: words, name)
        return (captioner, record)
    }

    func testAddition_isKeras_inEveryForm() throws {
        for name in ["add.h5.gz", "add-keras2.h5.gz", "add.keras.gz"] {
            let (captioner, record) = try check(name, as: "add")
            XCTAssertEqual(captioner.configuration.search.maximumLength, 12)
            XCTAssertNil(captioner.configuration.decoder.concatenates)
            // The model folder's own preprocessing.
            XCTAssertEqual(captioner.configuration.preprocessing, TinyCNN().preprocessing)
            XCTAssertFalse(record.notes?.contains { $0.contains("assumed") } ?? false)
        }
        let (captioner, record) = try check("add.weights.h5.gz", as: "add")
        XCTAssertEqual(captioner.configuration.search.maximumLength, 34)
        XCTAssertTrue(record.notes?.contains { $0.contains("are assumed") } ?? false)
    }

    func testConcatenation_isKeras_inBothOrders() throws {
        // The sentence stands first; the description says so.
        let (captioner, _) = try check("concatenate.keras.gz", as: "concatenate")
        XCTAssertEqual(captioner.configuration.decoder.concatenates, true)
        XCTAssertEqual(captioner.configuration.decoder.imageWidth, 10)
        let (_, record) = try check("image_first.weights.h5.gz", as: "image_first")
        XCTAssertTrue(record.notes?.contains { $0.contains("the image stands before the sentence") } ?? false)
    }

    func testBatchNormalisation_isFolded() throws { try check("norms.keras.gz", as: "norms") }

    func testHardSigmoid_isThatOfTheFilesKeras() throws {
        let (captioner, _) = try check("hard-keras2.h5.gz", as: "hard")
        XCTAssertEqual(captioner.configuration.decoder.clipsGates, true)
        let three = try changed(
            "add.keras.gz", "\"recurrent_activation\": \"sigmoid\"", "\"recurrent_activation\": \"hard_sigmoid\"")
        try check("hard3", as: "hard3", at: three)
    }

    func testVocabularies() throws {
        // "pad", "start" and "end" are words where the tokenizer has startseq and endseq.
        for vocabulary in ["tokenizer.pkl", "wordtoix.pkl"] {
            let (captioner, _) = try check("add.keras.gz", as: "add", vocabulary: vocabulary)
            for word in ["pad", "start", "end"] { XCTAssertNotNil(captioner.vocabulary.index(of: word), word) }
        }
        // DataFlair's marks are "start" and "end".
        let (folder, _) = try imported(
            [file("add.keras.gz")], vocabulary: file("word_index.json"), encoderWeights: tinyEncoder())
        let captioner = try Captioner.load(folder)
        XCTAssertNil(captioner.vocabulary.index(of: "start"))
        XCTAssertNotNil(captioner.vocabulary.index(of: "begin"))
    }

    // MARK: What is refused

    /// A .keras file whose description is changed.
    private func changed(_ name: String, _ old: String, _ new: String) throws -> URL {
        let url = try file(name)
        let mapped = try MappedFile(url)
        let archive = try ZipArchive(mapped)
        let members = try ["metadata.json", "config.json", "model.weights.h5"].map { member in
            (name: member, data: Data(try XCTUnwrap(archive.contents(member))))
        }
        let target = fixture.folder.appendingPathComponent("changed.keras")
        try CheckpointFixture.zip(
            members.map { member in
                guard member.name == "config.json" else { return member }
                let text = String(decoding: member.data, as: UTF8.self)
                XCTAssertTrue(text.contains(old), old)
                return (member.name, Data(text.replacingOccurrences(of: old, with: new).utf8))
            }
        ).write(to: target)
        return target
    }

    func testOtherModels_areRefusedByName() throws {
        let words = try file("tokenizer.pkl")
        for (name, reason) in [
            ("gru", "of class GRU"), ("bidirectional", "of class Bidirectional"), ("inject", "is an \"inject\" model"),
            ("deep", "has 3 Dense layers between"),
        ] {
            assertRefused(reason, [try file("\(name).keras.gz")], vocabulary: words, encoderWeights: try tinyEncoder())
        }
        for (old, new, reason) in [
            ("\"go_backwards\": false", "\"go_backwards\": true", "reads captions from their end"),
            ("\"return_sequences\": false", "\"return_sequences\": true", "return_sequences"),
            ("\"mask_zero\": true", "\"mask_zero\": false", "has no mask"),
            ("\"activation\": \"tanh\"", "\"activation\": \"relu\"", "has the activations relu and sigmoid"),
            ("\"activation\": \"relu\"", "\"activation\": \"elu\"", "has the activation elu; mmx has relu there"),
            ("\"activation\": \"softmax\"", "\"activation\": \"sigmoid\"", "mmx has softmax there"),
            ("\"class_name\": \"Add\"", "\"class_name\": \"Multiply\"", "of class Multiply has no place"),
        ] {
            assertRefused(
                reason, [try changed("add.keras.gz", old, new)], vocabulary: words,
                encoderWeights: try tinyEncoder())
        }
    }

    func testDamagedDescriptions_areRefused() throws {
        for (old, new) in [
            ("\"output_layers\": [\"words\"", "\"output_layers\": [\"lost\""),
            ("\"class_name\": \"Functional\"", "\"class_name\": \"Sequential\""),
            // Layers that read each other.
            ("\"keras_history\": [\"photo\"", "\"keras_history\": [\"dense\""),
        ] {
            assertRefused(
                "looks like merge, but", [try changed("add.keras.gz", old, new)],
                vocabulary: try file("tokenizer.pkl"), encoderWeights: try tinyEncoder())
        }
    }

    func testTheCNN_isAskedFor() throws {
        assertRefused("--encoder-weights", [try file("add.keras.gz")], vocabulary: try file("tokenizer.pkl"))
    }
}
