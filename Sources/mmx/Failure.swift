import ArgumentParser
import Foundation
import Support

/// Errors for people: one line on standard error, and the exit code that the help text documents.
enum Failure {
    static func report(_ error: Error, of command: ParsableCommand.Type) -> Never {
        if let usage = error as? UsageError {
            StandardError.line(usage.text)
            Foundation.exit(ExitCode.validationFailure.rawValue)
        }
        if let code = exitCode(of: error) {
            StandardError.line("mmx: \(error)")
            // OpenBLAS waits at the process's end for threads that it could not start.
            if error is LimitError { _exit(code) }
            Foundation.exit(code)
        }
        let code = command.exitCode(for: error), text = command.fullMessage(for: error)
        if code == .success {
            do { try StandardOutput.print(text, isEscaped: true) } catch { report(error, of: command) }
        } else if !text.isEmpty {
            StandardError.line(text)
        }
        Foundation.exit(code.rawValue)
    }

    /// One line on standard error for each warning; the results go out all the same.
    static func warn(_ warnings: [String]) {
        for warning in warnings { StandardError.line("mmx: warning: \(warning)") }
    }

    /// nil for what swift-argument-parser reports itself: usage errors, help, version.
    static func exitCode(of error: Error) -> Int32? {
        if error is LimitError { return ExitCode.failure.rawValue }
        if let error = error as? any UserFacingError { return type(of: error).failureCode.rawValue }
        let domain = (error as NSError).domain
        return domain == NSCocoaErrorDomain || domain == NSPOSIXErrorDomain ? FailureCode.output.rawValue : nil
    }
}
