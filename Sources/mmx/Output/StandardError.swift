import Foundation

/// Progress, notes and errors; results go to standard output.
enum StandardError {
    static func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }

    static func line(_ text: String) { write(text + "\n") }
}
