import ArgumentParser
import Explain
import Foundation
import Support
import Vision

/// What a command does with many photographs.
struct BatchOptions: ParsableArguments {
    @Flag(
        help: ArgumentHelp(
            """
            Print a record (JSON) a line for each photograph. Without --output, the records have the raw maps in them.
            """))
    var jsonl = false
    @Flag(help: "Also write the columns of one value each to results.csv.") var csv = false
    @Flag(help: "Write each raw map to a file of its own (.npy) instead of archives (.npz).") var files = false
    @Flag(help: "Draw pictures of each photograph, too.") var pictures = false
    @Option(
        help: ArgumentHelp(
            """
            Explain each n-th photograph only, from the i-th on; mmx merge puts the parts together. In a Slurm array, \
            the default is the task's own part.
            """, valueName: "i/n"))
    var shard: Shard?
    @Flag(help: "Stop at the first photograph that cannot be explained.") var strict = false

    /// Whether the command is meant for many photographs, however many there are.
    var isGiven: Bool { jsonl || csv || files || pictures || shard != nil || strict }
}

extension Shard: ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }
}

/// The photographs of a command, and whether it explains one, or writes a record for each of many.
struct Photographs {
    let names: [String]
    let batch: BatchOptions
    let output: OutputOptions
    let limits: ImageLimits

    /// What stands on the command line where photographs do.
    static func isNamed(_ argument: String) -> Bool {
        argument == "-" || PhotoArgument.looksLikeFile(argument) || PhotoInputs.areMany(argument)
    }

    var areMany: Bool { batch.isGiven || names.count > 1 || names.contains(where: PhotoInputs.areMany) }

    /// - Throws: `ValidationError` for options that do not go with many photographs.
    func check() throws {
        guard areMany else { return }
        if output.output == nil && !batch.jsonl {
            throw ValidationError(
                "many photographs need a folder for their results (--output run), or --jsonl to print them")
        }
        if output.output == nil && (batch.csv || batch.files || batch.pictures) {
            throw ValidationError("--csv, --files and --pictures need a folder for what they write (--output run)")
        }
        if output.timings { throw ValidationError("--timings goes with one photograph") }
        if batch.jsonl && output.json { throw ValidationError("give --json or --jsonl, not both") }
    }

    /// The bytes of the photograph that comes over standard input; nil where it has a file.
    /// - Throws: `ImageError` for more bytes than are read.
    func bytes() throws -> Data? {
        guard names == ["-"], !areMany else { return nil }
        return try PhotoInputs.standardInputPhotograph(limits)
    }

    /// Runs a command on all photographs and prints what became of them.
    /// - Parameter explain: one of the functions of `Batch`.
    /// - Throws: what ended the run; `PhotographsFailed` where some photographs have an error.
    func run(_ explain: (BatchRequest, @escaping (BatchProgress) -> Void) throws -> BatchProgress) throws {
        let environment = ProcessInfo.processInfo.environment
        let slurm = batch.shard == nil ? try Shard.ofSlurmTask(environment) : nil
        if let slurm {
            StandardError.line(
                "mmx: shard \(slurm.description), from SLURM_ARRAY_TASK_ID; --shard 1/1 explains all photographs")
        }
        let folder = output.output.map { URL(fileURLWithPath: $0) }
        let request = BatchRequest(
            inputs: names, output: folder,
            line: batch.jsonl ? { try StandardOutput.printLine($0) } : nil,
            shard: batch.shard ?? slurm ?? .all, isStrict: batch.strict, hasMapFiles: batch.files,
            hasImages: batch.pictures, hasTable: batch.csv, limits: limits)
        Interruption.watch()
        let bar = Progress(startsAtOnce: false)
        let result = try bar.clearing {
            try explain(request) { progress in
                bar.update(
                    Self.text(progress), fraction: progress.total.map { Double(progress.done) / Double(max(1, $0)) })
            }
        }
        for (ending, count) in result.passedOver.sorted(by: { $0.key < $1.key }) {
            StandardError.line("mmx: passed over \(count) file\(count == 1 ? "" : "s") (\(ending)): no photographs")
        }
        if !batch.jsonl { try printSummary(result, folder) }
        if let number = result.interruption {
            StandardError.line(
                "mmx: stopped after \(result.done) photographs"
                    + (folder == nil ? "" : "; the same command goes on from there"))
            throw ExitCode(128 + number)
        }
        if result.failed > 0 { throw PhotographsFailed(failed: result.failed, all: result.done) }
    }

    private static func text(_ progress: BatchProgress) -> String {
        let rate = progress.seconds > 0 ? Double(progress.written) / progress.seconds : 0
        var parts = [progress.total.map { "\(progress.done)/\($0)" } ?? "\(progress.done)", "photographs"]
        if progress.seconds > 1 {
            parts.append(String(format: "%.1f/s", rate))
            if let total = progress.total, rate > 0 {
                parts.append("\(Progress.duration(Double(total - progress.done) / rate)) left")
            }
        }
        if progress.failed > 0 { parts.append("\(progress.failed) failed") }
        return parts.joined(separator: " ")
    }

    private func printSummary(_ result: BatchProgress, _ folder: URL?) throws {
        struct Summary: Encodable {
            let photographs: Int
            let failed: Int
            let written: Int
            let seconds: Double
            let folder: String?
        }
        if output.json {
            try StandardOutput.printJSON(
                JSON.pretty(
                    Summary(
                        photographs: result.done, failed: result.failed, written: result.written,
                        seconds: result.seconds, folder: folder?.absoluteURL.path)))
            return
        }
        var text = "\(result.done) photograph\(result.done == 1 ? "" : "s"), \(result.failed) failed"
        if result.written < result.done { text += ", \(result.done - result.written) of them done before" }
        if result.written > 0, result.seconds > 0 {
            text += String(format: "; %.1f photographs/s", Double(result.written) / result.seconds)
        }
        try StandardOutput.print(text + (folder.map { ": \($0.appendingPathComponent("results.jsonl").path)" } ?? ""))
    }
}

/// Some of many photographs could not be explained.
struct PhotographsFailed: UserFacingError {
    static let failureCode = FailureCode.photographs
    let failed: Int
    let all: Int

    var description: String {
        "\(failed) of \(all) photographs could not be explained; their records say why (error)"
    }
}
