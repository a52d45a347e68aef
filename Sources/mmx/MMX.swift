import ArgumentParser
import CCommit
import Explain
import Foundation
import Support

@main
struct MMX: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mmx", abstract: "Explain what a model saw: captions word by word, answers, classes.",
        discussion: """
              mmx caption photo.jpg --explain-word dog
                  Print a caption and draw where the word "dog" comes from.
              mmx vqa photo.jpg "what color is the dog?"
                  Answer a question and draw where the answer comes from.
              mmx classify photo.jpg --explain
                  Print the likeliest classes and draw where the first comes from.

            A CNN encoder makes a feature map of the photograph. From it an LSTM writes a caption, or a VQA head, an \
            LSTM that reads the question, chooses an answer. mmx takes the score of a word, an answer or a class and \
            draws which regions of the photograph it comes from, by Grad-CAM (Selvaraju et al. 2017) or another method.

            The shipped models name their own defaults in config.json. For a word of a caption the map explains the \
            visual part of the word's score, by centred Grad-CAM; for an answer it explains the answer's score before \
            the softmax, by LayerCAM. Both are smoothed over 3x3 cells. --score, --method and --smooth change that.

            Results go to standard output, progress and messages to standard error.

            Exit codes:
              0   done
              1   unexpected error
              2   the request cannot be met: an unknown word, answer, class or layer
              3   an image cannot be read
              4   a model or a file of weights cannot be used
              5   a data set cannot be used
              6   the output cannot be written
              64  wrong usage
            """,
        version: "\(Version.tool) (commit \(String(cString: mmx_commit())), \(Version.build))",
        subcommands: [
            CaptionCommand.self, VQACommand.self, ClassifyCommand.self, TrainCommand.self, EvaluateCommand.self,
            DataCommand.self, ModelCommand.self, BenchCommand.self,
        ])

    static var names: CommandNames { CommandNames(root: self) }

    static func main() {
        Descriptor.prepare()
        do {
            let arguments = try ProgramArguments.all()
            try names.check(arguments)
            var command = try parseAsRoot(arguments)
            try check(command, arguments)
            try command.run()
        } catch {
            Failure.report(error, of: self)
        }
    }

    /// - Throws: ``UsageError``, or an error of ``CheckedCommand/checkRequest(_:)`` with an exit code of its own.
    private static func check(_ command: any ParsableCommand, _ arguments: [String]) throws {
        do { try (command as? any CheckedCommand)?.checkRequest(arguments) } catch let error as ValidationError {
            throw UsageError(message: error.message, path: names.path(to: type(of: command)))
        }
    }
}
