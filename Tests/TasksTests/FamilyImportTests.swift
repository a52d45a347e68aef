import Foundation
import Language
import Support
import TestSupport
import XCTest

@testable import Tasks
@testable import Tensors
@testable import Vision
@testable import Weights

/// Captioners and VQA models of other programs: what PyTorch computes of their checkpoints, mmx computes after an import.
final class FamilyImportTests: FamilyTestCase {
    // MARK: Captioners

    func testYunjey_isPyTorchs() throws {
        let json = try CheckpointFixture.expected("yunjey")
        let encoder = try fixture.archive("yunjey-encoder")
        let variants = try XCTUnwrap(json["variants"] as? [String: [String: Any]])
        for (index, name) in ["decoder", "decoder-2-layers"].enumerated() {
            for protocolNumber in index == 0 ? [0, 3, 4] : [4] {
                let decoder =
                    try index == 0 ? fixture.file("yunjey-decoder.ckpt.gz") : fixture.archive("yunjey-\(name)")
                let (folder, record) = try imported(
                    [encoder, decoder],
                    vocabulary: fixture.file("yunjey-vocab-\(protocolNumber).pkl"), name: "\(name)-\(protocolNumber)")
                XCTAssertEqual(record.family, "show-and-tell")
                XCTAssertEqual(record.encoder, "resnet18")
                let captioner = try Captioner.load(folder)
                XCTAssertEqual(captioner.configuration.preprocessing.filter, .lanczos)
                try check(
                    captioner, XCTUnwrap(variants[name]), features: CheckpointFixture.features(json),
                    words: words(json), "yunjey \(name)", picture: true)
            }
        }
    }

    func testUdacity_inAStudentsSpelling_isPyTorchs() throws {
        let json = try CheckpointFixture.expected("udacity")
        let (folder, _) = try imported(
            [fixture.archive("udacity-decoder")], vocabulary: fixture.file("udacity-vocab.pkl"),
            encoderWeights: fixture.archive("udacity-encoder").path)
        let captioner = try Captioner.load(folder)
        XCTAssertEqual(captioner.configuration.preprocessing.resizeShortSide, 256)
        let variants = try XCTUnwrap(json["variants"] as? [String: [String: Any]])
        try check(
            captioner, XCTUnwrap(variants["decoder"]), features: CheckpointFixture.features(json), words: words(json),
            "udacity", picture: true)
    }

    func testAladdinpersson_isPyTorchs() throws {
        let json = try CheckpointFixture.expected("aladdinpersson")
        let list = fixture.folder.appendingPathComponent("words.txt")
        try Data(try XCTUnwrap(json["words"] as? [String]).joined(separator: "\n").utf8).write(to: list)
        let (folder, record) = try imported([fixture.archive("aladdinpersson")], vocabulary: list)
        XCTAssertEqual(record.encoder, "inception_v3")
        let captioner = try Captioner.load(folder)
        XCTAssertEqual(captioner.configuration.decoder.activatesImage, true)
        // torchvision's transform_input on pixels that are at -1...1 already: black is (-1 - 1 + 0.485 / 0.5) ...
        let preprocessing = captioner.configuration.preprocessing
        for channel in 0..<3 {
            let (mean, deviation): ([Float], [Float]) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
            let black = -1 * (deviation[channel] / 0.5) + (mean[channel] - 0.5) / 0.5
            XCTAssertEqual(
                (0 - preprocessing.mean[channel]) / preprocessing.std[channel], black, accuracy: 1e-5)
        }
        let variants = try XCTUnwrap(json["variants"] as? [String: [String: Any]])
        try check(
            captioner, XCTUnwrap(variants["decoder"]), features: CheckpointFixture.features(json), words: words(json),
            "aladdinpersson")
    }

    func testSgrvinod_isPyTorchs_inBothForms() throws {
        let json = try CheckpointFixture.expected("sgrvinod")
        let map = try XCTUnwrap(json["wordMap"] as? [String: Int])
        var words = [String](repeating: "", count: map.count)
        for (word, id) in map { words[id] = Self.special[word] ?? word }
        for (name, file) in [
            ("zip", try fixture.archive("sgrvinod-zip")), ("legacy", try fixture.stream("sgrvinod-legacy")),
        ] {
            let (folder, record) = try imported(
                [file], vocabulary: fixture.file("sgrvinod-WORDMAP_x.json"), name: name)
            XCTAssertEqual(record.family, "sgrvinod")
            XCTAssertTrue(record.notRun?.contains("models.DecoderWithAttention") ?? false)
            let captioner = try Captioner.load(folder)
            try check(
                captioner, json, features: CheckpointFixture.features(json), words: words, "sgrvinod \(name)",
                picture: true)
        }
    }

    func testSelfCritical_isPyTorchs() throws {
        let json = try CheckpointFixture.expected("ruotianluo")
        let models = try XCTUnwrap(json["models"] as? [String: [String: Any]])
        XCTAssertEqual(models.count, 8)
        var words = try XCTUnwrap(json["words"] as? [String]).map { Self.special[$0] ?? $0 }
        words[0] = "<end>"
        for (name, expected) in models {
            for protocolNumber in ["fc", "att2in", "updown"].contains(name) ? [0, 2] : [2] {
                let model =
                    try name == "fc" ? fixture.file("ruotianluo-fc.pth.gz") : fixture.archive("ruotianluo-\(name)")
                let (folder, record) = try imported(
                    [model],
                    vocabulary: fixture.file("ruotianluo-\(name)-infos-\(protocolNumber).pkl.gz"),
                    encoderWeights: tinyEncoder(), name: "\(name)-\(protocolNumber)")
                XCTAssertTrue(record.notes?.isEmpty == false)
                let captioner = try Captioner.load(folder)
                XCTAssertEqual(captioner.configuration.search.maximumLength, expected["limit"] as? Int, name)
                if protocolNumber == 0 { continue }
                try check(captioner, expected, features: CheckpointFixture.features(json), words: words, name)
            }
        }
    }

    private static let special = [
        "<unk>": "<unknown>", "UNK": "<unknown>", "<UNK>": "<unknown>", "<PAD>": "<pad>", "<SOS>": "<start>",
        "<EOS>": "<end>",
    ]

    private func words(_ json: [String: Any]) throws -> [String] {
        try XCTUnwrap(json["words"] as? [String]).map { Self.special[$0] ?? $0 }
    }

    // MARK: VQA models

    private func check(_ model: VQAModel, _ json: [String: Any], gradients: [(key: String, detached: Bool)]) throws {
        let features = try CheckpointFixture.features(json)
        let answers = try XCTUnwrap(json["answers"] as? [String])
        XCTAssertEqual(model.answers, answers)
        for question in try XCTUnwrap(json["questions"] as? [[String: Any]]) {
            let text = try XCTUnwrap(question["text"] as? String)
            let read = try model.read(text)
            let expected = try XCTUnwrap(question["logits"] as? [Double])
            let scores = model.scores(features: features, questions: [read.words]).array
            for (found, expected) in zip(scores, expected) {
                XCTAssertEqual(Double(found), expected, accuracy: 1e-4, text)
            }
            // Two questions of an image in one batch.
            XCTAssertEqual(
                model.scores(features: features, questions: [read.words, Array(read.words.prefix(2))]).row(0).array
                    .map { ($0 * 1e4).rounded() }, scores.map { ($0 * 1e4).rounded() }, text)
            let best = try XCTUnwrap(answers.firstIndex(of: try XCTUnwrap(question["answer"] as? String)))
            XCTAssertEqual(scores.indices.max { scores[$0] < scores[$1] }, best)
            for (key, detached) in gradients {
                var configuration = model.configuration.answerer
                configuration.detachesNorm = detached ? true : nil
                let store = ParameterStore(
                    strict: try SafeTensors.read(
                        XCTUnwrap(model.folder).appendingPathComponent("model.safetensors")
                    ).filter { $0.key.hasPrefix("answerer.") }, origin: "test")
                let head = configuration.makeHead(store.scope()["answerer"])
                func score(_ x: Variable) -> Variable {
                    head.logits(
                        features: x, embedded: head.embed([read.words]), lengths: [read.words.count], dropout: nil
                    ).picked([best])
                }
                let tape = Tape()
                let leaf = tape.leaf(features)
                let gradient = tape.gradients(of: score(leaf), withRespectTo: [leaf])[0]
                try assertGradient(gradient, question[key], "\(text) \(key)")
                if !detached {
                    assertDifferences(gradient, at: features, text) { score(Variable($0)).value.array[0] }
                }
            }
        }
    }

    func testTwoGlimpses_isPyTorchs() throws {
        let json = try CheckpointFixture.expected("pytorch-vqa")
        let (folder, record) = try imported(
            [fixture.file("pytorch-vqa.pth.gz")], encoderWeights: tinyEncoder())
        XCTAssertEqual(record.family, "pytorch-vqa")
        let model = try VQAModel.load(folder)
        XCTAssertEqual(model.configuration.preprocessing.width, 448)
        try check(model, json, gradients: [("gradient", false)])
        let question = try XCTUnwrap((json["questions"] as? [[String: Any]])?.first)
        let attention = try XCTUnwrap(question["attention"] as? [String: [Double]])
        let read = try model.read(XCTUnwrap(question["text"] as? String))
        let found = try XCTUnwrap(
            model.head.attention(
                features: CheckpointFixture.features(json), embedded: model.head.embed([read.words]).value,
                lengths: [read.words.count]))
        for index in 0..<16 {
            let mean =
                try ["glimpse0First16", "glimpse1First16"].map { try XCTUnwrap(attention[$0])[index] }
                .reduce(0, +) / 2
            XCTAssertEqual(Double(found.array[index]), mean, accuracy: 1e-6)
        }
    }

    func testJoinedLSTM_isPyTorchs() throws {
        let json = try CheckpointFixture.expected("basic_vqa")
        let (folder, record) = try imported(
            [fixture.archive("basic_vqa")], vocabulary: fixture.file("basic_vqa-vocab_questions.txt"),
            answers: fixture.file("basic_vqa-vocab_answers.txt"))
        XCTAssertEqual(record.encoder, "vgg19")
        try check(
            VQAModel.load(folder), json, gradients: [("gradientTrue", false), ("gradientDetachedNorm", true)])
    }

    // MARK: What does not belong together

    func testWhatIsMissing_isAskedForByName() throws {
        let decoder = try fixture.file("yunjey-decoder.ckpt.gz"), vocabulary = try fixture.file("yunjey-vocab-4.pkl")
        assertRefused("the CNN is not in this file: give --encoder-weights encoder-5-3000.pkl", [decoder])
        let encoder = try fixture.archive("yunjey-encoder")
        assertRefused("give --vocabulary", [encoder, decoder])
        assertRefused("is no captioner or VQA model", [encoder], vocabulary: vocabulary)
    }

    /// Records of any class are read; a call of anything else than the known few is refused by its name.
    func testPickleThatCallsSomething_isRefusedByName() throws {
        let files = [try fixture.archive("yunjey-encoder"), try fixture.file("yunjey-decoder.ckpt.gz")]
        let words = fixture.folder.appendingPathComponent("words.pkl")
        func write(_ module: String, _ name: String) throws {
            try Data("\u{63}\(module)\n\(name)\n(S'a'\ntR.".utf8).write(to: words)
        }
        try write("mymodule", "make_words")
        assertRefused("asks Python to call mymodule.make_words", files, vocabulary: words)
        try write("os", "system")
        assertRefused("asks for os.system", files, vocabulary: words)
        try write("collections", "Counter")
        assertRefused("has no list of words", files, vocabulary: words)
        // Where the file has words as they should be, and something else beside them (options).
        try Data("(dS'vocab'\n(dS'1'\nS'a'\nssS'opt'\ncmymodule\nmake_words\n(S'a'\ntRs.".utf8).write(to: words)
        try assertRefused(
            "asks Python to call mymodule.make_words", [fixture.file("ruotianluo-fc.pth.gz")], vocabulary: words,
            encoderWeights: tinyEncoder())
    }

    func testAnswersAndQuestionsOfOneFile() throws {
        let file = fixture.folder.appendingPathComponent("vocab.json")
        try Data(#"{"question": {"what": 1, "is": 2}, "answer": {"yes": 0, "hot dog": 1}}"#.utf8).write(to: file)
        XCTAssertEqual(try WordList(file).words, [1: "what", 2: "is"])
        XCTAssertEqual(try WordList(file, answers: true).words, [0: "yes", 1: "hot dog"])
        let text = fixture.folder.appendingPathComponent("answers.txt")
        try Data("yes\nhot dog\n".utf8).write(to: text)
        XCTAssertEqual(try WordList(text, answers: true).words, [0: "yes", 1: "hot dog"])
    }

    func testVocabularyOfAnotherLength_isRefused() throws {
        let files = [try fixture.archive("yunjey-encoder"), try fixture.file("yunjey-decoder.ckpt.gz")]
        let words = fixture.folder.appendingPathComponent("words.json")
        try Data(#"{"<pad>":0,"<start>":1,"<end>":2,"<unk>":3,"a":4}"#.utf8).write(to: words)
        assertRefused("have the numbers 0 to 4, the tables in", files, vocabulary: words)
        try Data(#"{"a":0}"#.utf8).write(to: words)
        assertRefused("vocabulary of another length", files, vocabulary: words)
    }

    func testCNNOfOtherChannels_isRefused() throws {
        try assertRefused(
            "channels", [fixture.file("yunjey-decoder.ckpt.gz")],
            vocabulary: fixture.file("yunjey-vocab-4.pkl"), encoderWeights: tinyEncoder())
    }
}
