import ArgumentParser
import Foundation
import Support
import Weights

/// Where the results of measuring a model go.
struct ResultOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Write the model's captions or answers, one JSON object a line.", valueName: "jsonl"))
    var predictions: String?
    @Flag(help: "Print JSON instead of text.") var json = false

    /// Checks before the work that the predictions can be written.
    /// - Throws: `AtomicFileError`.
    func tryOutput() throws {
        if let predictions { try Self.tryOutput(predictions) }
    }

    /// Checks that a file can be written.
    /// - Throws: `AtomicFileError`.
    static func tryOutput(_ path: String) throws {
        let file = URL(fileURLWithPath: path).resolvingSymlinksInPath()
        let type = try? FileManager.default.attributesOfItem(atPath: file.path)[.type] as? FileAttributeType
        if type == .typeDirectory { throw AtomicFileError(path: file.path, problem: "it is a folder") }
        // A device or a pipe (/dev/stdout) is written to directly.
        guard type == nil || type == .typeRegular else { return }
        let trial = file.deletingLastPathComponent().appendingPathComponent(".mmx-\(UUID().uuidString).trial")
        do { try AtomicFile.write(Data(), to: trial) } catch let error as AtomicFileError {
            throw AtomicFileError(path: file.path, problem: error.problem)
        }
        try? FileManager.default.removeItem(at: trial)
    }

    /// - Throws: `AtomicFileError`.
    func write(_ lines: @autoclosure () throws -> String) throws {
        guard let predictions else { return }
        try AtomicFile.write(Data(try lines().utf8), to: URL(fileURLWithPath: predictions))
    }
}
