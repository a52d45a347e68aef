import ArgumentParser
import Explain
import Foundation

struct MergeOutputOptions: ParsableArguments {
    @Option(name: .shortAndLong, help: ArgumentHelp("Folder for the result.", valueName: "dir")) var output: String
}

struct MergeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "merge", abstract: "Put the results of a batch's shards together.",
        discussion: """
              mmx merge run-*/ --output run
                  Merge the folders of mmx caption --shard 1/16 --output run-1 and so on.

            All shards have to be there and finished, with the same model and options. The result is that of one \
            machine, byte for byte; only times.jsonl, the time of each photograph, differs from run to run.
            """)

    @Argument(help: ArgumentHelp("Folders of the shards.", valueName: "folder")) var folders: [String]
    @OptionGroup(title: HelpGroup.output) var output: MergeOutputOptions

    func run() throws {
        let progress = Progress(startsAtOnce: false), folder = URL(fileURLWithPath: output.output)
        let result = try progress.clearing {
            try BatchMerge.merge(folders.map { URL(fileURLWithPath: $0) }, to: folder) {
                progress.count($0, of: $1, "photographs")
            }
        }
        try StandardOutput.print(
            "\(result.done) photographs, \(result.failed) failed: "
                + folder.appendingPathComponent("results.jsonl").path)
    }
}
