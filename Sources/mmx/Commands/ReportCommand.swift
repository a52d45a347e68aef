import ArgumentParser
import Explain
import Foundation

struct ReportOutputOptions: ParsableArguments {
    @Option(help: ArgumentHelp("How many of each list to print.", valueName: "k")) var top = 10
    @Flag(help: "Print JSON instead of text.") var json = false

    func validate() throws {
        guard top >= 0 else { throw ValidationError("--top is at least 0") }
    }
}

struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "Say what is in the results of many photographs.",
        discussion: """
              mmx report run
                  Print counts, failures, common and rare captions and words.

            It also lists the words with the least evidence in the picture, and the slowest photographs.
            """)

    @Argument(help: ArgumentHelp("Folder of the results.", valueName: "folder")) var folder: String
    @OptionGroup(title: HelpGroup.output) var output: ReportOutputOptions

    func run() throws {
        let report = try BatchReport(URL(fileURLWithPath: folder), top: output.top)
        if output.json { return try StandardOutput.printJSON(report.json()) }
        var lines = [
            "\(report.photographs) photographs, \(report.failed) failed, \(report.warned) with warnings"
                + (report.isComplete ? "" : "; not finished: the same command goes on")
        ]
        func list(_ title: String, _ counts: [BatchReport.Count]) {
            if counts.isEmpty { return }
            lines.append("\n\(title)")
            lines += counts.map { String(format: "%7d  ", $0.count) + $0.text }
        }
        let what = ["captioning": "captions", "question-answering": "answers"][report.task] ?? "classes"
        list("failures", report.failures)
        if !report.firstFailures.isEmpty {
            lines.append("\nthe first that failed")
            lines += report.firstFailures.map { "  \($0.image): \($0.error)" }
        }
        list("commonest \(what), of \(report.results)", report.commonest)
        list("rarest \(what)", report.rarest)
        list("commonest words, of \(report.words)", report.commonestWords)
        list("rarest words", report.rarestWords)
        if !report.leastEvidence.isEmpty {
            lines.append(
                "\nwords with the least evidence, in nats (mean, of those that occur \(BatchReport.enough) times)")
            lines += report.leastEvidence.map { String(format: "%+7.2f  ", $0.evidence) + "\($0.word) (\($0.count))" }
        }
        if let mean = report.meanMilliseconds {
            lines.append(String(format: "\nslowest photographs, in ms (mean %.1f)", mean))
            lines += report.slowest.map { String(format: "%7.1f  ", $0.milliseconds) + $0.image }
        }
        try StandardOutput.print(lines.joined(separator: "\n"))
    }
}
