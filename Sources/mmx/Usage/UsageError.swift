import ArgumentParser

/// Wrong usage that the parser does not see. It is reported as the parser reports its own errors, with exit code 64.
struct UsageError: Error {
    let message: String
    /// The names of the command and of those above it, as `["mmx", "train", "caption"]`.
    let path: [String]

    /// What standard error gets.
    var text: String {
        var lines = ["Error: \(message)"]
        if let command = MMX.names.command(path) { lines.append("Usage: \(MMX.usageString(for: command))") }
        lines.append("  See '\(path.joined(separator: " ")) --help' for more information.")
        return lines.joined(separator: "\n")
    }
}

/// A command that looks at its whole request before it runs. Unlike `validate()`, it is asked only when every argument
/// is known, so that a misspelt option is reported first.
protocol CheckedCommand: ParsableCommand {
    /// - Parameter arguments: all of the command line, after the program's name.
    /// - Throws: ``Misuse``, or an error with an exit code of its own.
    func checkRequest(_ arguments: [String]) throws
}

/// Wrong usage of the command that throws it.
struct Misuse: Error {
    let message: String

    init(_ message: String) { self.message = message }
}
