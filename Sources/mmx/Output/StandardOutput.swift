import Foundation
import Support

/// Results. A result that cannot be written is an error with the exit code of outputs.
enum StandardOutput: FileErrorSubject {
    static let messageStart = "cannot write the results to "
    static let failureCode = FailureCode.output

    /// Prints a result and ends the line.
    /// - Parameter isEscaped: whether the text is safe for a terminal as it is: its parts from files are escaped, and
    ///   what steers the terminal is mmx's own, as colours are.
    /// - Throws: `FileError` where standard output is closed or full. A reader that went away (`| head`) ends the
    ///   program quietly, by the signal SIGPIPE, unless the program was started with that signal ignored.
    static func print(_ text: String, isEscaped: Bool = false) throws {
        try write((isEscaped ? text : PrintableText.escaped(text)) + "\n")
    }

    /// Prints a line of JSON Lines, which has its end already.
    /// - Throws: as ``print(_:isEscaped:)``.
    static func printLine(_ line: String) throws { try write(PrintableText.escaped(line, .json)) }

    /// Prints JSON: what must not reach a terminal is escaped so that readers of JSON get the same text.
    /// - Throws: as ``print(_:isEscaped:)``.
    static func printJSON(_ text: String) throws { try write(PrintableText.escaped(text, .json) + "\n") }

    private static func write(_ text: String) throws {
        let code = Descriptor.write(text, to: STDOUT_FILENO)
        if code != 0 { throw FileError<Self>(path: "standard output", problem: systemMessage(code)) }
    }
}
