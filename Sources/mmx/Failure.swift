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
        if let error = error as? any UserFacingError { return type(of: error).failureCode.rawValue }
        let domain = (error as NSError).domain
        return domain == NSCocoaErrorDomain || domain == NSPOSIXErrorDomain ? FailureCode.output.rawValue : nil
    }
}
