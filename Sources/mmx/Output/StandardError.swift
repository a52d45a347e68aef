import Foundation
import Support

/// Progress, notes and errors; results go to standard output.
///
/// Where it is closed or cannot take more, the text is lost and the work goes on.
enum StandardError {
    /// The longest line, in characters: a name in a hostile file may have megabytes.
    private static let longestLine = 8_000

    /// Writes `text` as it is. Text from files belongs into ``line(_:)``.
    static func write(_ text: String) {
        // A reader that went away must not end the work.
        let action = signal(SIGPIPE, SIG_IGN)
        defer { signal(SIGPIPE, action) }
        _ = Descriptor.write(text, to: STDERR_FILENO)
    }

    /// Writes a message, whatever is in it: escaped, and shortened where it is very long.
    static func line(_ text: String) {
        write(PrintableText.escaped(PrintableText.shortened(text, to: longestLine)) + "\n")
    }
}
