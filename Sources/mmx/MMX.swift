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

            mmx draws the regions that speak for a word, by the part of its score that the model reads off the regions \
            (centred Grad-CAM); for an answer, by the cells' own parts of its score; for a class, by Grad-CAM; each \
            map as strong as the image's evidence. The map of the Grad-CAM paper (Selvaraju et al. 2017) is --score \
            log-probability --method grad-cam --smooth 1 --scale each.

            A CNN encoder makes a feature map of the photograph. From it an LSTM writes a caption, or a VQA head, an \
            LSTM that reads the question, chooses an answer. The evidence of a word or an answer says how much \
            likelier the image makes it, in nats. Where there is none, the picture is gray and says so.

            Results go to standard output, progress and messages to standard error.

            Exit codes:
              0   done
              1   unexpected error
              2   the request cannot be met: an unknown word, answer, class or layer
              3   an image cannot be read
              4   a model or a file of weights cannot be used
              5   a data set cannot be used
              6   the output cannot be written
              7   of many photographs, some could not be explained; the others are done
              64  wrong usage
            """,
        version: "\(Version.tool) (commit \(String(cString: mmx_commit())), \(Version.build))",
        subcommands: [
            CaptionCommand.self, VQACommand.self, ClassifyCommand.self, TrainCommand.self, EvaluateCommand.self,
            ReportCommand.self, MergeCommand.self, DataCommand.self, ModelCommand.self, BenchCommand.self,
        ])

    static var names: CommandNames { CommandNames(root: self) }

    static func main() {
        Timings.begin()
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
