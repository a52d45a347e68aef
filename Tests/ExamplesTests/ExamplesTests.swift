import Foundation
import TestSupport
import XCTest

/// The programs in Examples as a reader runs them, with the toy captioner, and a package outside this one that depends
/// on it by path.
final class ExamplesTests: XCTestCase {
    private static let products: URL = {
        let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? CommandLine.arguments[0]
        return URL(fileURLWithPath: bundle).deletingLastPathComponent()
    }()
    private static let repository = URL(fileURLWithPath: "\(#filePath)").deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
    private static let model = repository.appendingPathComponent(
        "Tests/ExplainTests/Fixtures/toy-show-attend-and-tell")

    private var folder = FileManager.default.temporaryDirectory

    override func setUpWithError() throws {
        folder = try Fixture.temporaryFolder()
        try ToyScene(seed: 2_024, index: 0).image.write(to: folder.appendingPathComponent("toy.png"))
    }

    override func tearDownWithError() throws { try FileManager.default.removeItem(at: folder) }

    private func run(_ program: URL, _ arguments: String...) throws -> (code: Int32, lines: [String]) {
        let process = Process(), output = Pipe()
        process.executableURL = program
        process.arguments = arguments
        process.currentDirectoryURL = folder
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, text.split(separator: "\n").map(String.init))
    }

    private func example(_ name: String) -> URL { Self.products.appendingPathComponent(name) }

    func testExplainCaption_ofAToyImage_writesTheOverlay() throws {
        let found = try run(example("ExplainCaption"), "toy.png", "square", Self.model.path)
        XCTAssertEqual(found.code, 0)
        XCTAssertEqual(
            found.lines, ["a square and something blue", "grad-cam over conv4: overlay.png"])
        XCTAssertTrue(FileManager.default.fileExists(atPath: folder.appendingPathComponent("overlay.png").path))
    }

    func testExplainOwnNetwork_redRatherThanBlue_pointsAtTheRedSquare() throws {
        let found = try run(example("ExplainOwnNetwork"))
        XCTAssertEqual(found.code, 0)
        XCTAssertEqual(found.lines.count, 4, "\(found.lines)")
        // The square covers rows and columns 4 to 11 of 32: cells 1 and 2 of 8.
        for line in found.lines[1...2] {
            let numbers = line.split { !$0.isNumber }.compactMap { Int($0) }
            XCTAssertEqual(numbers.suffix(2), [8, 8], line)
            XCTAssertTrue((1...2).contains(numbers[0]) && (1...2).contains(numbers[1]), line)
        }
        let pixels = found.lines[3].split { !$0.isNumber }.compactMap { Int($0) }
        XCTAssertEqual(pixels.suffix(2), [32, 32], found.lines[3])
        XCTAssertTrue((4..<12).contains(pixels[0]) && (4..<12).contains(pixels[1]), found.lines[3])
    }

    func testCustomMethod_besideGradCAM_hasAMapOfTheSameCells() throws {
        let found = try run(example("CustomMethod"), "toy.png", "blue", Self.model.path)
        XCTAssertEqual(found.code, 0)
        XCTAssertEqual(found.lines.count, 2, "\(found.lines)")
        XCTAssertTrue(found.lines[0].hasPrefix("grad-cam: ") && found.lines[1].hasPrefix("gradient-length: "))
        let cells = found.lines.map { $0.split(separator: " ")[1] }
        XCTAssertEqual(cells[0], cells[1])
    }

    /// The examples are as short as the documentation says.
    func testExamples_linesOfCode_stayFew() throws {
        for (name, limit) in [("ExplainCaption", 30), ("CustomMethod", 40)] {
            let file = Self.repository.appendingPathComponent("Examples/\(name)/main.swift")
            let lines = try String(contentsOf: file, encoding: .utf8).split(
                separator: "\n", omittingEmptySubsequences: false)
            XCTAssertLessThan(lines.count - 1, limit, name)
        }
    }
}
