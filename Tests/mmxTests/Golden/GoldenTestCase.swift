import Foundation
import TestSupport
import Vision
import XCTest

/// Runs one command without `--json` and with it, and compares everything it writes with a file in `Fixtures/golden`.
///
/// A golden file holds the command, the exit code, the lines of text, the manifest that `--json` prints, the lines on
/// standard error, and for every file that was written its name and its content (see ``GoldenFile``). The tests use the
/// command line only, so the golden files do not depend on the types of the library.
///
/// To write all golden files again after an intended change, or to add one:
///
///     MMX_UPDATE_GOLDEN=1 make test
///
/// Then read `git diff Tests/mmxTests/Fixtures/golden` and commit it with the change. An update of the compiler, of
/// OpenBLAS or of the C library may change `bytes` alone; this is no error, and the golden files are written again.
class GoldenTestCase: ProgramTestCase {
    private static let isUpdate = ProcessInfo.processInfo.environment["MMX_UPDATE_GOLDEN"] == "1"

    /// - Parameters:
    ///   - name: of the golden file.
    ///   - command: what a user types behind `mmx`; 'several words' are one argument.
    ///   - environment: the program's; the test's own by default.
    func assertGolden(
        _ name: String, _ command: String, environment: [String: String]? = nil, file: StaticString = #filePath,
        line: UInt = #line
    ) throws {
        let inputs = try allFiles()
        let text = try run(Self.arguments(command), environment: environment)
        let before = try removeFiles(but: inputs)
        let json = try run(Self.arguments(command) + ["--json"], environment: environment)
        let found = try record(command, json, text: text.output, inputs: inputs)
        let after = try removeFiles(but: inputs)
        let different = Set(before.keys).union(after.keys).filter { before[$0] != after[$0] }.sorted()
        XCTAssertEqual(different, [], "these files differ with --json and without it", file: file, line: line)
        XCTAssertEqual(messages(text), messages(json), file: file, line: line)
        XCTAssertEqual(text.code, json.code, file: file, line: line)
        let fixture = Self.repository.appendingPathComponent("Tests/mmxTests/Fixtures/golden/\(name).json")
        if Self.isUpdate {
            try FileManager.default.createDirectory(
                at: fixture.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data((found.lines() + "\n").utf8).write(to: fixture)
            return
        }
        guard let expected = try? String(contentsOf: fixture, encoding: .utf8) else {
            return XCTFail("there is no \(fixture.path); MMX_UPDATE_GOLDEN=1 makes it", file: file, line: line)
        }
        let golden = try JSONValue.parse(expected)
        var comparison = GoldenComparison(comparesBytes: golden["processor"] == found["processor"])
        for key in ["command", "code", "errors", "text", "json", "files"] {
            comparison.compare(golden[key] ?? .null, found[key] ?? .null, at: key)
        }
        let differences = comparison.differences
        if differences.isEmpty { return }
        XCTFail(
            "\(differences.count) values are not those of golden/\(name).json:\n  "
                + differences.prefix(12).joined(separator: "\n  ")
                + (differences.count > 12 ? "\n  ..." : "")
                + "\nIf that is meant: MMX_UPDATE_GOLDEN=1 (see GoldenTestCase)", file: file, line: line)
    }

    private static func arguments(_ command: String) -> [String] {
        command.matches(of: /'([^']*)'|[^ ]+/).map { String($0.output.1 ?? $0.output.0) }
    }

    /// Everything that a command wrote, in the form of a golden file.
    private func record(
        _ command: String, _ outcome: Outcome, text: String, inputs: [String]
    ) throws -> JSONValue {
        let written = try allFiles().filter { !inputs.contains($0) }
        let sums = try checksums(inputs.map { url($0) } + Self.weights)
        let names = Dictionary(zip(sums, inputs + Self.weights.map(\.path))) { first, _ in first }
        func clean(_ value: JSONValue) -> JSONValue {
            value.replacingTexts { placeholder(key: $0, text: $1, names) }
        }
        let printed = outcome.output.isEmpty ? .null : clean(try JSONValue.parse(outcome.output))
        return .object([
            "processor": .text(Processor.name),
            "command": clean(.text(command)),
            "code": .number(Double(outcome.code)),
            "text": clean(.lines(of: text)),
            "json": printed,
            "errors": clean(.lines(of: messages(outcome))),
            "files": .object(try contents(of: written, printed: printed, clean: clean)),
        ])
    }

    /// Standard error without progress lines, which depend on how long a run takes.
    private func messages(_ outcome: Outcome) -> String {
        outcome.errors.split(separator: "\n").filter { !$0.contains(/^[0-9]+ %/) }.joined(separator: "\n")
    }

    private func contents(
        of written: [String], printed: JSONValue, clean: (JSONValue) -> JSONValue
    ) throws -> [String: JSONValue] {
        var files: [String: JSONValue] = [:]
        let maps = written.filter { $0.hasSuffix(".npy") }
        for (name, sum) in zip(maps, try checksums(maps.map { url($0) })) {
            files[name] = try GoldenFile.map(url(name), sha256: sum)
        }
        let images = written.filter { $0.hasSuffix(".png") }
        let sizes = try images.map { name -> (width: Int, height: Int) in
            let image = try Image.read(url(name))
            try Data(image.pixels).write(to: url("\(name).pixels"))
            return (image.width, image.height)
        }
        let pixels = images.map { url("\($0).pixels") }
        for (name, (size, sum)) in zip(images, zip(sizes, try checksums(pixels))) {
            files[name] = GoldenFile.image(width: size.width, height: size.height, sha256: sum)
        }
        for file in pixels { try FileManager.default.removeItem(at: file) }
        for name in written where files[name] == nil {
            let text = try String(contentsOf: url(name), encoding: .utf8)
            switch (name as NSString).pathExtension {
            case "json":
                let content = clean(try JSONValue.parse(text))
                let parts = [("as printed", printed.without("folder")), ("as printed: answers", printed["answers"])]
                files[name] = parts.first { $0.1 == content }.map { .text($0.0) } ?? content
            case "jsonl": files[name] = .list(try text.split(separator: "\n").map { clean(try JSONValue.parse($0)) })
            default: files[name] = clean(.lines(of: text))
            }
        }
        return files
    }

    /// Replaces what differs between runs, machines and versions.
    private func placeholder(key: String, text: String, _ names: [String: String]) -> String {
        if key == "tool" { return "<tool>" }
        if key == "run", text.wholeMatch(of: /[0-9a-f]{12}/) != nil { return "<run>" }
        if key == "request", text.wholeMatch(of: /[0-9a-f]{16}/) != nil { return "<request>" }
        let text = names[text].map { "<sha256 of \($0)>" } ?? text
        return text.replacingOccurrences(of: folder.resolvingSymlinksInPath().path, with: "<folder>")
            .replacingOccurrences(of: folder.path, with: "<folder>")
            .replacingOccurrences(of: Self.repository.path, with: "<repository>")
    }

    /// The weights of the models that are committed as fixtures.
    private static let weights = ["toy-show-attend-and-tell", "toy-show-and-tell", "toy-vqa"].map {
        ProgramTestCase.repository.appendingPathComponent("Tests/ExplainTests/Fixtures/\($0)/model.safetensors")
    }

    /// Paths of all files in the test's folder, in their order.
    private func allFiles() throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: folder.path).filter { name in
            var isFolder: ObjCBool = false
            return FileManager.default.fileExists(atPath: url(name).path, isDirectory: &isFolder) && !isFolder.boolValue
                && name != "stderr.txt"
        }.sorted()
    }

    /// Deletes what a command wrote, so that the next one finds only its inputs.
    /// - Returns: SHA-256 of each file.
    private func removeFiles(but inputs: [String]) throws -> [String: String] {
        let written = try allFiles().filter { !inputs.contains($0) }
        let sums = try checksums(written.map { url($0) })
        for name in written { try FileManager.default.removeItem(at: url(name)) }
        return Dictionary(uniqueKeysWithValues: zip(written, sums))
    }

    /// SHA-256 of each file.
    private func checksums(_ files: [URL]) throws -> [String] {
        if files.isEmpty { return [] }
        let outcome = try run(files.map(\.path), program: URL(fileURLWithPath: "/usr/bin/sha256sum"))
        XCTAssertEqual(outcome.code, 0, outcome.errors)
        return outcome.output.split(separator: "\n").map { String($0.prefix(64)) }
    }
}
