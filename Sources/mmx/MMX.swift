import ArgumentParser
import Explain
import Foundation

@main
struct MMX: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mmx",
        abstract:
            """
            Why did the model say that? Explanations of image captions, word by word, of answers to questions, and of \
            classes.
            """,
        discussion: """
            A CNN encoder feeds an LSTM that writes a caption; mmx goes back from one word's log-probability into the \
            last convolutional layer and draws where in the photograph the word came from (Grad-CAM, Selvaraju et al. \
            2017).

            Results go to standard output, progress and diagnostics to standard error.

            Exit codes: 0 done; 1 something unexpected; 2 the request cannot be met (unknown word, answer or \
            class, no such layer); 3 a picture cannot be read; 4 a model or weight file cannot be used; 5 a data set cannot be used; \
            6 the output cannot be written; 64 wrong usage.
            """,
        version: "mmx 0.1.0",
        subcommands: [
            CaptionCommand.self, VQACommand.self, ClassifyCommand.self, TrainCommand.self, EvaluateCommand.self,
            DataCommand.self, ModelCommand.self, BenchCommand.self,
        ])

    static func main() {
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch {
            Failure.report(error, of: self)
        }
    }
}
