import Explain
import Foundation
import Support

/// Answers as a person reads them.
struct AnswerText {
    let isColored: Bool
    let namesQuestions: Bool

    /// Whether standard output is a terminal with colours, whose user has not asked for none (https://no-color.org).
    static var isColoredOutput: Bool {
        let environment = ProcessInfo.processInfo.environment
        let isWanted = environment["NO_COLOR", default: ""].isEmpty && environment["TERM"] != "dumb"
        return isWanted && isatty(STDOUT_FILENO) == 1
    }

    /// What is to be printed, escaped for a terminal.
    /// - Parameter path: the whole path of a file that the manifest names.
    func lines(_ manifest: VQAManifest, path: (String) -> String) -> [String] {
        manifest.questions.flatMap { question -> [String] in
            var lines = namesQuestions ? ["\(question.number). \(escaped(question.question))"] : []
            lines += question.answers.map { "\(ResultText.percent($0.probability))  \(escaped($0.answer))" }
            let namesMethods = Set(question.scores.map(\.method)).count > 1
            for score in question.scores {
                if let words = score.words { lines.append("\(escaped(score.name)): \(line(words))") }
                if let line = ResultText.map(
                    score.name, score: score.value, method: namesMethods ? score.method : nil,
                    file: score.files.overlay.map(path))
                {
                    lines.append(escaped(line))
                }
            }
            if let sheet = question.methodSheet { lines.append("sheet: \(escaped(path(sheet)))") }
            return lines
        }
    }

    private func escaped(_ text: String) -> String { PrintableText.escaped(text) }

    /// The words with what each carried: red speaks for the answer, blue against it, the stronger the fuller. As many
    /// decimals for all as give the largest three digits.
    private func line(_ words: [ManifestWord]) -> String {
        let largest = words.map { abs($0.contribution) }.filter(\.isFinite).max() ?? 0
        let decimals = largest > 0 ? max(0, min(6, 2 - Int(log10(largest).rounded(.down)))) : 0
        return words.map { word in
            let number = String(format: "%+.\(decimals)f", word.contribution)
            let part = word.contribution / largest
            guard isColored, part.isFinite else { return "\(escaped(word.word)) \(number)" }
            // Of the 256 colours that every terminal has: white, and four steps of red and of blue.
            let step = Int((min(1, abs(part)) * 4).rounded())
            let ground = part >= 0 ? 231 - 7 * step : 231 - 42 * step
            return "\u{1B}[38;5;16;48;5;\(ground)m \(escaped(word.word)) \u{1B}[0m \(number)"
        }.joined(separator: isColored ? "  " : ", ")
    }
}
