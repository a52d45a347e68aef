import ArgumentParser
import Drawing
import Explain
import Foundation
import Tasks
import XCTest

@testable import mmx

/// The help of every command. The exact texts are the files in `Fixtures/help`; `MMX_UPDATE_GOLDEN=1` rewrites them.
final class HelpTests: ProgramTestCase {
    /// Every command, from the root down.
    private static let commands: [[String]] = {
        func paths(_ command: any ParsableCommand.Type, _ above: [String]) -> [[String]] {
            let path = above + [command.configuration.commandName ?? command._commandName]
            return [path] + command.configuration.subcommands.flatMap { paths($0, path) }
        }
        return paths(MMX.self, [])
    }()

    private static let golden = URL(fileURLWithPath: "\(#filePath)").deletingLastPathComponent()
        .appendingPathComponent("Fixtures/help")

    private func help(_ path: [String], columns: Int = 80) throws -> String {
        let environment = ProcessInfo.processInfo.environment.merging(["COLUMNS": "\(columns)"]) { $1 }
        let outcome = try run(path.dropFirst() + ["--help"], environment: environment)
        XCTAssertEqual(outcome.code, 0, outcome.errors)
        XCTAssertEqual(outcome.errors, "")
        return outcome.output
    }

    func testHelp_everyCommand_isItsGoldenFile() throws {
        let isUpdating = ProcessInfo.processInfo.environment["MMX_UPDATE_GOLDEN"] == "1"
        if isUpdating { try FileManager.default.createDirectory(at: Self.golden, withIntermediateDirectories: true) }
        for path in Self.commands {
            let file = Self.golden.appendingPathComponent(path.joined(separator: "-") + ".txt")
            let text = try help(path)
            if isUpdating { try Data(text.utf8).write(to: file) }
            let expected = try String(contentsOf: file, encoding: .utf8)
            XCTAssertTrue(
                text == expected,
                "\(file.lastPathComponent) differs from the help of '\(path.joined(separator: " "))'; "
                    + "look at the difference and run the test with MMX_UPDATE_GOLDEN=1. First line that differs: "
                    + firstDifference(text, expected))
        }
    }

    func testGoldenFiles_all_belongToACommand() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: Self.golden.path).sorted()
        XCTAssertEqual(files, Self.commands.map { $0.joined(separator: "-") + ".txt" }.sorted())
    }

    /// An example of the command itself stands before everything but the one line that says what the command does.
    func testHelp_everyCommand_beginsWithAnExample() throws {
        for path in Self.commands {
            let lines = try help(path).split(separator: "\n", omittingEmptySubsequences: false)
            XCTAssertTrue(lines[0].hasPrefix("OVERVIEW: "), "\(path)")
            XCTAssertEqual(lines[1], "", "\(path)")
            XCTAssertTrue("\(lines[2]) ".hasPrefix("  \(path.joined(separator: " ")) "), "\(path): \(lines[2])")
        }
    }

    /// Examples and tables are written by hand: the parser would break a longer line in the middle.
    func testHelp_indentedLines_fit80Columns() throws {
        for path in Self.commands {
            let text = try help(path, columns: 10_000)
            let overview = text.components(separatedBy: "\n\nUSAGE:")[0]
            for line in overview.split(separator: "\n") where line.hasPrefix(" ") || line.hasPrefix("OVERVIEW") {
                XCTAssertLessThan(line.count, 80, "\(path): \(line)")
            }
        }
        for path in Self.commands {
            for line in try help(path).split(separator: "\n") {
                XCTAssertLessThanOrEqual(line.count, 80, "\(path): \(line)")
            }
        }
    }

    func testHelp_commandsWithManyOptions_groupThem() throws {
        let titles = ["WHAT TO EXPLAIN", "MODEL", "HOW TO EXPLAIN IT", "SETTINGS OF SOME METHODS", "DRAWING", "OUTPUT"]
        for command in ["caption", "vqa", "classify"] {
            let text = try help(["mmx", command])
            let places = titles.map { text.range(of: "\n\($0):\n")?.lowerBound }
            XCTAssertFalse(places.contains(nil), text)
            XCTAssertEqual(places.compactMap { $0 }, places.compactMap { $0 }.sorted(), command)
        }
        for path in Self.commands where path.count == 3 && path[1] != "model" {
            XCTAssertTrue(try help(path).contains("\nOUTPUT:\n"), "\(path)")
        }
        // Options without a group are those of every command.
        for path in Self.commands {
            let rest = try help(path).components(separatedBy: "\nOPTIONS:\n")[1].components(separatedBy: "\n\n")[0]
            XCTAssertEqual(rest.split(separator: "\n").count, 2, rest)
        }
    }

    func testMethods_inHelp_haveASentenceEach() throws {
        for command in [["mmx", "caption"], ["mmx", "vqa"], ["mmx", "classify"], ["mmx", "evaluate", "maps"]] {
            let text = try help(command, columns: 10_000)
            for method in Methods.all() {
                let sentence = method.summary.prefix(1).uppercased() + method.summary.dropFirst() + "."
                let isDescribed = text.contains(" \(method.name) ") || text.contains(" \(method.name)\n")
                XCTAssertTrue(isDescribed && text.contains("- \(sentence)\n"), "\(command) \(method.name)")
            }
        }
    }

    /// What help says of the shipped models is what their configurations say.
    func testShippedDefaults_inHelp_areThoseOfTheModels() throws {
        func configuration(_ model: String) throws -> [String: Any] {
            let file = Self.repository.appendingPathComponent("models/\(model)/config.json")
            return try XCTUnwrap(JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
        }
        let captioner = try configuration(ModelFolder.defaultCaptioner)
        let maps = try XCTUnwrap(captioner["maps"] as? [String: Any])
        XCTAssertEqual(maps["score"] as? String, ShippedDefaults.captionScore)
        XCTAssertEqual(maps["method"] as? String, ShippedDefaults.captionMethod)
        XCTAssertEqual(maps["smoothing"] as? Int, ShippedDefaults.smoothing)
        XCTAssertEqual((captioner["search"] as? [String: Any])?["beam"] as? Int, ShippedDefaults.beam)
        let answers = try XCTUnwrap(configuration(ModelFolder.defaultVQAModel)["maps"] as? [String: Any])
        XCTAssertNil(answers["score"])
        XCTAssertEqual(answers["method"] as? String, ShippedDefaults.answerMethod)
        XCTAssertEqual(answers["smoothing"] as? Int, ShippedDefaults.smoothing)
        let text = try help(["mmx", "caption"], columns: 10_000)
        for part in [
            "visual for caption-flickr8k", "centred-grad-cam for caption-flickr8k", "cam for vqa-flickr8k",
            "3 for caption-flickr8k", "(default: warm, or cool", "(default: 0.7)",
        ] { XCTAssertTrue(text.contains(part), part) }
    }

    func testDescribedValues_everyOption_areItsValues() {
        func check<T: ExpressibleByArgument>(_ type: T.Type, line: UInt = #line) {
            XCTAssertEqual(T.allValueDescriptions.keys.sorted(), T.allValueStrings.sorted(), line: line)
        }
        check(MethodName.self)
        check(WordScore.self)
        check(Baseline.self)
        check(Compatibility.self)
        check(ColorMap.self)
        check(Blend.self)
        check(MapScale.Kind.self)
        check(QuestionFormat.self)
    }

    private func firstDifference(_ a: String, _ b: String) -> String {
        let lines = [a, b].map { $0.split(separator: "\n", omittingEmptySubsequences: false) }
        let place = zip(lines[0], lines[1]).enumerated().first { $0.element.0 != $0.element.1 }
        return place.map { "\($0.offset + 1), '\($0.element.0)' for '\($0.element.1)'" } ?? "at the end"
    }
}
