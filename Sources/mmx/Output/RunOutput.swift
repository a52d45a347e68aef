import Explain

extension RunResult {
    /// Prints the run's warnings and its result, as JSON or as text, and only then says that its files could not be
    /// written: the result is there all the same.
    /// - Parameters:
    ///   - isEscaped: see ``StandardOutput/print(_:isEscaped:)``.
    ///   - text: the lines that a person reads.
    /// - Throws: ``failure``, and errors of standard output.
    func print(asJSON: Bool, isEscaped: Bool = false, text: () -> [String]) throws {
        Failure.warn(manifest.allWarnings)
        if asJSON {
            try StandardOutput.printJSON(json())
        } else {
            try StandardOutput.print(text().joined(separator: "\n"), isEscaped: isEscaped)
        }
        if let failure { throw failure }
    }
}
