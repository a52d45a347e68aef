import Drawing
import Explain
import Foundation

/// Numbers and files as every explaining command prints them.
enum ResultText {
    /// One decimal, in a column of five characters and the sign.
    static func percent(_ probability: Float) -> String { String(format: "%5.1f %%", probability * 100) }

    /// Sizes of an array or of an image, as "224x224x3".
    static func shape(_ sizes: some Sequence<Int>) -> String { sizes.map(String.init).joined(separator: "x") }

    /// A target, what is known of it and the overlay of its map; nil where no overlay was drawn.
    /// - Parameters:
    ///   - probability: the target's, 0...1.
    ///   - language: what the model reads beside the image, "sentence" or "question".
    ///   - kind: what the score is called.
    ///   - namesMethod: whether the maps are made by several methods.
    ///   - path: the whole path of a file that the manifest names.
    static func map<Subject>(
        _ target: ManifestTarget<Subject>, probability: Float, language: String = "", kind: String = "score",
        namesMethod: Bool, path: (String) -> String
    ) -> String? {
        let facts = [
            probabilityFact(probability), target.evidence.text(language: language),
            "\(kind) \(String(format: "%.3f", target.value))", namesMethod ? target.method : "",
        ]
        return target.files.overlay.map { line(target.name, facts, file: path($0)) }
    }

    /// "dog (p = 0.93, evidence +2.10 nats): dog.png"; empty facts are left out.
    static func line(_ name: String, _ facts: [String], file: String) -> String {
        "\(name) (\(facts.filter { !$0.isEmpty }.joined(separator: ", "))): \(file)"
    }

    /// Whether standard output is a terminal with colours, whose user has not asked for none (https://no-color.org).
    static var isColoredOutput: Bool {
        let environment = ProcessInfo.processInfo.environment
        let isWanted = environment["NO_COLOR", default: ""].isEmpty && environment["TERM"] != "dumb"
        return isWanted && isatty(STDOUT_FILENO) == 1
    }

    /// A word on a coloured ground: red for what is positive, blue for what is negative, the stronger the fuller.
    /// - Parameter part: -1...1.
    static func shaded(_ word: String, _ part: Float) -> String {
        guard part.isFinite else { return word }
        // Of the 256 colours that every terminal has: white, and four steps of red and of blue.
        let step = Int((min(1, abs(part)) * 4).rounded())
        let ground = part >= 0 ? 231 - 7 * step : 231 - 42 * step
        return "\u{1B}[38;5;16;48;5;\(ground)m\(word)\u{1B}[0m"
    }
}
