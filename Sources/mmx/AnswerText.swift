import Explain
import Foundation

/// Answers as a person reads them.
struct AnswerText {
    let isColored: Bool
    let namesQuestions: Bool

    /// Whether standard output is a terminal whose user has not asked for no colours (https://no-color.org).
    static var isColoredOutput: Bool {
        isatty(STDOUT_FILENO) == 1 && ProcessInfo.processInfo.environment["NO_COLOR", default: ""].isEmpty
    }

    func lines(_ manifest: AnswerManifest) -> [String] {
        manifest.questions.flatMap { question -> [String] in
            var lines = namesQuestions ? ["\(question.number). \(question.question)"] : []
            lines += question.answers.map { "\(String(format: "%5.1f %%", $0.probability * 100))  \($0.answer)" }
            for score in question.scores {
                if let words = score.words { lines.append("\(score.name): \(line(words))") }
                if let overlay = score.files.overlay {
                    lines.append("\(score.name) (score \(String(format: "%.3f", score.value))): \(overlay)")
                }
            }
            return lines
        }
    }

    /// The words with what each carried: red speaks for the answer, blue against it, the stronger the fuller.
    private func line(_ words: [AnswerManifest.Word]) -> String {
        let largest = words.map { abs($0.contribution) }.max() ?? 0
        return words.map { word in
            let number = String(format: "%+.3g", word.contribution)
            let part = word.contribution / largest
            guard isColored, part.isFinite else { return "\(word.word) \(number)" }
            let faint = UInt8(255 - 175 * min(1, abs(part)))
            let ground = part >= 0 ? "255;\(faint);\(faint)" : "\(faint);\(faint);255"
            return "\u{1B}[30;48;2;\(ground)m\(word.word)\u{1B}[0m \(number)"
        }.joined(separator: isColored ? " " : ", ")
    }
}
