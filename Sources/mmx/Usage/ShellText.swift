import Foundation

/// Command lines for a person to copy.
enum ShellText {
    /// `text` as one argument of a shell: as it is where that is safe, in quotes elsewhere.
    static func quoted(_ text: String) -> String {
        let safe = CharacterSet.alphanumerics.union(CharacterSet(charactersIn: "-_./:,+=@%"))
        return !text.isEmpty && text.unicodeScalars.allSatisfy(safe.contains) ? text : always(text)
    }

    /// `text` in quotes, whatever it is: double ones, or single ones where a shell would read something into it.
    static func always(_ text: String) -> String {
        guard text.contains(where: { "\"$`\\!".contains($0) }) else { return "\"\(text)\"" }
        return "'" + text.replacingOccurrences(of: "'", with: "'\\''") + "'"
    }
}
