import Foundation
import Tensors
import TestSupport
import Vision
import Weights
import XCTest

/// Runs the built program in a folder of its own, which holds two images: toy.png (64x64) and wide.png (210x70).
class ProgramTestCase: XCTestCase {
    struct Outcome {
        let code: Int32
        let output: String
        let errors: String
    }

    static let program: URL = {
        let bundle =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        let besideBundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? bundle
        return URL(fileURLWithPath: besideBundle).deletingLastPathComponent().appendingPathComponent("mmx")
    }()

    static let repository = URL(fileURLWithPath: "\(#filePath)").deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    static let model = repository.appendingPathComponent("Tests/ExplainTests/Fixtures/toy-show-attend-and-tell")

    private(set) var folder = FileManager.default.temporaryDirectory

    override func setUpWithError() throws {
        guard FileManager.default.isExecutableFile(atPath: Self.program.path) else {
            return XCTFail("\(Self.program.path) was not built")
        }
        folder = try Fixture.temporaryFolder()
        let picture = ToyScene(seed: 2_024, index: 0).image
        try picture.write(to: folder.appendingPathComponent("toy.png"))
        try picture.resized(width: 210, height: 70, filter: .bilinear).write(
            to: folder.appendingPathComponent("wide.png"))
    }

    override func tearDownWithError() throws { try FileManager.default.removeItem(at: folder) }

    func mmx(_ arguments: String...) throws -> Outcome { try run(arguments) }

    /// - Parameter directory: where the program starts; the test's folder by default.
    func run(
        _ arguments: [String], program: URL = program, in directory: URL? = nil, environment: [String: String]? = nil
    ) throws -> Outcome {
        let process = Process()
        let output = Pipe()
        let errors = folder.appendingPathComponent("stderr.txt")
        try Data().write(to: errors)
        process.executableURL = program
        process.arguments = arguments
        process.currentDirectoryURL = directory ?? folder
        if let environment { process.environment = environment }
        process.standardOutput = output
        process.standardError = try FileHandle(forWritingTo: errors)
        try process.run()
        let text = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return Outcome(
            code: process.terminationStatus, output: String(decoding: text, as: UTF8.self),
            errors: try String(contentsOf: errors, encoding: .utf8))
    }

    func caption(_ arguments: String..., model: URL = model) throws -> Outcome {
        try run(["caption", "--model", model.path] + arguments)
    }

    /// Imports an untrained classifier, "tiny".
    /// - Returns: the environment in which the program finds it.
    func importClassifier(classes: [String]) throws -> [String: String] {
        let store = ParameterStore(seed: 5)
        _ = TinyCNN().encoder(store.scope(), folded: false)
        _ = TinyCNN().head(store.scope(), classes: classes.count)
        try SafeTensors.write(store.stateDictionary(), to: url("weights.safetensors"), type: .f32)
        try write("names.txt", classes.joined(separator: "\n") + "\n")
        let environment = ["MMX_MODELS": url("models").path]
        let imported = try run(
            ["model", "import", "weights.safetensors", "--encoder", "tiny", "--classes", "names.txt"],
            environment: environment)
        XCTAssertEqual(imported.code, 0, imported.errors)
        return environment
    }

    func url(_ name: String) -> URL { folder.appendingPathComponent(name) }

    func write(_ name: String, _ text: String) throws { try Data(text.utf8).write(to: url(name)) }

    func files(_ name: String = "mmx-output") -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: url(name).path)) ?? []).sorted()
    }

    /// A file that a manifest in the folder `output` names.
    func result(_ name: String?, in output: String = "mmx-output") throws -> URL {
        let name = try XCTUnwrap(name)
        XCTAssertFalse(name.contains("/"), "'\(name)' is not a name in the manifest's folder")
        return url(output).appendingPathComponent(name)
    }

    /// `--json` prints what the manifest's file says, and the folder with it.
    func assertPrinted(_ printed: String, isFile file: String, in output: String = "mmx-output", line: UInt = #line)
        throws
    {
        func object(_ data: Data) throws -> [String: Any] {
            try XCTUnwrap(JSONSerialization.jsonObject(with: data) as? [String: Any])
        }
        var found = try object(Data(printed.utf8))
        let named = try XCTUnwrap(found.removeValue(forKey: "folder") as? String)
        XCTAssertEqual(
            URL(fileURLWithPath: named).resolvingSymlinksInPath().path, url(output).resolvingSymlinksInPath().path,
            line: line)
        let written = try object(Data(contentsOf: result(file, in: output)))
        XCTAssertEqual(found as NSDictionary, written as NSDictionary, line: line)
    }

    /// The program refused with one line that says all of `parts`.
    func assertFails(_ outcome: Outcome, _ code: Int32, _ parts: String..., line: UInt = #line) {
        XCTAssertEqual(outcome.code, code, outcome.errors, line: line)
        XCTAssertEqual(outcome.output, "", line: line)
        let last = outcome.errors.split(separator: "\n").last.map(String.init) ?? ""
        XCTAssertTrue(last.hasPrefix("mmx: "), outcome.errors, line: line)
        for part in parts { XCTAssertTrue(last.contains(part), "'\(last)' does not say '\(part)'", line: line) }
    }
}
