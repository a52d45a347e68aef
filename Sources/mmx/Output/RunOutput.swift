import Explain
import Support

extension RunResult {
    /// Prints the run's warnings, then its result as JSON or as text, with its timings where they are on. Only then it
    /// says that the files could not be written: the result is there all the same.
    /// - Parameters:
    ///   - isEscaped: see ``StandardOutput/print(_:isEscaped:)``.
    ///   - text: the lines that a person reads.
    /// - Throws: ``failure``, and errors of standard output.
    func print(asJSON: Bool, isEscaped: Bool = false, text: () -> [String]) throws {
        Failure.warn(manifest.allWarnings)
        if asJSON {
            var result = self
            result.timings = Timings.report
            try StandardOutput.printJSON(result.json())
        } else {
            try StandardOutput.print(text().joined(separator: "\n"), isEscaped: isEscaped)
            if let timings = Timings.report { StandardError.write(timings.table + "\n") }
        }
        if let failure { throw failure }
    }
}
