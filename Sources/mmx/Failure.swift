import ArgumentParser
import Explain
import Foundation
import Language
import Tasks
import Tensors
import Vision
import Weights

/// Errors for people: one line on standard error, and the exit code that the help text documents.
enum Failure {
    static func report(_ error: Error, of command: ParsableCommand.Type) -> Never {
        if let usage = error as? UsageError {
            StandardError.line(usage.text)
            Foundation.exit(ExitCode.validationFailure.rawValue)
        }
        guard let code = exitCode(of: error) else { command.exit(withError: error) }
        StandardError.line("mmx: \(error)")
        Foundation.exit(code)
    }

    /// One line on standard error for each warning; the results go out all the same.
    static func warn(_ warnings: [String]) {
        for warning in warnings { StandardError.line("mmx: warning: \(warning)") }
    }

    /// nil for what swift-argument-parser reports itself: usage errors, help, version.
    static func exitCode(of error: Error) -> Int32? {
        switch error {
        case is ExplanationError, is QuestionError, is ClassNameError: return 2
        case is ImageError: return 3
        case is ModelError, is ParameterError, is SafeTensorsError, is CheckpointError, is VocabularyError,
            is UnknownEncoder, is EncoderInputError, is FoldingError, is NumPyArrayError, is WeightsFileError,
            is ImportError:
            return 4
        case is DatasetError: return 5
        case is AtomicFileError: return 6
        default:
            let domain = (error as NSError).domain
            return domain == NSCocoaErrorDomain || domain == NSPOSIXErrorDomain ? 6 : nil
        }
    }
}
