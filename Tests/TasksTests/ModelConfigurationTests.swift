import Foundation
import Language
import Support
import Tensors
import TestSupport
import Vision
import Weights
import XCTest

@testable import Tasks

/// `config.json` of every kind of model: hostile numbers, types and paths are errors that name them, before anything
/// is allocated.
final class ModelConfigurationTests: XCTestCase {
    private var root = FileManager.default.temporaryDirectory
    private var folder: URL { root.appendingPathComponent("models/model") }
    private var config: URL { folder.appendingPathComponent("config.json") }

    override func setUpWithError() throws { root = try Fixture.temporaryFolder() }
    override func tearDownWithError() throws { try FileManager.default.removeItem(at: root) }

    private enum Kind: CaseIterable { case captioner, answerer, classifier, encoder }

    private static let encoder = EncoderConfiguration(name: "tiny", folded: true)
    private static let vocabulary = Vocabulary(tokens: [["what", "dog"]], minimumCount: 1)

    private func save(_ kind: Kind) throws {
        let encoder = Self.encoder
        let store = ParameterStore(seed: 1)
        let p = store.scope()
        let channels = try encoder.makeEncoder(p["encoder"]).channels
        let usual = try encoder.defaultPreprocessing()
        let preprocessing = Preprocessing(
            width: usual.width, height: usual.height, fit: .crop, resizeShortSide: usual.width + 8, filter: .bilinear,
            mean: [1, 2, 3], std: [4, 5, 6])
        let maps = MapConfiguration(smoothing: 3)
        let (words, files) = (Self.vocabulary, ModelFiles(folder))
        switch kind {
        case .captioner:
            let decoder = DecoderConfiguration(
                kind: .showAttendAndTell, features: channels, vocabulary: words.count, embedding: 4, hidden: 5,
                attention: 3, visual: 2)
            _ = decoder.makeDecoder(p["decoder"])
            try Captioner.save(
                configuration: CaptionerConfiguration(
                    encoder: encoder, preprocessing: preprocessing, decoder: decoder, vocabulary: "words.txt",
                    search: SearchOptions(), maps: maps),
                vocabulary: words, state: store.stateDictionary(), type: .f32, to: folder)
        case .answerer:
            let head = VQAHeadConfiguration(
                kind: .stackedAttention, features: channels, vocabulary: words.count, answers: 2, embedding: 4,
                hidden: 5, attention: 3)
            _ = head.makeHead(p["answerer"])
            try VQAModel.save(
                configuration: VQAConfiguration(
                    encoder: encoder, preprocessing: preprocessing, answerer: head, vocabulary: "words.txt",
                    answers: "answers.txt", maps: maps),
                vocabulary: words, answers: ["yes", "no"], state: store.stateDictionary(), type: .f32, to: folder)
        case .classifier:
            _ = try encoder.architecture().head(p["head"], classes: 2)
            try files.save(
                ClassifierConfiguration(
                    encoder: encoder, preprocessing: preprocessing, classes: 2, labels: "classes.txt", maps: maps),
                state: store.stateDictionary(), type: .f32, texts: ["classes.txt": "dog\ncat\n"])
        case .encoder:
            try files.save(
                EncoderModelConfiguration(encoder: encoder, preprocessing: preprocessing),
                state: store.stateDictionary(), type: .f32, texts: [:])
        }
    }

    private func load(_ kind: Kind) throws {
        switch kind {
        case .captioner: _ = try Captioner.load(folder)
        case .answerer: _ = try VQAModel.load(folder)
        case .classifier: _ = try Classifier.load(folder)
        case .encoder: _ = try ModelFiles(folder).encoder()
        }
    }

    private func assertRefuses(_ kind: Kind, _ parts: String..., about what: String, line: UInt = #line) {
        XCTAssertThrowsError(try load(kind), "\(kind): \(what)", line: line) { error in
            XCTAssertTrue(error is any UserFacingError, "\(error)", line: line)
            for part in parts {
                XCTAssertTrue("\(error)".contains(part), "'\(error)' does not say '\(part)'", line: line)
            }
        }
    }

    /// Every number of the file, whichever there are, is replaced by each of these.
    func testConfiguration_ofHostileNumbers_isRefusedByName() throws {
        let hostile = [
            "-1000000007", "1000000000", "9223372036854775807", "1e300", "1e400", "99999999999999999999", "\"8\"",
            "[8]",
            "{}", "true",
        ]
        let before = Self.memory
        for kind in Kind.allCases {
            try save(kind)
            try load(kind)
            let lines = try String(contentsOf: config, encoding: .utf8).split(separator: "\n").map(String.init)
            var numbers = 0
            for (index, line) in lines.enumerated() {
                let parts = line.split(separator: ":", maxSplits: 1)
                let key = parts.count == 2 ? parts[0].trimmingCharacters(in: CharacterSet(charactersIn: " \"")) : ""
                let value = (parts.last ?? "").trimmingCharacters(in: CharacterSet(charactersIn: " ,"))
                guard Double(value) != nil else { continue }
                numbers += 1
                let isFraction = key.isEmpty || key == "lengthNormalisation"
                for text in hostile + (isFraction ? [] : ["0.5"]) {
                    var changed = lines
                    changed[index] = line.replacingOccurrences(of: value, with: text)
                    try Data(changed.joined(separator: "\n").utf8).write(to: config)
                    // The numbers of `mean` and `std` have no key of their own; the sides are told together.
                    let isOfPreprocessing = ["", "width", "height"].contains(key)
                    let named = text == "1e400" ? text : isOfPreprocessing ? "preprocessing" : key
                    assertRefuses(kind, "config.json", named, about: "\(key): \(text)")
                }
            }
            XCTAssertGreaterThan(numbers, 9, "\(kind)")
        }
        XCTAssertLessThan(Self.memory - before, 100 << 20)
    }

    /// Sizes that are in their ranges and far beyond the file's take no memory.
    func testConfiguration_ofLargeSizesForASmallFile_isRefusedWithoutTheMemory() throws {
        let before = Self.memory
        for kind in [Kind.captioner, .answerer] {
            try save(kind)
            var text = try String(contentsOf: config, encoding: .utf8)
            for key in ["embedding", "hidden", "attention", "visual"] {
                text = text.replacingOccurrences(
                    of: "\"\(key)\" : [0-9]+", with: "\"\(key)\" : 16384", options: .regularExpression)
            }
            try Data(text.utf8).write(to: config)
            assertRefuses(kind, "model.safetensors does not fit the model", "expected [", about: "sizes")
        }
        XCTAssertLessThan(Self.memory - before, 200 << 20)
    }

    /// The most memory that this process has had, in bytes.
    private static var memory: Int {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_maxrss << 10
    }

    func testConfiguration_ofTooManyBytesOrNoFile_isRefused() throws {
        try save(.captioner)
        try Data(repeating: 0x20, count: 1 << 20 + 1).write(to: config)
        assertRefuses(.captioner, "config.json", "it may have 1048576", about: "a large file")
        try FileManager.default.removeItem(at: config)
        XCTAssertEqual(mkfifo(config.path, 0o600), 0)
        assertRefuses(.captioner, "config.json", "is not a regular file", about: "a pipe")
    }

    // MARK: Paths

    func testConfigurationPaths_thatLeadElsewhere_areRefused() throws {
        let secret = root.appendingPathComponent("secret.txt")
        try Data(Self.vocabulary.text().utf8).write(to: secret)
        let long = String(repeating: "x", count: 1025)
        let bad = [
            secret.path, "../secret.txt", "../../secret.txt", "../../vocab/../secret.txt", "../../vocab/a/b",
            "../../vocab/", "", ".", "..", "a/../words.txt", "./words.txt", "a//b", "a\\nb", "a\\u0000", "\\u001b[2J",
            long,
        ]
        for (kind, key) in [
            (Kind.captioner, "vocabulary"), (.answerer, "vocabulary"), (.answerer, "answers"), (.classifier, "labels"),
        ] {
            try save(kind)
            let good = try String(contentsOf: config, encoding: .utf8)
            for path in bad {
                let text = good.replacingOccurrences(
                    of: "\"\(key)\" : \"[^\"]*\"",
                    with: "\"\(key)\" : \"\(path.replacingOccurrences(of: "\\", with: "\\\\"))\"",
                    options: .regularExpression)
                XCTAssertNotEqual(text, good)
                try Data(text.utf8).write(to: config)
                assertRefuses(kind, "config.json", "\(key) is \"", "not a file in the model's folder", about: path)
            }
        }
        XCTAssertThrowsError(
            try ModelFiles(folder).save(
                ClassifierConfiguration(
                    encoder: Self.encoder, preprocessing: Self.encoder.defaultPreprocessing(), classes: 2,
                    labels: "../x"), state: [:], type: .f32, texts: [:])
        ) { XCTAssertTrue("\($0)".contains("labels is \"../x\""), "\($0)") }
    }

    func testConfigurationPaths_insideOrShared_areRead() throws {
        try save(.captioner)
        let good = try String(contentsOf: config, encoding: .utf8)
        for path in ["below/w.txt", "../../vocab/w.txt"] {
            let file = folder.appendingPathComponent(path).standardizedFileURL
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try FileManager.default.moveItem(at: folder.appendingPathComponent("words.txt"), to: file)
            try Data(good.replacingOccurrences(of: "words.txt", with: path).utf8).write(to: config)
            XCTAssertNoThrow(try load(.captioner), path)
            // Through a link to the folder, too.
            let link = root.appendingPathComponent("link")
            try FileManager.default.createSymbolicLink(at: link, withDestinationURL: folder)
            XCTAssertNoThrow(try Captioner.load(link), path)
            try FileManager.default.removeItem(at: link)
            try FileManager.default.moveItem(at: file, to: folder.appendingPathComponent("words.txt"))
        }
    }

    /// A link is followed wherever it leads, to a regular file; nothing is waited for, nothing endless is read.
    func testConfigurationFiles_thatAreLinks_areFollowedToRegularFiles() throws {
        try save(.captioner)
        let words = folder.appendingPathComponent("words.txt")
        let elsewhere = root.appendingPathComponent("elsewhere.txt")
        try FileManager.default.moveItem(at: words, to: elsewhere)
        func link(to target: URL) throws {
            try? FileManager.default.removeItem(at: words)
            try FileManager.default.createSymbolicLink(at: words, withDestinationURL: target)
        }
        try link(to: elsewhere)
        XCTAssertNoThrow(try load(.captioner))
        let pipe = root.appendingPathComponent("pipe")
        XCTAssertEqual(mkfifo(pipe.path, 0o600), 0)
        for target in [pipe, URL(fileURLWithPath: "/dev/zero")] {
            try link(to: target)
            assertRefuses(.captioner, "words.txt", "is not a regular file", about: target.path)
        }
        try link(to: words)
        assertRefuses(.captioner, "words.txt", "cannot be opened", about: "a loop")
        try link(to: root.appendingPathComponent("nowhere"))
        assertRefuses(.captioner, "words.txt is missing", about: "nothing")
    }

    func testSharedEncoder_ofPaths_isANeighbourOrAbsolute() {
        func problem(_ path: String) -> String? { SharedEncoder(model: path, weights: "0").problem }
        for path in ["../caption", "../a b", "/models/caption", "/a"] { XCTAssertNil(problem(path), path) }
        for path in [
            "", "..", "../", "../..", "../../a", "../a/b", "caption", "./caption", "/", "/a/../b", "/a//b",
            "../a\u{1B}",
            "/" + String(repeating: "x", count: 1025),
        ] {
            XCTAssertTrue(problem(path)?.contains("sharedEncoder.model is \"") ?? false, path)
        }
    }
}
