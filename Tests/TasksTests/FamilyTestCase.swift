import Foundation
import Language
import Support
import TestSupport
import XCTest

@testable import Tasks
@testable import Tensors
@testable import Vision
@testable import Weights

/// What tests of imported captioners and VQA models share: importing, and the comparison with what another program
/// computed.
class FamilyTestCase: XCTestCase {
    private(set) var fixture: CheckpointFixture!

    override func setUpWithError() throws { fixture = try CheckpointFixture() }
    override func tearDown() { fixture.remove() }

    func imported(
        _ files: [URL], vocabulary: URL? = nil, answers: URL? = nil, encoderWeights: String? = nil,
        name: String = "model"
    ) throws -> (folder: URL, record: ModelImport.Record) {
        let output = fixture.folder.appendingPathComponent(name)
        var task = FamilyImport(files: files, output: output)
        task.vocabulary = vocabulary
        task.answers = answers
        task.encoderWeights = encoderWeights
        return (output, try task.run())
    }

    /// A model folder with the small CNN of the tests, of 128 channels.
    func tinyEncoder() throws -> String {
        let folder = fixture.folder.appendingPathComponent("tiny")
        if FileManager.default.fileExists(atPath: folder.path) { return folder.path }
        let architecture = TinyCNN()
        let store = ParameterStore { ReproducibleWeights.parameter($0, $1, gain: 1) }
        _ = architecture.encoder(store.scope(on: Tape()), folded: true)
        let state = Dictionary(uniqueKeysWithValues: store.stateDictionary().map { ("encoder." + $0.key, $0.value) })
        try ModelFiles(folder).save(
            EncoderModelConfiguration(
                encoder: .init(name: "tiny", folded: true), preprocessing: architecture.preprocessing),
            state: state, type: .f32, texts: [:])
        return folder.path
    }

    func assertRefused(
        _ part: String, _ files: [URL], vocabulary: URL? = nil, encoderWeights: String? = nil,
        file: StaticString = #filePath, line: UInt = #line
    ) {
        XCTAssertThrowsError(
            try imported(files, vocabulary: vocabulary, encoderWeights: encoderWeights), file: file, line: line
        ) { error in
            XCTAssertTrue("\(error)".contains(part), "\(error)", file: file, line: line)
        }
        XCTAssertFalse(
            FileManager.default.fileExists(atPath: fixture.folder.appendingPathComponent("model/config.json").path),
            file: file, line: line)
    }
}
